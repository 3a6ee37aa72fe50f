//! Functions: configuration, event sources, versions, and their latest log lines.

use cloud::Ctx;
use lambda_api::{
    GetFunctionConfigurationInput, GetFunctionUrlConfigInput, ListAliasesInput, ListEventSourceMappingsInput,
    ListFunctionsInput, ListVersionsByFunctionInput, op,
};
use serde_json::Value;
use shapes::ApiError;

use super::logs;
use crate::admin::document::{at, items, look, pretty, size};
use crate::admin::section::{Found, PAGE, Part, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input =
        ListFunctionsInput { marker: part.after.clone(), max_items: Some(PAGE as i32), ..Default::default() };
    let answer = look::<op::ListFunctions>(ctx, input).await?;
    let section =
        Section::new("lambda", "Functions", &["Name", "Runtime", "Memory (MB)", "Timeout (s)", "Modified"])
            .resources(
                items(&answer, "Functions"),
                &["FunctionName", "Runtime", "MemorySize", "Timeout", "LastModified"],
                |function| at(function, "FunctionArn"),
            );
    Ok(section.next(at(&answer, "NextMarker")))
}

/// The function's name in `function:NAME:QUALIFIER`.
fn name_in(resource: &str) -> String {
    resource.split(':').nth(1).unwrap_or_default().to_owned()
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let name = name_in(resource);
    let input = GetFunctionConfigurationInput { function_name: name.clone(), ..Default::default() };
    let configuration = look::<op::GetFunctionConfiguration>(ctx, input).await?;
    let mut found = Found::titled(&name).facts(
        &configuration,
        &[
            ("State", "State"),
            ("Reason", "StateReason"),
            ("Runtime", "Runtime"),
            ("Handler", "Handler"),
            ("Memory (MB)", "MemorySize"),
            ("Timeout (s)", "Timeout"),
            ("Role", "Role"),
            ("Dead letters to", "DeadLetterConfig/TargetArn"),
            ("Modified", "LastModified"),
        ],
    );
    found.add("Code", configuration.get("CodeSize").and_then(Value::as_i64).map(size).unwrap_or_default());
    let input = GetFunctionUrlConfigInput { function_name: name.clone(), ..Default::default() };
    if let Ok(url) = look::<op::GetFunctionUrlConfig>(ctx, input).await {
        found.add("URL", at(&url, "FunctionUrl"));
    }
    let group = match at(&configuration, "LoggingConfig/LogGroup").as_str() {
        "" => format!("/aws/lambda/{name}"),
        group => group.to_owned(),
    };
    // A function that was never invoked has no logs.
    found.recent = logs::latest(ctx, &group).await.unwrap_or_default();
    Ok(found.sections(&["mappings", "aliases", "versions"]).document("Configuration", pretty(&configuration)))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, id: &str, part: &Part) -> Result<Section, ApiError> {
    let name = name_in(resource);
    let (marker, max_items) = (part.after.clone(), Some(PAGE as i32));
    let (section, answer) = match id {
        "mappings" => {
            let input = ListEventSourceMappingsInput {
                function_name: Some(name),
                marker,
                max_items,
                ..Default::default()
            };
            let answer = look::<op::ListEventSourceMappings>(ctx, input).await?;
            let section =
                Section::new("mappings", "Event sources", &["Source", "State", "Batch", "Last result"]);
            let paths = ["EventSourceArn", "State", "BatchSize", "LastProcessingResult"];
            (section.uses(items(&answer, "EventSourceMappings"), &paths), answer)
        }
        "aliases" => {
            let input = ListAliasesInput { function_name: name, marker, max_items, ..Default::default() };
            let answer = look::<op::ListAliases>(ctx, input).await?;
            let section = Section::new("aliases", "Aliases", &["Name", "Version", "Description"]);
            let paths = ["Name", "FunctionVersion", "Description"];
            (section.documents(items(&answer, "Aliases"), &paths), answer)
        }
        _ => {
            let input = ListVersionsByFunctionInput { function_name: name, marker, max_items };
            let answer = look::<op::ListVersionsByFunction>(ctx, input).await?;
            let section = Section::new("versions", "Versions", &["Version", "Runtime", "Modified"]);
            let paths = ["Version", "Runtime", "LastModified"];
            (section.documents(items(&answer, "Versions"), &paths), answer)
        }
    };
    Ok(section.next(at(&answer, "NextMarker")))
}
