//! The operation table, and the guard of operations on a topic.

mod confirm_subscription;
mod create_topic;
mod data_protection;
mod delete_topic;
mod list_subscriptions;
mod list_topics;
mod opt_outs;
mod origination_numbers;
mod permissions;
mod platform_applications;
mod platform_endpoints;
mod publish;
mod sms_attributes;
mod sms_sandbox;
mod subscribe;
mod subscription_attributes;
mod tags;
mod topic_attributes;
pub(crate) mod unsubscribe;

use cloud::{Guard, Operation};
use shapes::ApiError;
use sns_api::op;

use crate::subscription::SubscriptionArn;
use crate::topic::TopicArn;
use crate::{Sns, tables};

pub(crate) static OPERATIONS: &[Operation<Sns>] = &[
    Operation::transaction::<op::AddPermission>(),
    Operation::of::<op::CheckIfPhoneNumberIsOptedOut>(),
    Operation::transaction::<op::ConfirmSubscription>(),
    Operation::transaction::<op::CreatePlatformApplication>(),
    Operation::transaction::<op::CreatePlatformEndpoint>(),
    Operation::transaction::<op::CreateSMSSandboxPhoneNumber>(),
    Operation::transaction::<op::CreateTopic>(),
    Operation::transaction::<op::DeleteEndpoint>(),
    Operation::transaction::<op::DeletePlatformApplication>(),
    Operation::transaction::<op::DeleteSMSSandboxPhoneNumber>(),
    Operation::transaction::<op::DeleteTopic>(),
    Operation::of::<op::GetDataProtectionPolicy>(),
    Operation::of::<op::GetEndpointAttributes>(),
    Operation::of::<op::GetPlatformApplicationAttributes>(),
    Operation::of::<op::GetSMSAttributes>(),
    Operation::of::<op::GetSMSSandboxAccountStatus>(),
    Operation::of::<op::GetSubscriptionAttributes>(),
    Operation::of::<op::GetTopicAttributes>(),
    Operation::of::<op::ListEndpointsByPlatformApplication>(),
    Operation::of::<op::ListOriginationNumbers>(),
    Operation::of::<op::ListPhoneNumbersOptedOut>(),
    Operation::of::<op::ListPlatformApplications>(),
    Operation::of::<op::ListSMSSandboxPhoneNumbers>(),
    Operation::of::<op::ListSubscriptions>(),
    Operation::of::<op::ListSubscriptionsByTopic>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::of::<op::ListTopics>(),
    Operation::transaction::<op::OptInPhoneNumber>(),
    Operation::transaction::<op::Publish>(),
    Operation::transaction::<op::PublishBatch>(),
    Operation::transaction::<op::PutDataProtectionPolicy>(),
    Operation::transaction::<op::RemovePermission>(),
    Operation::transaction::<op::SetEndpointAttributes>(),
    Operation::transaction::<op::SetPlatformApplicationAttributes>(),
    Operation::transaction::<op::SetSMSAttributes>(),
    Operation::transaction::<op::SetSubscriptionAttributes>(),
    Operation::transaction::<op::SetTopicAttributes>(),
    Operation::transaction::<op::Subscribe>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::Unsubscribe>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::VerifySMSSandboxPhoneNumber>(),
];

impl Sns {
    /// The guard of an operation on one topic: its ARN and its policy. The policy that every topic begins with allows
    /// its own account what identity policies decide about anyway, so it need not be asked.
    pub(crate) fn topic_guard(&self, arn: &str) -> Result<Guard, ApiError> {
        let arn = TopicArn::parse(arn)?;
        let mut snapshot = self.cloud.store().read(&arn.scope())?;
        let topic = tables::TOPICS.find(&mut snapshot, &arn.name)?;
        let policy = topic.and_then(|mut topic| topic.attributes.remove("Policy"));
        let policy = policy.map(|text| self.policies.resource_policy(&text)).transpose()?;
        Ok(Guard::resource(arn.to_string()).policy(policy))
    }
}

/// The guard of an operation on one subscription. Who made it may act on it, whoever owns the topic.
fn subscription_guard(arn: &str) -> Result<Guard, ApiError> {
    Ok(Guard::resource(SubscriptionArn::parse(arn)?.topic.to_string()))
}
