//! The operation table, and what lists have in common.

mod aliases;
mod create_key;
mod decrypt;
mod deletion;
mod derive_shared_secret;
mod describe_key;
mod enabling;
mod encrypt;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_random;
mod get_public_key;
mod grants;
mod import;
mod key_policies;
mod key_rotation;
mod list_keys;
mod mac;
mod multi_region;

mod re_encrypt;
mod sign;
mod tags;
mod update_key_description;

use cloud::Operation;
use kms_api::op;
use shapes::ApiError;

use crate::{Kms, errors};

pub(crate) static OPERATIONS: &[Operation<Kms>] = &[
    Operation::transaction::<op::CancelKeyDeletion>(),
    Operation::transaction::<op::CreateAlias>(),
    Operation::transaction::<op::CreateGrant>(),
    Operation::of::<op::CreateKey>(),
    Operation::of::<op::Decrypt>(),
    Operation::transaction::<op::DeleteAlias>(),
    Operation::transaction::<op::DeleteImportedKeyMaterial>(),
    Operation::of::<op::DeriveSharedSecret>(),
    Operation::of::<op::DescribeKey>(),
    Operation::transaction::<op::DisableKey>(),
    Operation::transaction::<op::DisableKeyRotation>(),
    Operation::transaction::<op::EnableKey>(),
    Operation::transaction::<op::EnableKeyRotation>(),
    Operation::of::<op::Encrypt>(),
    Operation::of::<op::GenerateDataKey>(),
    Operation::of::<op::GenerateDataKeyPair>(),
    Operation::of::<op::GenerateDataKeyPairWithoutPlaintext>(),
    Operation::of::<op::GenerateDataKeyWithoutPlaintext>(),
    Operation::of::<op::GenerateMac>(),
    Operation::of::<op::GenerateRandom>(),
    Operation::of::<op::GetKeyPolicy>(),
    Operation::of::<op::GetKeyRotationStatus>(),
    Operation::of::<op::GetParametersForImport>(),
    Operation::of::<op::GetPublicKey>(),
    Operation::of::<op::ImportKeyMaterial>(),
    Operation::of::<op::ListAliases>(),
    Operation::of::<op::ListGrants>(),
    Operation::of::<op::ListKeyPolicies>(),
    Operation::of::<op::ListKeyRotations>(),
    Operation::of::<op::ListKeys>(),
    Operation::of::<op::ListResourceTags>(),
    Operation::of::<op::ListRetirableGrants>(),
    Operation::transaction::<op::PutKeyPolicy>(),
    Operation::of::<op::ReEncrypt>(),
    Operation::of::<op::ReplicateKey>(),
    Operation::transaction::<op::RetireGrant>(),
    Operation::transaction::<op::RevokeGrant>(),
    Operation::of::<op::RotateKeyOnDemand>(),
    Operation::transaction::<op::ScheduleKeyDeletion>(),
    Operation::of::<op::Sign>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateAlias>(),
    Operation::transaction::<op::UpdateKeyDescription>(),
    Operation::transaction::<op::UpdatePrimaryRegion>(),
    Operation::of::<op::Verify>(),
    Operation::of::<op::VerifyMac>(),
];

/// Ends an operation that was only to be tried.
fn check_dry_run(dry_run: Option<bool>) -> Result<(), ApiError> {
    if dry_run == Some(true) { Err(errors::dry_run()) } else { Ok(()) }
}

/// Answers for attested enclaves are not here.
fn check_recipient(recipient: Option<&kms_api::RecipientInfo>) -> Result<(), ApiError> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(errors::is_not_here_yet("The parameter Recipient of kms operations")),
    }
}

/// One page of a list.
struct Page<T> {
    items: Vec<T>,
    next_marker: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of `items`, of which there is one more if there are more.
    fn cut(mut items: Vec<T>, limit: usize, marker: impl Fn(&T) -> String) -> Self {
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next_marker = items.last().filter(|_| has_more).map(marker);
        Self { items, next_marker }
    }
}

/// How many entries a request wants.
fn limit(asked: Option<i32>, default: usize) -> usize {
    asked.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(default).clamp(1, 1000)
}
