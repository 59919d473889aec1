//! From the file's form to the meaning: every default stands here, every value is checked here.

mod callback;
mod edge;
mod own;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::{Location, Spanned};

use super::file::{self, AuditPath, AuditSink, AuditSubject, File, ProtocolWord};
use super::scalar::{Length, Size};
use super::{
    Binding, BindingSource, Config, ConfigError, Identity, Limits, Listen, Overrides, Upstream,
};
use crate::audit::{self, Naming, PathForm, Sink, SubjectForm};
use crate::capability::PodKey;
use crate::capability::binding::{Running, is_digest};
use crate::capability::mint::SigningKey;
use crate::filter;
use crate::transport::upstream::Protocol;
use crate::types::{FingerprintKey, Secret};

const INBOUND: &str = "127.0.0.1:15106";
const HEALTH: &str = "127.0.0.1:15121";
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

pub(super) fn resolve(
    path: &Path,
    file: &File,
    overrides: &Overrides,
) -> Result<Config, Vec<ConfigError>> {
    let mut desk = Desk {
        path,
        mistakes: Vec::new(),
    };
    desk.refuse_later(file);
    let listen = desk.listen(&file.listen, overrides);
    let tls = file.tls.as_ref().map(|tls| desk.tls(tls));
    let hops = desk.hops(file.trusted_hops.as_ref());
    let upstream = desk.upstream(file, overrides);
    let policy = match (&overrides.policy, &file.policy) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(policy)) => Some(desk.relative(&policy.value)),
        (None, None) => desk.missing("policy", "policy: policy.yaml"),
    };
    let preview = desk.name(
        "preview",
        overrides.preview.as_deref(),
        file.preview.as_ref(),
    );
    let revision = desk.name(
        "revision",
        overrides.revision.as_deref(),
        file.revision.as_ref(),
    );
    let binding = desk.binding(file, overrides, preview.as_ref(), revision.as_ref());
    let identity = desk.identity(&file.identity);
    let own = desk.own(file, binding.is_some());
    let audit = desk.audit(&file.audit, overrides);
    let limits = desk.limits(&file.limits);
    match (listen, upstream, policy, identity, audit) {
        (
            Some(listen),
            Some(upstream),
            Some(policy),
            Some(identity),
            Some((audit, naming, is_key_ephemeral)),
        ) if desk.mistakes.is_empty() => Ok(Config {
            listen,
            tls,
            hops,
            upstream,
            policy,
            preview: preview.unwrap_or_else(|| Arc::from("preview")),
            revision,
            binding,
            identity,
            own,
            audit,
            naming,
            is_key_ephemeral,
            limits,
        }),
        _ => Err(desk.mistakes),
    }
}

/// Where the mistakes are gathered.
struct Desk<'a> {
    path: &'a Path,
    mistakes: Vec<ConfigError>,
}

impl Desk<'_> {
    fn complain(&mut self, at: Location, message: impl Into<String>, remedy: impl Into<String>) {
        self.mistakes
            .push(ConfigError::at(self.path, at, message, remedy));
    }

    fn missing<T>(&mut self, key: &str, example: &str) -> Option<T> {
        self.complain(
            Location::UNKNOWN,
            format!("`{key}` is missing"),
            format!("write `{example}`"),
        );
        None
    }

    fn refuse_later(&mut self, file: &File) {
        let later = [
            ("outbound", &file.outbound),
            ("listen.outbound", &file.listen.outbound),
        ];
        for (key, value) in later {
            if let Some(value) = value {
                self.complain(
                    value.referenced,
                    format!("`{key}` is not supported by this version"),
                    "take it out",
                );
            }
        }
    }

    /// A path in the file is taken from the file's own folder.
    fn relative(&self, path: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }

    fn listen(&mut self, file: &file::Listen, overrides: &Overrides) -> Option<Listen> {
        let inbound = self.address("inbound", overrides.inbound, file.inbound.as_ref(), INBOUND);
        let health = self.address("health", overrides.health, file.health.as_ref(), HEALTH);
        let admin = match (&overrides.admin, &file.admin) {
            (Some(text), _) => self.socket(text, Location::UNKNOWN, Path::new("")),
            (None, Some(text)) => {
                let folder = self.path.parent().unwrap_or(Path::new("")).to_path_buf();
                self.socket(&text.value, text.referenced, &folder)
            }
            (None, None) => None,
        };
        Some(Listen {
            inbound: inbound?,
            health: health?,
            admin,
        })
    }

    fn address(
        &mut self,
        key: &str,
        above: Option<SocketAddr>,
        file: Option<&Spanned<String>>,
        default: &str,
    ) -> Option<SocketAddr> {
        if above.is_some() {
            return above;
        }
        let text = file.map_or(default, |text| text.value.as_str());
        let address = text.parse().ok();
        if address.is_none() {
            self.complain(
                file.map_or(Location::UNKNOWN, |text| text.referenced),
                format!("`{text}` is not an address with a port"),
                format!("write `{key}: {default}`"),
            );
        }
        address
    }

    fn socket(&mut self, text: &str, at: Location, folder: &Path) -> Option<PathBuf> {
        let path = text.strip_prefix("unix:").filter(|path| !path.is_empty());
        if path.is_none() {
            self.complain(
                at,
                format!("`{text}` is not a Unix socket: the app shares the loopback, so others are not supported by this version"),
                "write `admin: unix:/run/chaperone/admin.sock`, in a volume of the sidecar's own",
            );
        }
        path.map(|path| folder.join(path))
    }

    fn upstream(&mut self, file: &File, overrides: &Overrides) -> Option<Upstream> {
        let (text, at) = match (&overrides.upstream, &file.upstream) {
            (Some(text), _) => (text.as_str(), Location::UNKNOWN),
            (None, Some(upstream)) => (upstream.url.value.as_str(), upstream.url.referenced),
            (None, None) => {
                return self.missing("upstream", "upstream: { url: \"http://127.0.0.1:8080\" }");
            }
        };
        let upstream = parse_upstream(text);
        if upstream.is_none() {
            self.complain(
                at,
                format!("`{text}` is not the root of a plain HTTP server"),
                "write `url: \"http://127.0.0.1:8080\"`; TLS and paths are not supported by this version",
            );
        }
        let protocol = match file
            .upstream
            .as_ref()
            .and_then(|upstream| upstream.protocol)
        {
            Some(ProtocolWord::H2c) => Protocol::Http2,
            Some(ProtocolWord::Http1) | None => Protocol::Http1,
        };
        upstream.map(|upstream| Upstream {
            protocol,
            ..upstream
        })
    }

    fn name(
        &mut self,
        key: &str,
        above: Option<&str>,
        file: Option<&Spanned<String>>,
    ) -> Option<Arc<str>> {
        let (text, at) = match (above, file) {
            (Some(text), _) => (text, Location::UNKNOWN),
            (None, Some(text)) => (text.value.as_str(), text.referenced),
            (None, None) => return None,
        };
        let is_plain = !text.is_empty()
            && text.len() <= 256
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain {
            self.complain(
                at,
                format!("`{key}` is not a name"),
                "write at most 256 letters, digits and signs, without spaces",
            );
            return None;
        }
        Some(Arc::from(text))
    }

    /// The binding and what it is held against: all of it must be said.
    fn binding(
        &mut self,
        file: &File,
        overrides: &Overrides,
        preview: Option<&Arc<str>>,
        revision: Option<&Arc<str>>,
    ) -> Option<Binding> {
        let images = self.images(file, overrides);
        let is_asked = overrides.binding.is_some() || overrides.binding_file.is_some();
        if let (None, false, Some(images)) = (&file.binding, is_asked, &file.images) {
            let place = images.first().map_or(Location::UNKNOWN, |it| it.referenced);
            let remedy = "name the preview's binding: `binding: { token_file: binding.token }`";
            self.complain(place, "`images` without `binding`", remedy);
        }
        let form = file.binding.as_ref();
        let place = form.map_or(Location::UNKNOWN, |form| form.referenced);
        let form = form.map(|form| &form.value);
        let text = form.and_then(|form| form.token.as_ref());
        let named = form.and_then(|form| form.token_file.as_ref());
        let secret = |text: &String| BindingSource::Text(Secret::new(text.clone()));
        let source = match (&overrides.binding, &overrides.binding_file, text, named) {
            (Some(_), Some(_), ..) | (None, None, Some(_), Some(_)) => {
                let message = "the binding's token and a file with it are both given";
                self.complain(place, message, "keep the file");
                return None;
            }
            (Some(text), None, ..) => secret(text),
            (None, Some(path), ..) => BindingSource::File(path.clone()),
            (None, None, Some(text), None) => secret(&text.value),
            (None, None, None, Some(path)) => BindingSource::File(self.relative(&path.value)),
            (None, None, None, None) if form.is_some() => {
                let remedy = "write `binding: { token_file: binding.token }`";
                self.complain(place, "`binding` without a token", remedy);
                return None;
            }
            (None, None, None, None) => return None,
        };
        if preview.is_none() {
            self.missing::<()>("preview", "preview: pr-123");
        }
        if revision.is_none() {
            self.missing::<()>("revision", "revision: 4f2c9e1");
        }
        let pin = form.and_then(|form| form.pin_file.as_ref());
        Some(Binding {
            source,
            running: Running {
                preview: Arc::clone(preview?),
                revision: Arc::clone(revision?),
                images: images?,
            },
            pin: pin.map(|pin| self.relative(&pin.value)),
        })
    }

    fn images(&mut self, file: &File, overrides: &Overrides) -> Option<BTreeSet<Box<str>>> {
        let listed: Vec<(&str, Location)> = match (&overrides.images, &file.images) {
            (Some(images), _) => images
                .iter()
                .map(|image| (image.as_str(), Location::UNKNOWN))
                .collect(),
            (None, Some(images)) => images
                .iter()
                .map(|image| (image.value.as_str(), image.referenced))
                .collect(),
            (None, None) => Vec::new(),
        };
        let mut images = BTreeSet::new();
        for (image, place) in &listed {
            if is_digest(image) {
                images.insert((*image).into());
            } else {
                let message = format!("`{image}` is no image's digest");
                self.complain(*place, message, "write `sha256:` and 64 lower-case digits");
            }
        }
        (images.len() == listed.len()).then_some(images)
    }

    fn audit(
        &mut self,
        file: &file::Audit,
        overrides: &Overrides,
    ) -> Option<(audit::Settings, Naming, bool)> {
        let named = match (&overrides.audit_file, &file.file) {
            (Some(path), _) => Some(path.clone()),
            (None, Some(path)) => Some(self.relative(&path.value)),
            (None, None) => None,
        };
        let sink = match (file.to.as_ref().map(|to| to.value), named) {
            (Some(AuditSink::File) | None, Some(path)) => Sink::File(path),
            (Some(AuditSink::Stdout) | None, None) => Sink::Stdout,
            (Some(AuditSink::Stdout), Some(_)) if overrides.audit_file.is_none() => {
                let at = file
                    .file
                    .as_ref()
                    .map_or(Location::UNKNOWN, |file| file.referenced);
                self.complain(
                    at,
                    "`audit.file` has no meaning with `to: stdout`",
                    "take one of them out",
                );
                return None;
            }
            (Some(AuditSink::Stdout), Some(path)) => Sink::File(path),
            (Some(AuditSink::File), None) => {
                return self.missing("audit.file", "audit: { to: file, file: audit.jsonl }");
            }
        };
        let material = match (&file.key, &file.key_file) {
            (Some(_), Some(both)) => {
                self.complain(
                    both.referenced,
                    "`audit.key` and `audit.key_file` are both given",
                    "keep `key_file`",
                );
                return None;
            }
            (Some(key), None) => Some(key.value.clone().into_bytes()),
            (None, Some(key_file)) => Some(self.secret(key_file)?),
            (None, None) => None,
        };
        let is_ephemeral = material.is_none();
        let key = match material {
            Some(material) if material.len() >= 16 => FingerprintKey::from_material(&material),
            Some(_) => {
                let place = file.key.as_ref().or(file.key_file.as_ref());
                self.complain(
                    place.map_or(Location::UNKNOWN, |key| key.referenced),
                    "the audit key has fewer than 16 bytes",
                    "make one with `head -c 32 /dev/urandom | base64`",
                );
                return None;
            }
            None => match FingerprintKey::random() {
                Ok(key) => key,
                Err(error) => {
                    self.complain(
                        Location::UNKNOWN,
                        format!("no random key can be made: {error}"),
                        "set `audit.key_file`",
                    );
                    return None;
                }
            },
        };
        let subject = match file.subject.unwrap_or(AuditSubject::Keyed) {
            AuditSubject::Keyed => SubjectForm::Keyed,
            AuditSubject::Plain => SubjectForm::Plain,
        };
        let path = match file.path.unwrap_or(AuditPath::Route) {
            AuditPath::Raw => PathForm::Raw,
            AuditPath::Route => PathForm::Route,
        };
        let naming = Naming::new(key, subject, path);
        Some((audit::Settings::new(sink), naming, is_ephemeral))
    }

    fn identity(&mut self, file: &file::Identity) -> Option<Identity> {
        let (text, place) = match (&file.key, &file.key_file) {
            (Some(_), Some(both)) => {
                let message = "`identity.key` and `identity.key_file` are both given";
                self.complain(both.referenced, message, "keep `key_file`");
                return None;
            }
            (Some(key), None) => (Some(key.value.clone()), key.referenced),
            (None, Some(key_file)) => {
                let bytes = self.secret(key_file)?;
                let text = String::from_utf8(bytes).unwrap_or_default();
                (Some(text), key_file.referenced)
            }
            (None, None) => (None, Location::UNKNOWN),
        };
        let text = text.map(Secret::new);
        let key = match &text {
            Some(text) => SigningKey::parse(text.expose()),
            None => SigningKey::generate(),
        };
        match key.and_then(|key| PodKey::of(&key)) {
            Ok(key) => Some(Identity {
                key: Arc::new(key),
                attests: file.capability.unwrap_or(true),
            }),
            Err(error) => {
                let remedy = "make one with `chaperone token keygen`";
                self.complain(
                    place,
                    format!("the pod's key can't be used: {error}"),
                    remedy,
                );
                None
            }
        }
    }

    fn secret(&mut self, file: &Spanned<String>) -> Option<Vec<u8>> {
        match std::fs::read(self.relative(&file.value)) {
            Ok(bytes) => Some(bytes.trim_ascii().to_vec()),
            Err(error) => {
                self.complain(
                    file.referenced,
                    format!("the secret `{}` can't be read: {error}", file.value),
                    "name a readable file",
                );
                None
            }
        }
    }

    fn limits(&mut self, file: &file::Limits) -> Limits {
        let token = self.size("token", &file.token, 8 * KIB, 256, MIB);
        let failures = self.count("failures", &file.failures, 20, 1, 1000);
        Limits {
            head: self.size("head", &file.head, 64 * KIB, 8 * KIB, 16 * MIB),
            headers: self.count("headers", &file.headers, 100, 8, 10_000),
            head_time: time(file.head_time, 10),
            body_time: time(file.body_time, 30),
            idle: time(file.idle, 60),
            upstream_time: time(file.upstream_time, 30),
            websocket_time: time(file.websocket_time, 12 * 60 * 60),
            drain: time(file.drain, 25),
            requests: self.count("requests", &file.requests, 1024, 1, 1_000_000),
            buffered: file.buffered.map_or(64 * MIB, |size| size.0),
            token,
            failures: u32::try_from(failures).unwrap_or(u32::MAX),
            filter: filter::Limits {
                record: self.size("record", &file.record, 8 * MIB, 1, usize::MAX),
                string: self.size("string", &file.string, MIB, 1, usize::MAX),
                depth: self.count("depth", &file.depth, 128, 1, 10_000),
                codings: file.codings.unwrap_or(2),
                ratio: self.count("ratio", &file.ratio, 100, 1, 1_000_000) as u64,
                request_body: file.request_body.map_or(64 * MIB, |size| size.0) as u64,
            },
        }
    }

    fn size(
        &mut self,
        key: &str,
        value: &Option<Spanned<Size>>,
        default: usize,
        least: usize,
        most: usize,
    ) -> usize {
        let Some(size) = value else { return default };
        self.within(key, size.value.0, size.referenced, least, most)
    }

    fn count(
        &mut self,
        key: &str,
        value: &Option<Spanned<usize>>,
        default: usize,
        least: usize,
        most: usize,
    ) -> usize {
        let Some(count) = value else { return default };
        self.within(key, count.value, count.referenced, least, most)
    }

    fn within(
        &mut self,
        key: &str,
        value: usize,
        at: Location,
        least: usize,
        most: usize,
    ) -> usize {
        if !(least..=most).contains(&value) {
            let message = format!("`limits.{key}` can't be {value}");
            let remedy = format!("write at least {least} and at most {most}");
            self.complain(at, message, remedy);
        }
        value
    }
}

fn time(length: Option<Length>, default: u64) -> Duration {
    length.map_or(Duration::from_secs(default), |length| length.0)
}

fn parse_upstream(text: &str) -> Option<Upstream> {
    let uri: http::Uri = text.parse().ok()?;
    let authority = uri.authority()?;
    let is_root = uri.scheme() == Some(&http::uri::Scheme::HTTP)
        && uri.path() == "/"
        && uri.query().is_none()
        && !authority.as_str().contains('@');
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    is_root.then(|| Upstream {
        host: host.into(),
        port: authority.port_u16().unwrap_or(80),
        protocol: Protocol::Http1,
    })
}
