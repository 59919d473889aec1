//! Credentials whose inside can be judged.

use super::Check;

/// The longest JWT header that is read, in decoded bytes.
const HEADER: usize = 1536;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("jwt", |candidate| candidate.when(jwt(candidate.text))),
    ("aws-secret", |candidate| {
        candidate.when(aws_secret(candidate.text))
    }),
    ("mixed", |candidate| candidate.when(mixed(candidate.text))),
    ("password", |candidate| {
        candidate.when(password(candidate.text))
    }),
    ("random", |candidate| candidate.when(random(candidate.text))),
];

/// The first part decodes to the beginning of a JSON object that names an algorithm.
fn jwt(text: &[u8]) -> bool {
    let header = text.split(|byte| *byte == b'.').next().unwrap_or_default();
    let mut decoded = [0; HEADER];
    let mut length = 0;
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in header {
        let Some(value) = sextet(*byte) else {
            return false;
        };
        bits = bits << 6 | value;
        count += 6;
        if count < 8 {
            continue;
        }
        count -= 8;
        let Some(place) = decoded.get_mut(length) else {
            return false;
        };
        *place = u8::try_from(bits >> count & 0xff).unwrap_or_default();
        length += 1;
    }
    let Some(decoded) = decoded.get(..length) else {
        return false;
    };
    decoded.starts_with(b"{") && decoded.windows(5).any(|window| window == b"\"alg\"")
}

/// The last 40 characters are mixed as random base64 is: upper, lower, digits, few repeats.
fn aws_secret(text: &[u8]) -> bool {
    let Some(secret) = text.last_chunk::<40>() else {
        return false;
    };
    let seen = secret
        .iter()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 127));
    seen.count_ones() >= 16
        && secret.iter().any(u8::is_ascii_uppercase)
        && secret.iter().any(u8::is_ascii_lowercase)
        && secret.iter().any(u8::is_ascii_digit)
}

/// Letters and digits in it, and few repeats: no word, no number, no row of `x`.
fn mixed(text: &[u8]) -> bool {
    let has_digit = text.iter().any(u8::is_ascii_digit);
    let has_letter = text.iter().any(u8::is_ascii_alphabetic);
    has_digit && has_letter && distinct(text) >= 8.min(text.len() / 2)
}

/// As many bits a character as text drawn at random has, for its alphabet and length: at least 3 of
/// hexadecimal digits, 3.4 of others. Neither a word nor a path nor a placeholder.
fn random(text: &[u8]) -> bool {
    let is_hex = text.iter().all(u8::is_ascii_hexdigit);
    let has_digit = text.iter().any(u8::is_ascii_digit);
    let has_letter = text.iter().any(u8::is_ascii_alphabetic);
    let least = if is_hex || text.len() < 20 { 3.0 } else { 3.4 };
    has_digit && has_letter && !is_placeholder(text) && entropy(text) >= least
}

/// Somebody's own choice: no variable, no placeholder, no name of a type.
fn password(text: &[u8]) -> bool {
    let first = text.first().copied().unwrap_or_default();
    !is_placeholder(text)
        && !matches!(first, b'$' | b'<' | b'{' | b'%' | b'(')
        && distinct(text) >= 3
}

/// What documentation and configuration write in a secret's place.
fn is_placeholder(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 21] = [
        b"changeme",
        b"change_me",
        b"dummy",
        b"env.",
        b"example",
        b"false",
        b"getenv",
        b"insert",
        b"none",
        b"null",
        b"password",
        b"placeholder",
        b"process.",
        b"redacted",
        b"replace",
        b"secret",
        b"string",
        b"true",
        b"undefined",
        b"your",
        b"xxxx",
    ];
    let lower = text.to_ascii_lowercase();
    let holds = |word: &[u8]| lower.windows(word.len()).any(|window| window == word);
    let is_ladder = [b"0123456789".as_slice(), b"abcdefgh", b"12345678"]
        .into_iter()
        .any(holds);
    WORDS.into_iter().any(holds) && !text.iter().any(u8::is_ascii_digit)
        || is_ladder
        || holds(b"xxxx")
        || holds(b"****")
        || holds(b"....")
}

fn distinct(text: &[u8]) -> usize {
    let seen = text
        .iter()
        .fold([0_u128; 2], |[low, high], byte| match byte {
            0..128 => [low | 1 << byte, high],
            _ => [low, high | 1 << (byte & 127)],
        });
    seen.iter().map(|half| half.count_ones() as usize).sum()
}

/// Shannon's bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let all: u32 = counts.iter().sum();
    let shares = counts.iter().filter(|count| **count > 0);
    shares
        .map(|count| f64::from(*count) / f64::from(all))
        .map(|share| -share * share.log2())
        .sum()
}

/// The value of a base64url character.
fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}
