//! Reading policies (Developer Guide, "Data protection policy structure" and "Data protection policy operations").

use sensitive_data::Identifier;
use serde_json::Value;
use shapes::ApiError;

use super::Direction;
use crate::errors;

/// Developer Guide, "Amazon SNS data protection policies": 30,720 characters.
const LONGEST: usize = 30_720;
/// Developer Guide, "Custom data identifiers".
const MOST_CUSTOM: usize = 10;
const LONGEST_CUSTOM_NAME: usize = 128;
const LONGEST_REGEX: usize = 200;
const MANAGED: &str = "arn:aws:dataprotection::aws:data-identifier/";
/// Where vended logs may go.
const LOG_GROUPS: &str = "/aws/vendedlogs/";

#[derive(Debug)]
pub(crate) struct Policy {
    pub statements: Vec<Statement>,
}

#[derive(Debug)]
pub(crate) struct Statement {
    pub direction: Direction,
    pub principals: Principals,
    pub identifiers: Vec<Named>,
    pub operation: Operation,
}

/// A kind of data by its name in findings.
#[derive(Debug)]
pub(crate) struct Named {
    pub name: String,
    pub found_by: Vec<Identifier>,
}

#[derive(Debug)]
pub(crate) enum Principals {
    All,
    /// ARNs and account numbers.
    These(Vec<String>),
    AllBut(Vec<String>),
}

#[derive(Debug)]
pub(crate) enum Operation {
    Deny,
    /// A character in place of each one found.
    Mask(char),
    Redact,
    Audit(Audit),
}

#[derive(Debug)]
pub(crate) struct Audit {
    /// Percent of messages.
    pub rate: u32,
    /// Log groups.
    pub findings: Option<String>,
    pub no_findings: Option<String>,
}

fn refused(reason: impl std::fmt::Display) -> ApiError {
    errors::invalid_because("DataProtectionPolicy", reason)
}

impl Policy {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.chars().count() > LONGEST {
            return Err(refused("it has more than 30,720 characters"));
        }
        let policy: Value = serde_json::from_str(text).map_err(|_| refused("failed to parse JSON"))?;
        if policy["Name"].as_str().is_none_or(str::is_empty) {
            return Err(refused("Name is missing"));
        }
        if policy["Version"] != "2021-06-01" {
            return Err(refused("Version has to be 2021-06-01"));
        }
        let custom = custom_identifiers(&policy["Configuration"])?;
        let statements = policy["Statement"].as_array().filter(|statements| !statements.is_empty());
        let statements = statements.ok_or_else(|| refused("Statement has to be a list of statements"))?;
        let statements: Vec<Statement> = statements
            .iter()
            .map(|statement| Statement::parse(statement, &custom))
            .collect::<Result<_, _>>()?;
        let audits = statements.iter().filter(|statement| matches!(statement.operation, Operation::Audit(_)));
        if audits.count() > 1 {
            return Err(refused("a policy has at most one Audit statement"));
        }
        Ok(Self { statements })
    }
}

fn custom_identifiers(configuration: &Value) -> Result<Vec<(String, Identifier)>, ApiError> {
    let Some(listed) = configuration["CustomDataIdentifier"].as_array() else { return Ok(Vec::new()) };
    if listed.len() > MOST_CUSTOM {
        return Err(refused(format!("a policy has at most {MOST_CUSTOM} custom data identifiers")));
    }
    let parse = |custom: &Value| {
        let name = custom["Name"].as_str().unwrap_or_default();
        let is_valid = (1..=LONGEST_CUSTOM_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if !is_valid {
            return Err(refused("a custom data identifier's Name has 1 to 128 letters, digits, _ and -"));
        }
        let regex = custom["Regex"].as_str().unwrap_or_default();
        if regex.is_empty() || regex.chars().count() > LONGEST_REGEX {
            return Err(refused("a custom data identifier's Regex has 1 to 200 characters"));
        }
        let found_by = Identifier::custom(regex)
            .map_err(|error| refused(format!("the Regex of {name} is not valid: {}", error.0)))?;
        Ok((name.to_owned(), found_by))
    };
    listed.iter().map(parse).collect()
}

impl Statement {
    fn parse(statement: &Value, custom: &[(String, Identifier)]) -> Result<Self, ApiError> {
        let direction = match statement["DataDirection"].as_str() {
            Some("Inbound") => Direction::Inbound,
            Some("Outbound") => Direction::Outbound,
            _ => return Err(refused("DataDirection has to be Inbound or Outbound")),
        };
        let listed = statement["DataIdentifier"].as_array().filter(|listed| !listed.is_empty());
        let listed = listed.ok_or_else(|| refused("DataIdentifier has to be a list"))?;
        let identifiers = listed.iter().map(|name| named(name, custom)).collect::<Result<_, _>>()?;
        let operation = Operation::parse(&statement["Operation"])?;
        if matches!(operation, Operation::Audit(_)) && direction == Direction::Outbound {
            return Err(refused("Audit statements have the DataDirection Inbound"));
        }
        Ok(Self { direction, principals: Principals::parse(statement)?, identifiers, operation })
    }
}

fn named(name: &Value, custom: &[(String, Identifier)]) -> Result<Named, ApiError> {
    let name = name.as_str().ok_or_else(|| refused("DataIdentifier has to be a list of strings"))?;
    if let Some((name, found_by)) = custom.iter().find(|(own, _)| own == name) {
        return Ok(Named { name: name.clone(), found_by: vec![found_by.clone()] });
    }
    let short = name.strip_prefix(MANAGED).ok_or_else(|| {
        refused(format!("{name} is neither the ARN of a managed data identifier nor a custom one's name"))
    })?;
    match sensitive_data::managed(short) {
        [] => Err(errors::is_not_here_yet(&format!("The managed data identifier {short} is"))),
        found_by => Ok(Named { name: short.to_owned(), found_by: found_by.to_vec() }),
    }
}

impl Principals {
    fn parse(statement: &Value) -> Result<Self, ApiError> {
        let list = |value: &Value| -> Result<Vec<String>, ApiError> {
            let value = value.get("AWS").unwrap_or(value);
            let texts = match value {
                Value::String(one) => Some(vec![one.clone()]),
                Value::Array(many) => many.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
                _ => None,
            };
            texts
                .filter(|texts| !texts.is_empty())
                .ok_or_else(|| refused("Principal has to be a list of ARNs"))
        };
        match (statement.get("Principal"), statement.get("NotPrincipal")) {
            (Some(these), None) => {
                let these = list(these)?;
                Ok(if these.iter().any(|one| one == "*") { Self::All } else { Self::These(these) })
            }
            (None, Some(others)) => Ok(Self::AllBut(list(others)?)),
            _ => Err(refused("a statement has either Principal or NotPrincipal")),
        }
    }
}

impl Operation {
    fn parse(operation: &Value) -> Result<Self, ApiError> {
        let members = operation.as_object().filter(|members| members.len() == 1);
        let member = members.and_then(|members| members.iter().next());
        let (name, content) = member.ok_or_else(|| refused("Operation has to have one member"))?;
        match name.as_str() {
            "Deny" => Ok(Self::Deny),
            // The operation was named with a capital I once.
            "Deidentify" | "DeIdentify" => match (content.get("MaskConfig"), content.get("RedactConfig")) {
                (Some(mask), None) => mask_character(mask).map(Self::Mask),
                (None, Some(_)) => Ok(Self::Redact),
                _ => Err(refused("Deidentify has either MaskConfig or RedactConfig")),
            },
            "Audit" => Audit::parse(content).map(Self::Audit),
            _ => Err(refused("Operation has to be Audit, Deidentify or Deny")),
        }
    }
}

/// `MaskWithCharacter`: one printable character of ASCII, `*` when there is none.
fn mask_character(mask: &Value) -> Result<char, ApiError> {
    let Some(given) = mask.get("MaskWithCharacter") else { return Ok('*') };
    let mut letters = given.as_str().unwrap_or_default().chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) if (' '..='~').contains(&letter) => Ok(letter),
        _ => Err(refused("MaskWithCharacter has to be one printable ASCII character")),
    }
}

impl Audit {
    fn parse(audit: &Value) -> Result<Self, ApiError> {
        let rate = &audit["SampleRate"];
        let rate = rate.as_u64().or_else(|| rate.as_str()?.parse().ok()).filter(|rate| *rate <= 99);
        let rate = rate.and_then(|rate| u32::try_from(rate).ok());
        let rate = rate.ok_or_else(|| refused("SampleRate has to be an integer from 0 to 99"))?;
        let findings = destination(audit, "FindingsDestination")?;
        let no_findings = destination(audit, "NoFindingsDestination")?;
        if findings.is_none() && no_findings.is_none() {
            return Err(refused("Audit has to have a FindingsDestination or a NoFindingsDestination"));
        }
        Ok(Self { rate, findings, no_findings })
    }
}

fn destination(audit: &Value, member: &str) -> Result<Option<String>, ApiError> {
    let Some(destination) = audit.get(member) else { return Ok(None) };
    for other in ["Firehose", "S3"] {
        if destination.get(other).is_some() {
            return Err(errors::is_not_here_yet(&format!("{member} of an audit with {other} is")));
        }
    }
    let group = destination["CloudWatchLogs"]["LogGroup"].as_str();
    let group = group.filter(|group| group.starts_with(LOG_GROUPS) && group.len() > LOG_GROUPS.len());
    group.map(|group| Some(group.to_owned())).ok_or_else(|| {
        refused(format!("{member} has to name a LogGroup of CloudWatchLogs that begins with {LOG_GROUPS}"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Policy;

    fn parse(operation: serde_json::Value, identifier: &str, direction: &str) -> Result<Policy, String> {
        let policy = json!({
            "Name": "p", "Version": "2021-06-01",
            "Configuration": {"CustomDataIdentifier": [{"Name": "Order", "Regex": r"ORD-\d{4}"}]},
            "Statement": [{
                "DataDirection": direction, "Principal": ["*"], "DataIdentifier": [identifier], "Operation": operation,
            }],
        });
        Policy::parse(&policy.to_string()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn operations_identifiers_and_destinations_are_checked() {
        let mail = "arn:aws:dataprotection::aws:data-identifier/EmailAddress";
        let logs = json!({"CloudWatchLogs": {"LogGroup": "/aws/vendedlogs/x"}});
        for good in [
            json!({"Deny": {}}),
            json!({"Deidentify": {"MaskConfig": {}}}),
            json!({"Deidentify": {"MaskConfig": {"MaskWithCharacter": "#"}}}),
            json!({"Deidentify": {"RedactConfig": {}}}),
            json!({"Audit": {"SampleRate": "99", "FindingsDestination": logs}}),
            json!({"Audit": {"SampleRate": 0, "NoFindingsDestination": logs}}),
        ] {
            parse(good.clone(), mail, "Inbound").unwrap();
        }
        parse(json!({"Deny": {}}), "Order", "Outbound").unwrap();
        for (operation, identifier, direction, because) in [
            (json!({"Deny": {}}), "Other", "Inbound", "neither the ARN"),
            (
                json!({"Deny": {}}),
                "arn:aws:dataprotection::aws:data-identifier/Address",
                "Inbound",
                "identifier Address is",
            ),
            (json!({"Deny": {}}), mail, "Both", "DataDirection"),
            (json!({"Hide": {}}), mail, "Inbound", "Audit, Deidentify or Deny"),
            (json!({"Deny": {}, "Audit": {}}), mail, "Inbound", "one member"),
            (json!({"Deidentify": {}}), mail, "Inbound", "MaskConfig or RedactConfig"),
            (
                json!({"Deidentify": {"MaskConfig": {"MaskWithCharacter": "##"}}}),
                mail,
                "Inbound",
                "one printable",
            ),
            (json!({"Audit": {"SampleRate": 100, "FindingsDestination": logs}}), mail, "Inbound", "0 to 99"),
            (json!({"Audit": {"SampleRate": 1}}), mail, "Inbound", "FindingsDestination"),
            (json!({"Audit": {"SampleRate": 1, "FindingsDestination": logs}}), mail, "Outbound", "Inbound"),
            (
                json!({"Audit": {"SampleRate": 1, "FindingsDestination": {"Firehose": {"DeliveryStream": "x"}}}}),
                mail,
                "Inbound",
                "with Firehose is not implemented",
            ),
            (
                json!({"Audit": {"SampleRate": 1, "FindingsDestination": {"CloudWatchLogs": {"LogGroup": "x"}}}}),
                mail,
                "Inbound",
                "/aws/vendedlogs/",
            ),
        ] {
            let message = parse(operation, identifier, direction).unwrap_err();
            assert!(message.contains(because), "{message}");
        }
    }
}
