//! The receipt as a page of Markdown.

use std::fmt::Write as _;

use super::signed::Signed;
use crate::audit::receipt::{Log, Receipt, Tally};
use crate::types::{Control, Verdict};

/// The page, with the signed form at its end.
pub(super) fn render(receipt: &Receipt, signed: &Signed) -> anyhow::Result<String> {
    let mut page = String::from("## What chaperone withheld and blocked\n\n");
    let names = |names: &std::collections::BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| code(name)).collect();
        if names.is_empty() {
            "none named".to_owned()
        } else {
            names.join(", ")
        }
    };
    writeln!(page, "| | |\n| --- | --- |")?;
    writeln!(page, "| preview | {} |", names(&receipt.previews))?;
    writeln!(page, "| revision | {} |", names(&receipt.revisions))?;
    let levels: Vec<String> = receipt
        .levels
        .iter()
        .map(|(level, count)| format!("{} ({count})", level.as_str()))
        .collect();
    writeln!(page, "| level | {} |", levels.join(", "))?;
    let count = |verdict| receipt.decisions.get(&verdict).copied().unwrap_or_default();
    writeln!(
        page,
        "| requests | {}: {} passed as they came, {} in part, {} blocked |",
        receipt.log.records,
        count(Verdict::Allow),
        count(Verdict::Redact),
        count(Verdict::Block),
    )?;
    if let (Some(from), Some(to)) = (&receipt.log.from, &receipt.log.to) {
        writeln!(page, "| time | {from} to {to} |")?;
    }
    writeln!(page, "| policy (BLAKE3) | {} |", names(&receipt.policies))?;
    writeln!(page, "| log (BLAKE3) | {} |", code(&receipt.log.blake3))?;
    writeln!(page)?;
    for tally in &receipt.controls {
        control(&mut page, tally)?;
    }
    gaps(&mut page, &receipt.log)?;
    writeln!(
        page,
        "Counts alone: no value, place or user stands in here.\n\n\
         <details><summary>Signed form</summary>\n\n```json\n{}\n```\n\n</details>",
        signed.text()?
    )?;
    Ok(page)
}

fn control(page: &mut String, tally: &Tally) -> std::fmt::Result {
    let meaning = match tally.control {
        Control::Credential => "tokens, keys and secrets get out",
        Control::Delete => "data is changed or deleted",
        Control::Leak => "others' or embargoed data gets out",
        Control::Redistribute => "content that users loaded is served on",
    };
    writeln!(page, "### `{}`: {meaning}\n", tally.control.as_str())?;
    if tally.withheld.is_empty() && tally.blocked.is_empty() {
        return writeln!(page, "Nothing was withheld or blocked.\n");
    }
    writeln!(
        page,
        "| | rule | what | count |\n| --- | --- | --- | ---: |"
    )?;
    for it in &tally.withheld {
        let (rule, action) = (code(&it.rule), it.action.as_str());
        writeln!(page, "| withheld | {rule} | {action} | {} |", it.count)?;
    }
    for it in &tally.blocked {
        let rule = it.rule.as_deref().map_or_else(String::new, code);
        writeln!(page, "| blocked | {rule} | {} | {} |", it.reason, it.count)?;
    }
    writeln!(page)
}

fn gaps(page: &mut String, log: &Log) -> std::fmt::Result {
    if log.others > 0 {
        writeln!(page, "Left out: {} records of others.\n", log.others)?;
    }
    if log.unreadable > 0 || log.missing > 0 {
        let (unreadable, missing) = (log.unreadable, log.missing);
        writeln!(
            page,
            "**The log is not whole**: {unreadable} lines are no records, {missing} numbers are missing.\n"
        )?;
    }
    Ok(())
}

/// Text that stays text in a cell, whatever is in it.
fn code(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    format!("`{}`", plain.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn keeps_names_in_their_cells() {
        for (name, cell) in [
            ("GET /a", "`GET /a`"),
            ("a|b", "`a\\|b`"),
            ("a`<b>`", "`a'<b>'`"),
            ("a\n| x | y |", "`a \\| x \\| y \\|`"),
        ] {
            assert_eq!(code(name), cell);
        }
    }
}
