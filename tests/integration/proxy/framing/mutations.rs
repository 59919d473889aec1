//! Requests bent at random, one or two bends each, with an honest one behind them on the same connection: the app sees
//! what a second, strict reader sees, or nothing.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::bounded;
use crate::upstream::Notes;

/// How many are tried.
const CASES: usize = 4000;

const FIELDS: &str = "Host: app.test\r\n{bearer}";

/// What is bent. The bearer stays whole: without it nothing is let in.
fn bases() -> [String; 4] {
    [
        format!("GET /open/a HTTP/1.1\r\n{FIELDS}\r\n"),
        format!("POST /open/a HTTP/1.1\r\n{FIELDS}Content-Length: 11\r\n\r\nhello=world"),
        format!(
            "POST /open/a HTTP/1.1\r\n{FIELDS}Transfer-Encoding: chunked\r\n\r\n\
             5\r\nhello\r\n6;a=b\r\n=world\r\n0\r\nX-Sum: 1\r\n\r\n"
        ),
        format!(
            "GET /open/a HTTP/1.0\r\n{FIELDS}Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"
        ),
    ]
}

/// What is put in.
#[rustfmt::skip]
const BENDS: &[&[u8]] = &[
    b"\r\n", b"\n", b"\r", b" ", b"\t", b"\0", b"\x0b", b"\x0c", b"\x7f", b"\x85", b"\xa0", b":", b",", b";", b"0", b"-", b"+", b"_",
    b"\r\n ", b"\r\n\t", b"\n\n", b"\r\r\n", b"\r\n\r\n", b"\"", b"\\", b"#", b"?", b"/../", b"//", b"%0d%0a", b"%2e%2e/", b"\xe5\x98\x8a",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"Content-Length: 0\r\n", b"Content-Length: 5\r\n",
    b"\r\nTransfer-Encoding: chunked", b"\r\nTransfer-Encoding : chunked", b"\r\nContent-Length: 3", b"\r\nContent_Length: 3",
    b"Host: other.test\r\n", b"Expect: x\r\n", b"Connection: content-length\r\n", b"chunked", b"identity, ", b"x", b"a",
    b"0\r\n\r\n", b"1\r\n", b"GET /open/smuggled HTTP/1.1\r\nHost: app.test\r\n\r\n",
];

/// Numbers that are the same in each run (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }
}

fn bend(base: &str, bearer: &str, dice: &mut Dice) -> Vec<u8> {
    let (before, after) = base.split_once("{bearer}").unwrap();
    let mut parts = [before.as_bytes().to_vec(), after.as_bytes().to_vec()];
    for _ in 0..1 + dice.below(4) / 3 {
        let part = &mut parts[dice.below(2)];
        if part.is_empty() {
            continue;
        }
        let at = dice.below(part.len());
        let bend = BENDS[dice.below(BENDS.len())].iter().copied();
        match dice.below(4) {
            0 => drop(part.splice(at..at, bend)),
            1 => drop(part.splice(at..=at, bend)),
            2 => drop(part.splice(at..(at + 2).min(part.len()), [])),
            _ => part[at] ^= 1 << dice.below(8),
        }
    }
    let [before, after] = parts;
    [&before, bearer.as_bytes(), &after].concat()
}

/// What an app is shown: the line of a request, and its body.
type Seen = String;

/// The requests in `bytes` up to the first that is malformed, and which of them nothing but their framing could be held against.
fn read(mut bytes: &[u8]) -> Vec<(Seen, bool)> {
    let mut requests = Vec::new();
    while let Some((seen, is_plain, is_last, rest)) = read_one(bytes) {
        requests.push((seen, is_plain));
        if is_last {
            break;
        }
        bytes = rest;
    }
    requests
}

fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes
        .iter()
        .position(|byte| matches!(byte, b'\r' | b'\n'))?;
    let rest = bytes[end..].strip_prefix(b"\r\n")?;
    let text = &bytes[..end];
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    text.iter().all(is_text).then_some((text, rest))
}

fn is_name(text: &str) -> bool {
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_sign)
}

fn field(text: &[u8]) -> Option<(String, String)> {
    let text = String::from_utf8_lossy(text);
    let (name, value) = text.split_once(':')?;
    is_name(name).then(|| (name.to_lowercase(), value.to_owned()))
}

fn read_one(bytes: &[u8]) -> Option<(Seen, bool, bool, &[u8])> {
    let bytes = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let (first, mut rest) = line(bytes)?;
    let first = std::str::from_utf8(first).ok()?;
    let [method, target, version] = first.split(' ').collect::<Vec<_>>().try_into().ok()?;
    if !is_name(method) || !target.starts_with('/') || target.contains(['#', '\\']) {
        return None;
    }
    let is_old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return None,
    };
    let (mut hosts, mut lengths, mut codings) = (0, Vec::new(), Vec::new());
    let (mut is_odd, mut is_last, mut stays, mut has_bearer) = (false, false, false, false);
    loop {
        let (text, after) = line(rest)?;
        rest = after;
        if text.is_empty() {
            break;
        }
        let (name, value) = field(text)?;
        let value = value.strip_prefix(' ').unwrap_or(&value).to_owned();
        match name.as_str() {
            "host" => {
                hosts += 1;
                is_odd |= value != "app.test";
            }
            "content-length" => lengths.push(value),
            "transfer-encoding" => codings.push(value),
            "connection" => {
                is_last |= value.to_lowercase().contains("close");
                stays |= value.to_lowercase().contains("keep-alive");
                is_odd |= !matches!(value.as_str(), "close" | "keep-alive");
            }
            "authorization" => has_bearer = true,
            _ => is_odd = true,
        }
    }
    if hosts > 1 || (hosts == 0 && !is_old) {
        return None;
    }
    let body = match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => Vec::new(),
        ([length], []) => {
            let length: usize = length
                .parse()
                .ok()
                .filter(|n: &usize| n.to_string() == *length)?;
            let (body, after) = rest.split_at_checked(length)?;
            rest = after;
            body.to_vec()
        }
        ([], [coding]) if coding == "chunked" && !is_old => {
            let (body, is_bare, after) = unchunk(rest)?;
            rest = after;
            is_odd |= !is_bare;
            body
        }
        _ => return None,
    };
    let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_plain = !is_odd
        && has_bearer
        && matches!(method, "GET" | "POST")
        && target.strip_prefix("/open/").is_some_and(is_word);
    let seen = format!("{method} {target} {}", String::from_utf8_lossy(&body));
    Some((seen, is_plain, is_last || (is_old && !stays), rest))
}

/// The body, whether nothing but framing was around it, and what follows.
fn unchunk(mut rest: &[u8]) -> Option<(Vec<u8>, bool, &[u8])> {
    let mut body = Vec::new();
    let mut is_bare = true;
    loop {
        let (text, after) = line(rest)?;
        let text = std::str::from_utf8(text).ok()?;
        let (size, extension) = text
            .split_once(';')
            .map_or((text, None), |(a, b)| (a, Some(b)));
        is_bare &= extension.is_none_or(|text| text == "a=b");
        let mut pairs = extension.into_iter().flat_map(|text| text.split(';'));
        let is_pair = |text: &str| match text.split_once('=') {
            Some((name, value)) => is_name(name) && (is_name(value) || value.starts_with('"')),
            None => is_name(text),
        };
        let is_size = size.len() <= 16 && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_size || !pairs.all(is_pair) {
            return None;
        }
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = after;
        if size == 0 {
            break;
        }
        let (data, after) = rest.split_at_checked(size)?;
        body.extend(data);
        rest = after.strip_prefix(b"\r\n")?;
    }
    loop {
        let (text, after) = line(rest)?;
        rest = after;
        if text.is_empty() {
            return Some((body, is_bare, rest));
        }
        is_bare &= field(text)?.0 == "x-sum";
    }
}

#[tokio::test]
async fn shows_the_app_nothing_but_what_a_strict_reader_sees() {
    let notes = Notes::default();
    let preview = bounded(&notes).await;
    let bearer = format!("Authorization: Bearer {}\r\n", preview.token("alice"));
    let last = "GET /open/last HTTP/1.1\r\nHost: app.test\r\n{bearer}Connection: close\r\n\r\n";
    let last = last.replace("{bearer}", &bearer);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let bases = bases();
    let mut all = Vec::new();
    let (mut refused, mut whole) = (0, 0);
    for number in 0..CASES {
        let mut bytes = bend(&bases[number % bases.len()], &bearer, &mut dice);
        bytes.extend(last.as_bytes());
        let case = String::from_utf8_lossy(&bytes).into_owned();
        let mut stream = TcpStream::connect(preview.address).await.unwrap();
        let (now, later) = bytes.split_at(dice.below(bytes.len()));
        stream.write_all(now).await.unwrap();
        // Whoever is refused in the middle may have closed by now.
        let _ = stream.write_all(later).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let seen: Vec<Seen> = notes.lock().unwrap().drain(..).collect();
        let expected = read(&bytes);
        let mut candidates = expected.iter().map(|(seen, _)| seen);
        let is_expected = |seen: &Seen| candidates.any(|expected| expected == seen);
        assert!(
            seen.iter().all(is_expected),
            "{case:?}: {seen:?} {expected:?}"
        );
        // What nothing can be held against is let through, up to the first that is refused.
        let honest = expected
            .iter()
            .take_while(|(_, is_plain)| *is_plain)
            .count();
        assert!(seen.len() >= honest, "{case:?}: {seen:?} {expected:?}");
        whole += usize::from(seen.len() == 2);
        refused += usize::from(seen.is_empty());
        all.extend(seen);
    }
    assert!(
        refused > CASES / 4 && whole > CASES / 20,
        "{refused} {whole}"
    );
    // What the log names is what the app saw.
    let records = preview.records();
    let allowed = records
        .iter()
        .filter(|record| record["decision"] == "allow");
    let logged = allowed.map(|record| {
        let text = |name: &str| record[name].as_str().unwrap().to_owned();
        format!("{} {}", text("method"), text("path"))
    });
    let shown = all.iter().map(|seen| {
        let parts: Vec<&str> = seen.splitn(3, ' ').collect();
        format!("{} {}", parts[0], parts[1])
    });
    let (mut logged, mut shown): (Vec<String>, Vec<String>) = (logged.collect(), shown.collect());
    logged.sort_unstable();
    shown.sort_unstable();
    assert_eq!(logged, shown);
}
