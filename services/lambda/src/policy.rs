//! Resource policies of functions: who else may invoke them.

use identity::AccountId;
use lambda_api::AddPermissionInput;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shapes::ApiError;

use crate::errors;

/// Of a policy as text (AWS Lambda Developer Guide, "Lambda quotas").
const LONGEST_POLICY_BYTES: usize = 20_480;

/// A policy's row: its statements as JSON, in the order they were added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    pub statements: Vec<Statement>,
    pub revision: String,
}

store::row!(ResourcePolicy, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub id: String,
    pub json: String,
}

impl ResourcePolicy {
    /// The policy document; `None` when it says nothing.
    pub(crate) fn document(&self) -> Option<String> {
        if self.statements.is_empty() {
            return None;
        }
        let statements: Vec<&str> = self.statements.iter().map(|statement| statement.json.as_str()).collect();
        Some(format!(r#"{{"Version":"2012-10-17","Id":"default","Statement":[{}]}}"#, statements.join(",")))
    }

    pub(crate) fn add(&mut self, statement: Statement) -> Result<(), ApiError> {
        if self.statements.iter().any(|present| present.id == statement.id) {
            return Err(errors::statement_exists(&statement.id));
        }
        self.statements.push(statement);
        let length = self.document().map_or(0, |document| document.len());
        if length > LONGEST_POLICY_BYTES { Err(errors::policy_too_long(length)) } else { Ok(()) }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Result<(), ApiError> {
        let before = self.statements.len();
        self.statements.retain(|statement| statement.id != id);
        if self.statements.len() == before { Err(errors::statement_not_found(id)) } else { Ok(()) }
    }
}

/// The statement that AddPermission asks for.
pub(crate) fn statement(input: &AddPermissionInput, resource: &str) -> Result<Statement, ApiError> {
    let principal = principal(&input.principal)?;
    if !input.action.starts_with("lambda:") && input.action != "*" {
        return Err(errors::invalid(format!("Invalid action: {}", input.action)));
    }
    let mut conditions = serde_json::Map::new();
    let mut condition = |operator: &str, key: &str, value: &Option<String>| {
        if let Some(value) = value {
            let operator = conditions.entry(operator.to_owned()).or_insert_with(|| json!({}));
            operator[key] = json!(value);
        }
    };
    condition("StringEquals", "AWS:SourceAccount", &input.source_account);
    condition("ArnLike", "AWS:SourceArn", &input.source_arn);
    condition("StringEquals", "aws:PrincipalOrgID", &input.principal_org_id);
    condition("StringEquals", "lambda:EventSourceToken", &input.event_source_token);
    condition("StringEquals", "lambda:FunctionUrlAuthType", &input.function_url_auth_type);
    let mut statement = json!({
        "Sid": input.statement_id,
        "Effect": "Allow",
        "Principal": principal,
        "Action": input.action,
        "Resource": resource,
    });
    if !conditions.is_empty() {
        statement["Condition"] = Value::Object(conditions);
    }
    Ok(Statement { id: input.statement_id.clone(), json: statement.to_string() })
}

/// Whom a request means: an account, everybody, a service, or somebody by ARN.
pub(crate) fn principal(given: &str) -> Result<Value, ApiError> {
    if given == "*" {
        return Ok(json!("*"));
    }
    if let Some(account) = AccountId::parse(given) {
        return Ok(json!({ "AWS": account.root_arn() }));
    }
    if given.starts_with("arn:") {
        return Ok(json!({ "AWS": given }));
    }
    if given.ends_with(".amazonaws.com") {
        return Ok(json!({ "Service": given }));
    }
    Err(errors::invalid("The provided principal was invalid. Please check the principal and try again."))
}
