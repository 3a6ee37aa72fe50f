//! Invoke: runs a function now, later, or not at all.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud::{Ctx, Guard, Handle};
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use shapes::ApiError;

use crate::function::Target;
use crate::invocation::Request;
use crate::{Lambda, errors};

/// Of a request that is answered with the function's answer (Developer Guide, "Lambda quotas").
const MOST_PAYLOAD_BYTES: usize = 6_291_456;
/// Of a request that is only taken (same page; 1 MB since 2025).
const MOST_EVENT_BYTES: usize = 1_048_576;
/// Of the client context in base64 (API Reference, Invoke).
const LONGEST_CLIENT_CONTEXT: usize = 3583;

impl Handle<Invoke> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &InvokeInput) -> Result<Guard, ApiError> {
        let guard = self.function_guard(ctx, &input.function_name, input.qualifier.as_deref())?;
        Ok(guard.action("lambda:InvokeFunction"))
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, input.qualifier.as_deref())?;
        let payload = input.payload.unwrap_or_default();
        let kind = input.invocation_type.as_deref().unwrap_or("RequestResponse");
        let limit = if kind == "Event" { MOST_EVENT_BYTES } else { MOST_PAYLOAD_BYTES };
        if payload.len() > limit {
            return Err(errors::payload_too_large(limit));
        }
        check_json(&payload)?;
        let client_context = client_context(input.client_context.as_deref())?;
        let payload = if payload.is_empty() { Bytes::from_static(b"{}") } else { payload };
        let request = Request {
            target,
            payload,
            client_context,
            request_id: ctx.request_id().to_owned(),
            wants_tail: input.log_type.as_deref() == Some("Tail"),
        };
        match kind {
            "RequestResponse" => self.answer(ctx, request).await,
            "DryRun" => self.try_out(ctx, &request),
            "Event" => {
                self.take_event(ctx, request).await?;
                Ok(InvokeOutput { status_code: Some(202), ..Default::default() })
            }
            other => Err(errors::invalid(format!(
                "InvocationType {other} has to be one of Event, RequestResponse and DryRun"
            ))),
        }
    }
}

impl Lambda {
    async fn answer(self: &Arc<Self>, ctx: &Ctx, request: Request) -> Result<InvokeOutput, ApiError> {
        let outcome = self.invoke(ctx, request).await?;
        Ok(InvokeOutput {
            status_code: Some(200),
            executed_version: Some(outcome.version),
            function_error: outcome.is_error.then(|| "Unhandled".to_owned()),
            log_result: outcome.tail.map(|tail| STANDARD.encode(tail)),
            payload: Some(outcome.payload),
            ..Default::default()
        })
    }

    fn try_out(&self, ctx: &Ctx, request: &Request) -> Result<InvokeOutput, ApiError> {
        let target = &request.target;
        let version = target.version(&mut ctx.store().read(&target.scope())?, 1.0)?;
        Ok(InvokeOutput {
            status_code: Some(204),
            executed_version: Some(version.version),
            ..Default::default()
        })
    }
}

/// An event is JSON or nothing. It is looked through without being kept.
fn check_json(payload: &[u8]) -> Result<(), ApiError> {
    if payload.is_empty() {
        return Ok(());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(payload)
        .map(|_| ())
        .map_err(|error| errors::payload_is_no_json(&error))
}

/// The context as JSON text, from base64.
fn client_context(given: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    if given.len() > LONGEST_CLIENT_CONTEXT {
        return Err(errors::invalid(format!(
            "ClientContext must be no more than {LONGEST_CLIENT_CONTEXT} bytes."
        )));
    }
    let decoded = STANDARD.decode(given).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.filter(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()) {
        // A header has one line.
        Some(text) => Ok(Some(text.replace(['\r', '\n'], " "))),
        None => Err(lambda_api::error::invalid_request_content_exception(
            "Client context must be a valid Base64-encoded JSON object.",
        )),
    }
}
