//! Tables of rows (CSV, TSV; RFC 4180) under an owner rule: a row passes, byte for byte, when one of the
//! owner's columns names the subject.
//!
//! The first row names the columns. One row at a time is held, judged and let go. A table that can be
//! read in two ways is refused: so are rows of another length than the header, names that stand
//! twice, quoted cells that are rows to those who know no quotes, and all that the reader refuses.

mod cell;
mod lines;
mod reader;

use std::collections::HashSet;
use std::sync::Arc;

use self::cell::Scrubber;
use self::lines::Line;
use self::reader::{Reader, malformed};
use crate::filter::{Format, Inspector, Output, Place};
use crate::policy::treatment::{Kind, Others, RowRule};
use crate::types::{ReasonCode, Refusal};

/// The byte order mark in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// One table.
#[derive(Debug)]
pub(super) struct Rows {
    rule: Arc<RowRule>,
    reader: Reader,
    /// The first bytes, while they may be a byte order mark.
    mark: Option<Vec<u8>>,
    header: Header,
    scrubber: Scrubber,
    /// Rows that have ended, the header included.
    number: u64,
    limit: usize,
    refusal: Option<Refusal>,
}

#[derive(Debug)]
enum Header {
    /// It is still to come.
    Awaited,
    /// The columns' names (none where something was found in one), and which of them name owners.
    Known {
        names: Vec<Option<Box<str>>>,
        owners: Vec<usize>,
    },
    /// It has no column of an owner: nothing of the table passes.
    Foreign,
}

impl Rows {
    /// A filter for one table under `rule`; `kind` says what stands between cells, unless the rule does.
    pub(super) fn new(inspector: &Inspector, rule: Arc<RowRule>, kind: Kind) -> Self {
        let limits = inspector.plan().context.limits;
        let usual = if kind == Kind::Tsv { b'\t' } else { b',' };
        Self {
            reader: Reader::new(rule.delimiter.unwrap_or(usual), limits),
            rule,
            mark: Some(Vec::new()),
            header: Header::Awaited,
            scrubber: Scrubber::default(),
            number: 0,
            limit: limits.record,
            refusal: None,
        }
    }

    /// Nothing may leave yet: a later row can still decide against the whole table.
    fn is_holding(&self) -> bool {
        matches!(self.header, Header::Awaited)
            || matches!(self.rule.others, Others::Block | Others::Hide)
    }

    fn rows(
        &mut self,
        mut rest: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        while let Some(mark) = &mut self.mark {
            let Some(byte) = rest.first() else {
                return Ok(());
            };
            if MARK.get(mark.len()) == Some(byte) {
                mark.push(*byte);
                rest = rest.get(1..).unwrap_or_default();
                if mark == MARK {
                    self.reader.skip(MARK);
                    self.mark = None;
                }
                continue;
            }
            let begun = std::mem::take(mark);
            self.mark = None;
            self.read(&mut begun.as_slice(), inspector, out)?;
        }
        self.read(&mut rest, inspector, out)
    }

    fn read(
        &mut self,
        rest: &mut &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        while !rest.is_empty() && !matches!(self.header, Header::Foreign) {
            if self.reader.read(rest)? {
                self.row(inspector, out)?;
            }
        }
        Ok(())
    }

    /// Judges the row that is complete.
    fn row(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if std::str::from_utf8(self.reader.row()).is_err() {
            return Err(malformed("not valid UTF-8"));
        }
        if self.reader.delimiter() == b'\t' && lines::is_quoting(&self.reader) {
            return Err(malformed(
                "quotes around a tab or line break, which tab-separated values do not know",
            ));
        }
        let judged = match &self.header {
            Header::Awaited => self.header(inspector, out),
            Header::Known { .. } => self.record(inspector, out),
            Header::Foreign => Ok(()),
        };
        judged?;
        if self.is_holding() && out.bytes.len() > self.limit {
            return Err(Refusal::new(ReasonCode::RecordTooLarge));
        }
        self.reader.clear();
        self.number += 1;
        Ok(())
    }

    fn header(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let texts: Vec<Vec<u8>> = self
            .reader
            .cells()
            .iter()
            .map(|cell| cell::decode(self.reader.row(), cell))
            .collect();
        let mut seen = HashSet::new();
        if !texts.iter().all(|text| seen.insert(text)) {
            return Err(malformed("two columns of one name"));
        }
        if lines::of(&self.reader)
            .skip(1)
            .any(|line| line.is_row(texts.len()))
        {
            return Err(row_in_cell());
        }
        let mut owners = Vec::new();
        for column in &self.rule.owner {
            let name = column.name.as_bytes();
            let is_like = |text: &&Vec<u8>| text.trim_ascii().eq_ignore_ascii_case(name);
            if texts.iter().filter(is_like).count() > 1 {
                return Err(malformed(
                    "two columns that differ in case and white space alone",
                ));
            }
            let Some(at) = texts.iter().position(|text| text == name) else {
                if self.rule.is_optional {
                    self.header = Header::Foreign;
                    inspector
                        .report_mut()
                        .withhold(&self.rule.origin, Others::Drop);
                    return Ok(());
                }
                return Err(self.nothing_selected());
            };
            owners.push(at);
        }
        let mut names = Vec::with_capacity(texts.len());
        self.scrubber.begin();
        for (at, (cell, text)) in self.reader.cells().iter().zip(&texts).enumerate() {
            let found = inspector.report().found();
            self.scrubber.cell(
                self.reader.row(),
                cell,
                at,
                inspector,
                &Place::Column(at as u64 + 1),
            )?;
            let is_clean = inspector.report().found() == found;
            names.push(is_clean.then(|| String::from_utf8_lossy(text).into()));
        }
        self.scrubber.write(&self.reader, out);
        self.header = Header::Known { names, owners };
        Ok(())
    }

    fn record(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let Header::Known { names, owners } = &self.header else {
            return Ok(());
        };
        let (row, cells) = (self.reader.row(), self.reader.cells());
        if self.reader.end() == 0 && names.len() > 1 {
            out.bytes.extend_from_slice(row);
            return Ok(());
        }
        if cells.len() != names.len() {
            return Err(malformed("another number of cells than the header has"));
        }
        let subject = inspector.plan().subject.clone();
        let is_owned = owners.iter().zip(&self.rule.owner).any(|(at, column)| {
            cells
                .get(*at)
                .is_some_and(|cell| column.is.names(&subject, &cell::decode(row, cell)))
        });
        if !is_owned {
            return self.withhold(inspector, out);
        }
        let is_foreign = |line: &Line<'_>| {
            let mut columns = owners.iter().zip(&self.rule.owner);
            line.is_row(names.len())
                && !columns.any(|(at, column)| {
                    line.cell(*at)
                        .is_some_and(|text| column.is.names(&subject, text))
                })
        };
        if lines::of(&self.reader).any(|line| is_foreign(&line)) {
            return Err(row_in_cell());
        }
        self.scrubber.begin();
        if !inspector.is_idle() {
            for (at, (cell, name)) in cells.iter().zip(names).enumerate() {
                let place = Place::Cell {
                    row: self.number,
                    column: name.as_deref(),
                };
                self.scrubber.cell(row, cell, at, inspector, &place)?;
            }
        }
        self.scrubber.write(&self.reader, out);
        Ok(())
    }

    fn withhold(&self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        let others = self.rule.others;
        inspector.report_mut().withhold(&self.rule.origin, others);
        let code = match others {
            Others::Block => ReasonCode::ForeignRecord,
            Others::Hide => ReasonCode::Hidden,
            Others::Drop => return Ok(()),
            Others::Redact => {
                for at in 0..self.reader.cells().len() {
                    if at > 0 {
                        out.bytes.extend_from_slice(&[self.reader.delimiter()]);
                    }
                    out.bytes.extend_from_slice(b"[redacted]");
                }
                let line_break = self.reader.row().get(self.reader.end()..);
                out.bytes.extend_from_slice(line_break.unwrap_or_default());
                return Ok(());
            }
        };
        Err(Refusal::new(code).by(&self.rule.origin))
    }

    fn nothing_selected(&self) -> Refusal {
        Refusal::new(ReasonCode::NothingSelected)
            .by(&self.rule.origin)
            .because("the first row does not name the owner's columns")
    }

    /// The refusal, with the row it came from.
    fn place(&mut self, refusal: Refusal) -> Refusal {
        let refusal = match &refusal.detail {
            Some(detail) if refusal.code != ReasonCode::NothingSelected => {
                let detail = format!("{detail} in row {}", self.number + 1);
                refusal.because(detail)
            }
            _ => refusal,
        };
        self.refusal = Some(refusal.clone());
        refusal
    }

    fn end(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(begun) = self.mark.take() {
            self.read(&mut begun.as_slice(), inspector, out)?;
        }
        if !matches!(self.header, Header::Foreign) && self.reader.finish()? {
            self.row(inspector, out)?;
        }
        match self.header {
            Header::Awaited if !self.rule.is_optional => Err(self.nothing_selected()),
            _ => Ok(()),
        }
    }
}

fn row_in_cell() -> Refusal {
    malformed("a line inside of a quoted cell that is a row to those who know no quotes")
}

impl Format for Rows {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.rows(chunk, inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = self.is_holding();
        Ok(())
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refusal {
            return Err(refusal.clone());
        }
        self.end(inspector, out)
            .map_err(|refusal| self.place(refusal))?;
        out.held = false;
        Ok(())
    }

    fn buffered(&self) -> usize {
        let names = match &self.header {
            Header::Known { names, .. } => {
                let text = |name: &Option<Box<str>>| name.as_ref().map_or(0, |name| name.len());
                names.iter().map(text).sum::<usize>() + size_of_val(names.as_slice())
            }
            Header::Awaited | Header::Foreign => 0,
        };
        self.reader.held() + self.scrubber.held() + names
    }
}

#[cfg(test)]
mod tests;
