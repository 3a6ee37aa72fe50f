//! Secrets of Secrets Manager under names of parameters: `/aws/reference/secretsmanager/NAME`, with a version's id or
//! stage behind a colon (User Guide, "Referencing AWS Secrets Manager secrets from Parameter Store parameters").

use cloud::Ctx;
use secretsmanager_api::GetSecretValueInput;
use secretsmanager_api::op::GetSecretValue;
use serde_json::json;
use shapes::ApiError;
use ssm_api::Parameter;

use crate::name::{Named, arn_of};
use crate::{PRINCIPAL, errors};

const PREFIX: &str = "/aws/reference/secretsmanager/";

/// The secret's name, where a parameter's name stands for one.
pub(crate) fn secret_of(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// The secret as a parameter, for those who may read it.
pub(crate) async fn read(
    ctx: &Ctx,
    named: &Named,
    secret: &str,
    decrypts: bool,
) -> Result<Parameter, ApiError> {
    if !decrypts {
        return Err(errors::validation(
            "WithDecryption flag must be True for retrieving a Secret Manager secret.",
        ));
    }
    let selector = named.selector.clone();
    // Ids of versions are as long as a UUID.
    let (version_id, version_stage) = match selector {
        Some(selector) if selector.len() >= 32 => (Some(selector), None),
        stage => (None, stage),
    };
    let input = GetSecretValueInput { secret_id: secret.to_owned(), version_id, version_stage };
    let found = ctx.via_service(PRINCIPAL).call::<GetSecretValue>(input).await;
    let value = found.map_err(|cause| match cause.name() {
        "ResourceNotFoundException" => errors::referenced_not_found(&named.name, cause.message()),
        _ => cause,
    })?;
    let source = json!({
        "ARN": value.arn,
        "name": value.name,
        "versionId": value.version_id,
        "secretString": value.secret_string,
        "versionStages": value.version_stages,
        "createdDate": value.created_date.map(|date| date.iso8601_millis()),
    });
    let text = value.secret_string;
    Ok(Parameter {
        arn: Some(arn_of(ctx, &named.name)),
        name: Some(named.name.clone()),
        r#type: Some("SecureString".to_owned()),
        value: Some(
            text.ok_or_else(|| errors::validation("Binary secrets can't be referenced as parameters."))?,
        ),
        version: Some(0),
        selector: named.told(),
        source_result: Some(source.to_string()),
        last_modified_date: value.created_date,
        data_type: Some("text".to_owned()),
    })
}
