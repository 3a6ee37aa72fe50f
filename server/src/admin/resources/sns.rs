//! Topics and their subscriptions.

use cloud::Ctx;
use serde_json::Value;
use shapes::ApiError;
use sns_api::{GetTopicAttributesInput, ListSubscriptionsByTopicInput, ListTopicsInput, op};

use super::arn;
use crate::admin::document::{at, items, laid_out, look};
use crate::admin::section::{Found, Part, Row, Section};

pub(super) async fn list(ctx: &Ctx, part: &Part) -> Result<Section, ApiError> {
    let answer = look::<op::ListTopics>(ctx, ListTopicsInput { next_token: part.after.clone() }).await?;
    let mut section = Section::new("sns", "Topics", &["Name", "Subscriptions", "Pending", "Type"]);
    for topic in items(&answer, "Topics").iter().map(|topic| at(topic, "TopicArn")) {
        let name = topic.rsplit(':').next().unwrap_or_default();
        let mut cells = vec![name.to_owned()];
        if !part.is_brief {
            let attributes = attributes(ctx, &topic).await.unwrap_or_default();
            cells.extend([
                at(&attributes, "SubscriptionsConfirmed"),
                at(&attributes, "SubscriptionsPending"),
                if name.ends_with(".fifo") { "FIFO" } else { "standard" }.to_owned(),
            ]);
        }
        section.rows.push(Row { cells, arn: topic, ..Row::default() });
    }
    Ok(section.next(at(&answer, "NextToken")))
}

async fn attributes(ctx: &Ctx, topic: &str) -> Result<Value, ApiError> {
    let input = GetTopicAttributesInput { topic_arn: topic.to_owned() };
    let answer = look::<op::GetTopicAttributes>(ctx, input).await?;
    Ok(answer.get("Attributes").cloned().unwrap_or_default())
}

/// The topic's name in `NAME:SUBSCRIPTION`.
fn topic_of(ctx: &Ctx, resource: &str) -> String {
    arn(ctx, "sns", resource.split(':').next().unwrap_or_default())
}

pub(super) async fn describe(ctx: &Ctx, resource: &str) -> Result<Found, ApiError> {
    let topic = topic_of(ctx, resource);
    let attributes = attributes(ctx, &topic).await?;
    Ok(Found::titled(resource.split(':').next().unwrap_or_default())
        .facts(
            &attributes,
            &[
                ("Subscriptions", "SubscriptionsConfirmed"),
                ("Pending", "SubscriptionsPending"),
                ("Deleted", "SubscriptionsDeleted"),
                ("Display name", "DisplayName"),
                ("FIFO", "FifoTopic"),
                ("Deduplication by content", "ContentBasedDeduplication"),
                ("Key", "KmsMasterKeyId"),
            ],
        )
        .sections(&["subscriptions"])
        .document("Access policy", laid_out(&at(&attributes, "Policy")))
        .document("Delivery policy", laid_out(&at(&attributes, "DeliveryPolicy"))))
}

pub(super) async fn section(ctx: &Ctx, resource: &str, part: &Part) -> Result<Section, ApiError> {
    let input =
        ListSubscriptionsByTopicInput { topic_arn: topic_of(ctx, resource), next_token: part.after.clone() };
    let answer = look::<op::ListSubscriptionsByTopic>(ctx, input).await?;
    let section = Section::new("subscriptions", "Subscriptions", &["Endpoint", "Protocol", "Subscription"]);
    let paths = ["Endpoint", "Protocol", "SubscriptionArn"];
    Ok(section.uses(items(&answer, "Subscriptions"), &paths).next(at(&answer, "NextToken")))
}
