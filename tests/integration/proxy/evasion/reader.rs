//! A client that undoes whatever browsers, curl and its user would, to find what should not have come.

use std::collections::BTreeSet;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// An answer taken apart.
pub(super) struct Seen {
    pub(super) status: String,
    /// Everything before the body, interim answers included.
    pub(super) head: String,
    /// Without chunks and content codings.
    pub(super) body: Vec<u8>,
    pub(super) ended: bool,
}

/// Takes an answer apart, for requests that were sent with `connection: close`.
pub(super) fn take_apart(bytes: &[u8], has_body: bool) -> Seen {
    let mut start = 0;
    loop {
        let Some(length) = find(&bytes[start..], b"\r\n\r\n") else {
            return Seen {
                status: String::new(),
                head: String::from_utf8_lossy(bytes).into_owned(),
                body: Vec::new(),
                ended: false,
            };
        };
        let head = String::from_utf8_lossy(&bytes[start..start + length]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
        start += length + 4;
        if status.starts_with('1') {
            continue;
        }
        let rest = &bytes[start..];
        let (body, ended) = if !has_body {
            (rest.to_vec(), rest.is_empty())
        } else if head.contains("\ntransfer-encoding: chunked") {
            dechunk(rest)
        } else {
            let length = head.split("\ncontent-length: ").nth(1);
            let length = length.and_then(|text| text.lines().next()?.parse::<usize>().ok());
            (
                rest.to_vec(),
                length.is_none_or(|length| length == rest.len()),
            )
        };
        return Seen {
            status,
            body: decode(&head, body),
            head: String::from_utf8_lossy(&bytes[..start]).into_owned(),
            ended,
        };
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line) = find(rest, b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..line]).into_owned();
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
            break;
        };
        if size == 0 {
            return (body, rest.ends_with(b"\r\n\r\n"));
        }
        let end = (line + 2 + size).min(rest.len());
        body.extend(&rest[line + 2..end]);
        rest = rest.get(end + 2..).unwrap_or_default();
    }
    (body, false)
}

fn decode(head: &str, mut body: Vec<u8>) -> Vec<u8> {
    let codings = head.split("\ncontent-encoding: ").nth(1);
    let codings = codings.and_then(|text| text.lines().next()).unwrap_or("");
    for coding in codings.rsplit(',') {
        body = inflate(coding.trim(), &body).unwrap_or(body);
    }
    body
}

fn inflate(coding: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let read = match coding {
        "gzip" | "x-gzip" => flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut plain),
        "deflate" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut plain),
        "raw" => flate2::read::DeflateDecoder::new(bytes).read_to_end(&mut plain),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut plain),
        "zstd" => zstd::stream::read::Decoder::new(bytes)
            .and_then(|mut decoder| decoder.read_to_end(&mut plain)),
        _ => return None,
    };
    (read.is_ok() || !plain.is_empty()).then_some(plain)
}

/// The answer, and every text that a few rounds of decoding make of it.
pub(super) fn readings(bytes: &[u8], body: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::from([bytes.to_vec(), body.to_vec()]);
    let mut last: Vec<Vec<u8>> = all.iter().cloned().collect();
    for _ in 0..3 {
        let mut next = Vec::new();
        for text in &last {
            for made in undone(text) {
                if all.insert(made.clone()) {
                    next.push(made);
                }
            }
        }
        last = next;
    }
    all
}

fn undone(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut made = Vec::new();
    for coding in ["gzip", "deflate", "raw", "br", "zstd"] {
        made.extend(inflate(coding, bytes));
    }
    // Text that is all zero bytes every other place is UTF-16 to a browser.
    if bytes.contains(&0) {
        made.push(encoding_rs::UTF_16LE.decode(bytes).0.into_owned().into());
        made.push(encoding_rs::UTF_16BE.decode(bytes).0.into_owned().into());
        made.push(bytes.iter().copied().filter(|&byte| byte != 0).collect());
    }
    let text = String::from_utf8_lossy(bytes).into_owned();
    for (mark, least, most, radix, ends) in [
        ("\\u{", 1, 6, 16, "}"),
        ("\\u", 4, 4, 16, ""),
        ("\\x", 2, 2, 16, ""),
        ("\\U", 8, 8, 16, ""),
        ("\\", 1, 6, 16, " "),
        ("\\", 3, 3, 8, ""),
        ("&#x", 1, 8, 16, ";"),
        ("&#X", 1, 8, 16, ";"),
        ("&#", 1, 8, 10, ";"),
        ("%", 2, 2, 16, ""),
        ("=", 2, 2, 16, ""),
    ] {
        made.push(numbers(&text, mark, (least, most), radix, ends).into());
    }
    let names = text
        .replace("&commat;", "@")
        .replace("&period;", ".")
        .replace("&amp;", "&")
        .replace("\\/", "/")
        .replace("=\r\n", "")
        .replace("=\n", "")
        .replace("\\\n", "")
        .replace("\\@", "@")
        .replace("\\s", "s")
        .replace("<![CDATA[", "")
        .replace("]]>", "")
        .replace("<!-- -->", "")
        .replace("<!---->", "")
        .replace("<?x?>", "");
    made.push(names.into());
    made.push(text.replace('\\', "").into());
    made.push(unbroken(&text).into());
    // What nobody sees.
    let unseen = |c: char| matches!(u32::from(c), 0xad | 0x34f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0xfe0f | 0xfeff);
    let seen = text.replace("&shy;", "").replace("&zwj;", "");
    made.push(seen.replace(unseen, "").into());
    let numbers = text.split(|c: char| !(c.is_ascii_digit() || "+-.eE".contains(c)));
    for number in numbers.filter(|number| number.len() > 15 && number.contains(['.', 'e', 'E'])) {
        made.extend(
            number
                .parse::<f64>()
                .map(|number| number.to_string().into_bytes()),
        );
    }
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    for run in text.split(|c: char| !is_base64(c)) {
        if run.len() >= 12 {
            let url = run.replace('+', "-").replace('/', "_");
            made.extend(URL_SAFE_NO_PAD.decode(&url));
            made.extend(STANDARD.decode(run));
        }
    }
    made.retain(|made| made.as_slice() != bytes);
    made
}

/// Without breaks of folded lines and addresses, and with values in pieces put together.
fn unbroken(text: &str) -> String {
    let mut text = text.replace("\r\n ", "").replace("\n\t", "");
    for part in [
        "\t",
        "\n",
        "&#10;",
        "&NewLine;",
        "&Tab;",
        "\"; filename*1=\"",
        "; filename*1*=",
        "; filename*1=",
        "</>",
    ] {
        text = text.replace(part, "");
    }
    text
}

/// Undoes escapes of a character's number.
fn numbers(text: &str, mark: &str, digits: (usize, usize), radix: u32, ends: &str) -> String {
    let mut parts = text.split(mark);
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let count = part.chars().take_while(|c| c.is_digit(radix)).count();
        let count = count.min(digits.1);
        let (digit, rest) = part.split_at(count);
        let number = u32::from_str_radix(digit, radix);
        match number.ok().and_then(char::from_u32) {
            Some(letter) if count >= digits.0 => {
                made.push(letter);
                made.push_str(rest.strip_prefix(ends).unwrap_or(rest));
            }
            _ => {
                made.push_str(mark);
                made.push_str(part);
            }
        }
    }
    made
}
