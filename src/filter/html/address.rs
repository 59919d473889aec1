//! `data:` addresses in attributes: what they hold.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode;

/// What browsers take for base64 (WHATWG Infra, forgiving-base64).
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Addresses of one attribute that are looked at; those behind them are looked at as they stand.
const MOST: usize = 64;

/// What a `data:` address holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Address {
    Content(Vec<u8>),
    /// Something that is not what it says.
    Unreadable,
}

/// The `data:` addresses in the value of an attribute, each up to the value's end: it may be an address, a list of them
/// (`srcset`), hold one (`<meta>` refresh) or a style.
pub(super) fn all(value: &[u8]) -> Vec<Cow<'_, [u8]>> {
    // Browsers take line breaks and tabs out of addresses.
    let is_break = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r');
    let value: Cow<'_, [u8]> = if value.iter().any(is_break) {
        let plain: Vec<u8> = value
            .iter()
            .copied()
            .filter(|byte| !is_break(byte))
            .collect();
        plain.into()
    } else {
        value.into()
    };
    let starts = memchr::memchr_iter(b':', &value).filter_map(|colon| {
        let start = colon.checked_sub(4)?;
        let word = value.get(start..colon)?;
        let before = start.checked_sub(1).and_then(|before| value.get(before));
        let is_whole = before.is_none_or(|byte| !byte.is_ascii_alphanumeric());
        (is_whole && word.eq_ignore_ascii_case(b"data")).then_some(start)
    });
    let starts: Vec<usize> = starts.take(MOST).collect();
    let rest = |start: usize| match &value {
        Cow::Borrowed(value) => Cow::Borrowed(value.get(start..).unwrap_or_default()),
        Cow::Owned(value) => Cow::Owned(value.get(start..).unwrap_or_default().to_vec()),
    };
    starts.into_iter().map(rest).collect()
}

/// Reads a `data:` address (RFC 2397, WHATWG Fetch section 6) with what may stand behind it in a list; none where it
/// is no address.
pub(super) fn read(address: &[u8]) -> Option<Address> {
    let rest = address.get(5..)?;
    let comma = memchr::memchr(b',', rest)?;
    let (head, body) = rest.split_at_checked(comma)?;
    let head: Vec<u8> = percent_decode(head).collect();
    let head = head.to_ascii_lowercase();
    let head = head.trim_ascii();
    let mut parameters = head.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let kind = parameters.next().unwrap_or_default();
    let mut is_base64 = false;
    let mut charset = None;
    for parameter in parameters {
        is_base64 = parameter == b"base64";
        charset = charset.or_else(|| parameter.strip_prefix(b"charset="));
    }
    let body = body.get(1..).unwrap_or_default();
    let content = if is_base64 {
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'()<>".contains(byte);
        let first = body.split(is_end).next().unwrap_or_default();
        // A list goes on behind a comma.
        let first = first.strip_suffix(b",").unwrap_or(first);
        match decode(body).or_else(|| decode(first)) {
            Some(content) => content,
            None => return Some(Address::Unreadable),
        }
    } else {
        percent_decode(body).collect()
    };
    let is_utf8 = charset.is_none_or(|charset| {
        let charset = charset.trim_ascii();
        let known: [&[u8]; 3] = [b"utf-8", b"utf8", b"us-ascii"];
        let bare = charset.strip_prefix(b"\"").unwrap_or(charset);
        known.contains(&bare.strip_suffix(b"\"").unwrap_or(bare))
    });
    let is_readable = is_utf8 && memchr::memchr(0, &content).is_none();
    if is_readable || is_binary(kind) {
        Some(Address::Content(content))
    } else {
        Some(Address::Unreadable)
    }
}

fn decode(body: &[u8]) -> Option<Vec<u8>> {
    let mut text: Vec<u8> = percent_decode(body).collect();
    text.retain(|byte| !byte.is_ascii_whitespace());
    FORGIVING.decode(&text).ok()
}

/// Types whose bytes are no text.
fn is_binary(kind: &[u8]) -> bool {
    let families: [&[u8]; 5] = [b"application/", b"audio/", b"font/", b"image/", b"video/"];
    let texts: [&[u8]; 4] = [b"xml", b"json", b"script", b"css"];
    let is_family = families.iter().any(|family| kind.starts_with(family));
    is_family && !texts.iter().any(|text| kind.ends_with(text))
}

#[cfg(test)]
mod tests {
    use super::{Address, all, read};

    fn held(value: &str) -> Vec<Option<Address>> {
        let value = value.as_bytes();
        all(value).iter().map(|address| read(address)).collect()
    }

    fn content(text: &str) -> Option<Address> {
        Some(Address::Content(text.into()))
    }

    #[test]
    fn reads_the_content_of_data_urls() {
        for address in [
            "data:,a%40b",
            "data:;base64,YUBi",
            " DATA:text/plain;charset=utf-8;BASE64,YU%42i\n",
            "da\nta:text/plain; base64 ,YUB i",
            "data:application/json,a@b",
            "0; url=data:text/html,a@b",
            "url('data:image/svg+xml;base64,YUBi')",
        ] {
            assert_eq!(held(address), [content("a@b")], "{address}");
        }
        assert_eq!(held("data:base64,YUBi"), [content("YUBi")]);
        assert_eq!(
            held("data:;base64,YUBi 1x, data:;base64,YUBj, /a 2x"),
            [content("a@b"), content("a@c")]
        );
        for none in ["/a", "mydata:,a", "data:", "metadata", ""] {
            let found: Vec<_> = held(none).into_iter().flatten().collect();
            assert_eq!(found, [], "{none}");
        }
    }

    #[test]
    fn tells_what_it_can_not_read() {
        for address in [
            "data:;base64,!",
            "data:;base64,YUBi=",
            "data:text/plain;charset=utf-16,a",
            "data:text/html;base64,AGEAYg==",
        ] {
            assert_eq!(held(address), [Some(Address::Unreadable)], "{address}");
        }
        assert_eq!(held("data:image/png;base64,AGEA"), [content("\0a\0")]);
    }
}
