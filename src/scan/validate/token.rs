//! Credentials whose inside can be judged.

use super::Check;
use super::word::{is_digest, is_name, is_typed_number};

/// The longest JWT header that is read, in decoded bytes.
const HEADER: usize = 1536;

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("jwt", |candidate| candidate.when(jwt(candidate.text))),
    ("aws-secret", |candidate| {
        candidate.when(aws_secret(candidate.text))
    }),
    ("mixed", |candidate| candidate.when(mixed(candidate.text))),
    ("password", |candidate| {
        let is_bare = matches!(candidate.before, [.., b' ' | b'\t']);
        let is_code = matches!(candidate.before, [.., b'=']) && is_code(candidate.text);
        let is_chosen = !is_bare || is_chosen(candidate.text);
        candidate.when(password(candidate.text) && is_chosen && !is_code)
    }),
    ("random", |candidate| {
        candidate.when(random(candidate.text) || complex(candidate.text))
    }),
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
/// hexadecimal digits, 3.4 of others, less of short ones. Neither a word nor a path nor a placeholder.
fn random(text: &[u8]) -> bool {
    let is_hex = text.iter().all(u8::is_ascii_hexdigit);
    let has_digit = text.iter().any(u8::is_ascii_digit);
    let has_letter = text.iter().any(u8::is_ascii_alphabetic);
    let least = match (is_hex, text.len()) {
        (true, ..20) => 2.8,
        (true, _) | (false, ..24) => 3.0,
        _ => 3.4,
    };
    let is_named = !is_hex && (is_slug(text) || is_camel(text) || is_name(text));
    let is_other = is_placeholder(text) || is_digest(text) || is_typed_number(text);
    has_digit && has_letter && !is_named && !is_other && entropy(text) >= least
}

/// Words with hyphens, dots or underscores between them, as names of hosts, releases and constants
/// are; perhaps with a number behind each. What is long between them is more likely a key.
fn is_slug(text: &[u8]) -> bool {
    let parts = text.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/'));
    let (mut words, mut count) = (0, 0);
    for part in parts {
        count += 1;
        let is_word = is_word(part);
        if !is_word && part.len() >= 12 {
            return false;
        }
        words += usize::from(is_word);
    }
    count >= 3 && 2 * words >= count
}

/// Three letters or more in one case, then digits if any.
fn is_word(part: &[u8]) -> bool {
    let run = |of: fn(&u8) -> bool| part.iter().take_while(|byte| of(byte)).count();
    let letters = run(u8::is_ascii_lowercase).max(run(u8::is_ascii_uppercase));
    letters >= 3 && part.iter().skip(letters).all(u8::is_ascii_digit)
}

/// Words that each begin with a capital, as names of types are.
fn is_camel(text: &[u8]) -> bool {
    let is_lower = |at: usize| text.get(at).is_some_and(u8::is_ascii_lowercase);
    let mut capitals = 0;
    for (at, _) in text
        .iter()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_uppercase())
    {
        capitals += 1;
        if !is_lower(at + 1) || !is_lower(at + 2) {
            return false;
        }
    }
    capitals >= 2
}

/// Somebody's own choice: no variable, no placeholder, no name of a type.
fn password(text: &[u8]) -> bool {
    !is_placeholder(text) && !is_reference(text) && !is_folder(text) && distinct(text) >= 3
}

/// The path of a folder, which variables named `PWD` hold.
fn is_folder(text: &[u8]) -> bool {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.');
    text.starts_with(b"/")
        && text.iter().filter(|byte| **byte == b'/').count() >= 2
        && text.iter().all(is_part)
}

/// An expression of a program: names with points between them, an index, a call.
fn is_code(text: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    let name = text
        .iter()
        .take_while(|byte| is_part(byte) || **byte == b'.')
        .count();
    let has_points = text.contains(&b'.') && text.first().is_some_and(is_part);
    match text.get(name..).unwrap_or_default() {
        [] => has_points && text.last().is_some_and(is_part),
        [b'[', ..] => name > 1,
        _ => false,
    }
}

/// No word of a sentence or of a program: letters, and digits or marks beside them.
fn is_chosen(text: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-' | b'.');
    let ends_sentence = matches!(text, [.., b'.' | b',' | b':' | b'?' | b'!' | b')']);
    let is_path = text.contains(&b'/') || text.contains(&b'(') || text.starts_with(b"*");
    let is_scoped = text.windows(2).any(|pair| pair == b"::");
    let is_constant = text.contains(&b'_')
        && text
            .iter()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'));
    let is_program = is_path || is_scoped || is_constant;
    let is_sentence = ends_sentence && text.iter().rev().skip(1).all(is_name);
    text.len() >= 6
        && text.iter().any(u8::is_ascii_alphabetic)
        && !(is_program || is_sentence || text.iter().all(is_name))
}

/// Letters, a digit, and three marks or more that names and paths have none of.
fn complex(text: &[u8]) -> bool {
    let is_mark = |byte: &&u8| {
        byte.is_ascii_punctuation()
            && !matches!(
                byte,
                b'_' | b'-' | b'.' | b'/' | b':' | b'=' | b'+' | b'~' | b','
            )
    };
    text.iter().filter(is_mark).count() >= 3
        && text.iter().any(u8::is_ascii_digit)
        && text.iter().any(u8::is_ascii_alphabetic)
        && distinct(text) >= 8
        && !is_placeholder(text)
        && !is_reference(text)
}

/// A variable or a template in the value's place: `$NAME`, `${NAME}`, `{{ name }}`, `<name>`,
/// `%NAME%`, `@NAME@`, `(call)`. What only begins like one is none.
fn is_reference(text: &[u8]) -> bool {
    let is_word = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b' ' | b':' | b'|')
    };
    let (Some(first), Some(last)) = (text.first(), text.last()) else {
        return false;
    };
    let inside = |mark: fn(&u8) -> bool| text.iter().filter(|byte| !mark(byte)).all(is_word);
    match (first, last) {
        (b'<' | b'(', _) | (b'[', b']') => true,
        (b'%', b'%') => inside(|byte| *byte == b'%'),
        (b'@', b'@') => inside(|byte| *byte == b'@'),
        (b'{', _) => inside(|byte| matches!(byte, b'{' | b'}')),
        (b'#', b'}') => text.get(1) == Some(&b'{'),
        (b'$', _) => match text.get(1) {
            Some(b'{' | b'(') => true,
            _ => text.iter().skip(1).all(is_word),
        },
        (b'%', _) => text.len() < 4,
        _ => false,
    }
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
pub(super) fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}
