//! Credentials whose inside can be judged.

/// The longest JWT header that is read, in decoded bytes.
const HEADER: usize = 1536;

/// The first part decodes to the beginning of a JSON object that names an algorithm.
pub(super) fn jwt(text: &[u8]) -> bool {
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
pub(super) fn aws_secret(text: &[u8]) -> bool {
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
