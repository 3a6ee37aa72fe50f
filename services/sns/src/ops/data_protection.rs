//! GetDataProtectionPolicy and PutDataProtectionPolicy.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::ApiError;
use sns_api::op::{GetDataProtectionPolicy, PutDataProtectionPolicy};
use sns_api::{
    GetDataProtectionPolicyInput, GetDataProtectionPolicyOutput, PutDataProtectionPolicyInput,
    PutDataProtectionPolicyOutput,
};
use store::Tx;

use crate::data_protection::Policy;
use crate::topic::{DataProtectionPolicy, TopicArn};
use crate::{Sns, tables};

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

/// Whether a text is a policy that can be kept.
pub(super) fn check(text: &str) -> Result<(), ApiError> {
    if text.is_empty() { Ok(()) } else { Policy::parse(text).map(|_| ()) }
}
