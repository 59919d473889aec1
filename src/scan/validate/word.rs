//! Names in programs, which random text is told from.

/// The pairs of letters that nine in ten pairs in English words and names of programs are (counted in
/// documentation and sources): a row a first letter, a bit a second one.
const PAIRS: [u32; 26] = [
    0x13ebd4e, 0x0164911, 0x01e4d95, 0x0164919, 0x1efb97f, 0x0124931, 0x0166991, 0x00a4111,
    0x22ef87f, 0x0000000, 0x0040110, 0x11c4919, 0x014d113, 0x03c6d7d, 0x07efd6f, 0x01ec991,
    0x0100000, 0x13e7d7d, 0x11cd995, 0x11ec995, 0x00eb937, 0x0000111, 0x0026111, 0x0088014,
    0x0048000, 0x0000010,
];

/// Words run together, as in `X509CertificateTemplate`, `base64.b32encode` or `WIN32_LOGON_TYPE`: seven
/// in ten neighbouring letters or more are common pairs, and few numbers stand between. Of random letters it
/// is four in ten.
pub(super) fn is_name(text: &[u8]) -> bool {
    const FEWEST: u32 = 8;
    const NUMBERS: usize = 3;
    let (mut all, mut common) = (0, 0);
    for pair in text.array_windows() {
        let [Some(first), Some(second)] = pair.map(place) else {
            continue;
        };
        all += 1;
        let row = PAIRS.get(first).copied().unwrap_or_default();
        common += row >> second & 1;
    }
    let numbers = text
        .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
        .filter(|run| run.first().is_some_and(u8::is_ascii_digit));
    all >= FEWEST && common * 10 >= all * 7 && numbers.count() <= NUMBERS
}

/// The letter's place in the alphabet.
fn place(byte: u8) -> Option<usize> {
    let lower = byte.to_ascii_lowercase();
    lower
        .is_ascii_lowercase()
        .then(|| usize::from(lower - b'a'))
}

/// A number as Rust writes it, its type behind it: `-1073740685i32`.
pub(super) fn is_typed_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let count = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
        .count();
    let types: [&[u8]; 10] = [
        b"i8", b"i16", b"i32", b"i64", b"u8", b"u16", b"u32", b"u64", b"f32", b"f64",
    ];
    let rest = digits.get(count..).unwrap_or_default();
    count > 0 && types.contains(&rest)
}

/// A digest that says so, as in lists of files: `sha256=…`.
pub(super) fn is_digest(text: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"sha1", b"sha256", b"sha384", b"sha512"];
    names.iter().any(|name| {
        let rest = text.strip_prefix(*name);
        rest.is_some_and(|rest| matches!(rest.first(), Some(b'=' | b'-' | b':')))
    })
}
