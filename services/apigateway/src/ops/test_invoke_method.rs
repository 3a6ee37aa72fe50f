//! TestInvokeMethod: the console's test button, which needs no deployment.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use apigateway_api::op::TestInvokeMethod;
use apigateway_api::{TestInvokeMethodInput, TestInvokeMethodOutput};
use cloud::{Ctx, Guard, Handle};
use shapes::ApiError;

use super::guard;
use crate::deployed::Deployed;
use crate::execution::{call, query_values};
use crate::mapping::MethodRequest;
use crate::tables::APIS;
use crate::{ApiGateway, PRINCIPAL, errors};

impl Handle<TestInvokeMethod> for ApiGateway {
    fn guard(&self, ctx: &Ctx, input: &TestInvokeMethodInput) -> Result<Guard, ApiError> {
        let (api, resource, method) = (&input.rest_api_id, &input.resource_id, &input.http_method);
        Ok(guard(ctx, "POST", &format!("/restapis/{api}/resources/{resource}/methods/{method}")))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: TestInvokeMethodInput,
    ) -> Result<TestInvokeMethodOutput, ApiError> {
        let api = APIS.find(&mut ctx.read()?, &input.rest_api_id)?.ok_or_else(errors::no_such_api)?;
        let variables = input.stage_variables.clone().unwrap_or_default();
        let draft = Deployed::of_draft(ctx.account(), ctx.region(), api, variables)?;
        let request = request(ctx, &input);
        let found = draft.method(&input.resource_id, &input.http_method, &request.path);
        let found = found.ok_or_else(errors::no_such_method)?;
        let started = Instant::now();
        let acting = ctx.as_service(PRINCIPAL, &draft.arn());
        let outcome = call(&acting, &draft, &found, &request).await;
        let latency = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
        let mut log = vec![
            format!("Execution log for request {}", request.request_id),
            format!("Starting execution for request: {}", request.request_id),
            format!("HTTP Method: {}, Resource Path: {}", request.method, found.resource_path),
            format!("Method request path: {:?}", found.path_parameters),
            format!("Method request query string: {:?}", request.query),
            format!("Method request headers: {:?}", request.headers),
            format!("Method request body before transformations: {}", request.body),
        ];
        log.extend(found.call.integration.uri.iter().map(|uri| format!("Endpoint request URI: {uri}")));
        let (status, headers, body) = match outcome {
            Ok(reply) => (reply.status, reply.headers, reply.body),
            Err(error) => {
                log.push(format!("Execution failed due to configuration error: {error}"));
                (500, Vec::new(), r#"{"message": "Internal server error"}"#.to_owned())
            }
        };
        log.push(format!("Method response body after transformations: {body}"));
        log.push(format!("Method completed with status: {status}"));
        let time = ctx.now().iso8601_millis();
        let log: String = log.into_iter().map(|line| format!("{time} : {line}\n")).collect();
        let mut several: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in &headers {
            several.entry(name.clone()).or_default().push(value.clone());
        }
        Ok(TestInvokeMethodOutput {
            status: Some(i32::from(status)),
            body: Some(body),
            headers: Some(headers.into_iter().collect()),
            multi_value_headers: Some(several),
            log: Some(log),
            latency: Some(latency),
        })
    }
}

fn request(ctx: &Ctx, input: &TestInvokeMethodInput) -> MethodRequest {
    let whole = input.path_with_query_string.as_deref().unwrap_or("/");
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let query_values = query_values(query);
    let mut header_values = input.multi_value_headers.clone().unwrap_or_default();
    for (name, value) in input.headers.clone().unwrap_or_default() {
        header_values.entry(name).or_default().push(value);
    }
    let last = |values: &BTreeMap<String, Vec<String>>| {
        let last = values.iter().filter_map(|(name, values)| Some((name.clone(), values.last()?.clone())));
        last.collect()
    };
    MethodRequest {
        method: input.http_method.clone(),
        path: path.to_owned(),
        headers: last(&header_values),
        query: last(&query_values),
        header_values,
        query_values,
        body: input.body.clone().unwrap_or_default(),
        source_ip: "test-invoke-source-ip".to_owned(),
        request_id: ctx.request_id().to_owned(),
        received: ctx.now(),
    }
}
