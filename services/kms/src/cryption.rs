//! Encrypting and decrypting with a key that was found, authorised and is fit for it.

use cloud::Ctx;
use shapes::{ApiError, Blob, Map};

use crate::ciphertext::{self, Ciphertext};
use crate::key::Located;
use crate::key_id::{KeyId, Name};
use crate::material::Secret;
use crate::spec::{Family, KeyUsage};
use crate::{Kms, asymmetric, errors};

/// Developer Guide, "Encryption context": what a context may have in all.
const LONGEST_CONTEXT: usize = 8192;
pub(crate) const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

/// What was encrypted, and with which of the key's materials.
pub(crate) struct Encrypted {
    pub blob: Blob,
    pub material_id: String,
}

/// The algorithm of a request, which must be one of the key's.
pub(crate) fn check_algorithm(located: &Located, algorithm: &str) -> Result<(), ApiError> {
    let key = &located.key;
    if key.spec.encryption_algorithms(key.usage).contains(&algorithm) {
        return Ok(());
    }
    Err(errors::wrong_algorithm(algorithm, key.spec.as_str()))
}

fn check_context(algorithm: &str, context: Option<&Map<String>>) -> Result<(), ApiError> {
    let Some(context) = context else { return Ok(()) };
    if algorithm != SYMMETRIC {
        return Err(errors::validation("Encryption context is not supported for asymmetric KMS keys."));
    }
    let length: usize = context.iter().map(|(name, value)| name.len() + value.len()).sum();
    if length > LONGEST_CONTEXT {
        return Err(errors::validation("Encryption context is too long"));
    }
    Ok(())
}

impl Kms {
    pub(crate) fn encrypt(
        &self,
        ctx: &Ctx,
        located: &Located,
        algorithm: &str,
        context: Option<&Map<String>>,
        plaintext: &[u8],
    ) -> Result<Encrypted, ApiError> {
        check_algorithm(located, algorithm)?;
        check_context(algorithm, context)?;
        let (material_id, material) = self.current_material(ctx, located)?;
        let blob = if located.key.spec.family() == Family::Symmetric {
            let name = (located.account, located.key.id.as_str(), material_id.as_str());
            let made = ciphertext::encrypt(ctx.ids(), name, &material, context, plaintext);
            made.ok_or_else(|| ApiError::internal("a material cannot encrypt"))?
        } else {
            asymmetric::encrypt(ctx.ids(), &material, algorithm, plaintext)?
        };
        Ok(Encrypted { blob: blob.into(), material_id })
    }

    /// The plaintext and the id of the material that made the ciphertext.
    pub(crate) fn decrypt(
        &self,
        ctx: &Ctx,
        located: &Located,
        algorithm: &str,
        context: Option<&Map<String>>,
        blob: &[u8],
    ) -> Result<(Secret, String), ApiError> {
        check_algorithm(located, algorithm)?;
        check_context(algorithm, context)?;
        if located.key.spec.family() != Family::Symmetric {
            let (id, material) = self.current_material(ctx, located)?;
            return Ok((asymmetric::decrypt(ctx.ids(), &material, algorithm, blob)?, id));
        }
        let read = Ciphertext::parse(blob).ok_or_else(errors::invalid_ciphertext)?;
        if read.key_id != located.key.id || read.account != located.account {
            return Err(errors::incorrect_key());
        }
        let material = self.material(ctx, located, &read.material)?;
        let (id, material) = material.ok_or_else(errors::invalid_ciphertext)?;
        let plaintext = read.open(&material, context).ok_or_else(errors::invalid_ciphertext)?;
        Ok((plaintext, id))
    }

    /// The key that is to decrypt: the one named, or the one that a symmetric ciphertext names itself.
    pub(crate) fn decrypting_key(
        &self,
        ctx: &Ctx,
        named: Option<&str>,
        algorithm: &str,
        blob: Option<&Blob>,
    ) -> Result<(KeyId, Located), ApiError> {
        let id = match named {
            Some(text) => KeyId::parse(ctx, text)?,
            None if algorithm != SYMMETRIC => {
                return Err(errors::validation("KeyId is required with an asymmetric encryption algorithm."));
            }
            None => {
                let read = blob.and_then(|blob| Ciphertext::parse(blob));
                let read = read.ok_or_else(errors::invalid_ciphertext)?;
                KeyId { account: read.account, name: Name::Id(read.key_id) }
            }
        };
        let located = self.locate(ctx, &id)?;
        Ok((id, located))
    }
}

/// The usage that encryption needs.
pub(crate) fn check_usable(located: &Located, operation: &str) -> Result<(), ApiError> {
    located.check_usable(KeyUsage::EncryptDecrypt, operation)
}
