//! The policy of a topic: the one it has from the start, and statements added by label.

use serde_json::{Value, json};
use shapes::ApiError;

use identity::policy::{Policy, PolicyKind};

use crate::errors;
use crate::topic::TopicArn;

/// What the topic's own account may do (Developer Guide, "Amazon SNS API permissions").
const OWNERS_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

/// The policy of a topic that was given none.
pub(crate) fn default(arn: &TopicArn) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": {"AWS": "*"},
            "Action": OWNERS_ACTIONS,
            "Resource": arn.to_string(),
            "Condition": {"StringEquals": {"AWS:SourceOwner": arn.account.digits().as_str()}},
        }],
    })
    .to_string()
}

pub(crate) fn check(text: &str) -> Result<(), ApiError> {
    match Policy::parse(text, PolicyKind::Resource) {
        Ok(_) => Ok(()),
        Err(reason) => Err(errors::invalid_because("Policy", reason)),
    }
}

/// `policy` with a statement more.
pub(crate) fn with_statement(
    policy: &str,
    arn: &TopicArn,
    label: &str,
    accounts: &[String],
    actions: &[String],
) -> Result<String, ApiError> {
    let (mut document, mut statements) = open(policy)?;
    if statements.iter().any(|statement| statement["Sid"] == label) {
        return Err(errors::invalid("Statement already exists"));
    }
    let principals: Vec<Value> =
        accounts.iter().map(|account| json!(format!("arn:aws:iam::{account}:root"))).collect();
    let actions: Vec<Value> = actions.iter().map(|action| json!(format!("SNS:{action}"))).collect();
    statements.push(json!({
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(principals)},
        "Action": one_or_many(actions),
        "Resource": arn.to_string(),
    }));
    document["Statement"] = Value::Array(statements);
    Ok(document.to_string())
}

/// `policy` without the statement of that label.
pub(crate) fn without_statement(policy: &str, label: &str) -> Result<String, ApiError> {
    let (mut document, mut statements) = open(policy)?;
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != label);
    if statements.len() == before {
        return Err(errors::invalid_because("Label", "no statement of the topic's policy has it"));
    }
    document["Statement"] = Value::Array(statements);
    Ok(document.to_string())
}

fn open(policy: &str) -> Result<(Value, Vec<Value>), ApiError> {
    let mut document: Value = serde_json::from_str(policy).map_err(ApiError::internal)?;
    let statements = match document["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    Ok((document, statements))
}

fn one_or_many(mut values: Vec<Value>) -> Value {
    if values.len() == 1 { values.remove(0) } else { Value::Array(values) }
}
