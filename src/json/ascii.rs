//! Finds the end of the plain part of a string, eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// How many bytes at the front of `bytes` are plain: ASCII, no control character, no quote, no backslash.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            return bytes.len() - rest.len() + (stops.trailing_zeros() / 8) as usize;
        }
        rest = after;
    }
    let tail = rest.iter().take_while(|byte| is_plain(**byte)).count();
    bytes.len() - rest.len() + tail
}

/// How many bytes at the front of `bytes` are digits.
#[inline]
pub(super) fn digits(bytes: &[u8]) -> usize {
    let first = bytes.iter().position(|byte| !byte.is_ascii_digit());
    first.unwrap_or(bytes.len())
}

fn is_plain(byte: u8) -> bool {
    (0x20..0x80).contains(&byte) && byte != b'"' && byte != b'\\'
}

/// The high bit of every byte that is not plain.
///
/// Borrows may set a bit above a byte that is truly not plain, never below it: the lowest is exact. The differences
/// of bytes beyond ASCII say nothing, and need not: those stop by themselves.
#[inline]
fn stops(word: u64) -> u64 {
    let quote = (word ^ (ONES * 0x22)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * 0x5c)).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * 0x20);
    (quote | backslash | control | word) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::{is_plain, plain_prefix};

    #[test]
    fn finds_every_stop_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..61 {
                let mut bytes = [b'a'; 61];
                bytes[at] = byte;
                let expected = if is_plain(byte) { 61 } else { at };
                assert_eq!(plain_prefix(&bytes), expected, "{byte:#x} at {at}");
                assert_eq!(plain_prefix(&bytes[..at + 1]), expected.min(at + 1));
            }
        }
    }
}
