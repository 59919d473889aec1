//! `chaperone jsonpath SELECTOR`: a document on standard input, a JSON array of its nodes out.

use std::io::{Read as _, Write as _};

use anyhow::Context as _;
use thiserror::Error;

use crate::cli::ExitCode;
use crate::json::{
    Evaluation, Exhausted, LexError, Lexer, LexerLimits, Selector, SelectorError, Tape,
};

/// A person's own document may nest deeper and hold longer strings than an app's answer.
const LIMITS: LexerLimits = LexerLimits {
    depth: 1 << 16,
    string: 1 << 30,
};
/// A document's tokens are counted in 32 bits.
const MAX_BYTES: u64 = 2 << 30;

/// What `jsonpath` was asked.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// An RFC 9535 selector, of the kind that `records` and `also` take
    #[arg(allow_hyphen_values = true)]
    selector: String,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, Error)]
enum JsonpathError {
    #[error("the selector can't be used")]
    Selector(#[from] SelectorError),
    #[error("the document is not JSON")]
    Document(#[from] LexError),
    #[error("the document is larger than 2 GiB")]
    TooLarge,
    #[error("the selector can't be evaluated")]
    Exhausted(#[from] Exhausted),
}

/// Prints the nodes.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut document = Vec::new();
    std::io::stdin()
        .lock()
        .take(MAX_BYTES + 1)
        .read_to_end(&mut document)
        .context("standard input can't be read")?;
    match nodes(&args.selector, &document) {
        Ok(mut array) => {
            array.push(b'\n');
            std::io::stdout().lock().write_all(&array)?;
            Ok(ExitCode::Fine)
        }
        Err(error) => {
            let error = anyhow::Error::from(error);
            anstream::eprintln!("chaperone jsonpath: {error:#}");
            Ok(ExitCode::Usage)
        }
    }
}

/// The nodes that `selector` gives, their bytes untouched, as the elements of an array.
fn nodes(selector: &str, document: &[u8]) -> Result<Vec<u8>, JsonpathError> {
    let selector = Selector::parse(selector)?;
    if document.len() as u64 > MAX_BYTES {
        return Err(JsonpathError::TooLarge);
    }
    let mut lexer = Lexer::new(LIMITS);
    let mut tape = Tape::default();
    let mut rest = document;
    while let Some(event) = lexer.next(&mut rest)? {
        tape.push(event, 0);
    }
    if let Some(event) = lexer.finish()? {
        tape.push(event, 0);
    }
    let document = tape.over(document);
    let mut array = vec![b'['];
    for (position, node) in Evaluation::new(document)
        .select(&selector)?
        .into_iter()
        .enumerate()
    {
        if position > 0 {
            array.push(b',');
        }
        array.extend_from_slice(document.bytes(node));
    }
    array.push(b']');
    Ok(array)
}

#[cfg(test)]
mod tests;
