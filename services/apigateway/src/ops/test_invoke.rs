//! TestInvokeMethod: the console's test button, which needs no deployment.

use std::collections::BTreeMap;
use std::time::Instant;

use apigateway_api as api;
use cloud::Ctx;

use super::{find_api, tell};
use crate::execution::{
    Admitted, Deployed, MethodRequest, Outcome, call, execution_lines, last, query_values,
};
use crate::{PRINCIPAL, errors};

tell!(TestInvokeMethod, |ctx, input| {
    let row = find_api(ctx, &input.rest_api_id)?;
    let variables = input.stage_variables.clone().unwrap_or_default();
    let draft = Deployed::of_draft(ctx.account(), ctx.region(), &row, variables)?;
    let request = request(ctx, &input);
    let found = draft.method(&input.resource_id, &input.http_method, &request.path);
    let found = found.ok_or_else(errors::no_such_method)?;
    let started = Instant::now();
    let acting = ctx.as_service(PRINCIPAL, &draft.arn());
    let mut admitted = Admitted::default();
    let outcome = call(&acting, &draft, &found, &request, &mut admitted).await;
    let elapsed = started.elapsed();
    let latency = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
    let (reply, refusal) = match outcome {
        Ok(reply) => (reply, None),
        Err(refusal) => (draft.refused(&refusal, &request, &found), Some(refusal)),
    };
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    let (found, refusal) = (Some(&found), refusal.as_ref());
    let outcome = Outcome { request: &request, found, admitted: &admitted, refusal, reply: &reply, elapsed };
    let mut log = vec![format!("Execution log for request {}", request.request_id)];
    log.extend(execution_lines(&outcome, true));
    let time = ctx.now().iso8601_millis();
    let log: String = log.into_iter().map(|line| format!("{time} : {line}\n")).collect();
    let mut several: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &reply.headers {
        several.entry(name.clone()).or_default().push(value.clone());
    }
    Ok(api::TestInvokeMethodOutput {
        status: Some(i32::from(reply.status)),
        body: Some(body),
        headers: Some(reply.headers.into_iter().collect()),
        multi_value_headers: Some(several),
        log: Some(log),
        latency: Some(latency),
    })
});

fn request(ctx: &Ctx, input: &api::TestInvokeMethodInput) -> MethodRequest {
    let whole = input.path_with_query_string.as_deref().unwrap_or("/");
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let query_values = query_values(query);
    let mut header_values = input.multi_value_headers.clone().unwrap_or_default();
    for (name, value) in input.headers.clone().unwrap_or_default() {
        header_values.entry(name).or_default().push(value);
    }
    MethodRequest {
        method: input.http_method.clone(),
        path: path.to_owned(),
        headers: last(&header_values),
        query: last(&query_values),
        header_values,
        query_values,
        body: input.body.clone().unwrap_or_default().into(),
        source_ip: "test-invoke-source-ip".to_owned(),
        request_id: ctx.request_id().to_owned(),
        received: ctx.now(),
    }
}
