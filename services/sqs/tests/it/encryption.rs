//! Queues with keys of KMS: whose permissions decide, and where sealed messages go.

use kms::KmsService;
use kms_api::op::{CreateKey, DisableKey, EnableKey};
use kms_api::{CreateKeyInput, DisableKeyInput, EnableKeyInput};
use shapes::ApiError;
use sqs::SqsService;
use sqs_api::op::{GetQueueAttributes, ReceiveMessage, SendMessage, StartMessageMoveTask};
use sqs_api::{
    GetQueueAttributesInput, Message, ReceiveMessageInput, SendMessageInput, StartMessageMoveTaskInput,
};

use crate::kit::{Queue, attribute, bodies, create, receive};

const ORDERS: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
const OTHER: &str = "111122223333";

fn start() -> ::kit::TestRegion {
    ::kit::TestRegion::with_jobs(|cloud| {
        let (sqs, kms) = (SqsService::new(cloud.clone()), KmsService::new(cloud.clone()));
        (vec![sqs.service(), kms.service()], sqs.jobs())
    })
}

/// A key whose policy lets its account do everything, and has further statements.
async fn create_key(region: &::kit::TestRegion, statements: &str) -> String {
    let own = r#"{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"kms:*","Resource":"*"}"#;
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{own}{statements}]}}"#);
    let input = CreateKeyInput { policy: Some(policy), ..Default::default() };
    region.call::<CreateKey>(input).await.expect("the key is made").key_metadata.unwrap_or_default().key_id
}

async fn queue_with(key: &str, attributes: &[(&str, &str)]) -> Queue {
    queue_in(start(), key, attributes).await
}

async fn queue_in(region: ::kit::TestRegion, key: &str, attributes: &[(&str, &str)]) -> Queue {
    let all: Vec<_> = [("KmsMasterKeyId", key)].into_iter().chain(attributes.iter().copied()).collect();
    let url = create(&region, "orders", &all).await.expect("the queue is made");
    Queue { region, url }
}

/// A queue with a key of the account.
async fn sealed(attributes: &[(&str, &str)]) -> (Queue, String) {
    let region = start();
    let key = create_key(&region, "").await;
    (queue_in(region, &key, attributes).await, key)
}

async fn enable(queue: &Queue, key: &str, is_enabled: bool) {
    let key_id = key.to_owned();
    if is_enabled {
        queue.region.call::<EnableKey>(EnableKeyInput { key_id }).await.expect("the key is there");
    } else {
        queue.region.call::<DisableKey>(DisableKeyInput { key_id }).await.expect("the key is there");
    }
}

async fn try_receive(ctx: &cloud::Ctx, queue: &Queue) -> Result<Vec<Message>, ApiError> {
    let input = ReceiveMessageInput {
        queue_url: queue.url.clone(),
        message_system_attribute_names: Some(vec!["All".to_owned()]),
        ..Default::default()
    };
    Ok(ctx.call::<ReceiveMessage>(input).await?.messages.unwrap_or_default())
}

/// Whether a text lies in any row of a message.
fn is_stored_in_the_clear(queue: &Queue, text: &str) -> bool {
    let table: store::Table<(u64, u64), Raw> = store::Table::new("sqs/stored-message");
    let ctx = queue.region.ctx();
    let rows = table.list(&mut ctx.read().expect("the store is there"), &store::Range::all(), 1000);
    let is_in = |row: &Raw| row.0.windows(text.len()).any(|window| window == text.as_bytes());
    rows.expect("rows are there").iter().any(|(_, row)| is_in(row))
}

/// A row's bytes.
struct Raw(Vec<u8>);

impl store::Row for Raw {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
    fn decode(bytes: &[u8]) -> Result<Self, store::RowError> {
        Ok(Self(bytes.to_vec()))
    }
}

#[tokio::test]
async fn bodies_are_sealed_under_the_queues_key_and_opened_for_receivers() {
    let (queue, key) = sealed(&[]).await;
    let attributes = crate::kit::attributes(&queue.region, &queue.url).await;
    assert_eq!(attributes["KmsMasterKeyId"], key);
    assert_eq!(attributes["KmsDataKeyReusePeriodSeconds"], "300");
    assert_eq!(attributes["SqsManagedSseEnabled"], "false");
    for text in ["a secret", "another"] {
        queue.send(text).await.unwrap();
    }
    assert!(!is_stored_in_the_clear(&queue, "a secret"));
    let first = queue.receive(1).await;
    assert_eq!(bodies(&first), ["a secret"]);
    let region = queue.region.restarted(|cloud| {
        let (sqs, kms) = (SqsService::new(cloud.clone()), KmsService::new(cloud.clone()));
        (vec![sqs.service(), kms.service()], sqs.jobs())
    });
    let queue = Queue { region, url: queue.url };
    queue.delete(&first[0]).await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["another"]);
}

#[tokio::test]
async fn data_keys_are_used_for_as_long_as_the_queue_says() {
    let (queue, key) = sealed(&[("KmsDataKeyReusePeriodSeconds", "60")]).await;
    queue.send("a").await.unwrap();
    enable(&queue, &key, false).await;
    queue.send("b").await.expect("the data key is good for a minute");
    queue.advance(60).await;
    assert_eq!(queue.send("c").await.unwrap_err().name(), "KmsDisabled");
    let ctx = queue.region.ctx();
    assert_eq!(try_receive(&ctx, &queue).await.unwrap_err().name(), "KmsDisabled");
    assert_eq!(queue.counts().await, [2, 0, 0]);
    enable(&queue, &key, true).await;
    let received = queue.receive(10).await;
    assert_eq!(bodies(&received), ["a", "b"]);
    let count = attribute(&received[0], "ApproximateReceiveCount");
    assert_eq!(count, Some("1"), "what could not be read was not received");
}

#[tokio::test]
async fn the_key_decides_as_well_as_the_queue() {
    let region = start();
    let sending = format!(
        r#",{{"Effect":"Allow","Principal":{{"AWS":"{OTHER}"}},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*","Condition":{{"StringEquals":{{"kms:ViaService":"sqs.us-east-1.amazonaws.com","kms:EncryptionContext:aws:sqs:arn":"{ORDERS}"}}}}}}"#
    );
    let open = create_key(&region, &sending).await;
    let closed = create_key(&region, "").await;
    let everybody = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#;
    let queue = queue_in(region, &closed, &[("Policy", everybody)]).await;
    let other = queue.region.as_account(OTHER);
    let send = async |text: &str| {
        let input = SendMessageInput {
            queue_url: queue.url.clone(),
            message_body: text.to_owned(),
            ..Default::default()
        };
        other.call::<SendMessage>(input).await.map(|_| ())
    };
    let error = send("a").await.unwrap_err();
    assert_eq!((error.name(), error.code()), ("KmsAccessDenied", "KMS.AccessDeniedException"));
    queue.send("own").await.unwrap();
    assert_eq!(try_receive(&other, &queue).await.unwrap_err().name(), "KmsAccessDenied");
    assert_eq!(bodies(&queue.receive(1).await), ["own"]);
    queue.set("KmsMasterKeyId", &open).await;
    send("b").await.unwrap();
    assert_eq!(bodies(&try_receive(&other, &queue).await.unwrap()), ["b"]);
}

#[tokio::test]
async fn services_need_the_keys_consent_also_within_their_transactions() {
    let region = start();
    let topic = "arn:aws:sns:us-east-1:000000000000:news";
    let consent = r#",{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*"}"#;
    let (open, closed) = (create_key(&region, consent).await, create_key(&region, "").await);
    let admits_sns = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:*","Resource":"*"}}"#;
    let queue = queue_in(region, &closed, &[("Policy", admits_sns)]).await;
    let publish = async |text: &str| {
        let sns = queue.region.ctx().as_service("sns.amazonaws.com", topic);
        let input = SendMessageInput {
            queue_url: queue.url.clone(),
            message_body: text.to_owned(),
            ..Default::default()
        };
        let own = sns.clone();
        sns.write(move |tx| own.call_within::<SendMessage>(tx, input.clone()).map(|_| ())).await
    };
    assert_eq!(publish("a").await.unwrap_err().name(), "KmsAccessDenied");
    queue.set("KmsMasterKeyId", &open).await;
    publish("b").await.unwrap();
    assert_eq!(bodies(&queue.receive(10).await), ["b"]);
}

#[tokio::test]
async fn the_accounts_own_key_is_made_and_unknown_keys_are_not_found() {
    let queue = queue_with("alias/aws/sqs", &[]).await;
    queue.region.settle().await;
    queue.send("a").await.unwrap();
    assert_eq!(bodies(&queue.receive(1).await), ["a"]);
    queue.set("KmsMasterKeyId", "alias/nobody").await;
    assert_eq!(queue.send("b").await.unwrap_err().name(), "KmsNotFound");
    queue.set("SqsManagedSseEnabled", "true").await;
    queue.send("c").await.unwrap();
    let input = GetQueueAttributesInput {
        queue_url: queue.url.clone(),
        attribute_names: Some(vec!["KmsMasterKeyId".to_owned(), "SqsManagedSseEnabled".to_owned()]),
    };
    let attributes = queue.region.call::<GetQueueAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!(attributes.into_values().collect::<Vec<_>>(), ["true"]);
}

#[tokio::test]
async fn sealed_messages_stay_sealed_in_a_dead_letter_queue_and_on_their_way_back() {
    let region = start();
    let key = create_key(&region, "").await;
    let dead = create(&region, "dead", &[("SqsManagedSseEnabled", "false")]).await.unwrap();
    let redrive = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":1}"#;
    let queue = queue_in(region, &key, &[("RedrivePolicy", redrive)]).await;
    queue.send("a secret").await.unwrap();
    assert_eq!(queue.receive(1).await.len(), 1);
    queue.advance(30).await;
    assert!(queue.receive(1).await.is_empty());
    assert!(!is_stored_in_the_clear(&queue, "a secret"));
    assert_eq!(bodies(&receive(&queue.region, &dead, 1).await), ["a secret"]);
    queue.advance(30).await;
    let input = StartMessageMoveTaskInput {
        source_arn: "arn:aws:sqs:us-east-1:000000000000:dead".to_owned(),
        ..Default::default()
    };
    queue.region.call::<StartMessageMoveTask>(input).await.unwrap();
    queue.region.settle().await;
    assert_eq!(bodies(&queue.receive(1).await), ["a secret"]);
}
