//! TLS over a connection: the name that is proven is the name that the policy allowed. Nothing here can be switched off,
//! by the environment, by a manifest or by the operator, who can only add roots. Catalogue EG-11.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use portcullis_manifest::http::HostName;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The one protocol that is offered. A server that has only others is not spoken to.
const HTTP_1_1: &[u8] = b"http/1.1";

/// A file of the operator's roots cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the file of certificate authorities {path} cannot be used: {reason}. It has to hold certificates in PEM form")]
pub struct RootsUnreadable {
    path: PathBuf,
    reason: String,
}

/// The far side did not prove who it is, or does not speak as we do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// The certificate is for other names.
    #[error("the host's certificate is for another name")]
    Name,
    /// The certificate is not valid now.
    #[error("the host's certificate is expired, or not valid yet")]
    Expired,
    /// No authority that is known here stands behind the certificate.
    #[error("the host's certificate is not from an authority that the operator trusts")]
    Untrusted,
    /// It speaks neither TLS 1.2 nor 1.3, or no HTTP/1.1.
    #[error("the host offers none of what is spoken here: TLS 1.2 or 1.3, and HTTP/1.1 in it")]
    Incompatible,
    /// It ended the connection.
    #[error("the host ended the connection in the TLS handshake")]
    Closed,
    /// Whatever else is wrong in a handshake.
    #[error("the TLS handshake failed")]
    Other,
}

/// What makes TLS connections.
#[derive(Clone)]
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Trusts the roots that browsers trust, as they were when this was built, and those in the operator's files.
    pub(crate) fn start(operators: &[PathBuf]) -> Result<Self, RootsUnreadable> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for path in operators {
            let unreadable = |reason: String| RootsUnreadable { path: path.clone(), reason };
            let before = roots.len();
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))? {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.len() == before {
                return Err(unreadable("no certificate in it".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .expect("the provider has suites for both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![HTTP_1_1.to_vec()];
        // A ticket would tie one user's request to another's: EG-12.
        config.resumption = Resumption::disabled();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// A handshake that names `host` and accepts nobody else.
    pub(crate) async fn handshake(&self, stream: TcpStream, host: &HostName) -> Result<TlsStream<TcpStream>, TlsFault> {
        let name = ServerName::try_from(host.as_str().to_owned()).map_err(|_| TlsFault::Name)?;
        let stream = self.0.connect(name, stream).await.map_err(|error| fault(&error))?;
        match stream.get_ref().1.alpn_protocol() {
            None | Some(HTTP_1_1) => Ok(stream),
            Some(_) => Err(TlsFault::Incompatible),
        }
    }
}

fn fault(error: &io::Error) -> TlsFault {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return TlsFault::Closed;
    };
    match error {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => TlsFault::Name,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
            _ => TlsFault::Untrusted,
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(
            AlertDescription::NoApplicationProtocol
            | AlertDescription::ProtocolVersion
            | AlertDescription::HandshakeFailure,
        ) => TlsFault::Incompatible,
        _ => TlsFault::Other,
    }
}
