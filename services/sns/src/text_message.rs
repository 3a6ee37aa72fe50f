//! Text messages: to whom they go, and who wants none. No telephone network is behind them: they stay in an inbox.

use std::collections::BTreeMap;

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::message::{AttributeContent, Message};
use crate::{errors, inbox, tables};

/// API Reference, OptInPhoneNumber: once in 30 days.
pub(crate) const OPT_IN_PAUSE: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);
/// Developer Guide, "Publishing SMS messages": of all parts together.
const LONGEST_TEXT: usize = 1600;

/// One text message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextMessage {
    pub id: String,
    /// In international form: `+14155550100`.
    pub to: String,
    /// A name of letters and digits, where one was given.
    pub sender: Option<String>,
    /// `Promotional` or `Transactional`.
    pub kind: String,
    pub body: String,
    pub time: Timestamp,
}

store::row!(TextMessage, 1);

/// What an account prefers, by AWS's names of attributes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Preferences {
    pub attributes: BTreeMap<String, String>,
}

store::row!(Preferences, 1);

/// Somebody who has answered with a word such as STOP, or has done so before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OptOut {
    pub is_out: bool,
    pub opted_in: Option<Timestamp>,
}

store::row!(OptOut, 1);

/// A number of the account's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SandboxNumber {
    pub password: String,
    pub is_verified: bool,
}

store::row!(SandboxNumber, 1);

/// Under which key the table keeps what an account prefers.
pub(crate) const CURRENT: &str = "current";

/// ITU-T E.164: a plus sign and 2 to 15 digits, the first of which is not zero.
pub(crate) fn is_phone_number(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0')
}

pub(crate) fn check_target(number: &str) -> Result<(), ApiError> {
    match is_phone_number(number) {
        true => Ok(()),
        false => Err(errors::invalid_because("PhoneNumber", format!("{number} is not valid to publish to"))),
    }
}

/// Sends a published message to a number, in the tenant of `tx`; whether its owner takes messages.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    now: Timestamp,
    account: AccountId,
    number: &str,
    message: &Message,
) -> Result<bool, ApiError> {
    if tables::OPT_OUTS.find(tx, &number.to_owned())?.is_some_and(|entry| entry.is_out) {
        return Ok(false);
    }
    let preferences = tables::SMS_PREFERENCES.find(tx, &CURRENT.to_owned())?.unwrap_or_default();
    let own = |name: &str| match &message.attributes.get(name)?.value {
        AttributeContent::Text(text) => Some(text.clone()),
        AttributeContent::Binary(_) => None,
    };
    let preferred = |name: &str| preferences.attributes.get(name).cloned();
    let body = message.bodies.get("sms").unwrap_or(&message.body);
    let text = TextMessage {
        id: message.id.clone(),
        to: number.to_owned(),
        sender: own("AWS.SNS.SMS.SenderID").or_else(|| preferred("DefaultSenderID")),
        kind: own("AWS.SNS.SMS.SMSType")
            .or_else(|| preferred("DefaultSMSType"))
            .unwrap_or_else(|| "Promotional".to_owned()),
        body: body.chars().take(LONGEST_TEXT).collect(),
        time: now,
    };
    inbox::keep(tx, account, &text)?;
    Ok(true)
}

/// Notes what somebody answers: words such as STOP end messages, and START begins them again.
pub(crate) fn answer(tx: &mut Tx<'_>, number: &str, text: &str) -> Result<(), ApiError> {
    let word = text.trim().to_ascii_uppercase();
    let is_out = match word.as_str() {
        "STOP" | "STOPALL" | "ARRET" | "CANCEL" | "END" | "OPTOUT" | "OPT-OUT" | "QUIT" | "REMOVE" | "TD"
        | "UNSUBSCRIBE" => true,
        "START" | "UNSTOP" => false,
        _ => return Ok(()),
    };
    let before = tables::OPT_OUTS.find(tx, &number.to_owned())?;
    let opted_in = before.and_then(|entry| entry.opted_in);
    tables::OPT_OUTS.put(tx, &number.to_owned(), &OptOut { is_out, opted_in });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_phone_number;

    #[test]
    fn numbers_are_international() {
        for (text, expected) in [
            ("+14155550100", true),
            ("+4930123456", true),
            ("14155550100", false),
            ("+04155550100", false),
            ("+1", false),
            ("+1415555010012345", false),
            ("+1-415", false),
        ] {
            assert_eq!(is_phone_number(text), expected, "{text}");
        }
    }
}
