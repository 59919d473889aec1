//! A receipt with its signature: the exact bytes that were signed travel with it.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::audit::receipt::Receipt;
use crate::capability::RootKey;
use crate::capability::mint::SigningKey;

/// What else a signature could be for is kept apart by this.
const CONTEXT: &str = "chaperone 2026-11 receipt\n";

/// A signed receipt.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signed {
    receipt: Box<RawValue>,
    key: String,
    signature: String,
}

impl Signed {
    pub(super) fn new(receipt: &Receipt, key: &SigningKey) -> anyhow::Result<Self> {
        let receipt = serde_json::value::to_raw_value(receipt)?;
        Ok(Self {
            signature: key.sign(&message(receipt.get()))?,
            key: key.public().to_string(),
            receipt,
        })
    }

    /// Reads the signed form, alone or at the end of its page.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let line = text
            .lines()
            .find(|line| line.starts_with("{\"receipt\":"))
            .context("it holds no signed form")?;
        serde_json::from_str(line).context("its signed form can't be read")
    }

    /// One line of JSON.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    /// The receipt, if `key` signed it.
    pub(super) fn open(&self, key: &RootKey) -> anyhow::Result<Receipt> {
        anyhow::ensure!(
            key.verifies(&message(self.receipt.get()), &self.signature),
            "its signature does not hold"
        );
        serde_json::from_str(self.receipt.get()).context("it is of another version")
    }
}

fn message(receipt: &str) -> Vec<u8> {
    format!("{CONTEXT}{receipt}").into_bytes()
}
