//! The policy of a bus: statements added by id, or a whole document.

use events_api::Condition;
use identity::policy::{Policy, PolicyKind};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::bus::BusArn;
use crate::errors;

/// EventBridge quotas, "Event bus policy size".
const LONGEST: usize = 10_240;

/// What PutPermission adds.
pub(crate) struct Statement<'s> {
    pub id: &'s str,
    pub principal: &'s str,
    pub action: &'s str,
    pub condition: Option<&'s Condition>,
}

pub(crate) fn check(text: &str) -> Result<(), ApiError> {
    if text.chars().count() > LONGEST {
        return Err(errors::policy_too_long(LONGEST));
    }
    match Policy::parse(text, PolicyKind::Resource) {
        Ok(_) => Ok(()),
        Err(reason) => Err(errors::invalid_parameter("Policy", reason)),
    }
}

/// `policy` with a statement more, in the place of one with its id.
pub(crate) fn with_statement(
    policy: Option<&str>,
    bus: &BusArn,
    given: &Statement<'_>,
) -> Result<String, ApiError> {
    let mut statements = statements(policy)?;
    statements.retain(|statement| statement["Sid"] != given.id);
    let principal = match given.principal {
        "*" => json!("*"),
        account => json!({"AWS": format!("arn:aws:iam::{account}:root")}),
    };
    let mut statement = json!({
        "Sid": given.id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": given.action,
        "Resource": bus.to_string(),
    });
    if let Some(Condition { r#type, key, value }) = given.condition {
        statement["Condition"] = json!({r#type: {key: value}});
    }
    statements.push(statement);
    let text = document(statements);
    check(&text)?;
    Ok(text)
}

/// `policy` without the statement of that id; nothing when it was the last one.
pub(crate) fn without_statement(policy: Option<&str>, id: &str) -> Result<Option<String>, ApiError> {
    let mut statements = match policy {
        Some(policy) => statements(Some(policy))?,
        None => return Err(errors::bus_has_no_policy()),
    };
    let before = statements.len();
    statements.retain(|statement| statement["Sid"] != id);
    if statements.len() == before {
        return Err(errors::statement_does_not_exist(id));
    }
    Ok((!statements.is_empty()).then(|| document(statements)))
}

fn document(statements: Vec<Value>) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn statements(policy: Option<&str>) -> Result<Vec<Value>, ApiError> {
    let Some(policy) = policy else { return Ok(Vec::new()) };
    let mut document: Value = serde_json::from_str(policy).map_err(ApiError::internal)?;
    Ok(match document["Statement"].take() {
        Value::Array(statements) => statements,
        Value::Null => Vec::new(),
        one => vec![one],
    })
}
