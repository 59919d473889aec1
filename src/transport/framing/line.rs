//! One line of a head or of chunk framing: text and CRLF, gathered only where a read cuts it.

use super::Malformed;

/// Gathers lines.
#[derive(Debug, Default)]
pub(super) struct Line {
    held: Vec<u8>,
    has_cr: bool,
    is_whole: bool,
}

impl Line {
    /// Whether nothing of a line has come that is not whole.
    pub(super) fn is_empty(&self) -> bool {
        self.is_whole || (self.held.is_empty() && !self.has_cr)
    }

    /// Reads on in `bytes`, which are not empty: the line without its end once it is whole, and how
    /// many of `bytes` belong to it. Each byte takes one of `room`; without any left it is `too_long`.
    pub(super) fn read<'a>(
        &'a mut self,
        bytes: &'a [u8],
        room: &mut usize,
        too_long: Malformed,
    ) -> Result<Option<(&'a [u8], usize)>, Malformed> {
        if std::mem::take(&mut self.is_whole) {
            self.held.clear();
        }
        let mut text: &[u8] = &[];
        let mut used = 0;
        if !self.has_cr {
            used = text_length(bytes);
            *room = room.checked_sub(used).ok_or(too_long)?;
            let (before, rest) = bytes.split_at(used);
            text = before;
            match rest.first() {
                None => {
                    self.held.extend_from_slice(text);
                    return Ok(None);
                }
                Some(byte) => {
                    *room = room.checked_sub(1).ok_or(too_long)?;
                    match byte {
                        b'\r' => used += 1,
                        b'\n' => return Err(Malformed::BareLf),
                        _ => return Err(Malformed::Control),
                    }
                }
            }
        }
        match bytes.get(used) {
            None => {
                self.held.extend_from_slice(text);
                self.has_cr = true;
                Ok(None)
            }
            Some(byte) => {
                *room = room.checked_sub(1).ok_or(too_long)?;
                if *byte != b'\n' {
                    return Err(Malformed::BareCr);
                }
                self.has_cr = false;
                if self.held.is_empty() {
                    return Ok(Some((text, used + 1)));
                }
                self.is_whole = true;
                self.held.extend_from_slice(text);
                Ok(Some((&self.held, used + 1)))
            }
        }
    }
}

/// What a line may be made of: tabs, visible ASCII and what is not ASCII (RFC 9110 section 5.5).
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// How many of `bytes` are text before the first that is none. Blocks without an early exit are what
/// compilers make vector instructions of.
fn text_length(bytes: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let is_whole = |block: &&[u8]| {
        let and = |is_whole, byte: &u8| is_whole & is_text(*byte);
        block.iter().fold(true, and)
    };
    let blocks = bytes.chunks_exact(BLOCK).take_while(is_whole).count();
    let known = BLOCK * blocks;
    let rest = bytes.get(known..).unwrap_or_default();
    let more = rest.iter().position(|byte| !is_text(*byte));
    known + more.unwrap_or(rest.len())
}

/// RFC 9110 section 5.6.2.
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    let is_token = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            )
    };
    !text.is_empty() && text.iter().all(is_token)
}
