//! `chaperone token mint`: a Biscuit or a JSON Web Token for a user, on standard output.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use super::source;
use crate::capability::mint::{Grant, JwtStamp, MintError, SigningKey};
use crate::cli::ExitCode;
use crate::types::Secret;

/// What `token mint` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The issuer's private key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The user's id
    #[arg(long, value_name = "ID")]
    user: String,
    /// What the issuer vouches for: email=ada@shop.example, group=buyers, ...
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// How long it holds (90s, 1h, 7d), or until when
    #[arg(long, value_name = "TIME", default_value = "1h")]
    expires: String,
    /// The preview it is made for (Biscuit)
    #[arg(long, value_name = "NAME", conflicts_with = "jwt")]
    preview: Option<String>,
    /// The thumbprint of the key that its sender must prove to have (RFC 7638, in base64url)
    #[arg(long, value_name = "THUMBPRINT")]
    bound_key: Option<String>,
    /// The SHA-256 hash of the client certificate that its sender must show (of the DER, in base64url)
    #[arg(long, value_name = "HASH")]
    bound_certificate: Option<String>,
    /// Make a JSON Web Token (EdDSA) instead of a Biscuit
    #[arg(long, requires_all = ["issuer", "audience"])]
    jwt: bool,
    /// The JSON Web Token's issuer
    #[arg(long, requires = "jwt")]
    issuer: Option<String>,
    /// The JSON Web Token's audience
    #[arg(long, requires = "jwt")]
    audience: Option<String>,
    /// The id of the key [default: made from the key, as keygen does]
    #[arg(long, requires = "jwt")]
    kid: Option<String>,
}

/// Mints the token and prints it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let grant = match grant(args) {
        Ok(grant) => grant,
        Err(message) => return Ok(super::usage(message)),
    };
    let key = match source::text(&args.key).map(Secret::new) {
        Ok(pem) => SigningKey::parse(pem.expose()),
        Err(message) => return Ok(super::usage(message)),
    };
    let minted = key.and_then(|key| mint(args, &grant, &key));
    match minted {
        Ok(token) => {
            writeln!(std::io::stdout(), "{}", token.expose())?;
            Ok(ExitCode::Fine)
        }
        Err(error @ (MintError::Biscuit(_) | MintError::Jwt(_))) => Err(error.into()),
        Err(error @ MintError::Key) => Ok(super::usage(format!("{}: {error}", args.key.display()))),
        Err(error) => Ok(super::usage(error)),
    }
}

fn grant(args: &Args) -> Result<Grant, String> {
    Ok(Grant {
        user: args.user.clone(),
        attributes: source::attributes(&args.attributes)?,
        expires: Some(source::end(&args.expires)?),
        preview: args.preview.clone(),
        bound_key: args.bound_key.clone(),
        bound_certificate: args.bound_certificate.clone(),
    })
}

fn mint(args: &Args, grant: &Grant, key: &SigningKey) -> Result<Secret<String>, MintError> {
    match (&args.issuer, &args.audience) {
        (Some(issuer), Some(audience)) => {
            let key_id = args.kid.as_deref();
            grant.jwt(
                key,
                &JwtStamp {
                    issuer,
                    audience,
                    key_id,
                    issued: Timestamp::now(),
                },
            )
        }
        _ => grant.biscuit(key),
    }
}
