//! Whether a pipe's role may read its source, asked before the pipe runs.

use std::sync::Arc;

use cloud::{Ctx, Guard};
use dynamodb_streams_api::DescribeStreamInput;
use dynamodb_streams_api::op::DescribeStream;
use identity::policy::{NamedPolicy, PolicyKind};
use shapes::ApiError;
use sources::SourceKind;
use sqs_api::GetQueueAttributesInput;
use sqs_api::op::GetQueueAttributes;
use targets::queue_url;

use crate::PRINCIPAL;
use crate::pipe::Pipe;
use crate::settings::source_kind;

/// Why the pipe cannot run, as StateReason tells it; an error when that cannot be told now.
pub(crate) async fn problem(ctx: &Ctx, pipe_arn: &str, pipe: &Pipe) -> Result<Option<String>, ApiError> {
    let found = match ctx.with_role(PRINCIPAL, pipe_arn, &pipe.role) {
        Ok(role) => match source_kind(&pipe.source)? {
            SourceKind::Queue => of_queue(&role, &pipe.source).await?,
            SourceKind::TableStream => of_stream(&role, &pipe.source).await?,
        },
        Err(error) if error.is_retryable() => return Err(error),
        Err(_) => Some(format!("The provided customer role cannot be assumed by principal '{PRINCIPAL}'")),
    };
    Ok(found.map(|found| format!("Input parameter is invalid from the request due to : {found}")))
}

async fn of_queue(role: &Ctx, queue: &str) -> Result<Option<String>, ApiError> {
    let missing = |action: &str| {
        format!("The provided customer role does not have permissions to call {action} on SQS")
    };
    let input = GetQueueAttributesInput {
        queue_url: queue_url(role, queue)?,
        attribute_names: Some(vec!["Policy".to_owned()]),
    };
    let policy = match role.call::<GetQueueAttributes>(input).await {
        Ok(output) => output.attributes.and_then(|mut attributes| attributes.remove("Policy")),
        Err(error) if error.is_retryable() => return Err(error),
        Err(error) if error.status() == 403 || error.name().contains("AccessDenied") => {
            return Ok(Some(missing("GetQueueAttributes")));
        }
        Err(error) => return Ok(Some(error.message().to_owned())),
    };
    let policy = policy.filter(|document| !document.is_empty()).and_then(|document| {
        NamedPolicy::parse("Policy", &document, PolicyKind::Resource).ok().map(Arc::new)
    });
    for action in ["ReceiveMessage", "DeleteMessage"] {
        let guard = Guard::resource(queue).action(format!("sqs:{action}")).policy(policy.clone());
        if role.authorize(&sqs_api::SERVICE, &guard).is_err() {
            return Ok(Some(missing(action)));
        }
    }
    Ok(None)
}

async fn of_stream(role: &Ctx, stream: &str) -> Result<Option<String>, ApiError> {
    let problem = || {
        format!(
            "Cannot access stream {stream}. Please ensure the customer role can perform actions on source stream"
        )
    };
    let input = DescribeStreamInput { stream_arn: stream.to_owned(), ..Default::default() };
    match role.call::<DescribeStream>(input).await {
        Ok(_) => {}
        Err(error) if error.is_retryable() => return Err(error),
        Err(_) => return Ok(Some(problem())),
    }
    let may = |action: &'static str| {
        let guard = Guard::resource(stream).action(action);
        role.authorize(&dynamodb_streams_api::SERVICE, &guard).is_ok()
    };
    let may_read = may("dynamodb:GetRecords") && may("dynamodb:GetShardIterator");
    Ok((!may_read).then(problem))
}
