//! Key material: making it, and keeping it sealed in the store.

use std::fmt;

use cloud::{Ctx, Ids, RootKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use zeroize::Zeroizing;

use crate::asymmetric;
use crate::spec::KeySpec;

/// The bytes of a key in the clear: plain random bytes, or PKCS #8 in DER for key pairs. Wiped when dropped.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Fresh material of a spec. Slow for RSA.
    pub(crate) fn generate(ids: &Ids, spec: KeySpec) -> Result<Self, ApiError> {
        match spec.secret_length() {
            Some(length) => Ok(Self::random(ids, length)),
            None => asymmetric::generate(ids, spec),
        }
    }

    /// `length` random bytes.
    pub(crate) fn random(ids: &Ids, length: usize) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(length));
        while bytes.len() < length {
            let chunk: Zeroizing<[u8; 32]> = Zeroizing::new(ids.bytes());
            let count = chunk.len().min(length - bytes.len());
            bytes.extend_from_slice(&chunk[..count]);
        }
        Self(bytes)
    }

    /// The id of this material in a key: 64 hexadecimal digits that tell nothing of it.
    pub(crate) fn material_id(&self, key_id: &str) -> String {
        let mac = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let digest = hmac::sign(&mac, format!("kms material id {key_id}").as_bytes());
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// One material of a key, as it is stored.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Material {
    /// Sealed under a key derived from the region's root key; `None` once imported material was deleted or has
    /// expired.
    pub sealed: Option<Vec<u8>>,
    /// Since when it encrypts.
    pub since: Timestamp,
    pub cause: Cause,
    pub description: Option<String>,
    pub valid_to: Option<Timestamp>,
}

store::row!(Material, 1);

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Material")
            .field("since", &self.since)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

/// Why a material came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cause {
    /// The first one.
    Creation,
    Rotation,
    RotationOnDemand,
    Import,
    /// Imported to be rotated to, and not in use yet.
    PendingImport,
}

impl Material {
    pub(crate) fn seal(
        root: &RootKey,
        ctx: &Ctx,
        key_id: &str,
        secret: &Secret,
        (since, cause): (Timestamp, Cause),
    ) -> Result<(String, Self), ApiError> {
        let id = secret.material_id(key_id);
        let sealed = root.derive(&label(key_id))?.seal(ctx.ids(), id.as_bytes(), secret.bytes())?;
        let material = Self { sealed: Some(sealed), since, cause, description: None, valid_to: None };
        Ok((id, material))
    }

    /// `None` when the material is gone.
    pub(crate) fn open(&self, root: &RootKey, key_id: &str, id: &str) -> Result<Option<Secret>, ApiError> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let opened = root.derive(&label(key_id))?.open(id.as_bytes(), sealed);
        let damaged = || ApiError::internal(format!("material {id} of key {key_id} is damaged"));
        Ok(Some(Secret::new(opened.ok_or_else(damaged)?)))
    }
}

fn label(key_id: &str) -> String {
    format!("kms/material/{key_id}")
}
