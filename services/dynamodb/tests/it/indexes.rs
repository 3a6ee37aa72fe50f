//! Local and global secondary indexes: kept up to date, sparse, projected, added and taken away.

use dynamodb_api::op::{DeleteItem, PutItem, Query, Scan};
use dynamodb_api::{
    CreateGlobalSecondaryIndexAction, CreateTableInput, DeleteGlobalSecondaryIndexAction, DeleteItemInput,
    GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, LocalSecondaryIndex, PutItemInput, QueryInput,
    ScanInput, UpdateTableInput,
};
use shapes::ApiError;

use crate::kit::{
    Db, attribute, is_validation, item, key, projection, put, query, show, show_all, table, told,
};

fn global(name: &str, keys: &[&str], kind: &str, included: &[&str]) -> GlobalSecondaryIndex {
    let roles = ["HASH", "RANGE"];
    GlobalSecondaryIndex {
        index_name: name.to_owned(),
        key_schema: keys.iter().zip(roles).map(|(name, role)| key(name, role)).collect(),
        projection: projection(kind, included),
        ..Default::default()
    }
}

fn indexed() -> CreateTableInput {
    let mut input = table("orders", true);
    input.attribute_definitions.as_mut().unwrap().extend([attribute("color", "S"), attribute("prio", "N")]);
    input.global_secondary_indexes = Some(vec![
        global("by-color", &["color", "prio"], "ALL", &[]),
        global("keys", &["color"], "KEYS_ONLY", &[]),
        global("some", &["color"], "INCLUDE", &["note"]),
    ]);
    input.local_secondary_indexes = Some(vec![LocalSecondaryIndex {
        index_name: "by-rank".to_owned(),
        key_schema: vec![key("pk", "HASH"), key("prio", "RANGE")],
        projection: projection("KEYS_ONLY", &[]),
    }]);
    input
}

#[tokio::test]
async fn entries_follow_their_items() {
    let db = Db::with(indexed()).await;
    db.put("pk=a sk=1 color=red prio=2 note=x").await;
    db.put("pk=b sk=1 color=red prio=1").await;
    db.put("pk=c sk=1 color=red").await;
    let red = |index| db.query(Some(index), "color = :c", ":c=red");
    assert_eq!(red("by-color").await, "color=red pk=b prio=1 sk=1; color=red note=x pk=a prio=2 sk=1");
    assert_eq!(red("keys").await, "color=red pk=a sk=1; color=red pk=b sk=1; color=red pk=c sk=1");
    assert_eq!(red("some").await, "color=red note=x pk=a sk=1; color=red pk=b sk=1; color=red pk=c sk=1");
    db.update("pk=a sk=1", "SET color = :c", ":c=blue").await.unwrap();
    db.update("pk=b sk=1", "REMOVE color", "").await.unwrap();
    db.delete("pk=c sk=1").await;
    assert_eq!(red("by-color").await, "");
    assert_eq!(red("keys").await, "");
    assert_eq!(db.query(Some("some"), "color = :c", ":c=blue").await, "color=blue note=x pk=a sk=1");
}

#[tokio::test]
async fn a_local_index_orders_a_partition_and_fetches_what_it_lacks() {
    let db = Db::with(indexed()).await;
    for (sk, prio) in [(1, 30), (2, 10), (3, 20)] {
        db.put(&format!("pk=a sk={sk} prio={prio} note=n{sk}")).await;
    }
    db.put("pk=a sk=4 note=n4").await;
    assert_eq!(
        db.query(Some("by-rank"), "pk = :p AND prio > :r", ":p=a :r=10").await,
        "pk=a prio=20 sk=3; pk=a prio=30 sk=1"
    );
    let all = QueryInput {
        select: Some("ALL_ATTRIBUTES".to_owned()),
        consistent_read: Some(true),
        ..query(Some("by-rank"), "pk = :p", ":p=a")
    };
    let items = db.call::<Query>(all).await.unwrap().items.unwrap();
    assert_eq!(
        show_all(&items),
        "note=n2 pk=a prio=10 sk=2; note=n3 pk=a prio=20 sk=3; note=n1 pk=a prio=30 sk=1"
    );
    let filtered = QueryInput {
        filter_expression: Some("note = :n".to_owned()),
        projection_expression: Some("sk".to_owned()),
        ..query(Some("by-rank"), "pk = :p", ":p=a :n=n3")
    };
    let page = db.call::<Query>(filtered).await.unwrap();
    assert_eq!((page.count, page.scanned_count), (Some(1), Some(3)));
    assert_eq!(show_all(&page.items.unwrap()), "sk=3");
}

#[tokio::test]
async fn global_indexes_refuse_what_they_cannot_do() {
    let db = Db::with(indexed()).await;
    let ask = |input: QueryInput| db.call::<Query>(input);
    let base = |index| query(Some(index), "color = :c", ":c=red");
    let consistent = QueryInput { consistent_read: Some(true), ..base("keys") };
    is_validation(ask(consistent).await, "Consistent reads are not supported on global secondary indexes");
    let everything = QueryInput { select: Some("ALL_ATTRIBUTES".to_owned()), ..base("keys") };
    is_validation(
        ask(everything).await,
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary \
         index keys because its projection type is not ALL",
    );
    let unprojected = QueryInput { projection_expression: Some("pk, note".to_owned()), ..base("keys") };
    is_validation(
        ask(unprojected).await,
        "One or more parameter values were invalid: Global secondary index keys does not project [note]",
    );
    is_validation(ask(base("nothing")).await, "The table does not have the specified index: nothing");
    is_validation(
        db.call::<PutItem>(put("pk=a sk=1 color=1")).await,
        "One or more parameter values were invalid: Type mismatch for Index Key color Expected: S Actual: N \
         IndexName: by-color",
    );
}

#[tokio::test]
async fn pages_of_an_index_go_on_behind_equal_keys() {
    let db = Db::with(indexed()).await;
    for number in 0..7 {
        db.put(&format!("pk=p{number} sk=1 color=red prio=5")).await;
    }
    let mut seen = Vec::new();
    let mut start = None;
    loop {
        let input = QueryInput {
            limit: Some(2),
            exclusive_start_key: start,
            ..query(Some("by-color"), "color = :c", ":c=red")
        };
        let page = db.call::<Query>(input).await.unwrap();
        seen.extend(page.items.unwrap().iter().map(show));
        start = page.last_evaluated_key;
        let Some(key) = &start else { break };
        assert_eq!(key.keys().collect::<Vec<_>>(), ["color", "pk", "prio", "sk"]);
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), sorted.len()), (7, 7));
    let scan = ScanInput {
        table_name: "orders".to_owned(),
        index_name: Some("keys".to_owned()),
        select: Some("COUNT".to_owned()),
        ..Default::default()
    };
    assert_eq!(db.call::<Scan>(scan).await.unwrap().count, Some(7));
}

fn create(name: &str, hash: &str) -> UpdateTableInput {
    let action = CreateGlobalSecondaryIndexAction {
        index_name: name.to_owned(),
        key_schema: vec![key(hash, "HASH")],
        projection: projection("ALL", &[]),
        ..Default::default()
    };
    UpdateTableInput {
        attribute_definitions: Some(vec![attribute(hash, "S")]),
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            create: Some(action),
            ..Default::default()
        }]),
        ..Default::default()
    }
}

fn drop_index(name: &str) -> UpdateTableInput {
    let action = DeleteGlobalSecondaryIndexAction { index_name: name.to_owned() };
    UpdateTableInput {
        global_secondary_index_updates: Some(vec![GlobalSecondaryIndexUpdate {
            delete: Some(action),
            ..Default::default()
        }]),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_index_is_filled_while_the_table_is_used() {
    let db = Db::with_table(false).await;
    for number in 0..1200 {
        db.put(&format!("pk=p{number} color=c{}", number % 3)).await;
    }
    db.put("pk=odd color=1").await;
    let description = db.update_table(create("by-color", "color")).await.unwrap();
    let index = &description.global_secondary_indexes.unwrap()[0];
    assert_eq!((index.index_status.as_deref(), index.backfilling), (Some("CREATING"), Some(true)));
    let early = db.call::<Query>(query(Some("by-color"), "color = :c", ":c=c1")).await;
    is_validation(early, "Cannot read from backfilling global secondary index: by-color");
    db.put("pk=p0 color=c1").await;
    db.delete("pk=p1").await;
    db.region.settle().await;
    let index = &db.describe().await.global_secondary_indexes.unwrap()[0];
    assert_eq!((index.index_status.as_deref(), index.backfilling), (Some("ACTIVE"), None));
    assert_eq!(index.item_count, Some(1199));
    let count =
        QueryInput { select: Some("COUNT".to_owned()), ..query(Some("by-color"), "color = :c", ":c=c1") };
    assert_eq!(db.call::<Query>(count).await.unwrap().count, Some(400));
}

#[tokio::test]
async fn a_dropped_index_is_gone_and_can_be_made_again() {
    let db = Db::with(indexed()).await;
    db.put("pk=a sk=1 color=red prio=2").await;
    db.update_table(drop_index("keys")).await.unwrap();
    is_validation(
        db.call::<Query>(query(Some("keys"), "color = :c", ":c=red")).await,
        "The table does not have the specified index: keys",
    );
    assert_eq!(told(db.update_table(drop_index("keys")).await).0, "ResourceNotFoundException");
    db.delete("pk=a sk=1").await;
    db.update_table(create("keys", "color")).await.unwrap();
    db.region.settle().await;
    assert_eq!(db.query(Some("keys"), "color = :c", ":c=red").await, "");
    let twice: Result<_, ApiError> = db.update_table(create("some", "color")).await;
    is_validation(twice, "One or more parameter values were invalid: Duplicate index name: some");
    assert_eq!(item("pk=a").len(), 1);
}

/// Writers that never stop while the index is made and filled: in the end it must hold what the table holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_made_under_load_holds_what_the_table_holds() {
    let db = Db::with_table(false).await;
    for number in 0..600 {
        db.put(&format!("pk=p{number} color=c{}", number % 5)).await;
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..3usize {
        let ctx = db.region.ctx();
        writers.spawn(async move {
            for round in 0..250usize {
                let number = (round * 7 + writer * 131) % 600;
                let item = item(&format!("pk=p{number} color=c{}", (round + writer) % 6));
                let input = PutItemInput { table_name: "orders".to_owned(), item, ..Default::default() };
                ctx.call::<PutItem>(input).await.unwrap();
                if round % 3 == 0 {
                    let key = crate::kit::item(&format!("pk=p{}", (number + 1) % 600));
                    let input =
                        DeleteItemInput { table_name: "orders".to_owned(), key, ..Default::default() };
                    ctx.call::<DeleteItem>(input).await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        });
    }
    tokio::task::yield_now().await;
    db.update_table(create("by-color", "color")).await.unwrap();
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let mut is_active = false;
    for _ in 0..100_000 {
        let index = &db.describe().await.global_secondary_indexes.unwrap()[0];
        is_active = index.index_status.as_deref() == Some("ACTIVE");
        if is_active {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(is_active);
    let mut found = Vec::new();
    for color in 0..6 {
        let mut start = None;
        loop {
            let input = QueryInput {
                exclusive_start_key: start,
                ..query(Some("by-color"), "color = :c", &format!(":c=c{color}"))
            };
            let page = db.call::<Query>(input).await.unwrap();
            found.extend(page.items.unwrap().iter().map(show));
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
    }
    found.sort();
    assert_eq!(found, db.scan().await);
}
