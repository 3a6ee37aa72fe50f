//! AddPermission and RemovePermission: statements of the topic's policy by label.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::{AddPermission, RemovePermission};
use sns_api::{AddPermissionInput, AddPermissionOutput, RemovePermissionInput, RemovePermissionOutput};
use store::Tx;

use crate::topic::TopicArn;
use crate::{Sns, errors, tables, topic_policy};

/// What may be granted (API Reference, AddPermission).
const ACTIONS: [&str; 8] = [
    "Publish",
    "RemovePermission",
    "SetTopicAttributes",
    "DeleteTopic",
    "ListSubscriptionsByTopic",
    "GetTopicAttributes",
    "AddPermission",
    "Subscribe",
];

impl Transact<AddPermission> for Sns {
    type Draft = (TopicArn, AddPermissionInput);

    fn guard(&self, _: &Ctx, input: &AddPermissionInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    fn prepare(&self, _: &Ctx, input: AddPermissionInput) -> Result<Self::Draft, ApiError> {
        let arn = TopicArn::parse(&input.topic_arn)?;
        if input.label.is_empty() {
            return Err(errors::invalid("Label"));
        }
        let is_account = |account: &String| identity::AccountId::parse(account).is_some();
        if input.aws_account_id.is_empty() || !input.aws_account_id.iter().all(is_account) {
            return Err(errors::invalid("AWSAccountId"));
        }
        if input.action_name.is_empty()
            || !input.action_name.iter().all(|name| ACTIONS.contains(&name.as_str()))
        {
            return Err(errors::invalid("Policy statement action out of service scope!"));
        }
        Ok((arn, input))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, input): &Self::Draft,
    ) -> Result<AddPermissionOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut topic = arn.find(tx)?;
            let policy = topic_policy::with_statement(
                &topic.policy(arn),
                arn,
                &input.label,
                &input.aws_account_id,
                &input.action_name,
            )?;
            topic.attributes.insert("Policy".to_owned(), policy);
            tables::TOPICS.put(tx, &arn.name, &topic);
            Ok(AddPermissionOutput {})
        })
    }
}

impl Transact<RemovePermission> for Sns {
    type Draft = (TopicArn, String);

    fn guard(&self, _: &Ctx, input: &RemovePermissionInput) -> Result<Guard, ApiError> {
        self.topic_guard(&input.topic_arn)
    }

    fn prepare(&self, _: &Ctx, input: RemovePermissionInput) -> Result<Self::Draft, ApiError> {
        Ok((TopicArn::parse(&input.topic_arn)?, input.label))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, label): &Self::Draft,
    ) -> Result<RemovePermissionOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut topic = arn.find(tx)?;
            let policy = topic_policy::without_statement(&topic.policy(arn), label)?;
            topic.attributes.insert("Policy".to_owned(), policy);
            tables::TOPICS.put(tx, &arn.name, &topic);
            Ok(RemovePermissionOutput {})
        })
    }
}
