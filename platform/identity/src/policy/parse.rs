//! Reading a policy document and refusing what IAM refuses.

use serde_json::{Map, Value};
use thiserror::Error;

use super::conditions::Condition;
use super::pattern::{Pattern, Syntax};
use super::position::statement_spans;
use super::principals::{PrincipalClause, PrincipalName};
use super::statement::{Clause, Effect, Policy, Statement, Version};

/// The most characters IAM's API takes for a document; each kind of policy has a smaller quota of its own.
pub const LONGEST_DOCUMENT: usize = 131_072;

/// Why a document is refused: the message of `MalformedPolicyDocument` and of its kin in other services.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct MalformedPolicy(pub String);

/// What a document is attached to, which decides the elements it must and must not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Attached to a user, group or role; also boundaries, session policies and service control policies.
    Identity,
    /// Attached to a queue, topic, bucket, function, key.
    Resource,
    /// A role's trust policy.
    Trust,
}

fn refused<T>(message: impl Into<String>) -> Result<T, MalformedPolicy> {
    Err(MalformedPolicy(message.into()))
}

impl Policy {
    pub fn parse(document: &str, kind: PolicyKind) -> Result<Self, MalformedPolicy> {
        if document.len() > LONGEST_DOCUMENT {
            return refused(format!(
                "The policy document has {} characters; it may have {LONGEST_DOCUMENT}",
                document.len()
            ));
        }
        let Ok(value) = serde_json::from_str::<Value>(document) else {
            return refused("This policy contains invalid Json");
        };
        let Value::Object(elements) = value else {
            return refused("Syntax errors in policy. The document has to be a JSON object.");
        };
        if let Some(other) =
            elements.keys().find(|key| !["Version", "Id", "Statement"].contains(&key.as_str()))
        {
            return refused(format!("Syntax errors in policy. '{other}' is not an element of a policy."));
        }
        let version = parse_version(elements.get("Version"))?;
        let id = match elements.get("Id") {
            None => None,
            Some(Value::String(id)) => Some(id.as_str().into()),
            Some(_) => return refused("Syntax errors in policy. Id has to be a string."),
        };
        let statements = match elements.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.iter().collect(),
            Some(statement @ Value::Object(_)) => vec![statement],
            _ => {
                return refused(
                    "Syntax errors in policy. Statement has to be an object or a list of at least one.",
                );
            }
        };
        let mut spans = statement_spans(document).into_iter();
        let reader = Reader { kind, has_variables: version == Version::V2012 };
        let mut parsed: Vec<Statement> = Vec::with_capacity(statements.len());
        for (index, value) in statements.into_iter().enumerate() {
            let mut statement = reader.statement(value, index + 1)?;
            statement.span = spans.next().unwrap_or_default();
            let is_taken = statement.sid.is_some() && parsed.iter().any(|other| other.sid == statement.sid);
            if is_taken && kind != PolicyKind::Trust {
                return refused("Statement IDs (SID) in a single policy must be unique.");
            }
            parsed.push(statement);
        }
        Ok(Self { version, id, statements: parsed })
    }
}

fn parse_version(version: Option<&Value>) -> Result<Version, MalformedPolicy> {
    match version {
        None => Ok(Version::V2008),
        Some(Value::String(version)) if version == "2012-10-17" => Ok(Version::V2012),
        Some(Value::String(version)) if version == "2008-10-17" => Ok(Version::V2008),
        Some(other) => refused(format!(
            "The policy must contain a valid version string: 2012-10-17 or 2008-10-17, not {other}"
        )),
    }
}

struct Reader {
    kind: PolicyKind,
    has_variables: bool,
}

impl Reader {
    fn statement(&self, value: &Value, number: usize) -> Result<Statement, MalformedPolicy> {
        let wrong =
            |what: String| MalformedPolicy(format!("Syntax errors in policy. Statement {number}: {what}."));
        let Value::Object(elements) = value else { return Err(wrong("it has to be an object".into())) };
        const ELEMENTS: [&str; 9] = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        if let Some(other) = elements.keys().find(|key| !ELEMENTS.contains(&key.as_str())) {
            return Err(wrong(format!("'{other}' is not an element of a statement")));
        }
        let effect = match elements.get("Effect").and_then(Value::as_str) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(wrong("Effect has to be Allow or Deny".into())),
        };
        let sid = self.sid(elements.get("Sid")).map_err(wrong)?;
        let principals = self.principals(elements)?;
        let actions = self.actions(elements)?;
        let resources = self.resources(elements)?;
        let mut conditions = Vec::new();
        match elements.get("Condition") {
            None => {}
            Some(Value::Object(operators)) => {
                for (operator, keys) in operators {
                    let Value::Object(keys) = keys else {
                        return Err(wrong(format!(
                            "{operator} has to hold condition keys with their values"
                        )));
                    };
                    for (key, values) in keys {
                        let condition = Condition::parse(operator, key, values, self.has_variables);
                        conditions.push(condition.map_err(wrong)?);
                    }
                }
            }
            Some(_) => return Err(wrong("Condition has to be an object of operators".into())),
        }
        let span = Default::default();
        Ok(Statement { sid, effect, span, principals, actions, resources, conditions })
    }

    fn sid(&self, sid: Option<&Value>) -> Result<Option<Box<str>>, String> {
        let Some(sid) = sid else { return Ok(None) };
        let sid = sid.as_str().ok_or("Sid has to be a string")?;
        if self.kind == PolicyKind::Identity && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(format!(
                "Statement IDs (SID) must be alpha-numeric, '{sid}' is not. Check that your input satisfies the \
                 regular expression [0-9A-Za-z]*"
            ));
        }
        Ok((!sid.is_empty()).then(|| sid.into()))
    }

    fn principals(&self, elements: &Map<String, Value>) -> Result<Option<PrincipalClause>, MalformedPolicy> {
        let found = one_of(elements, "Principal", "NotPrincipal")?;
        let (negated, value) = match (self.kind, found) {
            (PolicyKind::Identity, None) => return Ok(None),
            (PolicyKind::Identity, Some(_)) => {
                return refused("Policy document should not specify a principal.");
            }
            (_, None) => return refused("Missing required field Principal"),
            (PolicyKind::Trust, Some((true, _))) => return refused("Has prohibited field NotPrincipal"),
            (_, Some(found)) => found,
        };
        let mut names = Vec::new();
        match value {
            Value::String(text) if text == "*" => names.push(PrincipalName::Anyone),
            Value::Object(kinds) if !kinds.is_empty() => {
                for (kind, values) in kinds {
                    principals_of_kind(kind, values, &mut names)?;
                }
            }
            other => return refused(format!("Invalid principal in policy: {other}")),
        }
        Ok(Some(PrincipalClause { negated, names }))
    }

    fn actions(&self, elements: &Map<String, Value>) -> Result<Clause, MalformedPolicy> {
        let Some((negated, value)) = one_of(elements, "Action", "NotAction")? else {
            return refused("Policy statement must contain actions.");
        };
        let Some(texts) = strings(value).filter(|texts| !texts.is_empty()) else {
            return refused("Policy statement must contain actions.");
        };
        for text in &texts {
            check_action(text)?;
            let is_sts = text.get(..4).is_some_and(|vendor| vendor.eq_ignore_ascii_case("sts:"));
            if self.kind == PolicyKind::Trust && !is_sts {
                return refused("AssumeRole policy may only specify STS AssumeRole actions.");
            }
        }
        // Actions have no variables.
        let syntax = Syntax { wildcards: true, variables: false, folds_case: true };
        Ok(Clause { negated, patterns: patterns(&texts, syntax)? })
    }

    fn resources(&self, elements: &Map<String, Value>) -> Result<Option<Clause>, MalformedPolicy> {
        let found = one_of(elements, "Resource", "NotResource")?;
        let (negated, value) = match (self.kind, found) {
            (PolicyKind::Trust, Some(_)) => return refused("Has prohibited field Resource"),
            (PolicyKind::Identity, None) => return refused("Policy statement must contain resources."),
            (PolicyKind::Trust | PolicyKind::Resource, None) => return Ok(None),
            (_, Some(found)) => found,
        };
        let Some(texts) = strings(value).filter(|texts| !texts.is_empty()) else {
            return refused("Policy statement must contain resources.");
        };
        if self.kind == PolicyKind::Identity {
            for text in &texts {
                let has_parts = crate::arn::split(text).is_some() || text.ends_with('*');
                if *text != "*" && !(text.starts_with("arn:") && has_parts) {
                    return refused(format!("Resource {text} must be in ARN format or \"*\"."));
                }
            }
        }
        let syntax = Syntax { wildcards: true, variables: self.has_variables, folds_case: false };
        Ok(Some(Clause { negated, patterns: patterns(&texts, syntax)? }))
    }
}

fn principals_of_kind(
    kind: &str,
    values: &Value,
    names: &mut Vec<PrincipalName>,
) -> Result<(), MalformedPolicy> {
    let invalid = |text: &str| MalformedPolicy(format!("Invalid principal in policy: \"{kind}\":\"{text}\""));
    let Some(texts) = strings(values).filter(|texts| !texts.is_empty()) else {
        return refused(format!("Invalid principal in policy: \"{kind}\":{values}"));
    };
    for text in texts {
        let name = match kind {
            "AWS" => PrincipalName::parse_aws(text).ok_or_else(|| invalid(text))?,
            "Service" if text == "*" || text.contains('.') => PrincipalName::Service(text.into()),
            "Federated" if !text.is_empty() => PrincipalName::Federated(text.into()),
            "CanonicalUser" if !text.is_empty() => PrincipalName::CanonicalUser(text.into()),
            _ => return Err(invalid(text)),
        };
        names.push(name);
    }
    Ok(())
}

fn check_action(action: &str) -> Result<(), MalformedPolicy> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        return refused(format!(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: the action '{action}' has none"
        ));
    };
    if name.contains(':') {
        return refused(format!("Actions/Condition can contain only one colon: '{action}' has more"));
    }
    let is_vendor = !vendor.is_empty() && vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_vendor {
        return refused(format!("Vendor {vendor} is not valid"));
    }
    let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?_-".contains(&b));
    if is_name { Ok(()) } else { refused(format!("The action '{action}' is not of the form vendor:name")) }
}

/// The element or its negation, and which of the two it is.
fn one_of<'a>(
    elements: &'a Map<String, Value>,
    name: &str,
    negation: &str,
) -> Result<Option<(bool, &'a Value)>, MalformedPolicy> {
    match (elements.get(name), elements.get(negation)) {
        (Some(_), Some(_)) => refused(format!(
            "Syntax errors in policy. A statement has either {name} or {negation}, not both."
        )),
        (Some(value), None) => Ok(Some((false, value))),
        (None, Some(value)) => Ok(Some((true, value))),
        (None, None) => Ok(None),
    }
}

fn strings(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn patterns(texts: &[&str], syntax: Syntax) -> Result<Vec<Pattern>, MalformedPolicy> {
    let patterns = texts.iter().map(|text| Pattern::parse(text, syntax)).collect::<Result<_, _>>();
    patterns.map_err(|wrong| MalformedPolicy(format!("Syntax errors in policy. {wrong}.")))
}
