//! Text side by side: the app's lines on the left, what each asker got of them to the right.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

/// Bytes left or the reason why not, in one column.
#[derive(Debug)]
pub(super) struct Column {
    /// The head.
    pub(super) title: String,
    /// The text, line by line.
    pub(super) body: String,
    /// The text is a reason, not what is left.
    pub(super) is_refusal: bool,
}

const PLAIN: Style = Style::new();
const DIM: Style = Style::new().dimmed();
const COVERED: Style = AnsiColor::Yellow.on_default();
const HEAD: Style = Style::new().bold();
const REFUSED: Style = AnsiColor::Red.on_default();

/// What the filter puts in the place of a record.
const PLACEHOLDER: &str = "{\"chaperone\"";

/// What stands in the place of a line that did not come through.
const GONE: &str = "–";

/// Lays `first` and what became of its lines in `others` out in `width` terminal columns.
pub(super) fn lay_out(first: &Column, others: &[Column], width: usize) -> String {
    let columns = others.len() + 1;
    let cell = (width.saturating_sub(3 * others.len()) / columns).max(12);
    let mut out = String::new();
    let heads = std::iter::once(first).chain(others);
    row(
        &mut out,
        &heads.map(|c| (c.title.as_str(), HEAD)).collect::<Vec<_>>(),
        cell,
    );
    let mut rests: Vec<_> = others.iter().map(|c| c.body.lines().peekable()).collect();
    for line in first.body.lines() {
        let mut cells = vec![(line, DIM)];
        for (rest, column) in rests.iter_mut().zip(others) {
            let is_next = |other: &&str| {
                column.is_refusal || other.contains(PLACEHOLDER) || is_same(line, other)
            };
            cells.push(match rest.next_if(is_next) {
                Some(other) => (other, column.style(other)),
                None if column.is_refusal => ("", PLAIN),
                None => (GONE, DIM),
            });
        }
        row(&mut out, &cells, cell);
    }
    while rests.iter_mut().any(|rest| rest.peek().is_some()) {
        let mut cells = vec![("", PLAIN)];
        for (rest, column) in rests.iter_mut().zip(others) {
            let line = rest.next().unwrap_or_default();
            cells.push((line, column.style(line)));
        }
        row(&mut out, &cells, cell);
    }
    out
}

/// Whether `other` is what became of `line`: the same up to its first comma, where the id ends.
fn is_same(line: &str, other: &str) -> bool {
    let begin = |text: &str| {
        let text = text.trim_end_matches(',');
        text.split(',').next().unwrap_or(text).to_owned()
    };
    begin(line) == begin(other)
}

impl Column {
    fn style(&self, line: &str) -> Style {
        if self.is_refusal {
            REFUSED
        } else if line.contains("[redacted") || line.contains(PLACEHOLDER) {
            COVERED
        } else {
            PLAIN
        }
    }
}

/// One row, each cell wrapped to `width` characters.
fn row(out: &mut String, cells: &[(&str, Style)], width: usize) {
    let wrapped: Vec<Vec<String>> = cells.iter().map(|(text, _)| wrap(text, width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..height {
        let mut line = String::from("  ");
        for (lines, (_, style)) in wrapped.iter().zip(cells) {
            let part = lines.get(number).map_or("", String::as_str);
            let padding = width.saturating_sub(part.chars().count());
            // Writing to a String does not fail.
            let _ = write!(line, "{style}{part}{style:#}{:padding$}   ", "");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// Breaks `text` at spaces where there are any in the last third of a line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        let line = rest.iter().take(width).enumerate();
        let space = line
            .filter(|(_, c)| **c == ' ')
            .map(|(at, _)| at + 1)
            .next_back();
        let end = space.filter(|at| at * 3 > width * 2).unwrap_or(width);
        lines.push(rest.drain(..end).collect());
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::{Column, lay_out};

    #[test]
    fn sets_what_is_left_beside_what_was_said() {
        let column = |title: &str, body: &str| Column {
            title: title.to_owned(),
            body: body.to_owned(),
            is_refusal: title == "Bob",
        };
        let app = column("app", "[\n{1, a@b},\n{2, x}\n]\n");
        let alice = column("Alice", "[\n{1, [redacted]}\n]\n");
        let bob = column("Bob", "no");
        let text = lay_out(&app, &[alice, bob], 60);
        let text = anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(text, @r"
          app                  Alice                Bob
          [                    [                    no
          {1, a@b},            {1, [redacted]}
          {2, x}               –
          ]                    ]
        ");
    }
}
