//! Secrets by what is known of them. Their values are never asked for.

use cloud::Ctx;
use secretsmanager_api::{DescribeSecretInput, GetResourcePolicyInput, ListSecretsInput, op};
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListSecretsInput {
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        include_planned_deletion: Some(true),
        ..Default::default()
    };
    let answer = look::<op::ListSecrets>(ctx, input).await?;
    let columns = ["Name", "Description", "Changed", "Rotates", "Deleted"];
    let section = Section::new("secretsmanager", "Secrets", &columns).resources(
        items(&answer, "SecretList"),
        &["Name", "Description", "LastChangedDate", "RotationEnabled", "DeletedDate"],
        |secret| at(secret, "ARN"),
    );
    Ok(section.next(at(&answer, "NextToken")))
}

pub(super) async fn describe(ctx: &Ctx, arn: &str) -> Result<Found, ApiError> {
    let secret = look::<op::DescribeSecret>(ctx, DescribeSecretInput { secret_id: arn.to_owned() }).await?;
    let input = GetResourcePolicyInput { secret_id: arn.to_owned() };
    let policy = look::<op::GetResourcePolicy>(ctx, input).await.map(|policy| at(&policy, "ResourcePolicy"));
    let mut found = Found::titled(&at(&secret, "Name"));
    found.add("Value", "not shown".to_owned());
    Ok(found
        .facts(
            &secret,
            &[
                ("Description", "Description"),
                ("Key", "KmsKeyId"),
                ("Rotates", "RotationEnabled"),
                ("Rotated by", "RotationLambdaARN"),
                ("Next rotation", "NextRotationDate"),
                ("Changed", "LastChangedDate"),
                ("Accessed", "LastAccessedDate"),
                ("Deleted", "DeletedDate"),
            ],
        )
        .sections(&["versions"])
        .document("Policy", laid_out(&policy.unwrap_or_default()))
        .document("Description", pretty(&secret)))
}

/// Versions with their labels.
pub(super) async fn section(ctx: &Ctx, arn: &str) -> Result<Section, ApiError> {
    let secret = look::<op::DescribeSecret>(ctx, DescribeSecretInput { secret_id: arn.to_owned() }).await?;
    let mut section = Section::new("versions", "Versions", &["Version", "Stages"]);
    let versions = secret.get("VersionIdsToStages").and_then(|versions| versions.as_object());
    section.rows.extend(versions.into_iter().flatten().map(|(version, stages)| {
        let stages = stages.as_array().map_or(&[][..], Vec::as_slice);
        let stages: Vec<&str> = stages.iter().filter_map(|stage| stage.as_str()).collect();
        Row { cells: vec![version.clone(), stages.join(", ")], ..Row::default() }
    }));
    Ok(section)
}
