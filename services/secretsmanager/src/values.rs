//! Values of versions: sealed for their writers, opened for their readers.

use cloud::Ctx;
use secretsmanager_api::SecretValueEntry;
use shapes::{ApiError, Blob, Map};

use crate::secret::{CURRENT, Secret};
use crate::secret_id::SecretId;
use crate::tables::{self, Value};
use crate::{PRINCIPAL, SecretsManager, errors};

/// User Guide, "Secrets Manager quotas".
const LONGEST: usize = 65_536;
const OWN_KEY: &str = "alias/aws/secretsmanager";

/// A value that a request brings.
#[derive(Clone)]
pub(crate) struct Plain {
    bytes: Blob,
    is_binary: bool,
}

impl Plain {
    /// Text or bytes, and not both.
    pub(crate) fn parse(text: Option<String>, bytes: Option<Blob>) -> Result<Option<Self>, ApiError> {
        let plain = match (text, bytes) {
            (Some(_), Some(_)) => {
                return Err(errors::invalid_parameter(
                    "You can't specify both a binary secret value and a string secret value in the same secret.",
                ));
            }
            (Some(text), None) => Self { bytes: text.into_bytes().into(), is_binary: false },
            (None, Some(bytes)) => Self { bytes, is_binary: true },
            (None, None) => return Ok(None),
        };
        if plain.bytes.len() > LONGEST {
            return Err(errors::invalid_parameter(format!(
                "The secret value is longer than {LONGEST} bytes."
            )));
        }
        Ok(Some(plain))
    }
}

/// The encryption context of a value (User Guide, "How Secrets Manager uses AWS KMS").
fn context(arn: &str, version: &str) -> Map<String> {
    Map::from([("SecretARN".to_owned(), arn.to_owned()), ("SecretVersionId".to_owned(), version.to_owned())])
}

impl SecretsManager {
    /// Seals a value under a key that the request or the secret names.
    pub(crate) async fn seal(
        &self,
        ctx: &Ctx,
        (arn, version): (&str, &str),
        key_id: Option<&str>,
        plain: &Plain,
    ) -> Result<Value, ApiError> {
        let key_id = key_id.unwrap_or(OWN_KEY);
        let sealed = kms_envelope::seal(ctx, PRINCIPAL, key_id, &context(arn, version), &plain.bytes).await;
        Ok(Value { sealed: sealed.map_err(errors::of_encrypting)?, is_binary: plain.is_binary })
    }

    pub(crate) async fn open(
        &self,
        ctx: &Ctx,
        (arn, version): (&str, &str),
        value: &Value,
    ) -> Result<Plain, ApiError> {
        let opened = kms_envelope::open(ctx, PRINCIPAL, &context(arn, version), &value.sealed).await;
        let bytes = Blob::copy_from_slice(&opened.map_err(errors::of_decrypting)?);
        Ok(Plain { bytes, is_binary: value.is_binary })
    }

    /// Whether a version holds this value already.
    pub(crate) async fn holds(
        &self,
        ctx: &Ctx,
        id: &SecretId,
        (arn, version): (&str, &str),
        plain: &Plain,
    ) -> Result<bool, ApiError> {
        let Some(value) = self.value(id, arn, version)? else { return Ok(false) };
        let held = self.open(ctx, (arn, version), &value).await?;
        Ok(held.is_binary == plain.is_binary && held.bytes == plain.bytes)
    }

    pub(crate) fn value(&self, id: &SecretId, arn: &str, version: &str) -> Result<Option<Value>, ApiError> {
        let mut reader = self.cloud.store().read(&id.scope())?;
        Ok(tables::VALUES.find(&mut reader, &(arn.to_owned(), version.to_owned()))?)
    }

    /// The value of a version that is named by id, stage, both or neither.
    pub(crate) async fn read_value(
        &self,
        ctx: &Ctx,
        id: &SecretId,
        secret: &Secret,
        (version, stage): (Option<&str>, Option<&str>),
    ) -> Result<SecretValueEntry, ApiError> {
        secret.check_not_deleted()?;
        let found = match (version, stage) {
            (Some(version), Some(stage)) => {
                let at_stage = secret.version_at(stage).filter(|found| *found == version);
                at_stage.ok_or_else(|| {
                    errors::invalid_request(
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    )
                })?
            }
            (Some(version), None) => version,
            (None, stage) => {
                let stage = stage.unwrap_or(CURRENT);
                secret.version_at(stage).ok_or_else(|| errors::no_such_stage(stage))?
            }
        };
        let missing = || match version {
            Some(version) => errors::no_such_version(version),
            None => errors::no_such_stage(stage.unwrap_or(CURRENT)),
        };
        let facts = secret.versions.get(found).ok_or_else(missing)?;
        let value = self.value(id, &secret.arn, found)?.ok_or_else(missing)?;
        let plain = self.open(ctx, (&secret.arn, found), &value).await?;
        let text = (!plain.is_binary).then(|| String::from_utf8(plain.bytes.to_vec()));
        Ok(SecretValueEntry {
            arn: Some(secret.arn.clone()),
            name: Some(secret.name.clone()),
            version_id: Some(found.to_owned()),
            secret_string: text.transpose().map_err(ApiError::internal)?,
            secret_binary: plain.is_binary.then_some(plain.bytes),
            version_stages: Some(facts.stages.clone()),
            created_date: Some(facts.created),
        })
    }
}
