//! A request's body without a type: scanned as it is, and, as some frameworks take it, as a form.

use crate::filter::form::Form;
use crate::filter::raw::Raw;
use crate::filter::{Format, Inspector, Output};
use crate::types::{ReasonCode, Refusal};

/// A body that may be a form.
#[derive(Debug)]
pub(super) struct Untyped {
    raw: Raw,
    /// The form; none once a field was too long for one.
    form: Option<Form>,
    /// What the form lets pass: what leaves is the raw reading's to say.
    passed: Output,
}

impl Untyped {
    pub(super) fn new(inspector: &Inspector) -> Self {
        Self {
            raw: Raw::new(inspector),
            form: Some(Form::new(inspector)),
            passed: Output::default(),
        }
    }

    /// Reads the form one step further.
    fn read(
        &mut self,
        step: impl FnOnce(&mut Form, &mut Output) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let Some(form) = &mut self.form else {
            return Ok(());
        };
        let result = step(form, &mut self.passed);
        self.passed.bytes.clear();
        match result {
            Err(refusal) if refusal.code == ReasonCode::StringTooLong => {
                self.form = None;
                Ok(())
            }
            result => result,
        }
    }
}

impl Format for Untyped {
    fn write(
        &mut self,
        chunk: &[u8],
        inspector: &mut Inspector,
        out: &mut Output,
    ) -> Result<(), Refusal> {
        self.read(|form, passed| form.write(chunk, inspector, passed))?;
        self.raw.write(chunk, inspector, out)
    }

    fn finish(&mut self, inspector: &mut Inspector, out: &mut Output) -> Result<(), Refusal> {
        self.read(|form, passed| form.finish(inspector, passed))?;
        self.raw.finish(inspector, out)
    }

    fn buffered(&self) -> usize {
        self.raw.buffered() + self.form.as_ref().map_or(0, Form::buffered)
    }
}
