//! Keys of KMS: what they are for and who may use them, never their material.

use cloud::Ctx;
use kms_api::{
    DescribeKeyInput, GetKeyPolicyInput, GetKeyRotationStatusInput, ListAliasesInput, ListGrantsInput,
    ListKeysInput, op,
};
use serde_json::Value;
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

/// Aliases read to name the keys of a page.
const ALIASES: i32 = 100;

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListKeysInput { limit: Some(PAGE as i32), marker: part.after.clone() };
    let answer = look::<op::ListKeys>(ctx, input).await?;
    let input = ListAliasesInput { limit: Some(ALIASES), ..Default::default() };
    let aliases = look::<op::ListAliases>(ctx, input).await?;
    let mut section = Section::new("kms", "Keys", &["Name", "Id", "State", "Usage", "Spec", "Managed by"]);
    for key in items(&answer, "Keys") {
        let id = at(key, "KeyId");
        let alias = items(&aliases, "Aliases").iter().find(|alias| at(alias, "TargetKeyId") == id);
        let name = alias.map_or_else(|| id.clone(), |alias| at(alias, "AliasName"));
        let mut cells = vec![name, id.clone()];
        if !part.is_brief {
            let metadata = metadata(ctx, &id).await.unwrap_or_default();
            let paths = ["KeyState", "KeyUsage", "KeySpec", "KeyManager"];
            cells.extend(paths.map(|path| at(&metadata, path)));
        }
        section.rows.push(Row { cells, arn: at(key, "KeyArn"), ..Row::default() });
    }
    Ok(section.next(at(&answer, "NextMarker")))
}

async fn metadata(ctx: &Ctx, key: &str) -> Result<Value, ApiError> {
    let input = DescribeKeyInput { key_id: key.to_owned(), ..Default::default() };
    let answer = look::<op::DescribeKey>(ctx, input).await?;
    Ok(answer.get("KeyMetadata").cloned().unwrap_or_default())
}

pub(super) async fn describe(ctx: &Ctx, arn: &str) -> Result<Found, ApiError> {
    let metadata = metadata(ctx, arn).await?;
    let mut found = Found::titled(&at(&metadata, "KeyId")).facts(
        &metadata,
        &[
            ("State", "KeyState"),
            ("Description", "Description"),
            ("Usage", "KeyUsage"),
            ("Spec", "KeySpec"),
            ("Origin", "Origin"),
            ("Managed by", "KeyManager"),
            ("In several regions", "MultiRegion"),
            ("Created", "CreationDate"),
            ("Deleted on", "DeletionDate"),
        ],
    );
    let input = GetKeyRotationStatusInput { key_id: arn.to_owned() };
    if let Ok(rotation) = look::<op::GetKeyRotationStatus>(ctx, input).await {
        found.add("Rotates", at(&rotation, "KeyRotationEnabled"));
        found.add("Next rotation", at(&rotation, "NextRotationDate"));
    }
    let input = GetKeyPolicyInput { key_id: arn.to_owned(), ..Default::default() };
    let policy = look::<op::GetKeyPolicy>(ctx, input).await.map(|policy| at(&policy, "Policy"));
    Ok(found
        .sections(&["aliases", "grants"])
        .document("Policy", laid_out(&policy.unwrap_or_default()))
        .document("Metadata", pretty(&metadata)))
}

pub(super) async fn section(ctx: &Ctx, arn: &str, id: &str, part: &Part) -> Result<Section, ApiError> {
    let (limit, marker) = (Some(PAGE as i32), part.after.clone());
    if id == "aliases" {
        let input = ListAliasesInput { key_id: Some(arn.to_owned()), limit, marker };
        let answer = look::<op::ListAliases>(ctx, input).await?;
        let section = Section::new("aliases", "Aliases", &["Name", "Updated"]);
        let paths = ["AliasName", "LastUpdatedDate"];
        return Ok(section.documents(items(&answer, "Aliases"), &paths).next(at(&answer, "NextMarker")));
    }
    let input = ListGrantsInput { key_id: arn.to_owned(), limit, marker, ..Default::default() };
    let answer = look::<op::ListGrants>(ctx, input).await?;
    let section = Section::new("grants", "Grants", &["Grantee", "Operations", "Id"]);
    let paths = ["GranteePrincipal", "Operations", "GrantId"];
    Ok(section.documents(items(&answer, "Grants"), &paths).next(at(&answer, "NextMarker")))
}
