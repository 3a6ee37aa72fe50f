use glacier_api::op::{DeleteVaultNotifications, GetVaultNotifications, SetVaultNotifications};
use glacier_api::{
    DeleteVaultNotificationsInput, GetVaultNotificationsInput, JobParameters, SetVaultNotificationsInput,
    VaultNotificationConfig,
};
use sns_api::op::{CreateTopic, SetTopicAttributes, Subscribe};
use sns_api::{CreateTopicInput, SetTopicAttributesInput, SubscribeInput};
use sqs_api::op::{CreateQueue, ReceiveMessage, SetQueueAttributes};
use sqs_api::{CreateQueueInput, ReceiveMessageInput, SetQueueAttributesInput};

use crate::kit::{HOUR, Vault, code, name, own, retrieval};

/// A topic that lets everybody publish, and a queue that hears it.
async fn topic_and_queue(vault: &Vault, called: &str) -> (String, String) {
    let input = CreateTopicInput { name: called.to_owned(), ..Default::default() };
    let topic = vault.call::<CreateTopic>(input).await.unwrap().topic_arn.unwrap();
    let open = |action: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"{action}","Resource":"{resource}"}}]}}"#
        )
    };
    let input = SetTopicAttributesInput {
        topic_arn: topic.clone(),
        attribute_name: "Policy".to_owned(),
        attribute_value: Some(open("sns:Publish", &topic)),
    };
    vault.call::<SetTopicAttributes>(input).await.unwrap();
    let input = CreateQueueInput { queue_name: called.to_owned(), ..Default::default() };
    let url = vault.call::<CreateQueue>(input).await.unwrap().queue_url.unwrap();
    let queue = format!("arn:aws:sqs:us-east-1:000000000000:{called}");
    let attributes = [("Policy".to_owned(), open("sqs:SendMessage", &queue))].into_iter().collect();
    let input = SetQueueAttributesInput { queue_url: url.clone(), attributes };
    vault.call::<SetQueueAttributes>(input).await.unwrap();
    let input = SubscribeInput {
        topic_arn: topic.clone(),
        protocol: "sqs".to_owned(),
        endpoint: Some(queue),
        ..Default::default()
    };
    vault.call::<Subscribe>(input).await.unwrap();
    (topic, url)
}

async fn heard(vault: &Vault, queue: &str) -> Vec<serde_json::Value> {
    vault.region.settle().await;
    let input = ReceiveMessageInput {
        queue_url: queue.to_owned(),
        max_number_of_messages: Some(10),
        ..Default::default()
    };
    let messages = vault.call::<ReceiveMessage>(input).await.unwrap().messages.unwrap_or_default();
    let bodies = messages.into_iter().filter_map(|message| message.body);
    bodies
        .map(|body| {
            let envelope: serde_json::Value = serde_json::from_str(&body).unwrap();
            serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn topics_are_told_of_jobs_that_are_done() {
    let vault = Vault::create().await;
    let (of_vault, first) = topic_and_queue(&vault, "vault-topic").await;
    let (of_job, second) = topic_and_queue(&vault, "job-topic").await;
    let config = VaultNotificationConfig {
        sns_topic: Some(of_vault),
        events: Some(vec!["ArchiveRetrievalCompleted".to_owned()]),
    };
    let vault_notification_config = Some(config);
    let input =
        SetVaultNotificationsInput { account_id: own(), vault_name: name(), vault_notification_config };
    vault.call::<SetVaultNotifications>(input).await.unwrap();
    let id = vault.upload(b"data", "").await;
    let parameters = JobParameters { sns_topic: Some(of_job.clone()), ..retrieval(&id) };
    let job = vault.initiate(parameters).await.unwrap();
    assert!(heard(&vault, &first).await.is_empty(), "it is not done yet");
    vault.region.advance(5 * HOUR).await;
    vault.end(&job).await;
    for queue in [&first, &second] {
        let messages = heard(&vault, queue).await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["JobId"], *job);
        assert_eq!(messages[0]["Action"], "ArchiveRetrieval");
        assert_eq!(messages[0]["StatusCode"], "Succeeded");
        assert_eq!(messages[0]["Completed"], true);
        assert_eq!(messages[0]["SNSTopic"], *of_job);
    }
}

#[tokio::test]
async fn notifications_are_configured_by_event() {
    let vault = Vault::create().await;
    let get = || {
        let input = GetVaultNotificationsInput { account_id: own(), vault_name: name() };
        vault.call::<GetVaultNotifications>(input)
    };
    let set = |topic: &str, event: &str| {
        let config = VaultNotificationConfig {
            sns_topic: Some(topic.to_owned()),
            events: Some(vec![event.to_owned()]),
        };
        let vault_notification_config = Some(config);
        let input =
            SetVaultNotificationsInput { account_id: own(), vault_name: name(), vault_notification_config };
        vault.call::<SetVaultNotifications>(input)
    };
    assert_eq!(code(get().await), "ResourceNotFoundException");
    let topic = "arn:aws:sns:us-east-1:000000000000:topic";
    assert_eq!(code(set(topic, "ArchiveUploaded").await), "InvalidParameterValueException");
    assert_eq!(code(set("topic", "InventoryRetrievalCompleted").await), "InvalidParameterValueException");
    set(topic, "InventoryRetrievalCompleted").await.unwrap();
    let found = get().await.unwrap().vault_notification_config.unwrap();
    assert_eq!(found.sns_topic.as_deref(), Some(topic));
    let input = DeleteVaultNotificationsInput { account_id: own(), vault_name: name() };
    vault.call::<DeleteVaultNotifications>(input).await.unwrap();
    assert_eq!(code(get().await), "ResourceNotFoundException");
}
