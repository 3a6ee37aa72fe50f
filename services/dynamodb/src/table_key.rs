//! The KMS key that a table is to be protected with (Developer Guide, "How Amazon DynamoDB uses AWS KMS").
//!
//! DynamoDB finds the key with its caller's permissions and has the caller give it a grant. With that it looks every
//! few minutes whether the key can be used, and closes the table while it cannot. Rows are not sealed under the key.

use std::time::Duration;

use clock::{JobOutcome, Jobs, NewJob};
use cloud::Ctx;
use dynamodb_api::{SSESpecification, error};
use kms_api::{CreateGrantInput, DescribeKeyInput, GrantConstraints};
use shapes::{ApiError, Map};
use store::Tx;

use crate::errors::validation;
use crate::jobs::{self, Running, Work};
use crate::table::TableStatus;
use crate::tables::{Encryption, TABLES, TableRow};
use crate::target::Target;

/// How soon a table follows its key.
const CHECKED_EVERY: Duration = Duration::from_secs(300);
const SERVICE: &str = "dynamodb.amazonaws.com";
/// What DynamoDB asks the caller to let it do.
const OPERATIONS: &[&str] =
    &["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey", "RetireGrant"];

/// The encryption that a request asks for; `None` for the key that DynamoDB owns.
pub(crate) async fn asked(
    ctx: &Ctx,
    target: &Target,
    given: Option<&SSESpecification>,
) -> Result<Option<Encryption>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    if given.enabled != Some(true) {
        if given.kms_master_key_id.is_some() || given.sse_type.is_some() {
            return Err(validation(
                "One or more parameter values were invalid: SSEType and KMSMasterKeyId can be given only if encryption \
                 is enabled",
            ));
        }
        return Ok(None);
    }
    if given.sse_type.as_deref() == Some("AES256") {
        return Err(validation("One or more parameter values were invalid: SSEType AES256 is not supported"));
    }
    let via = ctx.via_service(SERVICE);
    let own = "alias/aws/dynamodb";
    let key_id = given.kms_master_key_id.as_deref().unwrap_or(own);
    let input = DescribeKeyInput { key_id: key_id.to_owned(), grant_tokens: None };
    let described = via.call::<kms_api::op::DescribeKey>(input).await.map_err(refused)?;
    let key = described.key_metadata.unwrap_or_default();
    if key.key_manager.as_deref() != Some("CUSTOMER") && key_id != own {
        return Err(validation(
            "One or more parameter values were invalid: KMSMasterKeyId must not be given for the AWS managed key",
        ));
    }
    if key.key_spec.as_deref() != Some("SYMMETRIC_DEFAULT") {
        return Err(validation("KMS validation error: the key is not a symmetric encryption key"));
    }
    let context = Map::from([
        ("aws:dynamodb:subscriberId".to_owned(), ctx.account().to_string()),
        ("aws:dynamodb:tableName".to_owned(), target.name.clone()),
    ]);
    let region = ctx.region();
    let grant = CreateGrantInput {
        key_id: key.key_id,
        grantee_principal: format!("dynamodb.{region}.amazonaws.com"),
        retiring_principal: Some(format!("dynamodb.{region}.amazonaws.com")),
        operations: OPERATIONS.iter().map(|name| (*name).to_owned()).collect(),
        constraints: Some(GrantConstraints {
            encryption_context_subset: Some(context),
            encryption_context_equals: None,
        }),
        name: Some(format!("dynamodb-{}", target.name.replace('.', "-"))),
        ..CreateGrantInput::default()
    };
    via.call::<kms_api::op::CreateGrant>(grant).await.map_err(refused)?;
    Ok(Some(Encryption { key_arn: key.arn }))
}

/// Has the key looked after from now on, if the table has one.
pub(crate) fn watch(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, row: &TableRow) {
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
                if row.definition.status != status {
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
