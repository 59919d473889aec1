//! Where parts begin and end, read strictly: what a forgiving reader would split elsewhere is refused.
//!
//! INVARIANT: the events, put together, are the body, byte for byte; they do not depend on how it was cut.

use bytes::BytesMut;
use memchr::memmem;
use mime::Mime;

use super::malformed;
use crate::types::Refusal;

/// The longest head of a part.
const HEAD: usize = 16 << 10;

/// What separates the parts: two hyphens and the `boundary` parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::filter) struct Boundary(Box<[u8]>);

impl Boundary {
    /// The boundary of a `multipart/*` type (RFC 2046 section 5.1.1), where it names exactly one. Many readers look for
    /// the word alone, the first or the last one, and end the value at a comma.
    pub(in crate::filter) fn of(media: &Mime) -> Option<Self> {
        let mut named = media
            .params()
            .filter(|(name, _)| name.as_str().to_ascii_lowercase().starts_with("boundary"));
        let (Some((name, value)), None) = (named.next(), named.next()) else {
            return None;
        };
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_-./:=? ".contains(&byte);
        let value = value.as_str();
        let fits = (1..=70).contains(&value.len())
            && value.bytes().all(is_allowed)
            && !value.ends_with(' ')
            && names_one(media.as_ref(), value)
            && name.as_str().len() == "boundary".len();
        fits.then(|| Self(format!("--{value}").into_bytes().into()))
    }
}

/// The word `boundary` stands once in the type, but for the value: browsers write it there as well.
fn names_one(text: &str, value: &str) -> bool {
    let words = |text: &str| text.to_ascii_lowercase().matches("boundary").count();
    let in_value = words(value);
    words(text) == in_value + 1 && (in_value == 0 || !value.contains('='))
}

/// A piece of a multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filter) enum Event<'a> {
    /// A delimiter, or what stands before the first or behind the last one.
    Frame(&'a [u8]),
    /// The head of a part, with the empty line that ends it.
    Head(&'a [u8]),
    /// Some of a part's body.
    Data(&'a [u8]),
    /// The part at hand has ended.
    End,
}

/// Splits a body into its parts as it comes.
#[derive(Debug, Default)]
pub(in crate::filter) struct Splitter {
    delimiter: Box<[u8]>,
    /// What came and is not told yet.
    held: BytesMut,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    #[default]
    Start,
    /// Right behind a delimiter.
    Delimited,
    /// In the head of a part.
    Head,
    /// In the body of a part.
    Data,
    /// Behind the last delimiter.
    Over,
}

type Take<'t> = &'t mut dyn FnMut(Event<'_>) -> Result<(), Refusal>;

impl Splitter {
    pub(in crate::filter) fn new(boundary: &Boundary) -> Self {
        Self {
            delimiter: boundary.0.clone(),
            ..Self::default()
        }
    }

    /// Bytes that are not told yet.
    pub(in crate::filter) fn held(&self) -> usize {
        self.held.len()
    }

    /// Takes the next bytes and tells what they are.
    pub(in crate::filter) fn write(&mut self, chunk: &[u8], take: Take<'_>) -> Result<(), Refusal> {
        self.held.extend_from_slice(chunk);
        while self.step(take)? {}
        Ok(())
    }

    /// Takes the end of the body.
    pub(in crate::filter) fn finish(&mut self, take: Take<'_>) -> Result<(), Refusal> {
        match self.state {
            State::Over if self.held.is_empty() || *self.held == *b"\r\n" => {
                take(Event::Frame(&self.held.split()))
            }
            State::Over => Err(malformed("something stands behind its last part")),
            _ => Err(malformed("it ends inside of a part")),
        }
    }

    /// Goes on by one event; false where more input is needed.
    fn step(&mut self, take: Take<'_>) -> Result<bool, Refusal> {
        match self.state {
            State::Start => self.start(take),
            State::Delimited => self.delimited(take),
            State::Head => self.head(take),
            State::Data => self.data(take),
            State::Over if self.held.len() > 2 => {
                Err(malformed("something stands behind its last part"))
            }
            State::Over => Ok(false),
        }
    }

    fn start(&mut self, take: Take<'_>) -> Result<bool, Refusal> {
        let lead = if self.held.starts_with(b"\r") { 2 } else { 0 };
        let length = lead + self.delimiter.len();
        let wanted = b"\r\n".iter().take(lead).chain(self.delimiter.iter());
        if self
            .held
            .iter()
            .zip(wanted)
            .any(|(is, wanted)| is != wanted)
        {
            return Err(malformed("something stands before its first part"));
        }
        if self.held.len() < length {
            return Ok(false);
        }
        self.frame(length, State::Delimited, take)
    }

    fn delimited(&mut self, take: Take<'_>) -> Result<bool, Refusal> {
        match self.held.get(..2) {
            None => Ok(false),
            Some(b"\r\n") => self.frame(2, State::Head, take),
            Some(b"--") => self.frame(2, State::Over, take),
            Some(_) => Err(malformed("a boundary goes on behind its end")),
        }
    }

    fn frame(&mut self, length: usize, next: State, take: Take<'_>) -> Result<bool, Refusal> {
        self.state = next;
        take(Event::Frame(&self.held.split_to(length)))?;
        Ok(true)
    }

    fn head(&mut self, take: Take<'_>) -> Result<bool, Refusal> {
        let end = if self.held.starts_with(b"\r\n") {
            Some(2)
        } else {
            memmem::find(&self.held, b"\r\n\r\n").map(|at| at + 4)
        };
        if end.unwrap_or(self.held.len()) > HEAD {
            return Err(malformed("the head of a part is too long"));
        }
        let Some(end) = end else {
            return Ok(false);
        };
        let head = self.held.split_to(end);
        if memmem::find(&head, &self.delimiter).is_some() {
            return Err(malformed("a boundary stands in the head of a part"));
        }
        self.state = State::Data;
        take(Event::Head(&head))?;
        Ok(true)
    }

    fn data(&mut self, take: Take<'_>) -> Result<bool, Refusal> {
        let Some(at) = memmem::find(&self.held, &self.delimiter) else {
            // The delimiter may have begun, with its line break.
            let kept = self.held.len().min(self.delimiter.len() + 1);
            return self.release(self.held.len() - kept, false, take);
        };
        let before = self.held.get(..at).unwrap_or_default();
        if before.ends_with(b"\r\n") {
            return self.release(at - 2, true, take);
        }
        if before.is_empty() || before.ends_with(b"\n") || before.ends_with(b"\r") {
            return Err(malformed("a boundary without a whole line break before it"));
        }
        // In the middle of a line it is none.
        self.release(at + 1, false, take)
    }

    /// Tells `length` bytes of data, and where they end the part, its end and delimiter.
    fn release(&mut self, length: usize, is_end: bool, take: Take<'_>) -> Result<bool, Refusal> {
        if length > 0 {
            take(Event::Data(&self.held.split_to(length)))?;
        }
        if is_end {
            take(Event::End)?;
            return self.frame(2 + self.delimiter.len(), State::Delimited, take);
        }
        Ok(length > 0 && self.held.len() > self.delimiter.len() + 1)
    }
}
