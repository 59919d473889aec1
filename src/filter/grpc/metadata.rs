//! The fields around gRPC messages: what they say of the messages, and those that are no text.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::filter::{Coding, Edit, Inspector, Place, Side, media};
use crate::types::{ReasonCode, Refusal};

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The codings of single messages that can be undone.
const ACCEPTED: HeaderValue = HeaderValue::from_static("identity,deflate,gzip");

/// How compressed messages of a stream are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filter) enum Packing {
    /// None of them is.
    None,
    /// In one of the known ways.
    Known(Coding),
    /// In one that can't be undone.
    Unknown,
}

impl Packing {
    /// Reads `grpc-encoding`.
    pub(in crate::filter) fn of(headers: &HeaderMap) -> Self {
        let mut values = headers.get_all(ENCODING).iter();
        match (values.next().map(HeaderValue::as_bytes), values.next()) {
            (None | Some(b"identity"), None) => Self::None,
            (Some(b"gzip"), None) => Self::Known(Coding::Gzip),
            (Some(b"deflate"), None) => Self::Known(Coding::Deflate),
            _ => Self::Unknown,
        }
    }
}

/// The body is gRPC, in whatever variant.
pub(in crate::filter) fn is_grpc(headers: &HeaderMap) -> bool {
    media::essence(headers).is_some_and(|essence| essence.starts_with("application/grpc"))
}

/// The body is a stream of protocol buffers under gRPC.
pub(in crate::filter) fn is_messages(headers: &HeaderMap) -> bool {
    media::essence(headers)
        .is_some_and(|essence| matches!(&*essence, "application/grpc" | "application/grpc+proto"))
}

/// Asks for messages in codings that can be undone.
pub(in crate::filter) fn ask_for_readable(headers: &mut HeaderMap) {
    headers.insert(ACCEPT_ENCODING, ACCEPTED);
}

/// Settles the fields that hold bytes in base64 (`-bin`), `grpc-status-details-bin` among them: in answers they are taken out,
/// because what they hold has no rule; in requests they are looked at.
pub(in crate::filter) fn settle(
    headers: &mut HeaderMap,
    inspector: &mut Inspector,
) -> Result<(), Refusal> {
    let is_binary = |name: &&HeaderName| name.as_str().ends_with("-bin");
    let names: Vec<HeaderName> = headers.keys().filter(is_binary).cloned().collect();
    for name in names {
        if inspector.side() == Side::Request {
            for value in headers.get_all(&name) {
                inspect(&name, value, inspector)?;
            }
        } else if !inspector.plan().is_observing {
            headers.remove(name);
        }
    }
    Ok(())
}

/// Looks through the bytes of a field, which may be several values between commas.
fn inspect(
    name: &HeaderName,
    value: &HeaderValue,
    inspector: &mut Inspector,
) -> Result<(), Refusal> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&STANDARD, lenient);
    let mut edits: Vec<Edit> = Vec::new();
    for coded in value.as_bytes().split(|byte| *byte == b',') {
        let Ok(bytes) = engine.decode(coded.trim_ascii()) else {
            let refusal = Refusal::new(ReasonCode::RequestUnreadable)
                .because("a field of bytes is not in base64");
            if inspector.plan().is_observing {
                inspector.report_mut().refuse(&refusal);
                return Ok(());
            }
            return Err(refusal);
        };
        inspector.inspect(&bytes, &Place::Header(name.as_str()), &mut edits)?;
    }
    Ok(())
}
