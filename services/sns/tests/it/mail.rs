//! Mail in a region without a mail server, and the links in it.

use bytes::Bytes;
use http::{Request, StatusCode};
use serde_json::Value;
use sns_api::op::{GetSubscriptionAttributes, ListSubscriptionsByTopic};
use sns_api::{GetSubscriptionAttributesInput, ListSubscriptionsByTopicInput};

use crate::kit::{Sns, TOPIC};

/// Follows a link as a browser would.
pub(crate) async fn follow(sns: &Sns, url: &str) -> (StatusCode, String) {
    let path = url.strip_prefix("http://127.0.0.1:4566").expect("links lead to the region");
    let endpoint = sns::endpoint(sns.region.cloud.clone());
    let request = Request::get(path).body(Bytes::new()).expect("a link is a URL");
    let (head, body) = request.into_parts();
    assert!(endpoint.claims(&head), "{path}");
    let answer = endpoint.serve(Request::from_parts(head, body), None, "request-1").await;
    (answer.status(), String::from_utf8_lossy(answer.body()).into_owned())
}

async fn subscription_arns(sns: &Sns) -> Vec<String> {
    let input = ListSubscriptionsByTopicInput { topic_arn: TOPIC.to_owned(), ..Default::default() };
    let listed = sns.region.call::<ListSubscriptionsByTopic>(input).await.expect("the topic is there");
    listed
        .subscriptions
        .into_iter()
        .flatten()
        .filter_map(|subscription| subscription.subscription_arn)
        .collect()
}

fn link(body: &str) -> &str {
    body.lines().find(|line| line.starts_with("http")).expect("the mail has a link")
}

#[tokio::test]
async fn an_address_confirms_by_its_link_and_leaves_by_another() {
    let sns = Sns::start().await;
    assert_eq!(sns.subscribe("email", "a@b.example", &[]).await.unwrap(), "pending confirmation");
    assert_eq!(subscription_arns(&sns).await, ["PendingConfirmation"]);
    sns.publish("too early").await.unwrap();
    let inbox = sns::inbox(&sns.region.cloud);
    let mails = inbox.latest(None, 10).unwrap();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "a@b.example"));
    let (status, answer) = follow(&sns, link(&mails[0].body)).await;
    assert_eq!(status, 200, "{answer}");
    let arns = subscription_arns(&sns).await;
    assert!(answer.contains(&format!("<SubscriptionArn>{}</SubscriptionArn>", arns[0])), "{answer}");

    sns.publish("news").await.unwrap();
    let mails = inbox.latest(None, 10).unwrap();
    assert_eq!((mails.len(), mails[0].subject.as_str()), (2, "AWS Notification Message"));
    assert!(mails[0].body.starts_with("news\n"));
    let (status, json) = follow(&sns, "http://127.0.0.1:4566/_brume/mail").await;
    let listed: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status.as_u16(), listed["mails"].as_array().map(Vec::len)), (200, Some(2)));
    assert_eq!(listed["mails"][0]["to"], "a@b.example");

    let (status, _) = follow(&sns, link(&mails[0].body)).await;
    assert_eq!(status, 200);
    assert!(subscription_arns(&sns).await.is_empty());
}

#[tokio::test]
async fn tokens_are_secret_and_age() {
    let sns = Sns::start().await;
    sns.subscribe("email", "a@b.example", &[]).await.unwrap();
    let mails = sns::inbox(&sns.region.cloud).latest(None, 1).unwrap();
    let good = link(&mails[0].body).to_owned();
    let wrong = good.replacen("Token=", "Token=0", 1);
    let (status, answer) = follow(&sns, &wrong).await;
    assert!(status == 400 && answer.contains("<Message>Invalid token</Message>"), "{answer}");
    sns.region.advance(std::time::Duration::from_secs(2 * 86_400)).await;
    assert_eq!(follow(&sns, &good).await.0, 400);
    sns.subscribe("email", "a@b.example", &[]).await.unwrap();
    assert_eq!(follow(&sns, &good).await.0, 400, "it is another subscription");
    let mails = sns::inbox(&sns.region.cloud).latest(None, 1).unwrap();
    assert_eq!(follow(&sns, link(&mails[0].body)).await.0, 200);
}

#[tokio::test]
async fn a_link_ends_no_subscription_of_an_owner() {
    let sns = Sns::start().await;
    let queue = sns.create_queue("one", true).await;
    let arn = sns.subscribe("sqs", &queue, &[]).await.unwrap();
    let url = format!("http://127.0.0.1:4566/?Action=Unsubscribe&SubscriptionArn={arn}");
    assert_eq!(follow(&sns, &url).await.0, 403);
    let input = GetSubscriptionAttributesInput { subscription_arn: arn };
    let attributes = sns.region.call::<GetSubscriptionAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!(attributes["ConfirmationWasAuthenticated"], "true");
}

#[tokio::test]
async fn the_inbox_keeps_the_latest_thousand() {
    let sns = Sns::start().await;
    sns.subscribe("email-json", "a@b.example", &[]).await.unwrap();
    let inbox = sns::inbox(&sns.region.cloud);
    let confirmation: Value = serde_json::from_str(&inbox.latest(None, 1).unwrap()[0].body).unwrap();
    assert_eq!(confirmation["Type"], "SubscriptionConfirmation");
    follow(&sns, confirmation["SubscribeURL"].as_str().unwrap()).await;
    for number in 0..1_005 {
        sns.publish(&number.to_string()).await.unwrap();
    }
    let mails = inbox.latest(None, 5_000).unwrap();
    assert_eq!(mails.len(), 1_000);
    let newest: Value = serde_json::from_str(&mails[0].body).unwrap();
    assert_eq!(newest["Message"], "1004");
}

#[tokio::test]
async fn a_subscription_that_nobody_confirms_is_gone_after_two_days() {
    let sns = Sns::start().await;
    sns.subscribe("email", "a@b.example", &[]).await.unwrap();
    sns.region.settle().await;
    sns.region.advance(std::time::Duration::from_secs(2 * 86_400 - 1)).await;
    assert_eq!(subscription_arns(&sns).await, ["PendingConfirmation"]);
    // Asked again, it begins anew.
    sns.subscribe("email", "a@b.example", &[]).await.unwrap();
    sns.region.settle().await;
    sns.region.advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(subscription_arns(&sns).await.len(), 1);
    sns.region.advance(std::time::Duration::from_secs(2 * 86_400 - 1)).await;
    assert!(subscription_arns(&sns).await.is_empty());
}
