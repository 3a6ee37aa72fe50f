//! REST APIs: stages with their URLs, resources with their methods, authorizers and deployments.

use apigateway_api::{
    GetAuthorizersInput, GetDeploymentsInput, GetResourcesInput, GetRestApiInput, GetRestApisInput,
    GetStageInput, GetStagesInput, op,
};
use cloud::Ctx;
use serde_json::Value;
use shapes::ApiError;

use crate::admin::document::{at, items, laid_out, look, pretty};
use crate::admin::section::{Found, PAGE, Part, Row, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let input = GetRestApisInput { limit: Some(PAGE as i32), position: part.after.clone() };
    let answer = look::<op::GetRestApis>(ctx, input).await?;
    let section = Section::new("apigateway", "REST APIs", &["Name", "Id", "Description", "Created"])
        .resources(items(&answer, "items"), &["name", "id", "description", "createdDate"], |api| {
            format!("arn:aws:apigateway:{}::/restapis/{}", ctx.region().as_str(), at(api, "id"))
        });
    Ok(section.next(at(&answer, "position")))
}

/// Api and stage in `API/STAGE/METHOD/PATH` and in `/restapis/API/stages/STAGE`.
fn names_in(resource: &str) -> (String, Option<String>) {
    let mut names = resource.split('/');
    let (api, stage) =
        if resource.starts_with('/') { (names.nth(2), names.nth(1)) } else { (names.next(), names.next()) };
    (api.unwrap_or_default().to_owned(), stage.filter(|stage| !stage.is_empty()).map(str::to_owned))
}

fn invoke_url(ctx: &Ctx, api: &str, stage: &str) -> String {
    format!("{}/restapis/{api}/{stage}/_user_request_/", ctx.cloud().settings().endpoint)
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let (id, stage) = names_in(resource);
    let api = look::<op::GetRestApi>(ctx, GetRestApiInput { rest_api_id: id.clone() }).await?;
    let mut found = Found::titled(&at(&api, "name"));
    if let Some(stage_name) = stage {
        found.title = format!("{} / {stage_name}", found.title);
        let input = GetStageInput { rest_api_id: id.clone(), stage_name: stage_name.clone() };
        let stage = look::<op::GetStage>(ctx, input).await?;
        found.add("Invoke URL", invoke_url(ctx, &id, &stage_name));
        found = found
            .facts(
                &stage,
                &[
                    ("Deployment", "deploymentId"),
                    ("Tracing", "tracingEnabled"),
                    ("Cache", "cacheClusterStatus"),
                    ("Updated", "lastUpdatedDate"),
                ],
            )
            .document("Stage", pretty(&stage));
    }
    Ok(found
        .facts(
            &api,
            &[
                ("API", "id"),
                ("Description", "description"),
                ("Keys from", "apiKeySource"),
                ("Created", "createdDate"),
            ],
        )
        .sections(&["stages", "resources", "authorizers", "deployments"])
        .document("Policy", laid_out(&at(&api, "policy"))))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, id: &str, part: &Part) -> Result<Section, ApiError> {
    let (rest_api_id, _) = names_in(resource);
    let (limit, position) = (Some(PAGE as i32), part.after.clone());
    match id {
        "stages" => {
            let input = GetStagesInput { rest_api_id: rest_api_id.clone(), ..Default::default() };
            let answer = look::<op::GetStages>(ctx, input).await?;
            let mut section =
                Section::new("stages", "Stages", &["Name", "Invoke URL", "Deployment", "Updated"]);
            section.rows.extend(items(&answer, "item").iter().map(|stage| {
                let name = at(stage, "stageName");
                Row {
                    arn: super::arn(ctx, "execute-api", &format!("{rest_api_id}/{name}")),
                    cells: vec![
                        name.clone(),
                        invoke_url(ctx, &rest_api_id, &name),
                        at(stage, "deploymentId"),
                        at(stage, "lastUpdatedDate"),
                    ],
                    detail: pretty(stage),
                    ..Row::default()
                }
            }));
            Ok(section)
        }
        "resources" => {
            let embed = Some(vec!["methods".to_owned()]);
            let answer =
                look::<op::GetResources>(ctx, GetResourcesInput { embed, limit, position, rest_api_id })
                    .await?;
            let mut section = Section::new("resources", "Resources", &["Path", "Methods"]);
            section.rows.extend(items(&answer, "items").iter().map(|resource| {
                let methods = resource.get("resourceMethods").and_then(Value::as_object);
                let methods = methods.into_iter().flat_map(|methods| methods.keys().map(String::as_str));
                Row {
                    cells: vec![at(resource, "path"), methods.collect::<Vec<_>>().join(", ")],
                    detail: pretty(resource),
                    ..Row::default()
                }
            }));
            Ok(section.next(at(&answer, "position")))
        }
        "authorizers" => {
            let input = GetAuthorizersInput { limit, position, rest_api_id };
            let answer = look::<op::GetAuthorizers>(ctx, input).await?;
            let section = Section::new("authorizers", "Authorizers", &["Name", "Type", "From"]);
            let paths = ["name", "type", "identitySource"];
            Ok(section.documents(items(&answer, "items"), &paths).next(at(&answer, "position")))
        }
        _ => {
            let input = GetDeploymentsInput { limit, position, rest_api_id };
            let answer = look::<op::GetDeployments>(ctx, input).await?;
            let section = Section::new("deployments", "Deployments", &["Id", "Description", "Created"]);
            let paths = ["id", "description", "createdDate"];
            Ok(section.documents(items(&answer, "items"), &paths).next(at(&answer, "position")))
        }
    }
}
