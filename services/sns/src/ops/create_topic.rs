//! CreateTopic: makes a topic, or finds the one that is there.

use std::collections::BTreeMap;

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use sns_api::op::CreateTopic;
use sns_api::{CreateTopicInput, CreateTopicOutput};
use store::Tx;

use crate::topic::{Topic, TopicArn, check_name, check_tags};
use crate::{Sns, archive, errors, kms_keys, tables};

pub(crate) struct Draft {
    arn: TopicArn,
    topic: Topic,
    gives_tags: bool,
    data_protection: Option<String>,
}

impl Transact<CreateTopic> for Sns {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &CreateTopicInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(TopicArn::here(ctx, &input.name).to_string()))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateTopicInput) -> Result<Draft, ApiError> {
        let mut attributes = input.attributes.unwrap_or_default();
        let is_fifo = attributes.get("FifoTopic").is_some_and(|value| value == "true");
        check_name(&input.name, is_fifo)?;
        self.signer.begin(ctx.store())?;
        let data_protection = input.data_protection_policy;
        data_protection.as_deref().map_or(Ok(()), super::data_protection::check)?;
        let arn = TopicArn::here(ctx, &input.name);
        let gives_tags = input.tags.is_some();
        let tags: BTreeMap<String, String> =
            input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        check_tags(&tags)?;
        let mut topic =
            Topic { name: input.name, attributes: BTreeMap::new(), tags, deleted_subscriptions: 0 };
        if is_fifo {
            topic.attributes.insert("FifoTopic".to_owned(), "true".to_owned());
            let off = || "false".to_owned();
            attributes.entry("ContentBasedDeduplication".to_owned()).or_insert_with(off);
        }
        for (name, value) in attributes {
            topic.set(&name, &value)?;
        }
        kms_keys::prepare(ctx, topic.attributes.get(kms_keys::ATTRIBUTE));
        Ok(Draft { arn, topic, gives_tags, data_protection })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<CreateTopicOutput, ApiError> {
        match tables::TOPICS.find(tx, &draft.topic.name)? {
            Some(existing) => {
                let differs = draft
                    .topic
                    .attributes
                    .iter()
                    .any(|(name, value)| existing.attributes.get(name) != Some(value));
                if differs {
                    let reason = "Topic already exists with different attributes";
                    return Err(errors::invalid_because("Attributes", reason));
                }
                if draft.gives_tags && draft.topic.tags != existing.tags {
                    let reason = "Topic already exists with different tags";
                    return Err(errors::invalid_because("Tags", reason));
                }
            }
            None => {
                tables::TOPICS.put(tx, &draft.topic.name, &draft.topic);
                archive::follow(ctx, tx, &draft.arn, &draft.topic)?;
                if let Some(policy) = &draft.data_protection {
                    super::data_protection::put(tx, &draft.arn, policy);
                }
            }
        }
        Ok(CreateTopicOutput { topic_arn: Some(draft.arn.to_string()) })
    }
}
