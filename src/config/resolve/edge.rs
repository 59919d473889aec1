//! What stands before the inbound listener: certificates of both ends, and hops whose word on clients is taken.

use serde_saphyr::Location;

use super::Desk;
use crate::config::file::{ClientAuth, HopWord, Tls, TrustedHops};
use crate::proxy::{HopField, Hops};
use crate::transport::Identification;

impl Desk<'_> {
    pub(super) fn tls(&mut self, tls: &Tls) -> Identification {
        if let (Some(word), None) = (&tls.client_auth, &tls.client_ca) {
            let remedy = "name the authority: `client_ca: tls/clients.pem`";
            self.complain(
                word.referenced,
                "`tls.client_auth` without `tls.client_ca`",
                remedy,
            );
        }
        let word = tls.client_auth.as_ref().map(|word| word.value);
        Identification {
            certificate: self.relative(&tls.certificate.value),
            key: self.relative(&tls.key.value),
            client_ca: tls.client_ca.as_ref().map(|ca| self.relative(&ca.value)),
            is_client_required: word == Some(ClientAuth::Required),
        }
    }

    pub(super) fn hops(&mut self, form: Option<&TrustedHops>) -> Hops {
        let Some(form) = form else {
            return Hops::default();
        };
        let mut hops = Hops {
            trusted: Vec::new(),
            field: match form.field {
                Some(HopWord::Forwarded) => HopField::Forwarded,
                Some(HopWord::XForwardedFor) | None => HopField::ForwardedFor,
            },
        };
        for text in &form.addresses {
            match text.value.parse() {
                Ok(network) => hops.trusted.push(network),
                Err(()) => {
                    let message = format!("`{}` is no address and no network", text.value);
                    self.complain(text.referenced, message, "write `10.0.0.0/8` or `10.1.2.3`");
                }
            }
        }
        if form.addresses.is_empty() {
            let remedy = "name the hops before the sidecar, or take it out";
            self.complain(
                Location::UNKNOWN,
                "`trusted_hops` without addresses",
                remedy,
            );
        }
        hops
    }
}
