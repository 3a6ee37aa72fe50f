//! GetSMSAttributes and SetSMSAttributes: what an account prefers for its text messages.

use std::sync::Arc;

use cloud::{Ctx, Handle, Transact};
use shapes::{ApiError, Map};
use sns_api::op::{GetSMSAttributes, SetSMSAttributes};
use sns_api::{GetSMSAttributesInput, GetSMSAttributesOutput, SetSMSAttributesInput, SetSMSAttributesOutput};
use store::Tx;

use crate::text_message::CURRENT;
use crate::{Sns, errors, tables};

impl Handle<GetSMSAttributes> for Sns {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetSMSAttributesInput,
    ) -> Result<GetSMSAttributesOutput, ApiError> {
        let preferences = tables::SMS_PREFERENCES.find(&mut ctx.read()?, &CURRENT.to_owned())?;
        let mut attributes = preferences.unwrap_or_default().attributes;
        attributes.entry("MonthlySpendLimit".to_owned()).or_insert_with(|| "1".to_owned());
        if let Some(wanted) = input.attributes.filter(|wanted| !wanted.is_empty()) {
            attributes.retain(|name, _| wanted.contains(name));
        }
        Ok(GetSMSAttributesOutput { attributes: Some(attributes) })
    }
}

impl Transact<SetSMSAttributes> for Sns {
    type Draft = Map<String>;

    fn prepare(&self, _: &Ctx, input: SetSMSAttributesInput) -> Result<Self::Draft, ApiError> {
        for (name, value) in &input.attributes {
            check(name, value)?;
        }
        Ok(input.attributes)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        given: &Self::Draft,
    ) -> Result<SetSMSAttributesOutput, ApiError> {
        let key = CURRENT.to_owned();
        let mut preferences = tables::SMS_PREFERENCES.find(tx, &key)?.unwrap_or_default();
        for (name, value) in given {
            if value.is_empty() {
                preferences.attributes.remove(name);
            } else {
                preferences.attributes.insert(name.clone(), value.clone());
            }
        }
        tables::SMS_PREFERENCES.put(tx, &key, &preferences);
        Ok(SetSMSAttributesOutput {})
    }
}

/// API Reference, SetSMSAttributes.
fn check(name: &str, value: &str) -> Result<(), ApiError> {
    let is_number = |most: u32| value.parse::<u32>().is_ok_and(|number| number <= most);
    let is_valid = match name {
        _ if value.is_empty() => true,
        "MonthlySpendLimit" => is_number(u32::MAX),
        "DeliveryStatusSuccessSamplingRate" => is_number(100),
        "DefaultSMSType" => matches!(value, "Promotional" | "Transactional"),
        "DefaultSenderID" => {
            value.len() <= 11
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && value.bytes().any(|byte| byte.is_ascii_alphabetic())
        }
        "DeliveryStatusIAMRole" => identity::arn::split(value).is_some_and(|parts| parts.service == "iam"),
        "UsageReportS3Bucket" => (3..=63).contains(&value.len()),
        _ => return Err(errors::invalid(&format!("{name} is not a valid SMS attribute"))),
    };
    if is_valid {
        Ok(())
    } else {
        Err(errors::invalid_because(name, format!("{value} is not a valid value")))
    }
}
