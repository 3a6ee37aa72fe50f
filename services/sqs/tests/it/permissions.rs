//! AddPermission and RemovePermission.

use shapes::ApiError;
use sqs_api::op::{AddPermission, RemovePermission, SendMessage};
use sqs_api::{AddPermissionInput, RemovePermissionInput, SendMessageInput};

use crate::kit::{Queue, attributes};

async fn add(queue: &Queue, label: &str, account: &str, action: &str) -> Result<(), ApiError> {
    let input = AddPermissionInput {
        queue_url: queue.url.clone(),
        label: label.to_owned(),
        aws_account_ids: vec![account.to_owned()],
        actions: vec![action.to_owned()],
    };
    queue.region.call::<AddPermission>(input).await.map(|_| ())
}

async fn remove(queue: &Queue, label: &str) -> Result<(), ApiError> {
    let input = RemovePermissionInput { queue_url: queue.url.clone(), label: label.to_owned() };
    queue.region.call::<RemovePermission>(input).await.map(|_| ())
}

async fn send_as(queue: &Queue, account: &str) -> Result<(), ApiError> {
    let input =
        SendMessageInput { queue_url: queue.url.clone(), message_body: "x".to_owned(), ..Default::default() };
    queue.region.as_account(account).call::<SendMessage>(input).await.map(|_| ())
}

#[tokio::test]
async fn a_permission_opens_the_queue_to_an_account_until_it_is_removed() {
    let queue = Queue::create(&[]).await;
    let other = "123456789012";
    assert!(send_as(&queue, other).await.is_err());
    add(&queue, "friends", other, "SendMessage").await.unwrap();
    send_as(&queue, other).await.unwrap();
    assert!(send_as(&queue, "210987654321").await.is_err());
    let policy = attributes(&queue.region, &queue.url).await.remove("Policy").unwrap_or_default();
    assert!(policy.contains(r#""Sid":"friends""#) && policy.contains("SQS:SendMessage"), "{policy}");
    let error = add(&queue, "friends", other, "SendMessage").await.unwrap_err();
    assert!(error.message().contains("Already exists"), "{error}");
    remove(&queue, "friends").await.unwrap();
    assert!(send_as(&queue, other).await.is_err());
    assert!(remove(&queue, "friends").await.unwrap_err().message().contains("can't find label"));
    assert_eq!(attributes(&queue.region, &queue.url).await.get("Policy"), None);
}

#[tokio::test]
async fn labels_accounts_and_actions_are_checked() {
    let queue = Queue::create(&[]).await;
    for (label, account, action) in [
        ("not allowed", "123456789012", "SendMessage"),
        ("", "123456789012", "SendMessage"),
        ("a", "12", "SendMessage"),
        ("a", "123456789012", "DeleteQueue"),
    ] {
        assert!(add(&queue, label, account, action).await.is_err(), "{label} {account} {action}");
    }
}
