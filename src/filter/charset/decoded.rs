//! Between the bytes of a body and the format that reads them as UTF-8.

use encoding_rs::Encoding;

use super::declared::{Document, Head, hides, malformed};
use super::transcoder::Transcoder;
use super::{Charset, Label, is_utf16};
use crate::filter::decode::Language;
use crate::filter::window::{self, Window};
use crate::filter::{Format, Inspector, Output};
use crate::types::{ReasonCode, Refusal};

/// A body in a charset that is said, or that its first bytes say.
pub(super) struct Decoded {
    format: Box<dyn Format>,
    label: Label,
    document: Document,
    language: Language,
    head: Head,
    /// What the head names, once it is whole.
    named: Option<Vec<&'static Encoding>>,
    state: State,
    /// Something beyond ASCII has come: charsets make a difference.
    has_letters: bool,
    /// What the document says of itself has been looked at.
    is_agreed: bool,
    /// Some records are kept back.
    is_ruled: bool,
    limit: usize,
}

enum State {
    /// The first bytes, which may be a byte order mark.
    Opening(Vec<u8>),
    /// ASCII alone may pass.
    Ascii,
    /// UTF-8, which the format looks at by itself.
    Plain,
    /// Another encoding.
    Coded(Box<Coded>),
}

struct Coded {
    transcoder: Transcoder,
    /// What the format lets pass.
    passed: Output,
    second: Second,
}

/// Reads the bytes as those do who take everything for UTF-8, scripts (`fetch`) and command lines among them.
struct Second {
    inspector: Inspector,
    window: Window,
    passed: Output,
}

/// A byte order mark, which browsers believe before all else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// More bytes decide.
    Open,
    None,
    Utf8,
    Utf16(&'static Encoding),
}

impl Decoded {
    pub(super) fn new(format: Box<dyn Format>, charset: Charset, inspector: &Inspector) -> Self {
        let Charset {
            label,
            document,
            language,
            ..
        } = charset;
        let plan = inspector.plan();
        Self {
            format,
            label,
            document,
            language,
            head: Head::new(document),
            named: None,
            state: State::Opening(Vec::new()),
            has_letters: false,
            is_agreed: false,
            is_ruled: plan.treatment.has_owner_rule(),
            limit: plan.context.limits.record,
        }
    }

    /// What the first bytes say, against what the label says.
    fn open(&self, mark: Mark, inspector: &Inspector) -> Result<State, Refusal> {
        let encoding = match (self.label, mark) {
            (Label::Unsaid | Label::Utf8, Mark::None | Mark::Utf8) => return Ok(State::Plain),
            (Label::Ascii, Mark::None) => return Ok(State::Ascii),
            (Label::Unsaid | Label::Utf16, Mark::Utf16(encoding)) => encoding,
            (Label::Encoding(encoding), Mark::Utf16(marked)) if encoding == marked => encoding,
            (Label::Encoding(encoding), Mark::None) => encoding,
            (Label::Utf16, Mark::None) => {
                return Err(malformed("UTF-16 without a mark that says its order"));
            }
            _ => return Err(malformed("a byte order mark that belies its charset")),
        };
        Ok(State::Coded(self.coded(encoding, inspector)))
    }

    fn coded(&self, encoding: &'static Encoding, inspector: &Inspector) -> Box<Coded> {
        let inspector = inspector.anew();
        Box::new(Coded {
            transcoder: Transcoder::new(encoding, self.is_ruled),
            passed: Output::default(),
            second: Second {
                window: Window::of_second(
                    &inspector,
                    self.language,
                    window::Second {
                        is_wide: is_utf16(encoding),
                        has_trails: !encoding.is_single_byte(),
                    },
                ),
                inspector,
                passed: Output::default(),
            },
        })
    }

    fn read(
        &mut self,
        bytes: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        match &mut self.state {
            State::Opening(_) => return Err(Refusal::new(ReasonCode::Internal)),
            State::Ascii if !bytes.is_ascii() => {
                return Err(malformed("more than ASCII, which its charset is"));
            }
            State::Ascii => return self.format.write(bytes, inspector, out),
            State::Plain => return self.plain(bytes, inspector, out),
            State::Coded(_) => {}
        }
        self.head.extend(bytes);
        self.decode(bytes, false, inspector, out)?;
        self.agree(false)
    }

    /// UTF-8, unless the document has said another charset before the first letter beyond ASCII.
    fn plain(
        &mut self,
        bytes: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if self.document == Document::Other {
            return self.format.write(bytes, inspector, out);
        }
        let first = if self.has_letters || bytes.is_ascii() {
            None
        } else {
            bytes.iter().position(|byte| !byte.is_ascii())
        };
        let (ascii, rest) = bytes
            .split_at_checked(first.unwrap_or(bytes.len()))
            .unwrap_or((bytes, &[]));
        self.head.extend(ascii);
        if first.is_some() {
            self.has_letters = true;
            if let Some(encoding) = self.said()? {
                self.format.write(ascii, inspector, out)?;
                self.format.read_in(encoding, true)?;
                self.state = State::Coded(self.coded(encoding, inspector));
                return self.read(rest, inspector, out);
            }
            self.head.extend(rest);
        }
        self.agree(false)?;
        self.format.write(bytes, inspector, out)
    }

    /// The encoding other than UTF-8 that the document has named, where nothing else says one.
    fn said(&self) -> Result<Option<&'static Encoding>, Refusal> {
        if self.label != Label::Unsaid {
            return Ok(None);
        }
        let named = self.head.named();
        let Some(encoding) = named.first().copied() else {
            return Ok(None);
        };
        if named.iter().any(|other| *other != encoding) || hides(encoding) {
            return Err(disagreement());
        }
        Ok((encoding != encoding_rs::UTF_8).then_some(encoding))
    }

    /// Holds what the document says of itself against how it is read, once that is known.
    fn agree(&mut self, is_last: bool) -> Result<(), Refusal> {
        if self.is_agreed || !(is_last || self.head.is_whole()) {
            return Ok(());
        }
        let reading = match &self.state {
            State::Coded(coded) => coded.transcoder.encoding(),
            _ => encoding_rs::UTF_8,
        };
        // Whoever reads another charset could not read what it says there.
        if is_utf16(reading) {
            self.is_agreed = true;
            return Ok(());
        }
        let named = self.named.get_or_insert_with(|| self.head.named());
        // Before any letter, a charset in which letters are ASCII.
        let is_hidden = self.label == Label::Unsaid && named.iter().any(|other| hides(other));
        if is_hidden || self.has_letters && named.iter().any(|other| *other != reading) {
            return Err(disagreement());
        }
        self.is_agreed = self.has_letters;
        Ok(())
    }

    fn decode(
        &mut self,
        bytes: &[u8],
        is_last: bool,
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let State::Coded(coded) = &mut self.state else {
            return Err(Refusal::new(ReasonCode::Internal));
        };
        let text = coded.transcoder.decode(bytes, is_last)?;
        coded.second.read(bytes)?;
        self.has_letters |= !text.is_ascii();
        if !text.is_empty() {
            self.format
                .write(text.as_bytes(), inspector, &mut coded.passed)?;
        }
        coded.release(self.limit, out)
    }
}

impl Coded {
    /// Lets go what may pass, in the charset it came in.
    fn release(&mut self, limit: usize, out: &mut Output) -> Result<(), Refusal> {
        if !self.passed.held {
            self.transcoder.encode(&self.passed.bytes, &mut out.bytes)?;
            self.passed.bytes.clear();
        } else if self.passed.bytes.len() > limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        out.held = self.passed.held;
        Ok(())
    }
}

impl Second {
    fn read(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.window
            .write(bytes, &mut self.inspector, &mut self.passed.bytes)?;
        self.passed.bytes.clear();
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Refusal> {
        self.window
            .finish(&mut self.inspector, &mut self.passed.bytes)
    }
}

impl Format for Decoded {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        let State::Opening(first) = &mut self.state else {
            return self.read(chunk, inspector, out);
        };
        first.extend_from_slice(chunk);
        let first = std::mem::take(first);
        match mark(&first) {
            Mark::Open => {
                self.state = State::Opening(first);
                Ok(())
            }
            mark => self.begin(mark, &first, inspector, out),
        }
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let State::Opening(first) = &mut self.state {
            let first = std::mem::take(first);
            if first.is_empty() {
                self.state = State::Plain;
            } else {
                self.begin(Mark::None, &first, inspector, out)?;
            }
        }
        if matches!(self.state, State::Coded(_)) {
            self.decode(&[], true, inspector, out)?;
        }
        self.agree(true)?;
        match &mut self.state {
            State::Coded(coded) => {
                coded.second.finish()?;
                self.format.finish(inspector, &mut coded.passed)?;
                coded.passed.held = false;
                coded.release(self.limit, out)
            }
            _ => self.format.finish(inspector, out),
        }
    }

    fn buffered(&self) -> usize {
        let own = match &self.state {
            State::Opening(first) => first.capacity(),
            State::Coded(coded) => {
                coded.transcoder.held() + coded.passed.bytes.capacity() + coded.second.window.len()
            }
            State::Ascii | State::Plain => 0,
        };
        self.format.buffered() + own
    }
}

impl Decoded {
    /// Goes on with the first bytes.
    fn begin(
        &mut self,
        mark: Mark,
        first: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.state = self.open(mark, inspector)?;
        if let State::Coded(coded) = &self.state {
            self.format.read_in(coded.transcoder.encoding(), false)?;
        }
        // No document says another charset than its mark.
        if mark == Mark::Utf8 && self.label == Label::Unsaid {
            self.label = Label::Utf8;
        }
        self.read(first, inspector, out)
    }
}

fn mark(first: &[u8]) -> Mark {
    match first {
        [] | [0xef] | [0xef, 0xbb] | [0xfe] | [0xff] => Mark::Open,
        [0xef, 0xbb, 0xbf, ..] => Mark::Utf8,
        [0xfe, 0xff, ..] => Mark::Utf16(encoding_rs::UTF_16BE),
        [0xff, 0xfe, ..] => Mark::Utf16(encoding_rs::UTF_16LE),
        _ => Mark::None,
    }
}

fn disagreement() -> Refusal {
    malformed("a document that names another charset than it is read in")
}
