//! What a field of a head says besides: quoted pairs, values in pieces, breaks in addresses.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use super::{of, word};
use crate::filter::decode::{Coding, decoded};

/// Pieces of one value, at most; nobody writes more.
const PIECES: usize = 1000;

/// The other readings of a field's value in an answer: those of every text, quoted pairs undone (RFC 9110 section
/// 5.6.4) and as backslashes of scripts, values in several parameters put together (RFC 2231 section 3), and without the tabs
/// that browsers take out of addresses.
pub(in crate::filter) fn of_field(text: &[u8]) -> Vec<Vec<u8>> {
    let mut bases = Vec::new();
    if text.contains(&b'\\') {
        bases.push(unquoted(text));
        bases.push(decoded(text, Coding::Script));
    }
    if text.contains(&b'\t') {
        bases.push(text.iter().copied().filter(|byte| *byte != b'\t').collect());
    }
    bases.extend(continued(text));
    let mut readings = of(text);
    for base in bases {
        readings.extend(of(&base));
        readings.push(base);
    }
    readings.sort_unstable();
    readings.dedup();
    readings.retain(|reading| reading != text);
    readings
}

/// Whether a text holds an encoded word (RFC 2047) whose charset nobody here can read: some clients can.
pub(in crate::filter) fn has_obscure_word(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"=?").any(|at| {
        let word = text.get(at..).and_then(word);
        word.is_some_and(|word| word.is_obscure)
    })
}

/// Without the backslashes of quoted pairs.
fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => read.extend(bytes.next()),
            byte => read.push(byte),
        }
    }
    read
}

/// The values that parameters hold in pieces (`name*0="a"; name*1*=%62`), each put together.
fn continued(text: &[u8]) -> Vec<Vec<u8>> {
    if !text.contains(&b'*') {
        return Vec::new();
    }
    let mut values: BTreeMap<Vec<u8>, BTreeMap<u32, Vec<u8>>> = BTreeMap::new();
    for parameter in parameters(text).into_iter().take(PIECES) {
        let Some((name, number, value)) = piece(parameter) else {
            continue;
        };
        values.entry(name).or_default().insert(number, value);
    }
    values
        .into_values()
        .map(|pieces| pieces.into_values().flatten().collect())
        .collect()
}

/// What stands between semicolons outside of quotes.
fn parameters(text: &[u8]) -> Vec<&[u8]> {
    let (mut all, mut start) = (Vec::new(), 0);
    let (mut is_quoted, mut is_pair) = (false, false);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if is_pair => is_pair = false,
            b'\\' if is_quoted => is_pair = true,
            b'"' => is_quoted = !is_quoted,
            b';' if !is_quoted => {
                all.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
    }
    all.extend(text.get(start..));
    all
}

/// The name, the number and the value of `name*0=value` and `name*0*=value`.
fn piece(parameter: &[u8]) -> Option<(Vec<u8>, u32, Vec<u8>)> {
    let equals = memchr::memchr(b'=', parameter)?;
    let (name, value) = parameter.split_at_checked(equals)?;
    let value = value.get(1..)?.trim_ascii();
    let name = name.trim_ascii();
    let (name, is_coded) = match name.strip_suffix(b"*") {
        Some(name) => (name, true),
        None => (name, false),
    };
    let star = memchr::memchr(b'*', name)?;
    let (name, number) = name.split_at_checked(star)?;
    let number = std::str::from_utf8(number.get(1..)?).ok()?.parse().ok()?;
    let value = match value.strip_prefix(b"\"") {
        Some(value) => unquoted(value.strip_suffix(b"\"").unwrap_or(value)),
        None if is_coded => {
            // The first one begins with its charset and language.
            let text = value.rsplit(|byte| *byte == b'\'').next();
            percent_decode(text.unwrap_or(value)).collect()
        }
        None => value.to_vec(),
    };
    Some((name.to_ascii_lowercase(), number, value))
}

#[cfg(test)]
mod tests {
    use super::{has_obscure_word, of_field};

    fn says(text: &str, what: &str) -> bool {
        let readings = of_field(text.as_bytes()).into_iter();
        let mut readings = readings.map(|reading| String::from_utf8_lossy(&reading).into_owned());
        readings.any(|reading| reading.contains(what))
    }

    #[test]
    fn puts_values_together() {
        for text in [
            "attachment; filename*0=\"bob@sh\"; filename*1=op.example",
            "attachment; FILENAME*1*=op.ex%61mple; filename*0*=utf-8'en'bob%40sh",
            "attachment; filename*0=\"bob@\"; x=\"; y\"; filename*1=\"shop.ex\\ample\"",
            "attachment; filename=\"b\\ob@shop.example\"",
            "a=\"bob\\100shop.example\"",
            "{\"a\":\"bob\\u0040shop.example\"}",
            "/a?bob@sh\top.ex%61mple",
        ] {
            assert!(says(text, "bob@shop.example"), "{text}");
        }
        for text in [
            "attachment; filename*0=\"bob@sh\"; name*1=op.example",
            "attachment; filename*0=\"bob@sh; filename*1=op.example\"",
            "bob@sh",
        ] {
            assert!(!says(text, "bob@shop.example"), "{text}");
        }
    }

    #[test]
    fn knows_words_that_it_can_not_read() {
        for text in [
            "=?utf-7?Q?bob+AEA-shop.example?=",
            "a =?iso-2022-kr*ko?B?Ym9i?=",
            "=?x-own?q?bob?=",
        ] {
            assert!(has_obscure_word(text.as_bytes()), "{text}");
        }
        for text in ["=?utf-8?q?bob?=", "=?a?b", "a=?b?=c", "=?utf-7?x?bob?="] {
            assert!(!has_obscure_word(text.as_bytes()), "{text}");
        }
    }
}
