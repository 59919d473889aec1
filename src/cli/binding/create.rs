//! `chaperone binding create`: the binding of one revision of one preview, on standard output.

use std::io::Write as _;
use std::path::PathBuf;

use crate::capability::binding::{Audience, Draft, DraftError};
use crate::cli::ExitCode;
use crate::cli::token::{source, usage};

/// What `binding create` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The private key file of whoever deploys previews
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The preview's name
    #[arg(long, value_name = "NAME")]
    preview: String,
    /// A host under which it is reached, with a port or for every port
    #[arg(long = "host", value_name = "HOST", required = true)]
    hosts: Vec<String>,
    /// The commit that runs in it
    #[arg(long, value_name = "SHA")]
    revision: String,
    /// The digest of an image that runs in it (sha256:...)
    #[arg(long = "image", value_name = "DIGEST")]
    images: Vec<String>,
    /// Whose change it is, as the forge says: a user's id
    #[arg(long, value_name = "ID")]
    originator: String,
    /// Who may use it: originator, opt-in, user:ID, group:NAME
    #[arg(long = "audience", value_name = "WHO", default_value = "originator")]
    audience: Vec<String>,
    /// How long it holds (12h, 7d), or until when
    #[arg(long, value_name = "TIME", default_value = "14d")]
    expires: String,
}

/// Signs the binding and prints it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let audience: Result<Vec<Audience>, _> = args.audience.iter().map(|it| it.parse()).collect();
    let audience = match audience {
        Ok(audience) => audience,
        Err(error) => return Ok(usage(format_args!("--audience: {error}"))),
    };
    let expires = match source::end(&args.expires) {
        Ok(expires) => expires,
        Err(message) => return Ok(usage(message)),
    };
    let key = match source::key(&args.key) {
        Ok(key) => key,
        Err(message) => return Ok(usage(message)),
    };
    let draft = Draft {
        preview: args.preview.clone(),
        hosts: args.hosts.clone(),
        revision: args.revision.clone(),
        images: args.images.clone(),
        originator: args.originator.clone(),
        audience,
        expires,
    };
    match draft.sign(&key) {
        Ok(token) => {
            writeln!(std::io::stdout(), "{}", token.expose())?;
            Ok(ExitCode::Fine)
        }
        Err(error @ (DraftError::Biscuit(_) | DraftError::Key(_))) => Err(error.into()),
        Err(error) => Ok(usage(error)),
    }
}
