use std::collections::BTreeSet;
use std::ops::ControlFlow;

use cloud::Cloud;
use store::{Order, Range, Row, Scope, Tail};

use super::*;
use crate::attribute::item_to_api;
use crate::tables::{ITEMS, StoredSize};
use crate::value::Value;

fn item(text: &str) -> Item {
    Item::from_iter([
        ("id".to_owned(), Value::string("a")),
        ("n".to_owned(), Value::number("1.50").unwrap()),
        ("text".to_owned(), Value::string(text)),
    ])
}

fn cloud() -> Cloud {
    kit::TestRegion::start(|_| Vec::new()).cloud.clone()
}

async fn write<T: Send + 'static>(
    cloud: &Cloud,
    work: impl FnMut(&mut store::Tx<'_>) -> Result<T, ApiError> + Send + 'static,
) -> T {
    cloud.store().write(&Scope::global(), work).await.unwrap()
}

/// Puts an item under `key` and returns the row.
async fn put(cloud: &Cloud, table: u64, key: (u64, Tail), text: &'static str) -> Vec<u8> {
    let keys = RowKeys::new(cloud.clone());
    let put = write(cloud, move |tx| {
        let sealer = keys.sealer(tx, KeyName::Owned(table))?;
        sealer.put(tx, &key, &item(text))?;
        ITEMS.find_at(tx, &key, |_, row| row.to_vec()).map_err(ApiError::from)
    });
    put.await.unwrap()
}

fn key(text: &str) -> (u64, Tail) {
    (7, Tail(text.as_bytes().to_vec()))
}

#[tokio::test]
async fn a_sealed_item_is_the_same_in_all_its_readings() {
    let cloud = cloud();
    cloud.root_key().await.unwrap();
    let row = put(&cloud, 1, key("a"), "secret").await;
    assert_eq!(row[0], OWNED);
    assert!(!row.windows(4).any(|window| window == b"secr" || window == b"text"));
    assert_eq!(StoredSize::decode(&row).unwrap().0, item("secret").size());
    let keys = RowKeys::new(cloud.clone());
    let mut snapshot = cloud.store().read(&Scope::global()).unwrap();
    assert_eq!(keys.item(&mut snapshot, &key("a")).unwrap(), Some(item("secret")));
    let answer = keys.answer(&mut snapshot, &key("a")).unwrap().unwrap();
    assert_eq!((answer.item, answer.size), (item_to_api(item("secret")), item("secret").size()));
    let mut found = Vec::new();
    let range = Range::prefix(&7_u64);
    keys.visit_items(&mut snapshot, &range, |place, item| {
        found.push((place.0, item));
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(found, [(b"a".to_vec(), item("secret"))]);
    let mut entries = Vec::new();
    keys.visit_entries(&mut snapshot, &range, Order::Descending, |item| {
        entries.push(item);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(entries, [item("secret")]);
}

#[tokio::test]
async fn rows_that_change_places_do_not_open() {
    let cloud = cloud();
    cloud.root_key().await.unwrap();
    let (first, second) = (put(&cloud, 1, key("a"), "one").await, put(&cloud, 1, key("b"), "two").await);
    write(&cloud, move |tx| {
        ITEMS.put_with(tx, &key("a"), |out| out.extend_from_slice(&second));
        ITEMS.put_with(tx, &key("b"), |out| out.extend_from_slice(&first[..first.len() - 1]));
        Ok(())
    })
    .await;
    let keys = RowKeys::new(cloud.clone());
    let mut snapshot = cloud.store().read(&Scope::global()).unwrap();
    for place in ["a", "b"] {
        assert_eq!(keys.item(&mut snapshot, &key(place)).unwrap_err().status(), 500, "{place}");
    }
    let visited = keys.visit_items(&mut snapshot, &Range::prefix(&7_u64), |_, _| ControlFlow::Continue(()));
    assert!(visited.is_err());
    // Nor does one that says it is larger than it is, or under another table's key.
    let whole = put(&cloud, 1, key("c"), "three").await;
    for at in [1, 5, NONCE_AT, CONTENT_AT] {
        let mut row = whole.clone();
        row[at] ^= 1;
        write(&cloud, move |tx| {
            ITEMS.put_with(tx, &key("c"), |out| out.extend_from_slice(&row));
            Ok(())
        })
        .await;
        let mut snapshot = cloud.store().read(&Scope::global()).unwrap();
        assert!(keys.item(&mut snapshot, &key("c")).is_err(), "byte {at}");
    }
}

#[tokio::test]
async fn rows_from_before_are_read_as_they_are() {
    let cloud = cloud();
    // There is no root key yet: the row is as it always was, and the next one is sealed.
    let row = put(&cloud, 1, key("a"), "old").await;
    assert_eq!(row, item("old").encode());
    assert_eq!(StoredSize::decode(&row).unwrap().0, item("old").size());
    assert_eq!(put(&cloud, 1, key("b"), "new").await[0], OWNED);
    let keys = RowKeys::new(cloud.clone());
    let mut snapshot = cloud.store().read(&Scope::global()).unwrap();
    assert_eq!(keys.item(&mut snapshot, &key("a")).unwrap(), Some(item("old")));
    assert_eq!(keys.item(&mut snapshot, &key("b")).unwrap(), Some(item("new")));
    let answer = keys.answer(&mut snapshot, &key("a")).unwrap().unwrap();
    assert_eq!(answer.item, item_to_api(item("old")));
    let mut opener = Opener::new(&keys);
    assert_eq!(opener.part(Part::Before, &(1_u64, 2_u64), &item("old").encode()).unwrap(), item("old"));
    assert!(StoredSize::decode(&[]).is_err());
    assert!(StoredSize::decode(&[OWNED, 1, 2]).is_err());
}

#[tokio::test]
async fn parts_open_as_the_part_that_they_are() {
    let cloud = cloud();
    cloud.root_key().await.unwrap();
    let keys = RowKeys::new(cloud.clone());
    let place = (3_u64, 4_u64);
    let sealed =
        write(&cloud, move |tx| keys.sealer(tx, KeyName::Owned(1))?.part(Part::OldImage, &place, &item("x")))
            .await;
    let keys = RowKeys::new(cloud.clone());
    let mut opener = Opener::new(&keys);
    assert_eq!(opener.part(Part::OldImage, &place, &sealed).unwrap(), item("x"));
    assert!(opener.part(Part::NewImage, &place, &sealed).is_err());
    assert!(opener.part(Part::OldImage, &(3_u64, 5_u64), &sealed).is_err());
}

#[tokio::test]
async fn no_nonce_comes_twice() {
    let cloud = cloud();
    cloud.root_key().await.unwrap();
    let keys = [RowKeys::new(cloud.clone()), RowKeys::new(cloud.clone())];
    let mut seen = BTreeSet::new();
    for keys in &keys {
        let key = keys.find(KeyName::Owned(1)).unwrap();
        for _ in 0..1000 {
            assert!(seen.insert(key.next_nonce()));
        }
        assert!(Arc::ptr_eq(&key, &keys.find(KeyName::Owned(1)).unwrap()), "the key goes on counting");
    }
}

/// A table that a KMS key protected before items were sealed under data keys.
#[tokio::test]
async fn a_table_from_before_gets_a_data_key() {
    use std::time::Duration;

    use dynamodb_api::op::{CreateTable, PutItem};
    use dynamodb_api::{
        AttributeDefinition, AttributeValue, CreateTableInput, KeySchemaElement, PutItemInput,
        SSESpecification,
    };

    use crate::tables::TABLES;

    let region = kit::TestRegion::with_jobs(|cloud| {
        let dynamodb = crate::DynamoDbService::new(cloud.clone());
        let kms = kms::KmsService::new(cloud.clone());
        (vec![dynamodb.service(), kms.service()], dynamodb.jobs())
    });
    let name = || "orders".to_owned();
    let input = CreateTableInput {
        table_name: name(),
        attribute_definitions: Some(vec![AttributeDefinition {
            attribute_name: "id".to_owned(),
            attribute_type: "S".to_owned(),
        }]),
        key_schema: Some(vec![KeySchemaElement {
            attribute_name: "id".to_owned(),
            key_type: "HASH".to_owned(),
        }]),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        sse_specification: Some(SSESpecification { enabled: Some(true), ..Default::default() }),
        ..Default::default()
    };
    region.call::<CreateTable>(input).await.unwrap();
    let ctx = region.ctx();
    let stripped = ctx.write(move |tx| {
        let mut row = TABLES.find(tx, &name())?.unwrap();
        row.data_keys.clear();
        TABLES.put(tx, &name(), &row);
        Ok::<_, ApiError>(row.id)
    });
    let table = stripped.await.unwrap();
    let put = async |id: &str| {
        let item = [("id".to_owned(), AttributeValue::S(id.to_owned()))].into();
        let input = PutItemInput { table_name: "orders".to_owned(), item, ..Default::default() };
        region.call::<PutItem>(input).await.unwrap();
    };
    put("a").await;
    region.settle().await;
    region.advance(Duration::from_secs(301)).await;
    region.settle().await;
    put("b").await;
    let mut kinds = Vec::new();
    let mut snapshot = ctx.read().unwrap();
    ITEMS
        .visit_at(&mut snapshot, &Range::prefix(&table), Order::Ascending, |_, (_, key), row| {
            kinds.push((key.0.contains(&b'a'), row[0]));
            ControlFlow::Continue(())
        })
        .unwrap();
    kinds.sort_unstable();
    assert_eq!(kinds, [(false, KMS), (true, OWNED)]);
}
