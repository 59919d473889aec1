//! TLS for the inbound listener: rustls with aws-lc-rs, ALPN for HTTP/2 and HTTP/1.1, reloadable.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
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
    /// An acceptor with the chain and key of these PEM files.
    ///
    /// # Errors
    /// Fails when they can't be used.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        Ok(Self(Live::new(identity(certificate, key)?)))
    }

    /// Takes chain and key anew for later handshakes, and says whether they differ; after an error
    /// the old ones stay.
    ///
    /// # Errors
    /// Fails when they can't be used.
    pub fn reload(&self, certificate: &Path, key: &Path) -> Result<bool, TlsError> {
        let identity = identity(certificate, key)?;
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

fn identity(certificate: &Path, key: &Path) -> Result<Identity, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(TlsError::Certificate)?;
    if chain.is_empty() {
        return Err(TlsError::Empty);
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(TlsError::Key)?;
    let mut hasher = blake3::Hasher::new();
    for part in chain.iter().map(AsRef::as_ref).chain([key.secret_der()]) {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Identity {
        config: Arc::new(config),
        hash: hasher.finalize(),
    })
}
