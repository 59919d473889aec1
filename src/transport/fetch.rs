//! Reads one small text from a server that policy, configuration or command line names: one request over TLS, no redirects, within a
//! time and a size.
//!
//! Certificates must lead to the public roots, or to those that are given instead of them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::runtime::task;
use crate::types::Secret;

/// How much of a server's time and words is taken.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From the name's look-up to the last byte.
    pub time: Duration,
    /// Bytes of the body.
    pub body: usize,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The body broke off or is larger than the bound.
    #[error("its answer broke off or is too large")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The body is compressed, which nobody asked for.
    #[error("its answer is compressed")]
    Coding,
    /// It can't be connected to.
    #[error("it can't be reached")]
    Connect(#[source] std::io::Error),
    /// It does not speak HTTP/1.1.
    #[error("its answer is not valid HTTP")]
    Protocol(#[source] hyper::Error),
    /// Another status than 200; a redirect is one.
    #[error("it answers with status {0}, and 200 alone is taken")]
    Status(StatusCode),
    /// The body is not UTF-8.
    #[error("its answer is not UTF-8")]
    Text,
    /// It did not answer in time.
    #[error("it did not answer in time")]
    Time,
    /// No trust can be made of the given roots.
    #[error("the given certificates can't be used")]
    Trust,
    /// TLS can't be agreed on, or its certificate is not trusted.
    #[error("its TLS certificate or protocol is refused")]
    Tls(#[source] std::io::Error),
    /// The URL can't be asked.
    #[error("its URL can't be asked")]
    Url,
}

/// The text at `url`; over TLS unless its scheme is `http`, trusting `ca` (PEM) or the public roots.
///
/// # Errors
/// Fails when anything but one whole 200 within the bounds comes back.
pub async fn fetch(url: &Uri, ca: Option<&str>, bounds: Bounds) -> Result<String, FetchError> {
    Ok(within(url, None, ca, bounds, Taken::Ok).await?.1)
}

/// What `url` answers to a form: as [`fetch`], by POST.
///
/// # Errors
/// Fails when anything but one whole 200 within the bounds comes back.
pub async fn post(
    url: &Uri,
    form: Form,
    ca: Option<&str>,
    bounds: Bounds,
) -> Result<String, FetchError> {
    Ok(within(url, Some(form), ca, bounds, Taken::Ok).await?.1)
}

/// The same with what `url` says where it answers with another status than 200.
///
/// # Errors
/// Fails when anything but one whole answer within the bounds comes back.
pub async fn submit(
    url: &Uri,
    form: Form,
    ca: Option<&str>,
    bounds: Bounds,
) -> Result<(StatusCode, String), FetchError> {
    within(url, Some(form), ca, bounds, Taken::Any).await
}

/// The status of answers that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Any,
    Ok,
}

/// A form to be sent, and what says who sends it.
#[derive(Debug)]
pub struct Form {
    /// The fields, encoded (`application/x-www-form-urlencoded`).
    pub body: Secret<String>,
    /// The value of `Authorization`.
    pub authorization: Option<Secret<String>>,
}

async fn within(
    url: &Uri,
    form: Option<Form>,
    ca: Option<&str>,
    bounds: Bounds,
    taken: Taken,
) -> Result<(StatusCode, String), FetchError> {
    let asked = ask(url, form, ca, bounds.body, taken);
    let answered = tokio::time::timeout(bounds.time, asked).await;
    answered.unwrap_or(Err(FetchError::Time))
}

async fn ask(
    url: &Uri,
    form: Option<Form>,
    ca: Option<&str>,
    most: usize,
    taken: Taken,
) -> Result<(StatusCode, String), FetchError> {
    let authority = url.authority().ok_or(FetchError::Url)?;
    let is_tls = url.scheme_str() != Some("http");
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = authority
        .port_u16()
        .unwrap_or(if is_tls { 443 } else { 80 });
    let request = request(url, form)?;
    let stream = TcpStream::connect((bare, port)).await;
    let stream = stream.map_err(FetchError::Connect)?;
    if !is_tls {
        return read(stream, request, most, taken).await;
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| FetchError::Url)?;
    let connector = TlsConnector::from(Arc::new(trust(ca)?));
    let stream = connector.connect(name, stream).await;
    read(stream.map_err(FetchError::Tls)?, request, most, taken).await
}

fn request(url: &Uri, form: Option<Form>) -> Result<Request<Full<Bytes>>, FetchError> {
    let authority = url.authority().ok_or(FetchError::Url)?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .uri(path)
        .header(HOST, authority.as_str())
        .header(ACCEPT, "application/json, text/plain;q=0.9, */*;q=0.1")
        .header(USER_AGENT, concat!("chaperone/", env!("CARGO_PKG_VERSION")));
    let mut body = Bytes::new();
    if let Some(form) = form {
        request = request
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(who) = form.authorization {
            request = request.header(AUTHORIZATION, who.expose());
        }
        body = Bytes::from(form.body.expose().clone());
    }
    let request = request.body(Full::new(body));
    request.map_err(|_| FetchError::Url)
}

async fn read<I>(
    stream: I,
    request: Request<Full<Bytes>>,
    most: usize,
    taken: Taken,
) -> Result<(StatusCode, String), FetchError>
where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let shaken = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = shaken.map_err(FetchError::Protocol)?;
    // Dropped with this future: no server keeps us longer than we ask.
    let _running = AbortOnDrop(task::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a fetch's connection ended early");
        }
    }));
    let answer = sender.send_request(request).await;
    let answer = answer.map_err(FetchError::Protocol)?;
    let status = answer.status();
    if taken == Taken::Ok && status != StatusCode::OK {
        return Err(FetchError::Status(status));
    }
    let coding = answer.headers().get(CONTENT_ENCODING);
    if coding.is_some_and(|coding| coding.as_bytes() != b"identity") {
        return Err(FetchError::Coding);
    }
    let body = Limited::new(answer.into_body(), most).collect().await;
    let body = body.map_err(FetchError::Body)?.to_bytes();
    let text = String::from_utf8(body.into()).map_err(|_| FetchError::Text)?;
    Ok((status, text))
}

struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn trust(ca: Option<&str>) -> Result<ClientConfig, FetchError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|_| FetchError::Trust)?;
                roots.add(certificate).map_err(|_| FetchError::Trust)?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| FetchError::Trust)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
