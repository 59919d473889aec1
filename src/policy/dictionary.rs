//! Dictionaries: files that list terms.

/// The terms of a dictionary: one a line; blank lines and lines that begin with `#` are none.
pub fn terms(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
