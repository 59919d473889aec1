//! Did you mean …?

/// The candidate that `word` is most likely a slip of.
pub(in crate::policy) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = impl Into<&'a &'a str>>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| *candidate.into())
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// At most 60 characters of what somebody wrote, on one line.
pub(in crate::policy) fn shorten(text: &str) -> String {
    let line: String = text.chars().take(60).collect();
    let line = line.replace(char::is_control, " ");
    if line.len() < text.len() {
        format!("{line}…")
    } else {
        line
    }
}

/// Insertions, removals, replacements and swaps of neighbours (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    let mut last = None;
    for (row, a) in left.chars().take(64).enumerate() {
        let mut line = vec![row + 1];
        let mut previous = None;
        for (column, b) in right.iter().copied().enumerate() {
            let cell = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let mut best = (cell(&above, column) + usize::from(a != b))
                .min(cell(&above, column + 1) + 1)
                .min(cell(&line, column) + 1);
            if column > 0 && last == Some(b) && previous == Some(a) {
                best = best.min(cell(&before, column - 1) + 1);
            }
            line.push(best);
            previous = Some(b);
        }
        before = std::mem::replace(&mut above, line);
        last = Some(a);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn counts_slips() {
        assert_eq!(distance("owner", "owner"), 0);
        assert_eq!(distance("onwer", "owner"), 1);
        assert_eq!(distance("recrods", "records"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn finds_the_nearest_word() {
        let known = ["match", "records", "record_owner", "owner", "others"];
        assert_eq!(nearest("recrods", &known), Some("records"));
        assert_eq!(nearest("record-owner", &known), Some("record_owner"));
        assert_eq!(nearest("Owner", &known), Some("owner"));
        assert_eq!(nearest("GTE", &["HEAD", "GET"]), Some("GET"));
        assert_eq!(nearest("colour", &known), None);
    }
}
