//! Parameters by what is known of them. Values are not shown: the model calls all of them sensitive.

use cloud::Ctx;
use serde_json::Value;
use shapes::ApiError;
use ssm_api::{DescribeParametersInput, GetParameterHistoryInput, ParameterStringFilter, op};

use super::arn;
use crate::admin::document::{at, items, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Section};

/// `arn:...:parameter/path/name`: names that begin with a slash keep theirs.
fn parameter_arn(ctx: &Ctx, name: &str) -> String {
    arn(ctx, "ssm", &format!("parameter/{}", name.trim_start_matches('/')))
}

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = DescribeParametersInput {
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        parameter_filters: part.prefix().map(|prefix| vec![filter("BeginsWith", prefix)]),
        ..Default::default()
    };
    let answer = look::<op::DescribeParameters>(ctx, input).await?;
    let section = Section::new("ssm", "Parameters", &["Name", "Type", "Version", "Modified"]).resources(
        items(&answer, "Parameters"),
        &["Name", "Type", "Version", "LastModifiedDate"],
        |parameter| parameter_arn(ctx, &at(parameter, "Name")),
    );
    Ok(section.with_prefix().next(at(&answer, "NextToken")))
}

fn filter(option: &str, value: String) -> ParameterStringFilter {
    ParameterStringFilter {
        key: "Name".to_owned(),
        option: Some(option.to_owned()),
        values: Some(vec![value]),
    }
}

/// The parameter behind `parameter/NAME`: an ARN does not tell whether the name begins with a slash.
async fn metadata(ctx: &Ctx, resource: &str) -> Result<Value, ApiError> {
    let name = resource.strip_prefix("parameter/").unwrap_or_default();
    for name in [format!("/{name}"), name.to_owned()] {
        let input = DescribeParametersInput {
            parameter_filters: Some(vec![filter("Equals", name)]),
            ..Default::default()
        };
        let answer = look::<op::DescribeParameters>(ctx, input).await?;
        if let Some(found) = items(&answer, "Parameters").first() {
            return Ok(found.clone());
        }
    }
    Err(ApiError::sender("ParameterNotFound", format!("There is no parameter {name}.")))
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let parameter = metadata(ctx, resource).await?;
    let mut found = Found::titled(&at(&parameter, "Name")).facts(&parameter, &[("Type", "Type")]);
    found.add("Value", "not shown".to_owned());
    Ok(found
        .facts(
            &parameter,
            &[
                ("Version", "Version"),
                ("Tier", "Tier"),
                ("Data type", "DataType"),
                ("Description", "Description"),
                ("Key", "KeyId"),
                ("Modified", "LastModifiedDate"),
                ("Modified by", "LastModifiedUser"),
            ],
        )
        .sections(&["versions"])
        .document("Description", pretty(&parameter)))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, part: &Part) -> Result<Section, ApiError> {
    let parameter = metadata(ctx, resource).await?;
    let input = GetParameterHistoryInput {
        name: at(&parameter, "Name"),
        max_results: Some(PAGE as i32),
        next_token: part.after.clone(),
        ..Default::default()
    };
    let answer = look::<op::GetParameterHistory>(ctx, input).await?;
    let section = Section::new("versions", "Versions", &["Version", "Labels", "Modified", "By"]);
    let paths = ["Version", "Labels", "LastModifiedDate", "LastModifiedUser"];
    Ok(section.documents(items(&answer, "Parameters"), &paths).next(at(&answer, "NextToken")))
}
