//! GetDataProtectionPolicy and PutDataProtectionPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use serde_json::Value;
use shapes::ApiError;
use sns_api::op::{GetDataProtectionPolicy, PutDataProtectionPolicy};
use sns_api::{
    GetDataProtectionPolicyInput, GetDataProtectionPolicyOutput, PutDataProtectionPolicyInput,
    PutDataProtectionPolicyOutput,
};
use store::Tx;

use crate::topic::{DataProtectionPolicy, TopicArn};
use crate::{Sns, errors, tables};

/// Developer Guide, "Data protection policies": 30,720 characters.
const LONGEST: usize = 30_720;

impl Handle<GetDataProtectionPolicy> for Sns {
    fn guard(&self, _: &Ctx, input: &GetDataProtectionPolicyInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.resource_arn)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetDataProtectionPolicyInput,
    ) -> Result<GetDataProtectionPolicyOutput, ApiError> {
        let arn = TopicArn::parse_parameter("ResourceArn", &input.resource_arn)?;
        let mut snapshot = ctx.store().read(&arn.scope())?;
        arn.find(&mut snapshot)?;
        let policy = tables::DATA_PROTECTION.find(&mut snapshot, &arn.name)?;
        let text = policy.map(|DataProtectionPolicy(text)| text);
        Ok(GetDataProtectionPolicyOutput { data_protection_policy: Some(text.unwrap_or_default()) })
    }
}

impl Transact<PutDataProtectionPolicy> for Sns {
    type Draft = (TopicArn, String);

    fn guard(&self, _: &Ctx, input: &PutDataProtectionPolicyInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.resource_arn)
    }

    fn prepare(&self, _: &Ctx, input: PutDataProtectionPolicyInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse_parameter("ResourceArn", &input.resource_arn)?;
        check(&input.data_protection_policy)?;
        Ok((arn, input.data_protection_policy))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, policy): &Self::Draft,
    ) -> Result<PutDataProtectionPolicyOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            arn.find(tx)?;
            put(tx, arn, policy);
            Ok(PutDataProtectionPolicyOutput {})
        })
    }
}

/// Keeps a policy; an empty text takes it away.
pub(super) fn put(tx: &mut Tx<'_>, arn: &TopicArn, policy: &str) {
    if policy.is_empty() {
        tables::DATA_PROTECTION.delete(tx, &arn.name);
    } else {
        tables::DATA_PROTECTION.put(tx, &arn.name, &DataProtectionPolicy(policy.to_owned()));
    }
}

/// Whether a text can be a policy (Developer Guide, "Data protection policy structure").
pub(super) fn check(text: &str) -> Result<(), ApiError> {
    let refused = |reason: &str| errors::invalid_because("DataProtectionPolicy", reason);
    if text.is_empty() {
        return Ok(());
    }
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
    let statements = policy["Statement"].as_array().filter(|statements| !statements.is_empty());
    for statement in statements.ok_or_else(|| refused("Statement has to be a list of statements"))? {
        if !matches!(statement["DataDirection"].as_str(), Some("Inbound" | "Outbound")) {
            return Err(refused("DataDirection has to be Inbound or Outbound"));
        }
        if statement["DataIdentifier"].as_array().is_none_or(Vec::is_empty) {
            return Err(refused("DataIdentifier has to be a list"));
        }
        let operation = statement["Operation"].as_object().and_then(|operation| operation.keys().next());
        if !matches!(operation.map(String::as_str), Some("Audit" | "Deidentify" | "Deny")) {
            return Err(refused("Operation has to be Audit, Deidentify or Deny"));
        }
    }
    Ok(())
}
