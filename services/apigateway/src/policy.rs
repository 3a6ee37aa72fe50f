//! Resource policies of APIs (Developer Guide, "Control access to a REST API with API Gateway resource policies").

use std::sync::Arc;

use identity::policy::{NamedPolicy, PolicyKind};
use serde_json::Value;
use shapes::ApiError;

use crate::errors;

/// Reads a policy whose resources may be short: `execute-api:/prod/GET/orders` means that of the API, whose ARN
/// `api_arn` is.
pub(crate) fn parse(text: &str, api_arn: &str) -> Result<Arc<NamedPolicy>, ApiError> {
    let invalid = |reason: String| errors::bad_request(format!("Invalid policy document. {reason}"));
    let mut document: Value = serde_json::from_str(text).map_err(|_| {
        invalid("Please check the policy syntax and ensure that Principals are valid.".to_owned())
    })?;
    spell_out(&mut document, api_arn);
    let policy = NamedPolicy::parse("resource policy", &document.to_string(), PolicyKind::Resource);
    policy.map(Arc::new).map_err(|error| invalid(error.to_string()))
}

fn spell_out(document: &mut Value, api_arn: &str) {
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.iter_mut().collect(),
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    let full = |text: &mut Value| {
        if let Some(rest) = text.as_str().and_then(|text| text.strip_prefix("execute-api:/")) {
            *text = format!("{api_arn}/{rest}").into();
        }
    };
    for statement in statements {
        for member in ["Resource", "NotResource"] {
            match statement.get_mut(member) {
                Some(Value::Array(items)) => items.iter_mut().for_each(full),
                Some(one) => full(one),
                None => {}
            }
        }
    }
}
