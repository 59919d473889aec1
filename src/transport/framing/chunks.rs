//! The framing of a chunked body (RFC 9112 section 7.1).

use super::fields::Fields;
use super::line::{Line, is_token};
use super::{Bounds, Malformed, Writer};

/// Bytes of the line before a chunk: its size, its extensions and the line's end.
const SIZE_LINE: usize = 16 + 256 + 2;

/// A chunked body that is being read.
#[derive(Debug)]
pub(super) struct Chunks {
    writer: Writer,
    bounds: Bounds,
    step: Step,
    line: Line,
    room: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Size,
    Data(u64),
    Cr,
    Lf,
    Trailers,
}

impl Chunks {
    pub(super) fn new(writer: Writer, bounds: Bounds) -> Self {
        Self {
            writer,
            bounds,
            step: Step::Size,
            line: Line::default(),
            room: SIZE_LINE,
            trailers: 0,
        }
    }

    /// Reads one step in `bytes`, which are not empty: how many it took, and whether the body is over.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), Malformed> {
        match self.step {
            Step::Size => {
                let too_long = Malformed::ChunkExtension;
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok((bytes.len(), false));
                };
                self.step = match size(line)? {
                    0 => Step::Trailers,
                    size => Step::Data(size),
                };
                if matches!(self.step, Step::Trailers) {
                    self.room = self.bounds.head;
                }
                Ok((used, false))
            }
            Step::Data(left) => {
                let used = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.step = match left - used as u64 {
                    0 => Step::Cr,
                    left => Step::Data(left),
                };
                Ok((used, false))
            }
            Step::Cr if bytes.starts_with(b"\r") => {
                self.step = Step::Lf;
                Ok((1, false))
            }
            Step::Lf if bytes.starts_with(b"\n") => {
                self.step = Step::Size;
                self.room = SIZE_LINE;
                Ok((1, false))
            }
            Step::Cr | Step::Lf => Err(Malformed::ChunkEnd),
            Step::Trailers => {
                let too_long = Malformed::HeadTooLarge;
                let Some((line, used)) = self.line.read(bytes, &mut self.room, too_long)? else {
                    return Ok((bytes.len(), false));
                };
                if line.is_empty() {
                    return Ok((used, true));
                }
                self.trailers += 1;
                if self.trailers > self.bounds.fields {
                    return Err(Malformed::TooManyFields);
                }
                Fields::trailer(line, self.writer)?;
                Ok((used, false))
            }
        }
    }
}

/// The size that a chunk's first line gives.
fn size(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let (digits, extensions) = line.split_at(digits.count());
    if digits.is_empty() || digits.len() > 16 {
        return Err(Malformed::ChunkSize);
    }
    let digits = std::str::from_utf8(digits).map_err(|_| Malformed::ChunkSize)?;
    let size = i64::from_str_radix(digits, 16).map_err(|_| Malformed::ChunkSize)?;
    match extensions.first() {
        None => {}
        Some(b';') if are_extensions(extensions) => {}
        Some(b';') => return Err(Malformed::ChunkExtension),
        Some(_) => return Err(Malformed::ChunkSize),
    }
    u64::try_from(size).map_err(|_| Malformed::ChunkSize)
}

/// RFC 9112 section 7.1.1, without the whitespace that only bad senders write.
fn are_extensions(mut text: &[u8]) -> bool {
    while let Some(rest) = text.strip_prefix(b";") {
        let end = memchr::memchr2(b'=', b';', rest).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(end);
        if !is_token(name) {
            return false;
        }
        let Some(value) = rest.strip_prefix(b"=") else {
            text = rest;
            continue;
        };
        let end = match value.strip_prefix(b"\"") {
            Some(quoted) => match end_of_quote(quoted) {
                Some(end) => end + 1,
                None => return false,
            },
            None => memchr::memchr(b';', value).unwrap_or(value.len()),
        };
        let (value, rest) = value.split_at(end);
        if !value.starts_with(b"\"") && !is_token(value) {
            return false;
        }
        text = rest;
    }
    text.is_empty()
}

/// How many bytes a quoted string has after its opening quote.
fn end_of_quote(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}
