//! Policies of parameters: when they end, and when somebody is to be told (User Guide, "Assigning parameter policies in
//! Parameter Store").

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shapes::{ApiError, Timestamp};

use crate::errors;

const MOST: usize = 10;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub kind: PolicyKind,
    /// The policy as it was given, alone.
    pub text: String,
    pub due: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PolicyKind {
    Expiration,
    ExpirationNotification,
    NoChangeNotification,
}

impl PolicyKind {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "Expiration" => Some(Self::Expiration),
            "ExpirationNotification" => Some(Self::ExpirationNotification),
            "NoChangeNotification" => Some(Self::NoChangeNotification),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Expiration => "Expiration",
            Self::ExpirationNotification => "ExpirationNotification",
            Self::NoChangeNotification => "NoChangeNotification",
        }
    }
}

/// The policies of a request, a JSON list. `{}` and `[]` take all away.
pub(crate) fn parse(text: &str, now: Timestamp) -> Result<Vec<Policy>, ApiError> {
    let list = match serde_json::from_str(text) {
        Ok(Value::Array(list)) => list,
        Ok(Value::Object(one)) if one.is_empty() => Vec::new(),
        Ok(one @ Value::Object(_)) => vec![one],
        _ => return Err(errors::invalid_policy("The policies are not a list in JSON.")),
    };
    if list.len() > MOST {
        return Err(errors::too_many_policies());
    }
    let attribute = |policy: &Value, name: &str| policy["Attributes"][name].as_str().map(str::to_owned);
    let mut expires = None;
    for policy in &list {
        let name = policy["Type"].as_str().unwrap_or_default();
        let kind = PolicyKind::parse(name).ok_or_else(|| errors::invalid_policy_type(name))?;
        if kind == PolicyKind::Expiration {
            let text = attribute(policy, "Timestamp").unwrap_or_default();
            let at = timestamp(&text);
            let at =
                at.ok_or_else(|| errors::invalid_policy(format!("The timestamp '{text}' is not valid.")))?;
            if at <= now {
                return Err(errors::invalid_policy("The expiration must be in the future."));
            }
            if expires.replace(at).is_some() {
                return Err(errors::incompatible_policy("A parameter can have one Expiration policy."));
            }
        }
    }
    let mut parsed = Vec::new();
    for policy in &list {
        let kind = PolicyKind::parse(policy["Type"].as_str().unwrap_or_default());
        let kind = kind.ok_or_else(|| errors::invalid_policy_type(""))?;
        let span = |name: &str| {
            let count = attribute(policy, name).and_then(|count| count.parse::<u32>().ok());
            let unit = match attribute(policy, "Unit").as_deref() {
                Some("Days") => Some(Duration::from_secs(86_400)),
                Some("Hours") => Some(Duration::from_secs(3600)),
                _ => None,
            };
            let span = count.zip(unit).map(|(count, unit)| unit * count);
            span.ok_or_else(|| {
                errors::invalid_policy(format!("{name} and Unit (Days or Hours) must be given."))
            })
        };
        let due = match (kind, expires) {
            (PolicyKind::Expiration, Some(expires)) => expires,
            (PolicyKind::ExpirationNotification, Some(expires)) => {
                let before = span("Before")?;
                expires - before
            }
            (PolicyKind::NoChangeNotification, _) => now + span("After")?,
            _ => {
                let message = "An ExpirationNotification policy needs an Expiration policy.";
                return Err(errors::incompatible_policy(message));
            }
        };
        parsed.push(Policy { kind, text: policy.to_string(), due });
    }
    Ok(parsed)
}

/// `2018-12-02T21:34:33.000Z`, with another zone or without fractions.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (date, rest) = text.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<u32>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let at = rest.find(['Z', '+', '-'])?;
    let (time, zone) = rest.split_at_checked(at)?;
    let time = time.split('.').next()?;
    let mut time = time.splitn(3, ':').map(str::parse::<u32>);
    let (hour, minute, second) = (time.next()?.ok()?, time.next()?.ok()?, time.next().unwrap_or(Ok(0)).ok()?);
    let instant = Timestamp::from_utc((i64::from(year), month, day), (hour, minute, second), 0)?;
    let Some((sign, offset)) = zone.split_at_checked(1).filter(|(sign, _)| *sign != "Z") else {
        return Some(instant);
    };
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let (hours, minutes) =
        (digits.get(..2)?.parse::<u64>().ok()?, digits.get(2..4).unwrap_or("00").parse::<u64>().ok()?);
    let offset = Duration::from_secs(hours * 3600 + minutes * 60);
    Some(if sign == "+" { instant - offset } else { instant + offset })
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn times_are_told_in_any_zone() {
        let zulu = timestamp("2026-05-13T00:00:00.000Z").unwrap();
        assert_eq!(zulu.iso8601(), "2026-05-13T00:00:00Z");
        assert_eq!(timestamp("2026-05-13T02:00:00+02:00"), Some(zulu));
        assert_eq!(timestamp("2026-05-12T19:00:00-0500"), Some(zulu));
        for wrong in ["", "2026", "2026-05-13", "2026-13-01T00:00:00Z", "é-1-1T1:1:1Z", "2026-05-13T00:00:00"]
        {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
    }
}
