//! The exchange at a preview's sidecar (RFC 8693): a form goes there, and a capability or a refusal comes back.
//!
//! What comes back is another's word: nothing of it but a well-formed token reaches standard output, and no control
//! character the terminal.

use std::io::Write as _;
use std::time::Duration;

use form_urlencoded::Serializer;
use http::{StatusCode, Uri};
use serde::Deserialize;

use super::Args;
use crate::cli::ExitCode;
use crate::cli::token::{source, usage};
use crate::runtime;
use crate::transport::fetch::{self, Bounds, FetchError, Form};
use crate::types::Secret;

const PATH: &str = "/.well-known/chaperone/token";
const BOUNDS: Bounds = Bounds {
    time: Duration::from_secs(30),
    body: 64 * 1024,
};

/// RFC 8693 section 2.2.1, as far as it is printed.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
}

/// RFC 6749 section 5.2, or a refusal of the sidecar's (RFC 9457).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Denied {
    error: Option<String>,
    error_description: Option<String>,
    code: Option<String>,
    detail: Option<String>,
}

/// Asks the sidecar at `at` and prints what it gives.
pub(super) fn run(args: &Args, at: &str) -> anyhow::Result<ExitCode> {
    let Some(place) = place(at) else {
        return Ok(usage(format_args!(
            "`{at}` is no preview: write `https://HOST` (plain HTTP on the loopback alone)"
        )));
    };
    let read = args.token().and_then(|token| {
        let ca = args.ca.as_ref().map(|ca| source::text(ca)).transpose()?;
        Ok((token, ca))
    });
    let (token, ca) = match read {
        Ok(read) => read,
        Err(message) => return Ok(usage(message)),
    };
    let form = form(&token, args.preview.as_deref());
    let asking = fetch::submit(&place, form, ca.as_deref(), BOUNDS);
    match runtime::executor()?.block_on(asking) {
        Ok((StatusCode::OK, text)) => granted(&place, &Secret::new(text)),
        Ok((status, text)) => Ok(denied(status, &text)),
        Err(error) => Ok(usage(format_args!(
            "can't ask `{place}`: {}",
            chain(&error)
        ))),
    }
}

/// The address of the exchange at the preview `at`.
fn place(at: &str) -> Option<Uri> {
    let uri: Uri = at.parse().ok()?;
    let authority = uri.authority()?.as_str();
    let is_loopback = matches!(uri.host()?, "localhost" | "127.0.0.1" | "[::1]");
    let is_kept = match uri.scheme_str()? {
        "https" => true,
        "http" => is_loopback,
        _ => false,
    };
    let is_root = uri.path() == "/" && uri.query().is_none();
    if !is_kept || !is_root || authority.contains('@') || at.contains('#') {
        return None;
    }
    format!("{}://{authority}{PATH}", uri.scheme_str()?)
        .parse()
        .ok()
}

fn form(token: &Secret<String>, preview: Option<&str>) -> Form {
    let mut form = Serializer::new(String::new());
    form.append_pair(
        "grant_type",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    )
    .append_pair("subject_token_type", "urn:ietf:params:oauth:token-type:jwt")
    .append_pair("subject_token", token.expose());
    if let Some(preview) = preview {
        form.append_pair("audience", preview);
    }
    Form {
        body: Secret::new(form.finish()),
        authorization: None,
    }
}

fn granted(place: &Uri, text: &Secret<String>) -> anyhow::Result<ExitCode> {
    let granted = serde_json::from_str::<Granted>(text.expose()).ok();
    let token = granted.map(|granted| Secret::new(granted.access_token));
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_=.~+/".contains(&byte))
    };
    let Some(token) = token.filter(|token| is_token(token.expose())) else {
        return Ok(usage(format_args!(
            "the answer of `{place}` holds no capability"
        )));
    };
    writeln!(std::io::stdout(), "{}", token.expose())?;
    Ok(ExitCode::Fine)
}

fn denied(status: StatusCode, text: &str) -> ExitCode {
    let denied = serde_json::from_str::<Denied>(text).unwrap_or_default();
    let Denied {
        error,
        error_description,
        code,
        detail,
    } = denied;
    let why = match (error, error_description, code, detail) {
        (Some(error), None, ..) => error,
        (_, Some(said), ..) => said,
        (None, None, Some(code), Some(detail)) => format!("{code}: {detail}"),
        (None, None, Some(code), None) => code,
        (None, None, None, _) => {
            return usage(format_args!(
                "no sidecar exchanges tokens there: status {status}"
            ));
        }
    };
    let why: String = why
        .chars()
        .filter(|it| !it.is_control())
        .take(500)
        .collect();
    anstream::eprintln!("refused: {why}");
    ExitCode::Findings
}

/// An error and what is behind it.
fn chain(error: &FetchError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(behind) = source {
        text.push_str(": ");
        text.push_str(&behind.to_string());
        source = behind.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn asks_previews_alone() {
        let asked = |at| place(at).map(|place| place.to_string());
        for (at, expected) in [
            (
                "https://pr-1.example",
                "https://pr-1.example/.well-known/chaperone/token",
            ),
            (
                "https://pr-1.example:8443/",
                "https://pr-1.example:8443/.well-known/chaperone/token",
            ),
            (
                "http://127.0.0.1:80",
                "http://127.0.0.1:80/.well-known/chaperone/token",
            ),
        ] {
            assert_eq!(asked(at).as_deref(), Some(expected), "{at}");
        }
        for at in [
            "",
            "pr-1.example",
            "http://pr-1.example",
            "https://pr-1.example/x",
            "https://pr-1.example/?a",
            "https://a@pr-1.example",
            "https://pr-1.example#a",
            "file:///etc/passwd",
        ] {
            assert_eq!(asked(at), None, "{at}");
        }
    }
}
