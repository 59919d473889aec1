//! The fields of a head that say how long a message is and whom it is for.

use std::net::Ipv6Addr;

use super::line::is_token;
use super::{Malformed, Writer};

/// Fields that frame, route, authenticate or describe a message: none may come after its body
/// (RFC 9110 section 6.5.1).
const NO_TRAILERS: [&str; 25] = [
    "authorization",
    "cache-control",
    "chaperone-capability",
    "connection",
    "content-encoding",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "www-authenticate",
];

/// What the fields of one head say.
#[derive(Debug)]
pub(super) struct Fields {
    writer: Writer,
    count: usize,
    length: Option<u64>,
    is_chunked: bool,
    has_host: bool,
}

impl Fields {
    pub(super) fn new(writer: Writer) -> Self {
        Self {
            writer,
            count: 0,
            length: None,
            is_chunked: false,
            has_host: false,
        }
    }

    /// Takes the next line of the head; `authority` is the host that the target names.
    pub(super) fn take(
        &mut self,
        line: &[u8],
        most: usize,
        authority: Option<&[u8]>,
    ) -> Result<(), Malformed> {
        self.count += 1;
        if self.count > most {
            return Err(Malformed::TooManyFields);
        }
        let (name, value) = split(line)?;
        if is_framing(name, "content-length")? {
            if self.length.is_some() {
                return Err(Malformed::LengthTwice);
            }
            self.length = Some(length(self.unpadded(value)).ok_or(Malformed::Length)?);
        } else if is_framing(name, "transfer-encoding")? {
            let value = self.unpadded(value);
            let is_chunked = match self.writer {
                Writer::Client => value == b"chunked",
                Writer::App => value.eq_ignore_ascii_case(b"chunked"),
            };
            if self.is_chunked || !is_chunked {
                return Err(Malformed::Coding);
            }
            self.is_chunked = true;
        } else if self.writer == Writer::Client && is_framing(name, "host")? {
            if std::mem::replace(&mut self.has_host, true) {
                return Err(Malformed::HostTwice);
            }
            let host = self.unpadded(value);
            if !is_authority(host) {
                return Err(Malformed::Host);
            }
            if authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
                return Err(Malformed::Authority);
            }
        }
        Ok(())
    }

    /// Looks at a field that stands after a body.
    pub(super) fn trailer(line: &[u8], writer: Writer) -> Result<(), Malformed> {
        let (name, _) = split(line)?;
        let is_refused = match writer {
            Writer::Client => !may_be_trailer(name),
            // What else an app writes there is not passed on, and harms nobody.
            Writer::App => ["content-length", "transfer-encoding", "set-cookie"]
                .iter()
                .any(|trailer| folds_to(name, trailer)),
        };
        if is_refused {
            return Err(Malformed::Trailer);
        }
        Ok(())
    }

    /// The body's length, or that it is chunked; none where neither is said.
    pub(super) fn framing(&self, is_old: bool) -> Result<Option<Framing>, Malformed> {
        match (self.length, self.is_chunked) {
            (Some(_), true) => Err(Malformed::Lengths),
            (None, true) if is_old => Err(Malformed::CodingInOldVersion),
            (None, true) => Ok(Some(Framing::Chunked)),
            (Some(length), false) => Ok(Some(Framing::Length(length))),
            (None, false) => Ok(None),
        }
    }

    pub(super) fn has_host(&self) -> bool {
        self.has_host
    }

    /// A value without the spaces around it: clients write one before it and none behind.
    fn unpadded<'a>(&self, value: &'a [u8]) -> &'a [u8] {
        match self.writer {
            Writer::Client => value.strip_prefix(b" ").unwrap_or(value),
            Writer::App => value.trim_ascii(),
        }
    }
}

/// What a head says about the body after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// A field's name and what stands behind its colon.
fn split(line: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Malformed::Fold);
    }
    let colon = memchr::memchr(b':', line).ok_or(Malformed::NoField)?;
    let (name, value) = line.split_at(colon);
    if !is_token(name) {
        return Err(Malformed::Name);
    }
    Ok((name, value.strip_prefix(b":").unwrap_or(value)))
}

/// Whether a field has this name; an error where app servers may fold its name into that one.
fn is_framing(name: &[u8], meant: &str) -> Result<bool, Malformed> {
    if !folds_to(name, meant) {
        return Ok(false);
    }
    if !name.eq_ignore_ascii_case(meant.as_bytes()) {
        return Err(Malformed::FoldedName);
    }
    Ok(true)
}

/// Whether a name is another's by those who make a variable of it: all but letters and digits fold into one.
fn folds_to(name: &[u8], meant: &str) -> bool {
    name.len() == meant.len()
        && name.iter().zip(meant.bytes()).all(|(byte, meant)| {
            byte.to_ascii_lowercase() == meant || (meant == b'-' && !byte.is_ascii_alphanumeric())
        })
}

/// Whether a client may send a field of this name after a body (RFC 9110 section 6.5.1), in whatever spelling.
#[must_use]
pub fn may_be_trailer(name: &[u8]) -> bool {
    !NO_TRAILERS.iter().any(|trailer| folds_to(name, trailer))
}

/// A number as RFC 9110 section 8.6 writes it, without zeros before it, that fits a signed one.
fn length(text: &[u8]) -> Option<u64> {
    let is_plain =
        text.iter().all(u8::is_ascii_digit) && (text.len() == 1 || !text.starts_with(b"0"));
    let number: i64 = std::str::from_utf8(text)
        .ok()
        .filter(|_| is_plain)?
        .parse()
        .ok()?;
    u64::try_from(number).ok()
}

/// A name or address, and perhaps a port: no user, list, escape or empty part (RFC 9110 section 7.2). A name may end
/// with the dot of the root.
#[must_use]
pub fn is_authority(text: &[u8]) -> bool {
    let (host, port) = match text.strip_prefix(b"[") {
        Some(rest) => match memchr::memchr(b']', rest) {
            Some(end) => {
                let (address, rest) = rest.split_at(end);
                let address = std::str::from_utf8(address).ok();
                if address.is_none_or(|address| address.parse::<Ipv6Addr>().is_err()) {
                    return false;
                }
                return rest.len() == 1 || rest.strip_prefix(b"]:").is_some_and(is_port);
            }
            None => return false,
        },
        None => match memchr::memchr(b':', text) {
            Some(colon) => {
                let (host, port) = text.split_at(colon);
                (host, port.strip_prefix(b":"))
            }
            None => (text, None),
        },
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let labels = host.strip_suffix(b".").unwrap_or(host);
    let mut labels = labels.split(|byte| *byte == b'.');
    labels.all(|label| !label.is_empty() && label.iter().all(is_name)) && port.is_none_or(is_port)
}

fn is_port(text: &[u8]) -> bool {
    let is_plain =
        text.len() <= 5 && !text.starts_with(b"0") && text.iter().all(u8::is_ascii_digit);
    let port = std::str::from_utf8(text).ok().filter(|_| is_plain);
    port.and_then(|port| port.parse::<u16>().ok())
        .is_some_and(|port| port > 0)
}
