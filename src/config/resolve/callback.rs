//! The callback of logins on one host for all previews, at either end.

use serde_saphyr::{Location, Spanned};

use super::Desk;
use super::own::is_secure;
use crate::config::file;
use crate::proxy::{Callback, CallbackHost, HostPattern};
use crate::types::FingerprintKey;

/// The path of each callback.
const PATH: &str = "/.well-known/chaperone/callback";
/// Bytes of the shortest key.
const KEY: usize = 32;

impl Desk<'_> {
    /// What a preview says of the callback of its logins.
    pub(super) fn callback(
        &mut self,
        form: &Spanned<file::LoginCallback>,
        is_bound: bool,
    ) -> Option<Callback> {
        let value = &form.value;
        let url = &value.url;
        let uri = url.value.parse::<http::Uri>().ok();
        let uri = uri.filter(|uri| is_secure(uri) && uri.query().is_none() && uri.path() == PATH);
        if uri.is_none() || url.value.contains('#') {
            let message = format!("`{}` is no callback of logins", url.value);
            let remedy = format!("write `url: https://auth.example{PATH}`");
            self.complain(url.referenced, message, remedy);
        }
        if !is_bound {
            let message = "`login.callback` without `binding`: browsers are sent back to the binding's hosts alone";
            let remedy = "name the preview's binding: `binding: { token_file: binding.token }`";
            self.complain(form.referenced, message, remedy);
        }
        let key = self.shared(form.referenced, value.key.as_ref(), value.key_file.as_ref());
        Some(Callback {
            url: url.value.as_str().into(),
            key: key?,
        })
    }

    /// What the callback's host says of the previews.
    pub(super) fn callback_host(
        &mut self,
        form: &Spanned<file::CallbackHost>,
    ) -> Option<CallbackHost> {
        let value = &form.value;
        let host = HostPattern::parse(&value.host.value).filter(HostPattern::is_one);
        if host.is_none() {
            let message = format!("`{}` is not one host", value.host.value);
            self.complain(value.host.referenced, message, "write `host: auth.example`");
        }
        let mut previews = Vec::new();
        for text in &value.previews {
            if let Some(preview) = HostPattern::parse(&text.value) {
                previews.push(preview);
                continue;
            }
            let message = format!("`{}` names no hosts of previews", text.value);
            let remedy = "write a host, or `*.preview.example` for all with one more label";
            self.complain(text.referenced, message, remedy);
        }
        if value.previews.is_empty() {
            let message = "`callback.previews` is empty";
            let remedy = "write `previews: [\"*.preview.example\"]`";
            self.complain(form.referenced, message, remedy);
        }
        let key = self.shared(form.referenced, value.key.as_ref(), value.key_file.as_ref());
        Some(CallbackHost {
            host: host?,
            previews,
            key: key?,
        })
    }

    /// The key that both ends have.
    fn shared(
        &mut self,
        place: Location,
        key: Option<&Spanned<String>>,
        file: Option<&Spanned<String>>,
    ) -> Option<FingerprintKey> {
        let remedy = "write `key_file: secrets/callback.key`, a file with 32 random bytes or more";
        let bytes = match (key, file) {
            (Some(_), Some(both)) => {
                let message = "the callback's `key` and `key_file` are both given";
                self.complain(both.referenced, message, "keep `key_file`");
                return None;
            }
            (Some(key), None) => key.value.trim_ascii().as_bytes().to_vec(),
            (None, Some(file)) => self.secret(file)?,
            (None, None) => {
                self.complain(place, "the callback has no key", remedy);
                return None;
            }
        };
        if bytes.len() < KEY {
            let message = format!("the callback's key has fewer than {KEY} bytes");
            let place = key.or(file).map_or(place, |it| it.referenced);
            self.complain(place, message, remedy);
            return None;
        }
        Some(FingerprintKey::from_material(&bytes))
    }
}
