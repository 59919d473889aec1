//! A reviewer's word on one revision: a third party's block on the binding, signed with the reviewer's own key.

use std::collections::HashMap;

use biscuit_auth::builder::{BlockBuilder, Term, string};
use biscuit_auth::{PrivateKey, UnverifiedBiscuit};
use jiff::Timestamp;
use thiserror::Error;

use super::{Binding, BindingError, is_name, review};
use crate::capability::claimed;
use crate::capability::mint::SigningKey;
use crate::types::{Level, Secret};

/// What a reviewer says.
#[derive(Clone, Debug)]
pub struct Approve {
    /// The commit that was reviewed; the binding must be for it.
    pub revision: String,
    /// What is granted.
    pub level: Level,
    /// When it ends.
    pub expires: Timestamp,
}

impl Approve {
    /// `binding` with the reviewer's block.
    ///
    /// # Errors
    /// Refuses what is no binding, another revision, an end too far away and a sealed binding.
    pub fn sign(
        &self,
        binding: &Secret<String>,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<Secret<String>, ApproveError> {
        let text = binding.expose().trim();
        let read = Binding::inspect(text).map_err(ApproveError::Binding)?;
        if read.revision() != self.revision {
            return Err(ApproveError::Revision(read.revision().to_owned()));
        }
        if self.expires <= now || !review::is_near(self.expires, now) {
            return Err(ApproveError::Expires);
        }
        self.sign_blindly(text, key)
    }

    /// The same without a look at what is approved.
    pub(super) fn sign_blindly(
        &self,
        text: &str,
        key: &SigningKey,
    ) -> Result<Secret<String>, ApproveError> {
        let name = match self.level {
            Level::OkToTest => "ok_to_test",
            Level::Cleared => "cleared",
            Level::Unreviewed => return Err(ApproveError::Level),
        };
        if !is_name(&self.revision) {
            return Err(ApproveError::Revision(String::new()));
        }
        let bytes = claimed::biscuit_bytes(text)
            .ok_or(ApproveError::Binding(BindingError("it is not a Biscuit")))?;
        let token = UnverifiedBiscuit::from(bytes).map_err(ApproveError::Append)?;
        let end = u64::try_from(self.expires.as_second()).map_err(|_| ApproveError::Expires)?;
        let values = HashMap::from([
            ("revision".to_owned(), string(&self.revision)),
            ("end".to_owned(), Term::Date(end)),
        ]);
        let code = format!("{name}({{revision}}); approval_ends({{end}});");
        let block = BlockBuilder::new()
            .code_with_params(&code, values, HashMap::new())
            .map_err(ApproveError::Append)?;
        let private = PrivateKey::from_pem(key.pem().expose()).map_err(|_| ApproveError::Key)?;
        let request = token.third_party_request().map_err(ApproveError::Append)?;
        let block = request
            .create_block(&private, block)
            .and_then(|block| block.serialize())
            .map_err(ApproveError::Append)?;
        token
            .append_third_party(&block)
            .and_then(|token| token.to_base64())
            .map(Secret::new)
            .map_err(ApproveError::Append)
    }
}

/// Why nothing was approved.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApproveError {
    /// The block can't be added.
    #[error("can't add the approval; perhaps the binding is sealed")]
    Append(#[source] biscuit_auth::error::Token),
    /// There is nothing to approve.
    #[error("not a binding: {0}")]
    Binding(BindingError),
    /// An end that is over, or too far away.
    #[error("an approval ends, in the future and within 90 days")]
    Expires,
    /// The key can't sign.
    #[error("not an Ed25519 private key in PEM (PKCS#8)")]
    Key,
    /// Nothing is granted.
    #[error("an approval grants `ok-to-test` or `cleared`")]
    Level,
    /// The binding is for another revision.
    #[error("the binding is for revision `{0}`: look at that one, and name it, to approve it")]
    Revision(String),
}
