//! What a table is protected with (Developer Guide, "How Amazon DynamoDB uses AWS KMS"): the key that DynamoDB owns, the
//! one that AWS manages, or a customer's own.
//!
//! DynamoDB finds a KMS key with its caller's permissions and has the caller give it a grant. With that it gets the data
//! keys that items are sealed under ([`crate::sealing`]), and looks every few minutes whether the key can be used, and
//! closes the table while it cannot.

use std::ops::ControlFlow;
use std::time::Duration;

use clock::{JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use dynamodb_api::{SSESpecification, error};
use kms_api::{CreateGrantInput, DescribeKeyInput, GrantConstraints, KeyMetadata};
use shapes::ApiError;
use store::{Order, Range, Scope, Tx};

use crate::DynamoDb;
use crate::errors::validation;
use crate::jobs::{self, Running, Work};
use crate::sealing::{DATA_KEYS, DataKeyRow, context};
use crate::streams;
use crate::table::TableStatus;
use crate::tables::{BACKUPS, Encryption, TABLES, TableRow};
use crate::target::Target;

/// How soon a table follows its key.
const CHECKED_EVERY: Duration = Duration::from_secs(300);
const SERVICE: &str = "dynamodb.amazonaws.com";
/// What DynamoDB asks the caller to let it do.
const OPERATIONS: &[&str] =
    &["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey", "RetireGrant"];

/// What a table is to be protected with; by default the key that DynamoDB owns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Protection {
    encryption: Option<Encryption>,
    /// What its items are sealed under from then on.
    data_key: Option<(u64, DataKeyRow)>,
    /// Its data keys until then, wrapped anew.
    earlier: Vec<(u64, DataKeyRow)>,
}

impl Protection {
    pub(crate) fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }
}

/// The protection that a request asks for.
pub(crate) async fn asked(
    ctx: &Ctx,
    target: &Target,
    given: Option<&SSESpecification>,
) -> Result<Protection, ApiError> {
    // Whatever protects a table, the region's root key has its part in it.
    ctx.cloud().root_key().await?;
    let Some(given) = given else { return Ok(Protection::default()) };
    if given.enabled != Some(true) {
        if given.kms_master_key_id.is_some() || given.sse_type.is_some() {
            return Err(validation(
                "One or more parameter values were invalid: SSEType and KMSMasterKeyId can be given only if encryption \
                 is enabled",
            ));
        }
        return Ok(Protection::default());
    }
    if given.sse_type.as_deref() == Some("AES256") {
        return Err(validation("One or more parameter values were invalid: SSEType AES256 is not supported"));
    }
    let own = "alias/aws/dynamodb";
    let key_id = given.kms_master_key_id.as_deref().unwrap_or(own);
    let key = described(ctx, key_id).await?;
    if key.key_manager.as_deref() != Some("CUSTOMER") && key_id != own {
        return Err(validation(
            "One or more parameter values were invalid: KMSMasterKeyId must not be given for the AWS managed key",
        ));
    }
    protected_by(ctx, target, key).await
}

/// The protection of a table that is made of another one, and has what that one has.
pub(crate) async fn as_before(ctx: &Ctx, target: &Target, source: &TableRow) -> Result<Protection, ApiError> {
    ctx.cloud().root_key().await?;
    let key_arn = source.settings.encryption.as_ref().and_then(|encryption| encryption.key_arn.as_deref());
    match key_arn {
        Some(key_arn) => protected_by(ctx, target, described(ctx, key_arn).await?).await,
        None => Ok(Protection::default()),
    }
}

async fn described(ctx: &Ctx, key_id: &str) -> Result<KeyMetadata, ApiError> {
    let input = DescribeKeyInput { key_id: key_id.to_owned(), grant_tokens: None };
    let described =
        ctx.via_service(SERVICE).call::<kms_api::op::DescribeKey>(input).await.map_err(refused)?;
    Ok(described.key_metadata.unwrap_or_default())
}

async fn protected_by(ctx: &Ctx, target: &Target, key: KeyMetadata) -> Result<Protection, ApiError> {
    if key.key_spec.as_deref() != Some("SYMMETRIC_DEFAULT") {
        return Err(validation("KMS validation error: the key is not a symmetric encryption key"));
    }
    let region = target.region;
    let grant = CreateGrantInput {
        key_id: key.key_id,
        grantee_principal: format!("dynamodb.{region}.amazonaws.com"),
        retiring_principal: Some(format!("dynamodb.{region}.amazonaws.com")),
        operations: OPERATIONS.iter().map(|name| (*name).to_owned()).collect(),
        constraints: Some(GrantConstraints {
            encryption_context_subset: Some(context(target.account, &target.name)),
            encryption_context_equals: None,
        }),
        name: Some(format!("dynamodb-{}", target.name.replace('.', "-"))),
        ..CreateGrantInput::default()
    };
    ctx.via_service(SERVICE).call::<kms_api::op::CreateGrant>(grant).await.map_err(refused)?;
    let key_arn = key.arn.unwrap_or_default();
    let data_key = DataKeyRow::generate(ctx.cloud(), target, &key_arn).await.map_err(refused)?;
    Ok(Protection {
        encryption: Some(Encryption { key_arn: Some(key_arn) }),
        data_key: Some((u64::from_le_bytes(ctx.ids().bytes()), data_key)),
        earlier: Vec::new(),
    })
}

impl DynamoDb {
    /// A protection that takes the place of the one that a table has: what its items are sealed under follows, as far as the
    /// key until now can be used.
    pub(crate) async fn with_earlier_keys(
        &self,
        ctx: &Ctx,
        target: &Target,
        mut protection: Protection,
    ) -> Result<Protection, ApiError> {
        let Some(table) = self.definitions.find(ctx.store(), target)? else { return Ok(protection) };
        if table.row.settings.encryption == protection.encryption {
            return Ok(protection);
        }
        let next = protection.encryption.as_ref().and_then(|encryption| encryption.key_arn.as_deref());
        for number in &table.row.data_keys {
            let Some(row) = DataKeyRow::find(ctx.cloud(), *number)? else { continue };
            match row.wrapped_anew(ctx.cloud(), *number, target, next).await {
                Ok(row) => protection.earlier.push((*number, row)),
                Err(error) if error.status() < 500 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(protection)
    }
}

/// Gives a table that is being made or changed its protection. The caller stores the row.
pub(crate) fn protect(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    target: &Target,
    row: &mut TableRow,
    protection: &Protection,
) {
    tx.with_scope(&Scope::global(), |tx| {
        for (number, key) in protection.earlier.iter().chain(&protection.data_key) {
            DATA_KEYS.put(tx, number, key);
        }
    });
    row.settings.encryption.clone_from(&protection.encryption);
    row.data_keys.extend(protection.data_key.iter().map(|(number, _)| *number));
    watch(ctx, tx, target, row);
}

/// Has the key looked after from now on, if the table has one.
fn watch(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, row: &TableRow) {
    let key_arn = row.settings.encryption.as_ref().and_then(|encryption| encryption.key_arn.clone());
    let Some(key_arn) = key_arn else { return };
    let payload =
        jobs::encode(target.account, target.region, &target.name, &Work::CheckKey { table: row.id, key_arn });
    let due = ctx.now() + CHECKED_EVERY;
    let job = NewJob { kind: jobs::KEY_CHECK, subject: target.arn(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

impl Running {
    /// Closes the table while its key cannot be used, and opens it again.
    pub(crate) async fn check_key(&self, id: u64, key_arn: &str) -> Result<JobOutcome, ApiError> {
        let input = DescribeKeyInput { key_id: key_arn.to_owned(), grant_tokens: None };
        let described = self.ctx.call::<kms_api::op::DescribeKey>(input).await;
        let is_usable = match described {
            Ok(output) => output.key_metadata.and_then(|key| key.enabled) == Some(true),
            Err(error) if error.status() < 500 => false,
            Err(error) => return Err(error),
        };
        let fresh = self.first_data_key(id, key_arn, is_usable).await?;
        let key_arn = key_arn.to_owned();
        let is_watched = self
            .step(move |_, _, tx, target| {
                let row = TABLES.find(tx, &target.name)?.filter(|row| row.id == id);
                let Some(mut row) = row else { return Ok(false) };
                let encryption = row.settings.encryption.as_ref();
                if encryption.and_then(|encryption| encryption.key_arn.as_ref()) != Some(&key_arn) {
                    return Ok(false);
                }
                let status = match (row.definition.status, is_usable) {
                    (TableStatus::Active, false) => TableStatus::InaccessibleEncryptionCredentials,
                    (TableStatus::InaccessibleEncryptionCredentials, true) => TableStatus::Active,
                    (status, _) => status,
                };
                let fresh = fresh.as_ref().filter(|_| row.data_keys.is_empty());
                if let Some((number, key)) = fresh {
                    tx.with_scope(&Scope::global(), |tx| DATA_KEYS.put(tx, number, key));
                    row.data_keys.push(*number);
                }
                if row.definition.status != status || fresh.is_some() {
                    row.definition.status = status;
                    TABLES.put(tx, &target.name, &row);
                }
                Ok(true)
            })
            .await?;
        self.service.definitions.forget(&self.target);
        let next = self.ctx.now() + CHECKED_EVERY;
        Ok(if is_watched { JobOutcome::Again(next) } else { JobOutcome::Done })
    }
}

/// Has the data keys of a table that is being deleted forgotten once nothing is sealed under them: its stream is gone after a
/// day, its backups when they are.
pub(crate) fn forget_data_keys(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, row: &TableRow) {
    if row.data_keys.is_empty() {
        return;
    }
    let work = Work::ForgetDataKeys { numbers: row.data_keys.clone() };
    let payload = jobs::encode(target.account, target.region, &target.name, &work);
    let due = ctx.now() + 2 * streams::KEPT_FOR;
    let job = NewJob { kind: jobs::PURGE, subject: target.arn(), payload, due };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

impl Running {
    pub(crate) async fn forget_data_keys(&self, numbers: &[u64]) -> Result<JobOutcome, ApiError> {
        let numbers = numbers.to_vec();
        let is_done = self
            .step(move |_, _, tx, _| {
                let mut is_needed = false;
                BACKUPS.visit(tx, &Range::all(), Order::Ascending, |_, backup| {
                    is_needed = backup.table.data_keys.iter().any(|number| numbers.contains(number));
                    if is_needed { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
                })?;
                if !is_needed {
                    tx.with_scope(&Scope::global(), |tx| {
                        numbers.iter().for_each(|number| DATA_KEYS.delete(tx, number));
                    });
                }
                Ok(!is_needed)
            })
            .await?;
        Ok(if is_done { JobOutcome::Done } else { JobOutcome::Again(self.ctx.now() + streams::KEPT_FOR) })
    }

    /// A data key for a table that was protected before items were sealed under such keys.
    async fn first_data_key(
        &self,
        id: u64,
        key_arn: &str,
        is_usable: bool,
    ) -> Result<Option<(u64, DataKeyRow)>, ApiError> {
        let row = TABLES.find(&mut self.ctx.read()?, &self.target.name)?;
        if !is_usable || !row.is_some_and(|row| row.id == id && row.data_keys.is_empty()) {
            return Ok(None);
        }
        let key = DataKeyRow::generate(self.ctx.cloud(), &self.target, key_arn).await?;
        Ok(Some((u64::from_le_bytes(self.ctx.ids().bytes()), key)))
    }
}

/// What KMS has against it, in DynamoDB's words.
fn refused(cause: ApiError) -> ApiError {
    match cause.name() {
        "AccessDeniedException" => ApiError::sender("AccessDeniedException", cause.message()),
        "LimitExceededException" => error::limit_exceeded_exception(cause.message()),
        name if cause.status() < 500 => {
            validation(format!("KMS validation error: KMS {name}: {}", cause.message()))
        }
        _ => cause,
    }
}
