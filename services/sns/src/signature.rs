//! Signatures of messages (Developer Guide, "Verifying the signatures of Amazon SNS messages").
//!
//! A region has one RSA key with a certificate that clients fetch from it. The key is made when the first topic is, in
//! the background, and kept in the store by the first transaction that signs with it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use shapes::ApiError;
use store::{Reader, Scope, Store, Tx};

use crate::tables;

const KEY_BITS: usize = 2048;
/// RFC 8017, section 9.2: what stands before a SHA-1 hash in an RSA signature.
const SHA1_PREFIX: [u8; 15] =
    [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14];
/// Signatures kept: a message is signed once, whatever the number of its subscriptions.
const KEPT: usize = 1024;
/// Under which key the table keeps the region's identity.
const CURRENT: &str = "current";
const PATH_PREFIX: &str = "/SimpleNotificationService-";

/// The region's key and certificate, as they are stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// In the certificate's URL.
    pub id: String,
    /// PKCS #8 in DER.
    pub private_key: Vec<u8>,
    /// X.509 in PEM.
    pub certificate: String,
}

store::row!(Identity, 1);

/// The topic attribute `SignatureVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// SHA1withRSA
    One,
    /// SHA256withRSA
    Two,
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "1" => Some(Self::One),
            "2" => Some(Self::Two),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }
}

/// The identity, ready to sign.
struct Key {
    identity: Identity,
    rsa: RsaPrivateKey,
    /// The same key: faster, and without SHA-1.
    ring: ring::rsa::KeyPair,
    recent: Mutex<HashMap<[u8; 32], Arc<str>>>,
}

impl Key {
    fn open(identity: Identity) -> Result<Arc<Self>, String> {
        let rsa = RsaPrivateKey::from_pkcs8_der(&identity.private_key).map_err(|error| error.to_string())?;
        let ring =
            ring::rsa::KeyPair::from_pkcs8(&identity.private_key).map_err(|error| error.to_string())?;
        Ok(Arc::new(Self { identity, rsa, ring, recent: Mutex::default() }))
    }

    /// Takes a part of a second.
    fn make() -> Result<Arc<Self>, String> {
        let rsa =
            RsaPrivateKey::new(&mut rsa::rand_core::OsRng, KEY_BITS).map_err(|error| error.to_string())?;
        let private_key = rsa.to_pkcs8_der().map_err(|error| error.to_string())?.as_bytes().to_vec();
        let pair = rcgen::KeyPair::try_from(private_key.as_slice()).map_err(|error| error.to_string())?;
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, "sns.amazonaws.com");
        let certificate = parameters.self_signed(&pair).map_err(|error| error.to_string())?;
        let id = hex(&Sha256::digest(certificate.der())[..16]);
        Self::open(Identity { id, private_key, certificate: pem(certificate.der()) })
    }

    /// The key that this process makes, should its region have none. Waits while it is being made.
    fn made() -> Result<Arc<Self>, ApiError> {
        static MADE: OnceLock<Result<Arc<Key>, String>> = OnceLock::new();
        MADE.get_or_init(Self::make).clone().map_err(ApiError::internal)
    }

    /// In base64.
    fn sign(&self, version: Version, text: &str) -> Result<Arc<str>, ApiError> {
        let mut name = Sha256::new();
        name.update(version.as_str());
        name.update(text);
        let name: [u8; 32] = name.finalize().into();
        let kept = || self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signature) = kept().get(&name) {
            return Ok(Arc::clone(signature));
        }
        let signature = match version {
            Version::One => {
                let scheme = Pkcs1v15Sign { hash_len: Some(20), prefix: Box::new(SHA1_PREFIX) };
                self.rsa.sign(scheme, &Sha1::digest(text)).map_err(ApiError::internal)?
            }
            Version::Two => {
                let mut signature = vec![0; self.ring.public().modulus_len()];
                let scheme = &ring::signature::RSA_PKCS1_SHA256;
                let signed = self.ring.sign(scheme, &SystemRandom::new(), text.as_bytes(), &mut signature);
                signed.map_err(|_| ApiError::internal("a message could not be signed"))?;
                signature
            }
        };
        let signature: Arc<str> = STANDARD.encode(signature).into();
        let mut kept = kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(name, Arc::clone(&signature));
        Ok(signature)
    }
}

/// Signs the region's messages.
#[derive(Default)]
pub(crate) struct Signer {
    /// As the store has it.
    stored: OnceLock<Arc<Key>>,
    has_begun: AtomicBool,
}

impl Signer {
    /// Has a key made in the background where the region has none yet.
    pub(crate) fn begin(&self, store: &Store) -> Result<(), ApiError> {
        if self.stored(store)?.is_none() && !self.has_begun.swap(true, Ordering::Relaxed) {
            std::thread::spawn(Key::made);
        }
        Ok(())
    }

    /// Makes sure that the key that signs is the one that the store has once `tx` commits.
    pub(crate) fn keep(&self, tx: &mut Tx<'_>) -> Result<(), ApiError> {
        if self.stored.get().is_some() {
            return Ok(());
        }
        tx.with_scope(&Scope::global(), |tx| {
            if self.find(tx)?.is_none() {
                tables::IDENTITIES.put(tx, &CURRENT.to_owned(), &Key::made()?.identity);
            }
            Ok(())
        })
    }

    /// The certificate by the path of its URL.
    pub(crate) fn certificate(&self, store: &Store, path: &str) -> Result<Option<String>, ApiError> {
        let id = path.strip_prefix(PATH_PREFIX).and_then(|rest| rest.strip_suffix(".pem"));
        let identity = self.stored(store)?.map(|key| key.identity.clone());
        Ok(identity.filter(|identity| Some(identity.id.as_str()) == id).map(|identity| identity.certificate))
    }

    pub(crate) fn is_certificate_path(path: &str) -> bool {
        path.starts_with(PATH_PREFIX)
    }

    /// How messages are signed.
    pub(crate) fn seal(&self, store: &Store, endpoint: &str, version: Version) -> Result<Seal, ApiError> {
        let key = match self.stored(store)? {
            Some(key) => key,
            None => Key::made()?,
        };
        let certificate_url = format!("{endpoint}{PATH_PREFIX}{}.pem", key.identity.id);
        Ok(Seal { key, version, certificate_url })
    }

    fn stored(&self, store: &Store) -> Result<Option<Arc<Key>>, ApiError> {
        match self.stored.get() {
            Some(key) => Ok(Some(Arc::clone(key))),
            None => self.find(&mut store.read(&Scope::global())?),
        }
    }

    /// Reads the identity and remembers it.
    fn find(&self, reader: &mut dyn Reader) -> Result<Option<Arc<Key>>, ApiError> {
        let Some(identity) = tables::IDENTITIES.find(reader, &CURRENT.to_owned())? else { return Ok(None) };
        let key = Key::open(identity).map_err(ApiError::internal)?;
        Ok(Some(Arc::clone(self.stored.get_or_init(|| key))))
    }
}

/// A key with a version of signatures: what the messages of one topic are signed with.
pub(crate) struct Seal {
    key: Arc<Key>,
    version: Version,
    certificate_url: String,
}

/// A signature, with what it takes to verify it.
pub(crate) struct Signature {
    pub version: &'static str,
    /// In base64.
    pub text: Arc<str>,
    pub certificate_url: String,
}

impl Seal {
    /// Signs the canonical string of these members: each name and value on a line of its own, by the names' order.
    pub(crate) fn sign(&self, members: &[(&str, Option<&str>)]) -> Result<Signature, ApiError> {
        let mut canonical = String::new();
        for (name, value) in members {
            if let Some(value) = value {
                canonical.extend([name, "\n", value, "\n"]);
            }
        }
        Ok(Signature {
            version: self.version.as_str(),
            text: self.key.sign(self.version, &canonical)?,
            certificate_url: self.certificate_url.clone(),
        })
    }
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for start in (0..text.len()).step_by(64) {
        pem.push_str(&text[start..text.len().min(start + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
