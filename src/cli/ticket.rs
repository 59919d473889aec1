//! `chaperone ticket`: a link that lets one user into a preview, once, on standard output.

use std::io::Write as _;
use std::path::PathBuf;

use super::token::{source, usage};
use crate::capability::mint::Grant;
use crate::capability::ticket::{Ticket, TicketError};
use crate::cli::ExitCode;

/// What `ticket` was asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The issuer's private key file
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The preview it is for
    #[arg(long, value_name = "NAME")]
    preview: String,
    /// The preview's host, with a port where it has one
    #[arg(long, value_name = "HOST")]
    host: String,
    /// The user's id
    #[arg(long, value_name = "ID")]
    user: String,
    /// What the issuer vouches for: email=ada@shop.example, group=buyers, ...
    #[arg(long = "attribute", value_name = "NAME=VALUE")]
    attributes: Vec<String>,
    /// How long it can be spent (5m), or until when: an hour at most
    #[arg(long, value_name = "TIME", default_value = "10m")]
    expires: String,
    /// Where it leads
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
}

/// Signs the ticket and prints the link.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Ok(host) = args.host.parse::<http::uri::Authority>() else {
        return Ok(usage("--host: write a name, with a port where it has one"));
    };
    if host.as_str().contains('@') {
        return Ok(usage("--host: a host has no user"));
    }
    let drafted = source::attributes(&args.attributes).and_then(|attributes| {
        Ok(Grant {
            attributes,
            expires: Some(source::end(&args.expires)?),
            preview: Some(args.preview.clone()),
            ..Grant::new(&args.user)
        })
    });
    let drafted = drafted.and_then(|grant| Ok((grant, source::key(&args.key)?)));
    let (grant, key) = match drafted {
        Ok(drafted) => drafted,
        Err(message) => return Ok(usage(message)),
    };
    match Ticket::new(&grant, &args.path).and_then(|ticket| ticket.sign(&key)) {
        Ok(ticket) => {
            let ticket = ticket.expose();
            writeln!(
                std::io::stdout(),
                "https://{host}/.well-known/chaperone/ticket#{ticket}"
            )?;
            Ok(ExitCode::Fine)
        }
        Err(TicketError::Grant(error)) => Ok(usage(error)),
        Err(error @ TicketError::Random) => Err(error.into()),
        Err(error) => Ok(usage(error)),
    }
}
