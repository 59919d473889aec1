//! TLS for the inbound listener: rustls with aws-lc-rs, ALPN for HTTP/2 and HTTP/1.1, reloadable.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::runtime::Live;

/// Why certificate and key can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file can't be read.
    #[error("the TLS certificate can't be read")]
    Certificate(#[source] rustls_pki_types::pem::Error),
    /// Clients' certificates can't be judged by the authority's.
    #[error("the authority of client certificates can't be used")]
    Clients(#[source] VerifierBuilderError),
    /// The file holds no certificate.
    #[error("the TLS certificate file holds no certificate")]
    Empty,
    /// The key file can't be read.
    #[error("the TLS key can't be read")]
    Key(#[source] rustls_pki_types::pem::Error),
    /// Certificate and key don't fit together, or are not acceptable.
    #[error("the TLS certificate can't be used")]
    Unusable(#[source] rustls::Error),
}

/// The PEM files by which both ends know each other.
#[derive(Clone, Debug)]
pub struct Identification {
    /// The chain, leaf first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// The authorities of client certificates; clients are asked for none without.
    pub client_ca: Option<PathBuf>,
    /// Clients without a certificate are not let in.
    pub is_client_required: bool,
}

/// Unwraps TLS with the certificate of the moment; clones share it.
#[derive(Clone, Debug)]
pub struct Acceptor(Live<Identity>);

/// What is shown to clients, and by which bytes it is told from another.
#[derive(Clone, Debug)]
struct Identity {
    config: Arc<ServerConfig>,
    hash: blake3::Hash,
}

impl Acceptor {
    /// An acceptor with these PEM files.
    ///
    /// # Errors
    /// Fails when they can't be used.
    pub fn load(files: &Identification) -> Result<Self, TlsError> {
        Ok(Self(Live::new(identity(files)?)))
    }

    /// Takes the files anew for later handshakes, and says whether they differ; after an error
    /// the old ones stay.
    ///
    /// # Errors
    /// Fails when they can't be used.
    pub fn reload(&self, files: &Identification) -> Result<bool, TlsError> {
        let identity = identity(files)?;
        let is_new = identity.hash != self.0.snapshot().value.hash;
        if is_new {
            self.0.replace(identity);
        }
        Ok(is_new)
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// Fails when the client does not speak TLS that we accept.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.0.snapshot().value.config);
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// The SHA-256 hash of the certificate that a client has shown and proven to be its own.
pub(super) fn certificate(stream: &TlsStream<TcpStream>) -> Option<[u8; 32]> {
    let (_, session) = stream.get_ref();
    let leaf = session.peer_certificates()?.first()?;
    Some(Sha256::digest(leaf).into())
}

/// The name that a client asked for, in lower case.
pub(super) fn server_name(stream: &TlsStream<TcpStream>) -> Option<Arc<str>> {
    let (_, session) = stream.get_ref();
    session.server_name().map(Arc::from)
}

fn identity(files: &Identification) -> Result<Identity, TlsError> {
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(TlsError::Key)?;
    let mut hasher = blake3::Hasher::new();
    for part in chain.iter().map(AsRef::as_ref).chain([key.secret_der()]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = match &files.client_ca {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            let certificates = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(TlsError::Certificate)?;
            if certificates.is_empty() {
                return Err(TlsError::Empty);
            }
            for certificate in certificates {
                hasher.update(&certificate);
                roots.add(certificate).map_err(TlsError::Unusable)?;
            }
            let roots = Arc::new(roots);
            let clients = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let clients = if files.is_client_required {
                clients
            } else {
                clients.allow_unauthenticated()
            };
            clients.build().map_err(TlsError::Clients)?
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity {
        config: Arc::new(config),
        hash: hasher.finalize(),
    })
}
