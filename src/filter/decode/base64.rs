//! The content of `data:` URLs in base64, wherever they stand: what follows `;base64,`.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Step;

/// What browsers take for base64 (WHATWG Infra, forgiving-base64).
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const WORD: &[u8] = b"base64";
/// White space inside of a group, or of the mark, at most.
const BLANK: usize = 256;

/// Whether the reader is behind a mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Base64 {
    is_inside: bool,
}

impl Base64 {
    pub(super) fn mark(self, text: &[u8]) -> Option<usize> {
        if self.is_inside {
            return Some(0);
        }
        memchr::memchr(b';', text)
    }

    pub(super) fn step(&mut self, text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Step {
        if self.is_inside {
            self.group(text, is_last, out)
        } else {
            self.begin(text, is_last)
        }
    }

    /// `;base64,`, in any letter case and with spaces in it.
    fn begin(&mut self, text: &[u8], is_last: bool) -> Step {
        let blank = |from: usize| {
            let rest = text.iter().skip(from).take(BLANK);
            from + rest.take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        let start = blank(1);
        let word = text.get(start..).unwrap_or_default();
        let length = word.len().min(WORD.len());
        let is_like = word.get(..length).is_some_and(|word| {
            WORD.get(..length)
                .is_some_and(|known| known.eq_ignore_ascii_case(word))
        });
        if !is_like || start > BLANK {
            return Step::Plain(1);
        }
        let end = blank(start + length);
        match text.get(end) {
            Some(b',') if length == WORD.len() => {
                self.is_inside = true;
                Step::Plain(end + 1)
            }
            None if !is_last && end <= start + length + BLANK => Step::More,
            _ => Step::Plain(1),
        }
    }

    /// Four characters, or what is left of them at the end.
    fn group(&mut self, text: &[u8], is_last: bool, out: &mut Vec<u8>) -> Step {
        let mut group = [b'A'; 4];
        let (mut count, mut length, mut blank) = (0, 0, 0);
        for byte in text {
            let letter = match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => *byte,
                byte if byte.is_ascii_whitespace() && blank < BLANK => {
                    blank += 1;
                    continue;
                }
                _ => {
                    self.is_inside = false;
                    break;
                }
            };
            if let Some(slot) = group.get_mut(count) {
                *slot = letter;
            }
            count += 1;
            length = count + blank;
            if count == group.len() {
                break;
            }
        }
        if count < group.len() && self.is_inside {
            if !is_last {
                return Step::More;
            }
            self.is_inside = false;
        }
        if count < 2 {
            // What ends it is looked at again.
            return Step::Plain(length);
        }
        let padding = text.iter().skip(length).take(group.len() - count);
        let padding = padding.take_while(|byte| **byte == b'=').count();
        if count + padding < group.len() && length + padding == text.len() && !is_last {
            self.is_inside = true;
            return Step::More;
        }
        if let Ok(bytes) = FORGIVING.decode(group.get(..count).unwrap_or_default()) {
            out.extend_from_slice(&bytes);
        }
        Step::Escape(length + padding)
    }
}

/// `text` between two others in base64 that means the same wherever groups of four begin: without padding.
pub(super) fn encode(before: &[u8], text: &str, behind: &[u8]) -> String {
    let length = before.len() + text.len() + behind.len();
    let blank = vec![b' '; length.next_multiple_of(3) - length];
    let all = [before, text.as_bytes(), &blank, behind].concat();
    base64::engine::general_purpose::STANDARD.encode(all)
}
