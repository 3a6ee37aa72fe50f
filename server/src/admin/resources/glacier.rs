//! Vaults and their jobs.

use cloud::Ctx;
use glacier_api::{DescribeVaultInput, GetVaultAccessPolicyInput, ListJobsInput, ListVaultsInput, op};
use serde_json::Value;
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, size};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = ListVaultsInput {
        account_id: "-".to_owned(),
        limit: Some(PAGE.to_string()),
        marker: part.after.clone(),
    };
    let answer = look::<op::ListVaults>(ctx, input).await?;
    let mut section =
        Section::new("glacier", "Vaults", &["Name", "Archives", "Size", "Inventory", "Created"]);
    section.rows.extend(items(&answer, "VaultList").iter().map(|vault| Row {
        cells: vec![
            at(vault, "VaultName"),
            at(vault, "NumberOfArchives"),
            vault.get("SizeInBytes").and_then(Value::as_i64).map(size).unwrap_or_default(),
            at(vault, "LastInventoryDate"),
            at(vault, "CreationDate"),
        ],
        arn: at(vault, "VaultARN"),
        ..Row::default()
    }));
    Ok(section.next(at(&answer, "Marker")))
}

/// The vault's name in `vaults/NAME`.
fn name_in(resource: &str) -> String {
    resource.split('/').nth(1).unwrap_or_default().to_owned()
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let (account_id, vault_name) = ("-".to_owned(), name_in(resource));
    let input = DescribeVaultInput { account_id: account_id.clone(), vault_name: vault_name.clone() };
    let vault = look::<op::DescribeVault>(ctx, input).await?;
    let mut found = Found::titled(&vault_name).facts(&vault, &[("Archives", "NumberOfArchives")]);
    found.add("Size", vault.get("SizeInBytes").and_then(Value::as_i64).map(size).unwrap_or_default());
    found = found.facts(&vault, &[("Inventory", "LastInventoryDate"), ("Created", "CreationDate")]);
    let input = GetVaultAccessPolicyInput { account_id, vault_name };
    let policy = look::<op::GetVaultAccessPolicy>(ctx, input).await.unwrap_or_default();
    Ok(found.sections(&["jobs"]).document("Access policy", laid_out(&at(&policy, "policy/Policy"))))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, part: &Part) -> Result<Section, ApiError> {
    let input = ListJobsInput {
        account_id: "-".to_owned(),
        vault_name: name_in(resource),
        limit: Some(PAGE.to_string()),
        marker: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::ListJobs>(ctx, input).await?;
    let section = Section::new("jobs", "Jobs", &["Action", "Status", "Created", "Id"]);
    let paths = ["Action", "StatusCode", "CreationDate", "JobId"];
    Ok(section.documents(items(&answer, "JobList"), &paths).next(at(&answer, "Marker")))
}
