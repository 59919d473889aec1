//! Lengths of time as people write them: `500ms`, `10s`, `5m`, `1h`.

use std::time::Duration;

/// Reads a whole number and its unit; none for anything else, for nothing, and for more than a year.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let milliseconds: u64 = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let total = number.parse::<u64>().ok()?.checked_mul(milliseconds)?;
    (1..=31_536_000_000)
        .contains(&total)
        .then(|| Duration::from_millis(total))
}
