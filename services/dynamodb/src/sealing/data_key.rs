//! Data keys of tables that a KMS key protects (Developer Guide, "How Amazon DynamoDB uses AWS KMS").
//!
//! KMS gives a table a data key when it is protected, and another one whenever its protection changes; DynamoDB asks for
//! itself, with the grant that the table's owner gave it. When the protection changes, earlier data keys are wrapped
//! anew, so that rows sealed under them follow the table to its next key.

use cloud::{Cloud, Ctx, RootKey, SealingKey};
use identity::{AccountId, Region};
use kms_api::op::{Decrypt, Encrypt, GenerateDataKey};
use kms_api::{DecryptInput, EncryptInput, GenerateDataKeyInput};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Map};
use store::{Scope, Table};

use crate::target::Target;

/// In the global scope, by the number that rows name.
pub(crate) const DATA_KEYS: Table<u64, DataKeyRow> = Table::new("dynamodb/data-key");

pub(super) const SERVICE: &str = "dynamodb.amazonaws.com";

/// A data key, wrapped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataKeyRow {
    account: String,
    region: String,
    table: String,
    wrapped: Wrapped,
}

store::row!(DataKeyRow, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Wrapped {
    /// By the KMS key of an ARN.
    Kms { key_arn: String, encrypted: Vec<u8> },
    /// Under a key derived from the region's root key: the table's protection ended.
    Owned { sealed: Vec<u8> },
}

impl DataKeyRow {
    /// A fresh key for a table, from KMS. Errors are those of KMS.
    pub(crate) async fn generate(cloud: &Cloud, target: &Target, key_arn: &str) -> Result<Self, ApiError> {
        let ctx = cloud.background(SERVICE, &target.arn(), target.account, target.region);
        let input = GenerateDataKeyInput {
            key_id: key_arn.to_owned(),
            key_spec: Some("AES_256".to_owned()),
            encryption_context: Some(context(target.account, &target.name)),
            ..GenerateDataKeyInput::default()
        };
        let made = ctx.call::<GenerateDataKey>(input).await?;
        let encrypted = made.ciphertext_blob.unwrap_or_default().to_vec();
        Ok(Self::new(target, Wrapped::Kms { key_arn: key_arn.to_owned(), encrypted }))
    }

    fn new(target: &Target, wrapped: Wrapped) -> Self {
        Self {
            account: target.account.to_string(),
            region: target.region.as_str().to_owned(),
            table: target.name.clone(),
            wrapped,
        }
    }

    /// The same key, wrapped by another KMS key (by its ARN) or under DynamoDB's own. Errors are those of KMS, which may
    /// not give the key any more.
    pub(crate) async fn wrapped_anew(
        &self,
        cloud: &Cloud,
        number: u64,
        target: &Target,
        key_arn: Option<&str>,
    ) -> Result<Self, ApiError> {
        let root = cloud.root_key().await?;
        let secret = match &self.wrapped {
            Wrapped::Owned { sealed } => owned(&root)?.open(&bound(number), sealed).ok_or_else(damaged)?,
            Wrapped::Kms { key_arn, encrypted } => {
                let (ctx, context) = self.asking(cloud)?;
                let input = DecryptInput {
                    ciphertext_blob: Some(encrypted.clone().into()),
                    encryption_context: Some(context),
                    key_id: Some(key_arn.clone()),
                    ..DecryptInput::default()
                };
                ctx.call::<Decrypt>(input).await?.plaintext.unwrap_or_default().to_vec()
            }
        };
        let wrapped = match key_arn {
            None => Wrapped::Owned { sealed: owned(&root)?.seal(cloud.ids(), &bound(number), &secret)? },
            Some(key_arn) => {
                let ctx = cloud.background(SERVICE, &target.arn(), target.account, target.region);
                let input = EncryptInput {
                    key_id: key_arn.to_owned(),
                    plaintext: secret.into(),
                    encryption_context: Some(context(target.account, &target.name)),
                    ..EncryptInput::default()
                };
                let encrypted =
                    ctx.call::<Encrypt>(input).await?.ciphertext_blob.unwrap_or_default().to_vec();
                Wrapped::Kms { key_arn: key_arn.to_owned(), encrypted }
            }
        };
        Ok(Self::new(target, wrapped))
    }

    /// A data key as it is stored now.
    pub(crate) fn find(cloud: &Cloud, number: u64) -> Result<Option<Self>, ApiError> {
        Ok(DATA_KEYS.find(&mut cloud.store().read(&Scope::global())?, &number)?)
    }

    pub(super) fn wrapped(&self) -> &Wrapped {
        &self.wrapped
    }

    /// DynamoDB asking KMS for the key, and the encryption context.
    pub(super) fn asking(&self, cloud: &Cloud) -> Result<(Ctx, Map<String>), ApiError> {
        let (account, region) = (AccountId::parse(&self.account), Region::parse(&self.region));
        let (Some(account), Some(region)) = (account, region) else { return Err(damaged()) };
        let arn = format!("arn:aws:dynamodb:{}:{account}:table/{}", region.as_str(), self.table);
        Ok((cloud.background(SERVICE, &arn, account, region), context(account, &self.table)))
    }

    /// The key itself, once its wrap under DynamoDB's own key is off.
    pub(super) fn unwrapped(root: &RootKey, number: u64, sealed: &[u8]) -> Result<SealingKey, ApiError> {
        let secret = owned(root)?.open(&bound(number), sealed);
        secret.and_then(|secret| SealingKey::of_data_key(&secret)).ok_or_else(damaged)
    }
}

/// What KMS binds a table's data keys to (Developer Guide, "DynamoDB encryption context").
pub(crate) fn context(account: AccountId, table: &str) -> Map<String> {
    Map::from([
        ("aws:dynamodb:subscriberId".to_owned(), account.to_string()),
        ("aws:dynamodb:tableName".to_owned(), table.to_owned()),
    ])
}

fn owned(root: &RootKey) -> Result<SealingKey, ApiError> {
    root.derive("dynamodb/data-key")
}

fn bound(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn damaged() -> ApiError {
    ApiError::internal("a table's data key is damaged")
}
