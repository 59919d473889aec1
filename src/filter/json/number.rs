//! Numbers in another spelling: who reads a document shows `4.2e15` and `4200000000000000.0` as the same digits.

/// The digits of a number that is written with a point or an exponent, where it is a whole one; none where they
/// say nothing new. Numbers are doubles to most readers (RFC 8259 section 6), written out below 10^21
/// (ECMA-262 section 6.1.6.1.20).
pub(super) fn written_out(raw: &[u8]) -> Option<String> {
    memchr::memchr3(b'.', b'e', b'E', raw)?;
    let number: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    let is_long = (1e5..1e21).contains(&number.abs());
    (is_long && number.fract() == 0.0).then(|| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::written_out;

    #[test]
    fn writes_whole_numbers_out() {
        for (raw, digits) in [
            ("4.111111111111111e15", Some("4111111111111111")),
            ("41111111111111110E-1", Some("4111111111111111")),
            ("4111111111111111.000", Some("4111111111111111")),
            ("0.4111111111111111e+16", Some("4111111111111111")),
            ("-4111111111111111e0", Some("-4111111111111111")),
            ("4111111111111111", None),
            ("4111111.5", None),
            ("12.0", None),
            ("1e400", None),
            ("1e21", None),
            ("1e-400", None),
            ("0.0", None),
        ] {
            assert_eq!(written_out(raw.as_bytes()).as_deref(), digits, "{raw}");
        }
    }
}
