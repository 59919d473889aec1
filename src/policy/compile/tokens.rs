//! The `capability` section: which tokens are accepted, and the keys that prove them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use crate::capability::{
    BiscuitSettings, JwtAlgorithm, JwtSettings, KeySet, RootKey, Settings, SettingsError,
};
use crate::policy::compile::Compiler;
use crate::policy::document::{BiscuitForm, CapabilityForm, JwtForm};
use crate::policy::field::Field;

impl Compiler {
    pub(super) fn tokens(
        &mut self,
        form: &CapabilityForm,
        span: &Range<usize>,
    ) -> Option<Settings> {
        if form.biscuit.is_absent() && form.jwt.is_absent() {
            let remedy = "add `biscuit`, `jwt` or both: nothing is served without a capability";
            self.sink
                .at(&self.head(span), "no kind of token is accepted", remedy);
        }
        let biscuit = form.biscuit.placed();
        let biscuit = biscuit.map(|(form, span)| self.biscuit(form, span));
        let jwt = form.jwt.placed();
        let jwt = jwt.map(|(form, span)| self.jwt(form, span));
        Some(Settings {
            biscuit: biscuit.flatten(),
            jwt: jwt.flatten(),
        })
    }

    fn biscuit(&mut self, form: &BiscuitForm, parent: &Range<usize>) -> Option<BiscuitSettings> {
        let (files, span) = self.need(&form.root_keys, parent, "root_keys", "[keys/issuer.pub]")?;
        let mut keys = Vec::new();
        for (name, span) in files.iter().filter_map(Field::placed) {
            let text = self.key_file(name, span)?;
            match RootKey::parse(&text) {
                Ok(key) => keys.push(key),
                Err(error) => {
                    let message = format!("`{name}` holds no root key: {error}");
                    let remedy = "write one with `chaperone token keygen`";
                    self.sink.at(span, message, remedy);
                    return None;
                }
            }
        }
        if keys.len() < files.len() {
            return None;
        }
        let settings = BiscuitSettings::new(keys);
        self.settled(settings, span, "list the issuer's key files, up to 8")
    }

    fn jwt(&mut self, form: &JwtForm, parent: &Range<usize>) -> Option<JwtSettings> {
        let issuer = self.need(&form.issuer, parent, "issuer", "\"https://id.example\"");
        let audience = self.need(&form.audience, parent, "audience", "shop");
        let jwks = self.need(&form.jwks, parent, "jwks", "keys/jwks.json");
        let algorithms = self.need(&form.algorithms, parent, "algorithms", "[EdDSA, ES256]");
        let keys = jwks.and_then(|(name, span)| self.key_set(name, span));
        let (algorithms, algorithms_span) = algorithms?;
        let listed = algorithms.iter().filter_map(Field::value);
        let listed: Vec<JwtAlgorithm> = listed.copied().collect();
        let (audience, audience_span) = audience?;
        let (issuer, issuer_span) = issuer?;
        let (_, keys_span) = jwks?;
        let settings = match JwtSettings::new(issuer, audience, listed, keys?) {
            Err(error) => {
                let span = match error {
                    SettingsError::Issuer => issuer_span,
                    SettingsError::Audience => audience_span,
                    SettingsError::Keys => keys_span,
                    _ => algorithms_span,
                };
                return self.settled(
                    Err(error),
                    span,
                    "see the key's place in docs/policy-reference.md",
                );
            }
            Ok(settings) => settings,
        };
        let settings = match form.leeway.placed() {
            None => settings,
            Some((seconds, span)) => {
                let settings = settings.with_leeway(u16::from(*seconds));
                self.settled(
                    settings,
                    span,
                    "write 60 or less; clocks that differ by more want mending",
                )?
            }
        };
        match form.claims.placed() {
            None => Some(settings),
            Some((claims, span)) => {
                let pairs = claims.iter();
                let pairs = pairs.filter_map(|(claim, field)| Some((claim, field.value()?)));
                let claims: BTreeMap<String, String> = pairs
                    .map(|(claim, attribute)| (claim.clone(), attribute.clone()))
                    .collect();
                let remedy =
                    "write the claim's name and the attribute it fills: `department: group`";
                self.settled(settings.with_claims(claims), &self.head(span), remedy)
            }
        }
    }

    fn key_set(&mut self, name: &str, span: &Range<usize>) -> Option<KeySet> {
        if name.contains("://") {
            let remedy = "fetch it into a file beside the policy, and name that";
            let message = "key sets from a URL are not supported by this version";
            self.sink.at(span, message, remedy);
            return None;
        }
        let text = self.key_file(name, span)?;
        match KeySet::parse(&text) {
            Ok(keys) => Some(keys),
            Err(error) => {
                let message = format!("`{name}` holds no usable key set: {error}");
                let remedy = "publish the issuer's public keys there (RFC 7517)";
                self.sink.at(span, message, remedy);
                None
            }
        }
    }

    fn key_file(&mut self, name: &str, span: &Range<usize>) -> Option<String> {
        match self.files.read(Path::new(name)) {
            Ok(text) => Some(text),
            Err(error) => {
                let message = format!("the key file `{name}` can't be read: {error}");
                let remedy = "put the public key there; names are relative to the policy file";
                self.sink.at(span, message, remedy);
                None
            }
        }
    }

    fn settled<T>(
        &self,
        result: Result<T, SettingsError>,
        span: &Range<usize>,
        remedy: &str,
    ) -> Option<T> {
        match result {
            Ok(settings) => Some(settings),
            Err(error) => {
                self.sink.at(span, error.to_string(), remedy);
                None
            }
        }
    }
}
