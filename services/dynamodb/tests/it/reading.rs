//! Query and Scan: pages, segments, counts, and what they refuse.

use dynamodb_api::op::{Query, Scan};
use dynamodb_api::{QueryInput, ScanInput};

use crate::kit::{Db, is_validation, item, query, show, show_all, values_of};

fn scan() -> ScanInput {
    ScanInput { table_name: "orders".to_owned(), ..Default::default() }
}

async fn filled() -> Db {
    let db = Db::with_table(true).await;
    for number in 0..20 {
        db.put(&format!("pk=p{} sk={} even={}", number % 2, number / 2 - 3, number % 4 < 2)).await;
    }
    db
}

#[tokio::test]
async fn a_query_follows_the_range_key_either_way() {
    let db = filled().await;
    for (condition, values, expected) in [
        ("pk = :p AND sk < :a", ":p=p0 :a=-1", "-3 -2"),
        ("pk = :p AND sk <= :a", ":p=p0 :a=-1", "-3 -2 -1"),
        ("pk = :p AND sk > :a", ":p=p0 :a=4", "5 6"),
        ("pk = :p AND sk >= :a", ":p=p1 :a=5", "5 6"),
        ("pk = :p AND sk = :a", ":p=p1 :a=0", "0"),
        ("pk = :p AND sk BETWEEN :a AND :b", ":p=p1 :a=-1 :b=1", "-1 0 1"),
        ("pk = :p", ":p=p2", ""),
    ] {
        let keys = |input| async {
            let items = db.call::<Query>(input).await.unwrap().items.unwrap();
            let keys: Vec<_> = items.iter().map(|item| crate::kit::show_value(&item["sk"])).collect();
            keys
        };
        let forwards = keys(query(None, condition, values)).await;
        assert_eq!(forwards.join(" "), expected, "{condition}");
        let input = QueryInput { scan_index_forward: Some(false), ..query(None, condition, values) };
        let mut backwards = keys(input).await;
        backwards.reverse();
        assert_eq!(backwards, forwards, "{condition}");
    }
}

#[tokio::test]
async fn filters_come_after_the_page_and_counts_tell_both() {
    let db = filled().await;
    let input = QueryInput {
        filter_expression: Some("even = :t".to_owned()),
        limit: Some(4),
        select: Some("COUNT".to_owned()),
        ..query(None, "pk = :p", ":p=p0 :t=true")
    };
    let page = db.call::<Query>(input).await.unwrap();
    assert_eq!((page.count, page.scanned_count, page.items), (Some(2), Some(4), None));
    assert_eq!(page.last_evaluated_key, Some(item("pk=p0 sk=0")));
    let input = QueryInput {
        filter_expression: Some("sk = :t".to_owned()),
        ..query(None, "pk = :p", ":p=p0 :t=true")
    };
    is_validation(
        db.call::<Query>(input).await,
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk",
    );
}

#[tokio::test]
async fn segments_divide_a_table_without_gaps_or_repeats() {
    let db = Db::with_table(false).await;
    for number in 0..50 {
        db.put(&format!("pk=p{number}")).await;
    }
    for total in [1, 3, 16] {
        let mut seen = Vec::new();
        for segment in 0..total {
            let mut start = None;
            loop {
                let input = ScanInput {
                    segment: Some(segment),
                    total_segments: Some(total),
                    limit: Some(4),
                    exclusive_start_key: start,
                    ..scan()
                };
                let page = db.call::<Scan>(input).await.unwrap();
                seen.extend(page.items.unwrap().iter().map(show));
                start = page.last_evaluated_key;
                if start.is_none() {
                    break;
                }
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 50, "{total} segments");
    }
    let lone = ScanInput { segment: Some(0), ..scan() };
    is_validation(
        db.call::<Scan>(lone).await,
        "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
    );
    let beyond = ScanInput { segment: Some(3), total_segments: Some(3), ..scan() };
    is_validation(
        db.call::<Scan>(beyond).await,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less than \
         TotalSegments: 3",
    );
}

#[tokio::test]
async fn a_page_ends_at_a_megabyte() {
    let db = Db::with_table(true).await;
    let big = "x".repeat(300_000);
    for number in 0..6 {
        db.put(&format!("pk=a sk={number} v={big}")).await;
    }
    let first = db.call::<Scan>(scan()).await.unwrap();
    assert_eq!((first.count, first.last_evaluated_key.clone()), (Some(4), Some(item("pk=a sk=3"))));
    let rest = ScanInput { exclusive_start_key: first.last_evaluated_key, ..scan() };
    let rest = db.call::<Scan>(rest).await.unwrap();
    assert_eq!((rest.count, rest.last_evaluated_key), (Some(2), None));
}

#[tokio::test]
async fn reads_refuse_what_they_cannot_follow() {
    let db = filled().await;
    let elsewhere =
        QueryInput { exclusive_start_key: Some(item("pk=p1 sk=0")), ..query(None, "pk = :p", ":p=p0") };
    is_validation(
        db.call::<Query>(elsewhere).await,
        "The provided starting key is outside query boundaries based on provided conditions",
    );
    is_validation(
        db.call::<Query>(query(None, "even = :p", ":p=p0")).await,
        "Query condition missed key schema element: pk",
    );
    is_validation(
        db.call::<Query>(QueryInput { table_name: "orders".to_owned(), ..Default::default() }).await,
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    );
    let select = ScanInput { select: Some("ALL_PROJECTED_ATTRIBUTES".to_owned()), ..scan() };
    is_validation(
        db.call::<Scan>(select).await,
        "ALL_PROJECTED_ATTRIBUTES can be used only when Scanning using an IndexName",
    );
    let both = ScanInput {
        select: Some("COUNT".to_owned()),
        projection_expression: Some("even".to_owned()),
        ..scan()
    };
    is_validation(
        db.call::<Scan>(both).await,
        "Cannot specify the ProjectionExpression when choosing to get only the Count",
    );
    let values = ScanInput { expression_attribute_values: values_of(":a=1"), ..scan() };
    is_validation(
        db.call::<Scan>(values).await,
        "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
    );
    let filtered = ScanInput {
        filter_expression: Some("pk = :p AND sk = :s".to_owned()),
        expression_attribute_values: values_of(":p=p0 :s=1"),
        ..scan()
    };
    assert_eq!(show_all(&db.call::<Scan>(filtered).await.unwrap().items.unwrap()), "even=true pk=p0 sk=1");
}
