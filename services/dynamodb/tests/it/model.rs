//! The engine against a map: random operations, restarts and jumps of time, among which table, indexes and pages must tell
//! the same, and at the end the stream must add up to the table.

use std::collections::BTreeMap;
use std::time::Duration;

use dynamodb_api::op::{BatchWriteItem, PutItem, Query, Scan, TransactWriteItems};
use dynamodb_api::*;
use proptest::prelude::*;

use crate::kit::{Db, attribute, item, key, projection, put, query, show, table};
use crate::time_to_live::set as set_time_to_live;

/// What an item is but for its key: color, rank and when it ends, each of which may be missing. Steps say the end as
/// multiples of ten minutes from now, the model as seconds since the epoch.
type Content = (Option<u8>, Option<u8>, Option<i64>);
type Reference = BTreeMap<(u8, u8), Content>;

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u8, Content),
    PutNew(u8, u8, Content),
    Delete(u8, u8),
    SetColor(u8, u8, u8),
    RemoveColor(u8, u8),
    Batch(Vec<(u8, u8, Option<Content>)>),
    QueryTable(u8, u8, bool),
    QueryColor(u8, i32),
    QueryRank(u8, i32),
    ScanIndex(i32),
    Transact(Vec<(u8, u8, Option<Content>)>, u8, u8),
    /// So many times ten minutes.
    Pass(u32),
    Restart,
}

const TEN_MINUTES: i64 = 600;
/// Beyond it the stream would be trimmed.
const LONGEST: i64 = 20 * 3600;

fn step() -> impl Strategy<Value = Step> {
    let (pk, sk, color) = (0..4u8, 0..6u8, 0..3u8);
    let end = || proptest::option::weighted(0.3, 1..12i64);
    let content = move || (proptest::option::of(0..3u8), proptest::option::of(0..9u8), end());
    prop_oneof![
        3 => (pk.clone(), sk.clone(), content()).prop_map(|(pk, sk, content)| Step::Put(pk, sk, content)),
        1 => (pk.clone(), sk.clone(), content()).prop_map(|(pk, sk, content)| Step::PutNew(pk, sk, content)),
        2 => (pk.clone(), sk.clone()).prop_map(|(pk, sk)| Step::Delete(pk, sk)),
        2 => (pk.clone(), sk.clone(), color.clone()).prop_map(|(pk, sk, color)| Step::SetColor(pk, sk, color)),
        1 => (pk.clone(), sk.clone()).prop_map(|(pk, sk)| Step::RemoveColor(pk, sk)),
        1 => proptest::collection::vec((pk.clone(), sk.clone(), proptest::option::of(content())), 1..6)
            .prop_map(Step::Batch),
        1 => (
            proptest::collection::vec((pk.clone(), sk.clone(), proptest::option::of(content())), 1..5),
            pk.clone(),
            sk.clone(),
        )
            .prop_map(|(writes, pk, sk)| Step::Transact(writes, pk, sk)),
        2 => (pk.clone(), 1..5i32).prop_map(|(pk, limit)| Step::QueryRank(pk, limit)),
        2 => (pk, sk, any::<bool>()).prop_map(|(pk, sk, forward)| Step::QueryTable(pk, sk, forward)),
        2 => (color, 1..5i32).prop_map(|(color, limit)| Step::QueryColor(color, limit)),
        1 => (1..5i32).prop_map(Step::ScanIndex),
        1 => (1..7u32).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

fn text(pk: u8, sk: u8, (color, rank, end): Content) -> String {
    let color = color.map(|color| format!("color=c{color} ")).unwrap_or_default();
    let rank = rank.map(|rank| format!("rank={rank} ")).unwrap_or_default();
    let end = end.map(|end| format!("end={end} ")).unwrap_or_default();
    format!("{color}{end}pk=p{pk} {rank}sk={sk}")
}

fn indexed() -> CreateTableInput {
    let mut input = table("orders", true);
    input.attribute_definitions.as_mut().unwrap().extend([attribute("color", "S"), attribute("rank", "N")]);
    input.global_secondary_indexes = Some(vec![GlobalSecondaryIndex {
        index_name: "by-color".to_owned(),
        key_schema: vec![key("color", "HASH"), key("rank", "RANGE")],
        projection: projection("ALL", &[]),
        ..Default::default()
    }]);
    input.local_secondary_indexes = Some(vec![LocalSecondaryIndex {
        index_name: "by-rank".to_owned(),
        key_schema: vec![key("pk", "HASH"), key("rank", "RANGE")],
        projection: projection("INCLUDE", &["color"]),
    }]);
    input.stream_specification = Some(StreamSpecification {
        stream_enabled: true,
        stream_view_type: Some("NEW_AND_OLD_IMAGES".to_owned()),
    });
    input
}

async fn all_pages(db: &Db, ask: impl Fn(Option<crate::kit::Item>) -> QueryInput) -> Vec<String> {
    let (mut seen, mut start) = (Vec::new(), None);
    loop {
        let page = db.call::<Query>(ask(start)).await.unwrap();
        seen.extend(page.items.unwrap().iter().map(show));
        start = page.last_evaluated_key;
        if start.is_none() {
            return seen;
        }
    }
}

impl Step {
    /// The step with ends of items as they are stored.
    fn at(self, now: i64) -> Self {
        let dated = |(color, rank, end): Content| (color, rank, end.map(|end| now + end * TEN_MINUTES));
        let all = |writes: Vec<(u8, u8, Option<Content>)>| {
            writes.into_iter().map(|(pk, sk, content)| (pk, sk, content.map(dated))).collect()
        };
        match self {
            Self::Put(pk, sk, content) => Self::Put(pk, sk, dated(content)),
            Self::PutNew(pk, sk, content) => Self::PutNew(pk, sk, dated(content)),
            Self::Batch(writes) => Self::Batch(all(writes)),
            Self::Transact(writes, pk, sk) => Self::Transact(all(writes), pk, sk),
            other => other,
        }
    }
}

fn now(db: &Db) -> i64 {
    db.region.clock.now().seconds()
}

/// Lets time pass; what ended by then is gone, and nothing else is.
async fn pass(db: &Db, model: &mut Reference, tens: u32) {
    if now(db) - kit::START.seconds() > LONGEST {
        return;
    }
    db.region.advance(Duration::from_secs(600) * tens).await;
    // Items end within a minute: none may be in the middle of it.
    db.region.advance(Duration::from_secs(61)).await;
    while model.values().any(|content| content.2.is_some_and(|end| end <= now(db) && end + 61 >= now(db))) {
        db.region.advance(Duration::from_secs(61)).await;
    }
    let now = now(db);
    model.retain(|_, content| content.2.is_none_or(|end| end > now));
}

async fn run(db: &Db, model: &mut Reference, step: Step) {
    match step.at(now(db)) {
        Step::Pass(tens) => pass(db, model, tens).await,
        Step::Restart => {}
        Step::Put(pk, sk, content) => {
            db.put(&text(pk, sk, content)).await;
            model.insert((pk, sk), content);
        }
        Step::PutNew(pk, sk, content) => {
            let input = PutItemInput {
                condition_expression: Some("attribute_not_exists(pk)".to_owned()),
                ..put(&text(pk, sk, content))
            };
            let is_new = !model.contains_key(&(pk, sk));
            assert_eq!(db.call::<PutItem>(input).await.is_ok(), is_new);
            if is_new {
                model.insert((pk, sk), content);
            }
        }
        Step::Delete(pk, sk) => {
            db.delete(&format!("pk=p{pk} sk={sk}")).await;
            model.remove(&(pk, sk));
        }
        Step::SetColor(pk, sk, color) => {
            let given = format!(":c=c{color}");
            let content = model.entry((pk, sk)).or_default();
            content.0 = Some(color);
            let updated = db.update(&format!("pk=p{pk} sk={sk}"), "SET color = :c", &given).await.unwrap();
            assert_eq!(updated, text(pk, sk, *content));
        }
        Step::RemoveColor(pk, sk) => {
            db.update(&format!("pk=p{pk} sk={sk}"), "REMOVE color", "").await.unwrap();
            model.entry((pk, sk)).or_default().0 = None;
        }
        Step::Batch(writes) => batch(db, model, writes).await,
        Step::Transact(writes, pk, sk) => transact(db, model, writes, (pk, sk)).await,
        Step::QueryRank(pk, limit) => {
            let values = format!(":p=p{pk}");
            let found = all_pages(db, |start| QueryInput {
                limit: Some(limit),
                exclusive_start_key: start,
                ..query(Some("by-rank"), "pk = :p", &values)
            })
            .await;
            let ranked = model.range((pk, 0)..=(pk, u8::MAX));
            let mut expected: Vec<_> = ranked
                .filter_map(|((pk, sk), content)| {
                    Some(((content.1?, *sk), text(*pk, *sk, (content.0, content.1, None))))
                })
                .collect();
            expected.sort();
            assert_eq!(found, expected.into_iter().map(|(_, text)| text).collect::<Vec<_>>());
        }
        Step::QueryTable(pk, sk, forward) => {
            let values = format!(":p=p{pk} :s={sk}");
            let found = all_pages(db, |start| QueryInput {
                limit: Some(2),
                exclusive_start_key: start,
                scan_index_forward: Some(forward),
                ..query(None, "pk = :p AND sk >= :s", &values)
            })
            .await;
            let mut expected: Vec<_> = model
                .range((pk, sk)..=(pk, u8::MAX))
                .map(|((pk, sk), content)| text(*pk, *sk, *content))
                .collect();
            if !forward {
                expected.reverse();
            }
            assert_eq!(found, expected);
        }
        Step::QueryColor(color, limit) => {
            let values = format!(":c=c{color}");
            let found = all_pages(db, |start| QueryInput {
                limit: Some(limit),
                exclusive_start_key: start,
                ..query(Some("by-color"), "color = :c", &values)
            })
            .await;
            let mut expected: Vec<_> = model
                .iter()
                .filter_map(|((pk, sk), content)| {
                    let rank = content.1.filter(|_| content.0 == Some(color))?;
                    Some(((rank, *pk, *sk), text(*pk, *sk, *content)))
                })
                .collect();
            expected.sort();
            assert_eq!(found, expected.into_iter().map(|(_, text)| text).collect::<Vec<_>>());
        }
        Step::ScanIndex(limit) => {
            let (mut found, mut start) = (0, None);
            loop {
                let input = ScanInput {
                    table_name: "orders".to_owned(),
                    index_name: Some("by-color".to_owned()),
                    limit: Some(limit),
                    exclusive_start_key: start,
                    ..Default::default()
                };
                let page = db.call::<Scan>(input).await.unwrap();
                found += page.items.unwrap().len();
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
            let expected =
                model.values().filter(|content| content.0.is_some() && content.1.is_some()).count();
            assert_eq!(found, expected);
        }
    }
}

async fn batch(db: &Db, model: &mut Reference, writes: Vec<(u8, u8, Option<Content>)>) {
    let mut keys: Vec<_> = writes.iter().map(|(pk, sk, _)| (*pk, *sk)).collect();
    keys.sort_unstable();
    keys.dedup();
    let is_valid = keys.len() == writes.len();
    let requests = writes.iter().map(|(pk, sk, content)| match content {
        Some(content) => WriteRequest {
            put_request: Some(PutRequest { item: item(&text(*pk, *sk, *content)) }),
            ..Default::default()
        },
        None => WriteRequest {
            delete_request: Some(DeleteRequest { key: item(&format!("pk=p{pk} sk={sk}")) }),
            ..Default::default()
        },
    });
    let input = BatchWriteItemInput {
        request_items: [("orders".to_owned(), requests.collect())].into(),
        ..Default::default()
    };
    assert_eq!(db.call::<BatchWriteItem>(input).await.is_ok(), is_valid);
    if !is_valid {
        return;
    }
    for (pk, sk, content) in writes {
        match content {
            Some(content) => drop(model.insert((pk, sk), content)),
            None => drop(model.remove(&(pk, sk))),
        }
    }
}

/// Writes together, if there is an item under `checked` and no two parts are about one item.
async fn transact(db: &Db, model: &mut Reference, writes: Vec<(u8, u8, Option<Content>)>, checked: (u8, u8)) {
    let mut keys: Vec<_> = writes.iter().map(|(pk, sk, _)| (*pk, *sk)).chain([checked]).collect();
    keys.sort_unstable();
    keys.dedup();
    let happens = keys.len() == writes.len() + 1 && model.contains_key(&checked);
    let parts = writes.iter().map(|(pk, sk, content)| {
        let table_name = "orders".to_owned();
        match content {
            Some(content) => TransactWriteItem {
                put: Some(Put { table_name, item: item(&text(*pk, *sk, *content)), ..Default::default() }),
                ..Default::default()
            },
            None => TransactWriteItem {
                delete: Some(Delete {
                    table_name,
                    key: item(&format!("pk=p{pk} sk={sk}")),
                    ..Default::default()
                }),
                ..Default::default()
            },
        }
    });
    let check = ConditionCheck {
        table_name: "orders".to_owned(),
        key: item(&format!("pk=p{} sk={}", checked.0, checked.1)),
        condition_expression: "attribute_exists(pk)".to_owned(),
        ..Default::default()
    };
    let check = TransactWriteItem { condition_check: Some(check), ..Default::default() };
    let input =
        TransactWriteItemsInput { transact_items: parts.chain([check]).collect(), ..Default::default() };
    assert_eq!(db.call::<TransactWriteItems>(input).await.is_ok(), happens);
    if happens {
        for (pk, sk, content) in writes {
            match content {
                Some(content) => drop(model.insert((pk, sk), content)),
                None => drop(model.remove(&(pk, sk))),
            }
        }
    }
}

/// What a reader of the stream takes the table to be: every record must fit what came before it.
async fn replayed(db: &Db) -> Vec<String> {
    let mut replica: BTreeMap<String, String> = BTreeMap::new();
    for record in crate::streams::read(db).await {
        let change = record.dynamodb.unwrap();
        let image = |image: Option<shapes::Map<dynamodb_streams_api::AttributeValue>>| {
            image.map(|image| {
                let pairs: Vec<_> = image.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                pairs.join(" ")
            })
        };
        let (key, old, new) = (image(change.keys), image(change.old_image), image(change.new_image));
        let key = key.unwrap();
        assert_eq!(replica.get(&key), old.as_ref(), "{key}");
        assert_ne!(old, new);
        match new {
            Some(new) => drop(replica.insert(key, new)),
            None => drop(replica.remove(&key)),
        }
    }
    replica.into_values().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_is_what_a_map_is(steps in proptest::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut db = Db::with(indexed()).await;
            set_time_to_live(&db, true, "end").await.unwrap();
            let mut model = Reference::new();
            for step in steps {
                if matches!(step, Step::Restart) {
                    db = db.restarted();
                }
                run(&db, &mut model, step).await;
            }
            let mut expected: Vec<_> =
                model.iter().map(|((pk, sk), content)| text(*pk, *sk, *content)).collect();
            expected.sort();
            assert_eq!(db.scan().await, expected);
            let plain = |text: String| text.replace(['"', '(', ')'], "").replace("=S", "=").replace("=N", "=");
            let mut replayed: Vec<_> = replayed(&db).await.into_iter().map(plain).collect();
            replayed.sort();
            assert_eq!(replayed, expected);
        });
    }
}
