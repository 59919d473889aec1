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

/// Issuers in one policy.
const ISSUERS: usize = 16;

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
        Some(Settings {
            biscuit: biscuit.flatten(),
            jwt: self.issuers(form),
        })
    }

    /// The issuers of JSON Web Tokens, as far as they are sound.
    fn issuers(&mut self, form: &CapabilityForm) -> Vec<JwtSettings> {
        let Some((list, span)) = form.jwt.placed() else {
            return Vec::new();
        };
        let mut issuers = Vec::new();
        let mut known: Vec<(&str, &str)> = Vec::new();
        for (form, span) in list.all().iter().filter_map(Field::placed) {
            if let Some((issuer, span)) = form.issuer.placed() {
                let prefix = form.prefix.value().map_or("", String::as_str);
                if known.iter().any(|(other, _)| other == issuer) {
                    let message = format!("the issuer `{issuer}` stands twice");
                    self.sink.at(span, message, "keep one of the two");
                } else if known.iter().any(|(_, other)| *other == prefix) {
                    let message = "users of two issuers whose `sub` is the same are one user here";
                    let remedy = "give each issuer a `prefix` of its own, unless the issuers agree on who is who";
                    self.sink.warn(span, message, remedy);
                }
                known.push((issuer, prefix));
            }
            issuers.extend(self.jwt(form, span));
        }
        if list.all().is_empty() {
            self.sink
                .at(span, "a list of no issuers", "add one, or take `jwt` out");
        }
        if list.all().len() > ISSUERS {
            let message = format!("more than {ISSUERS} issuers");
            self.sink.at(&self.head(span), message, "split the policy");
        }
        issuers
    }

    fn biscuit(&mut self, form: &BiscuitForm, parent: &Range<usize>) -> Option<BiscuitSettings> {
        let (files, span) = self.need(&form.root_keys, parent, "root_keys", "[keys/issuer.pub]")?;
        let keys = self.root_keys(files)?;
        let settings = BiscuitSettings::new(keys);
        self.settled(settings, span, "list the issuer's key files, up to 8")
    }

    /// The keys in `files`; none where a mistake was noted.
    pub(super) fn root_keys(&mut self, files: &[Field<String>]) -> Option<Vec<RootKey>> {
        let mut keys = Vec::new();
        for (name, span) in files.iter().filter_map(Field::placed) {
            let Some(text) = self.key_file(name, span) else {
                continue;
            };
            match RootKey::parse(&text) {
                Ok(key) => keys.push(key),
                Err(error) => {
                    let message = format!("`{name}` holds no root key: {error}");
                    let remedy = "write one with `chaperone token keygen`";
                    self.sink.at(span, message, remedy);
                }
            }
        }
        (keys.len() == files.len()).then_some(keys)
    }

    fn jwt(&mut self, form: &JwtForm, parent: &Range<usize>) -> Option<JwtSettings> {
        let issuer = self.need(&form.issuer, parent, "issuer", "\"https://id.example\"");
        let audience = self.need(&form.audience, parent, "audience", "shop");
        let jwks = self.need(&form.jwks, parent, "jwks", "keys/jwks.json");
        let algorithms = self.need(&form.algorithms, parent, "algorithms", "[EdDSA, ES256]");
        let is_sound = self.check_demands(form);
        let claims = self.claims(form);
        let listed = algorithms.iter().flat_map(|(list, _)| list.iter());
        let listed: Vec<JwtAlgorithm> = listed.filter_map(Field::value).copied().collect();
        let keys = jwks.and_then(|(place, span)| self.keys(place, span, &listed));
        if !is_sound || listed.len() < algorithms?.0.len() {
            return None;
        }
        let settings = JwtSettings::new(issuer?.0, audience?.0, listed, keys?);
        let remedy = "name the set with the keys that the issuer signs with, and their algorithms";
        let settings = self.settled(settings, jwks?.1, remedy)?;
        let settings = match form.leeway.placed() {
            None => settings,
            Some((seconds, span)) => {
                let settings = settings.with_leeway(u16::from(*seconds));
                self.settled(settings, span, "write 60 or less")?
            }
        };
        let settings = match form.prefix.placed() {
            None => settings,
            Some((prefix, span)) => {
                let settings = settings.with_prefix(prefix);
                self.settled(settings, span, "write a few letters, such as `partner:`")?
            }
        };
        let settings = settings.with_claims(claims);
        self.settled(
            settings,
            form.claims.span().unwrap_or(parent),
            "write other claims",
        )
    }

    /// What can be said without the keys, which may be missing; false where anything was noted.
    fn check_demands(&self, form: &JwtForm) -> bool {
        let mut is_sound = true;
        let mut note = |span: &Range<usize>, error: SettingsError, remedy: &str| {
            is_sound = false;
            self.sink.at(span, error.to_string(), remedy);
        };
        if let Some((issuer, span)) = form.issuer.placed()
            && issuer.trim().is_empty()
        {
            let remedy = "write what the tokens' `iss` says: without it, anyone's token would do";
            note(span, SettingsError::Issuer, remedy);
        }
        if let Some((audience, span)) = form.audience.placed()
            && audience.trim().is_empty()
        {
            let remedy =
                "write what the tokens' `aud` says: without it, another app's token would do";
            note(span, SettingsError::Audience, remedy);
        }
        if let Some((algorithms, span)) = form.algorithms.placed()
            && algorithms.is_empty()
        {
            let remedy = "list the ones that the issuer signs with: `[EdDSA, ES256]`";
            note(span, SettingsError::Algorithms, remedy);
        }
        if let Some((61.., span)) = form.leeway.placed() {
            let remedy = "write 60 or less; clocks that differ by more want mending";
            note(span, SettingsError::Leeway, remedy);
        }
        is_sound
    }

    fn claims(&self, form: &JwtForm) -> BTreeMap<String, String> {
        let mut claims = BTreeMap::new();
        for (claim, field) in form.claims.value().into_iter().flatten() {
            let Some((attribute, span)) = field.placed() else {
                continue;
            };
            match JwtSettings::check_claim(claim, attribute) {
                Ok(()) => {
                    claims.insert(claim.clone(), attribute.clone());
                }
                Err(error) => {
                    let remedy = "write a claim's name and another attribute: `groups: group`";
                    self.sink.at(span, error.to_string(), remedy);
                }
            }
        }
        claims
    }

    pub(super) fn key_set(&mut self, name: &str, span: &Range<usize>) -> Option<KeySet> {
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

    pub(super) fn key_file(&mut self, name: &str, span: &Range<usize>) -> Option<String> {
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

    pub(super) fn settled<T>(
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
