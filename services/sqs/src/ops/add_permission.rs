//! AddPermission: a statement in the queue's policy for accounts and actions.

use cloud::{Ctx, Guard, Transact};
use identity::AccountId;
use serde_json::{Value, json};
use shapes::ApiError;
use sqs_api::op::AddPermission;
use sqs_api::{AddPermissionInput, AddPermissionOutput};
use store::Tx;

use super::Target;
use crate::{Sqs, errors};

/// API Reference, AddPermission, "Actions".
const ACTIONS: &[&str] = &[
    "*",
    "ChangeMessageVisibility",
    "DeleteMessage",
    "GetQueueAttributes",
    "GetQueueUrl",
    "ReceiveMessage",
    "SendMessage",
];
/// Developer Guide, "Amazon SQS policy quotas": actions of a statement, and statements.
const MOST_ACTIONS: usize = 7;
const MOST_STATEMENTS: usize = 20;

pub(crate) struct Draft {
    target: Target,
    label: String,
    statement: Value,
}

impl Transact<AddPermission> for Sqs {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &AddPermissionInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: AddPermissionInput) -> Result<Draft, ApiError> {
        let target = Target::parse(ctx, &input.queue_url)?;
        check_label(&input.label)?;
        for (parameter, values) in [("ActionName", &input.actions), ("AWSAccountId", &input.aws_account_ids)]
        {
            if values.is_empty() {
                return Err(errors::missing_parameter(parameter));
            }
        }
        if input.actions.len() > MOST_ACTIONS {
            return Err(errors::too_many_actions(MOST_ACTIONS));
        }
        let mut principals = Vec::new();
        for account in &input.aws_account_ids {
            let parsed = AccountId::parse(account).ok_or_else(|| errors::invalid_account(account))?;
            principals.push(parsed.root_arn());
        }
        let mut actions = Vec::new();
        for action in &input.actions {
            if !ACTIONS.contains(&action.as_str()) {
                return Err(errors::invalid_action(action));
            }
            actions.push(format!("SQS:{action}"));
        }
        let statement = json!({
            "Sid": input.label,
            "Effect": "Allow",
            "Principal": { "AWS": one_or_all(principals) },
            "Action": one_or_all(actions),
            "Resource": target.arn(ctx),
        });
        Ok(Draft { target, label: input.label, statement })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<AddPermissionOutput, ApiError> {
        tx.with_scope(&draft.target.scope, |tx| {
            let mut queue = draft.target.find(tx)?;
            let arn = draft.target.arn(ctx);
            let mut policy = match &queue.attributes.policy {
                Some(text) => serde_json::from_str(text).map_err(ApiError::internal)?,
                None => json!({
                    "Version": "2012-10-17",
                    "Id": format!("{arn}/SQSDefaultPolicy"),
                    "Statement": [],
                }),
            };
            let statements = statements(&mut policy);
            if statements.iter().any(|statement| has_label(statement, &draft.label)) {
                return Err(errors::invalid_label(&draft.label, "Already exists."));
            }
            if statements.len() >= MOST_STATEMENTS {
                return Err(errors::too_many_statements(MOST_STATEMENTS));
            }
            statements.push(draft.statement.clone());
            queue.attributes.policy = Some(policy.to_string());
            queue.modified = ctx.now();
            self.put_queue(tx, &queue);
            Ok(AddPermissionOutput {})
        })
    }
}

/// API Reference, AddPermission: up to 80 letters, digits, hyphens and underscores.
fn check_label(label: &str) -> Result<(), ApiError> {
    let is_valid = (1..=80).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if label.is_empty() {
        return Err(errors::missing_parameter("Label"));
    }
    if is_valid {
        return Ok(());
    }
    Err(errors::invalid_label(
        label,
        "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.",
    ))
}

/// The statements of a policy, which may be written as a single one.
pub(crate) fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statement = &mut policy["Statement"];
    if !statement.is_array() {
        *statement = Value::Array(if statement.is_null() { Vec::new() } else { vec![statement.take()] });
    }
    statement.as_array_mut().expect("it was made an array just above")
}

pub(crate) fn has_label(statement: &Value, label: &str) -> bool {
    statement.get("Sid").and_then(Value::as_str) == Some(label)
}

fn one_or_all(mut values: Vec<String>) -> Value {
    if values.len() == 1 { Value::String(values.remove(0)) } else { json!(values) }
}
