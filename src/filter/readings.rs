//! What else a text says to those who decode it: percent-escapes, `+` for a space, both once more, ISO 8859-1.

use percent_encoding::percent_decode;

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
    readings
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
        assert_eq!(read("B%F6b"), ["Böb", "B\u{fffd}b"]);
    }
}
