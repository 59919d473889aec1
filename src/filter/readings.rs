//! What else a text says to those who decode it: percent-escapes, `+` for a space, encoded words, all once more,
//! ISO 8859-1.

mod field;

use base64::Engine as _;
use percent_encoding::percent_decode;

pub(super) use self::field::{has_obscure_word, of_field};

/// The other readings of `text`, each once; none for most texts.
///
/// Percent-escapes are undone twice, with `+` as it is and as a space (`application/x-www-form-urlencoded`). What is
/// not UTF-8 is read as ISO 8859-1, too, which header fields without another charset are in (RFC 9110 section 5.5).
pub(super) fn of(text: &[u8]) -> Vec<Vec<u8>> {
    let mut readings = decoded(text);
    let nested: Vec<Vec<u8>> = readings
        .iter()
        .flat_map(|reading| decoded(reading))
        .collect();
    readings.extend(nested);
    let latin: Vec<Vec<u8>> = std::iter::once(text)
        .chain(readings.iter().map(Vec::as_slice))
        .filter(|reading| std::str::from_utf8(reading).is_err())
        .map(|reading| {
            reading
                .iter()
                .map(|byte| char::from(*byte))
                .collect::<String>()
        })
        .map(String::into_bytes)
        .collect();
    readings.extend(latin);
    readings.sort_unstable();
    readings.dedup();
    readings.retain(|reading| reading != text);
    readings
}

fn decoded(text: &[u8]) -> Vec<Vec<u8>> {
    let mut readings = Vec::new();
    if text.contains(&b'%') {
        readings.push(percent_decode(text).collect());
    }
    if text.contains(&b'+') {
        readings.push(percent_decode(&spaced(text)).collect());
    }
    readings.extend(words(text));
    readings
}

/// The encoded words in a text undone (RFC 2047), if there are any; white space between two of them is none.
fn words(text: &[u8]) -> Option<Vec<u8>> {
    let mut starts = memchr::memmem::find_iter(text, b"=?").peekable();
    starts.peek()?;
    let (mut read, mut at, mut is_found) = (Vec::new(), 0, false);
    for start in starts {
        let Some(word) = text.get(start..).filter(|_| start >= at).and_then(word) else {
            continue;
        };
        let between = text.get(at..start).unwrap_or_default();
        if !is_found || !between.iter().all(u8::is_ascii_whitespace) {
            read.extend_from_slice(between);
        }
        read.extend_from_slice(&word.text);
        at = start + word.length;
        is_found = true;
    }
    read.extend_from_slice(text.get(at..).unwrap_or_default());
    is_found.then_some(read)
}

/// An encoded word.
struct Word {
    /// What it says; its bytes, where its charset is unknown.
    text: Vec<u8>,
    length: usize,
    /// Its charset can't be read.
    is_obscure: bool,
}

/// The encoded word at the front of a text.
fn word(text: &[u8]) -> Option<Word> {
    let mut parts = text.get(2..)?.splitn(4, |byte| *byte == b'?');
    let (charset, coding) = (parts.next()?, parts.next()?);
    let coded = parts.next()?;
    if parts.next()?.first() != Some(&b'=') {
        return None;
    }
    let bytes = match coding {
        b"B" | b"b" => {
            let coded: Vec<u8> = coded.iter().copied().filter(|byte| *byte != b'=').collect();
            base64::engine::general_purpose::STANDARD_NO_PAD
                .decode(coded)
                .ok()?
        }
        b"Q" | b"q" => {
            let letter = |byte: &u8| match byte {
                b'_' => b' ',
                b'=' => b'%',
                byte => *byte,
            };
            let percent: Vec<u8> = coded.iter().map(letter).collect();
            percent_decode(&percent).collect()
        }
        _ => return None,
    };
    // A language may stand behind it (RFC 2231 section 5).
    let label = charset
        .split(|byte| *byte == b'*')
        .next()
        .unwrap_or_default();
    let encoding = encoding_rs::Encoding::for_label_no_replacement(label);
    Some(Word {
        text: match encoding {
            Some(encoding) => encoding.decode(&bytes).0.into_owned().into_bytes(),
            None => bytes,
        },
        length: 2 + charset.len() + 1 + coding.len() + 1 + coded.len() + 2,
        is_obscure: encoding.is_none(),
    })
}

fn spaced(text: &[u8]) -> Vec<u8> {
    let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    text.iter().map(space).collect()
}

#[cfg(test)]
mod tests {
    use super::of;

    fn read(text: &str) -> Vec<String> {
        let readings = of(text.as_bytes()).into_iter();
        readings
            .map(|reading| String::from_utf8_lossy(&reading).into_owned())
            .collect()
    }

    #[test]
    fn decodes_twice_and_no_more() {
        assert!(read("Bob Byte").is_empty());
        assert!(read("").is_empty());
        assert_eq!(read("Bob+Byte"), ["Bob Byte"]);
        assert_eq!(read("Bob%20Byte"), ["Bob Byte"]);
        assert_eq!(read("Bob%2520Byte"), ["Bob Byte", "Bob%20Byte"]);
        assert_eq!(read("Bob%252BByte"), ["Bob%2BByte", "Bob+Byte"]);
        assert_eq!(read("Bob%2BByte"), ["Bob Byte", "Bob+Byte"]);
        assert_eq!(read("100%"), Vec::<String>::new());
        assert_eq!(
            read("a =?utf-8?B?Qm9i?= =?US-ASCII*en?q?=20Byte?= b"),
            ["a Bob Byte b"]
        );
        assert_eq!(read("=?utf-16be?b?AEIAbwBi?="), ["Bob"]);
        assert!(read("=?a?c?b?= =? =?utf-8?b?!?=").is_empty());
        assert_eq!(read("B%F6b"), ["Böb", "B\u{fffd}b"]);
    }
}
