//! One call of a target.

use bytes::Bytes;
use cloud::Ctx;
use events_api::op::PutEvents;
use events_api::{PutEventsInput, PutEventsRequestEntry};
use identity::{Principal, arn};
use lambda_api::InvokeInput;
use lambda_api::op::Invoke;
use logs_api::op::{CreateLogStream, PutLogEvents};
use logs_api::{CreateLogStreamInput, InputLogEvent, PutLogEventsInput};
use shapes::{Map, Timestamp};
use sns_api::PublishInput;
use sns_api::op::Publish;
use sqs_api::op::SendMessage;
use sqs_api::{MessageAttributeValue, MessageSystemAttributeValue, SendMessageInput};
use store::Tx;

use crate::target::{operation, queue_url};
use crate::{Failure, Kind, Origin, Target, code};

/// What goes to a target.
pub(crate) struct Content<'c> {
    pub payload: &'c str,
    /// The tracing header that goes along where there is room for one.
    pub trace: Option<&'c str>,
}

/// Hands a payload over inside a transaction. `None` when the kind of target cannot do that.
pub(crate) fn call_within(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    principal: &str,
    origin: &Origin,
    target: &Target,
    content: &Content<'_>,
) -> Option<Result<(), Failure>> {
    let kind = match target.kind() {
        Ok(kind) => kind,
        Err(failure) => return Some(Err(failure)),
    };
    if !kind.is_transactional() {
        return None;
    }
    let caller = match target.caller(ctx, principal, origin) {
        Ok(caller) => caller,
        Err(failure) => return Some(Err(failure)),
    };
    Some(match kind {
        Kind::Queue => send_message(&caller, tx, target, content),
        Kind::Topic => publish(&caller, tx, target, content.payload),
        Kind::LogGroup => put_log_event(ctx, tx, principal, origin, target, content.payload),
        Kind::EventBus => put_event(&caller, tx, target, content),
        Kind::Function | Kind::ApiDestination | Kind::RestApi | Kind::Operation => return None,
    })
}

fn send_message(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, content: &Content<'_>) -> Result<(), Failure> {
    let trace = content.trace.map(|trace| {
        let value = MessageSystemAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some(trace.to_owned()),
            ..Default::default()
        };
        Map::from([("AWSTraceHeader".to_owned(), value)])
    });
    let input = SendMessageInput {
        queue_url: queue_url(ctx, &target.arn)?,
        message_body: content.payload.to_owned(),
        message_group_id: target.queue.message_group_id.clone(),
        message_deduplication_id: target.queue.deduplication_id.clone(),
        message_system_attributes: trace,
        ..Default::default()
    };
    ctx.call_within::<SendMessage>(tx, input)?;
    Ok(())
}

/// Puts what could not be delivered on a dead-letter queue, with the circumstances as attributes.
pub(crate) fn bury(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (principal, origin, role): (&str, &Origin, Option<&str>),
    queue: &str,
    body: &str,
    attributes: &[(String, String)],
) -> Result<(), Failure> {
    let target = Target { arn: queue.to_owned(), role_arn: role.map(str::to_owned), ..Target::default() };
    let ctx = target.caller(ctx, principal, origin)?;
    let attribute = |(name, text): &(String, String)| {
        let value = MessageAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some(if text.is_empty() { "-".to_owned() } else { text.clone() }),
            ..Default::default()
        };
        (name.clone(), value)
    };
    let input = SendMessageInput {
        queue_url: queue_url(&ctx, queue)?,
        message_body: body.to_owned(),
        message_attributes: Some(attributes.iter().take(10).map(attribute).collect()),
        ..Default::default()
    };
    ctx.call_within::<SendMessage>(tx, input)?;
    Ok(())
}

fn publish(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, payload: &str) -> Result<(), Failure> {
    let input = PublishInput {
        topic_arn: Some(target.arn.clone()),
        message: payload.to_owned(),
        message_group_id: target.queue.message_group_id.clone(),
        message_deduplication_id: target.queue.deduplication_id.clone(),
        ..Default::default()
    };
    ctx.call_within::<Publish>(tx, input)?;
    Ok(())
}

/// Events of one payload go to a stream of its own, as on AWS, unless the target names one.
fn put_log_event(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    principal: &str,
    origin: &Origin,
    target: &Target,
    payload: &str,
) -> Result<(), Failure> {
    let caller = logger(ctx, principal, origin, target)?;
    let group = arn::split(&target.arn).map(|parts| parts.resource).unwrap_or_default();
    let group = group.strip_prefix("log-group:").unwrap_or(group).trim_end_matches(":*").to_owned();
    let stream = target.log_stream.clone().unwrap_or_else(|| ctx.ids().uuid());
    let created = caller.call_within::<CreateLogStream>(
        tx,
        CreateLogStreamInput { log_group_name: group.clone(), log_stream_name: stream.clone() },
    );
    match created {
        Err(error) if error.name() != "ResourceAlreadyExistsException" => return Err(error.into()),
        _ => {}
    }
    let timestamp = target.event.time_millis.unwrap_or_else(|| ctx.now().millis());
    let event = InputLogEvent { timestamp, message: payload.to_owned() };
    let input = PutLogEventsInput {
        log_group_name: group,
        log_stream_name: stream,
        log_events: vec![event],
        ..Default::default()
    };
    caller.call_within::<PutLogEvents>(tx, input)?;
    Ok(())
}

/// Log groups let services in by policies of the account. Where those are not here, the account's own groups are open
/// to its own resources.
fn logger(ctx: &Ctx, principal: &str, origin: &Origin, target: &Target) -> Result<Ctx, Failure> {
    let has_policies =
        logs_api::SERVICE.operation("PutResourcePolicy").is_some_and(|operation| operation.has_handler);
    let (account, region) = target.place(origin);
    if target.role_arn.is_some() || has_policies || account != origin.account {
        return target.caller(ctx, principal, origin);
    }
    let owner = cloud::Actor::of(Principal::root(account));
    let caller = cloud::Caller::internal(owner, &origin.arn, account);
    let request_id = ctx.request_id();
    Ok(Ctx::new(
        ctx.cloud().clone(),
        caller,
        (account, region),
        ctx.trace(),
        origin.arn.as_str().into(),
        request_id,
    ))
}

fn put_event(ctx: &Ctx, tx: &mut Tx<'_>, target: &Target, content: &Content<'_>) -> Result<(), Failure> {
    let fields = &target.event;
    let entry = PutEventsRequestEntry {
        event_bus_name: Some(target.arn.clone()),
        source: Some(fields.source.clone()),
        detail_type: Some(fields.detail_type.clone()),
        detail: Some(content.payload.to_owned()),
        resources: (!fields.resources.is_empty()).then(|| fields.resources.clone()),
        time: fields.time_millis.map(Timestamp::from_millis),
        trace_header: content.trace.map(str::to_owned),
    };
    let output =
        ctx.call_within::<PutEvents>(tx, PutEventsInput { entries: vec![entry], ..Default::default() })?;
    let refused = output.entries.unwrap_or_default().into_iter().find_map(|entry| {
        Some(Failure {
            own_code: Some(entry.error_code?),
            ..Failure::permanent(code::INVALID_PARAMETER, entry.error_message.unwrap_or_default())
        })
    });
    refused.map_or(Ok(()), Err)
}

/// Calls any operation, with the payload as its input.
pub(crate) async fn call_operation(ctx: &Ctx, target: &Target, payload: &str) -> Result<Bytes, Failure> {
    let named = operation(&target.arn);
    let (service, operation) = named.ok_or_else(|| {
        Failure::permanent(code::INVALID_PARAMETER, format!("{} names no operation", target.arn))
    })?;
    let input = if payload.is_empty() { "{}" } else { payload };
    let calls = ctx.cloud().raw_calls()?;
    Ok(calls.call_named(ctx, service, operation, Bytes::from(input.to_owned())).await?)
}

/// Invokes a function; its answer when it is waited for.
pub(crate) async fn invoke(ctx: &Ctx, target: &Target, payload: &str) -> Result<Bytes, Failure> {
    let mode = if target.waits_for_answer { "RequestResponse" } else { "Event" };
    let input = InvokeInput {
        function_name: target.arn.clone(),
        invocation_type: Some(mode.to_owned()),
        payload: Some(Bytes::from(payload.to_owned())),
        ..Default::default()
    };
    let output = ctx.call::<Invoke>(input).await?;
    let answer = output.payload.unwrap_or_default();
    match output.function_error {
        Some(_) => {
            Err(Failure::passing(code::ERROR_FROM_TARGET, String::from_utf8_lossy(&answer).into_owned()))
        }
        None => Ok(answer),
    }
}
