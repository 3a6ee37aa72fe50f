//! TLS from a certificate and key that the operator gives.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} cannot be read")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} holds no {what} in PEM form")]
    Empty { path: PathBuf, what: &'static str },
    #[error("the certificate and key do not go together")]
    Unusable(#[from] tokio_rustls::rustls::Error),
}

/// Accepts TLS connections with the certificate chain and private key in these PEM files.
pub fn acceptor(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let open = |path: &Path| {
        std::fs::File::open(path)
            .map(BufReader::new)
            .map_err(|source| TlsError::File { path: path.to_owned(), source })
    };
    let chain: Vec<_> = rustls_pemfile::certs(&mut open(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|source| TlsError::File { path: certificate.to_owned(), source })?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: certificate.to_owned(), what: "certificate" });
    }
    let private = rustls_pemfile::private_key(&mut open(key)?)
        .map_err(|source| TlsError::File { path: key.to_owned(), source })?
        .ok_or_else(|| TlsError::Empty { path: key.to_owned(), what: "private key" })?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
