//! Imports of tables from S3.

use std::io::Write;

use dynamodb_api::op::{DescribeImport, DescribeTable, ImportTable, ListImports, PutItem, Query, Scan};
use dynamodb_api::*;
use logs_api::GetLogEventsInput;
use logs_api::op::GetLogEvents;
use s3_api::PutObjectInput;
use s3_api::op::PutObject;
use serde_json::{Value as Json, json};
use shapes::{ApiError, Body};

use crate::exports::{BUCKET, Transfers, full};
use crate::kit::{attribute, key, projection, put, query, show, table, told};

async fn start() -> Transfers {
    Transfers::start(table("orders", true)).await
}

/// Makes `copies`, with the keys of `orders` and an index by `color`.
fn import(prefix: &str, format: &str, compression: &str) -> ImportTableInput {
    let orders = table("orders", true);
    let mut attributes = orders.attribute_definitions.unwrap();
    attributes.push(attribute("color", "S"));
    ImportTableInput {
        input_format: format.to_owned(),
        input_compression_type: Some(compression.to_owned()),
        s3_bucket_source: S3BucketSource {
            s3_bucket: BUCKET.to_owned(),
            s3_key_prefix: Some(prefix.to_owned()),
            ..Default::default()
        },
        table_creation_parameters: TableCreationParameters {
            table_name: "copies".to_owned(),
            attribute_definitions: attributes,
            key_schema: orders.key_schema.unwrap(),
            billing_mode: Some("PAY_PER_REQUEST".to_owned()),
            global_secondary_indexes: Some(vec![GlobalSecondaryIndex {
                index_name: "by-color".to_owned(),
                key_schema: vec![key("color", "HASH")],
                projection: projection("ALL", &[]),
                ..Default::default()
            }]),
            ..Default::default()
        },
        ..Default::default()
    }
}

async fn upload(transfers: &Transfers, name: &str, content: impl Into<Vec<u8>>) {
    let input = PutObjectInput {
        bucket: BUCKET.to_owned(),
        key: name.to_owned(),
        body: Some(Body::from(bytes::Bytes::from(content.into()))),
        ..Default::default()
    };
    transfers.db.call::<PutObject>(input).await.unwrap();
}

async fn begin(transfers: &Transfers, input: ImportTableInput) -> Result<ImportTableDescription, ApiError> {
    Ok(transfers.db.call::<ImportTable>(input).await?.import_table_description)
}

async fn ended(transfers: &Transfers, begun: &ImportTableDescription) -> ImportTableDescription {
    for _ in 0..10_000 {
        let input = DescribeImportInput { import_arn: begun.import_arn.clone().unwrap() };
        let now = transfers.db.call::<DescribeImport>(input).await.unwrap().import_table_description;
        if now.import_status.as_deref() != Some("IN_PROGRESS") {
            return now;
        }
        transfers.db.region.settle().await;
    }
    panic!("the import does not end");
}

async fn scan(transfers: &Transfers, table: &str) -> Vec<String> {
    let (mut texts, mut start) = (Vec::new(), None);
    loop {
        let input =
            ScanInput { table_name: table.to_owned(), exclusive_start_key: start, ..Default::default() };
        let page = transfers.db.call::<Scan>(input).await.unwrap();
        texts.extend(page.items.unwrap_or_default().iter().map(show));
        start = page.last_evaluated_key;
        if start.is_none() {
            texts.sort();
            return texts;
        }
    }
}

async fn log(transfers: &Transfers, import: &ImportTableDescription) -> Vec<Json> {
    let id = import.import_arn.as_deref().unwrap().rsplit('/').next().unwrap();
    let input = GetLogEventsInput {
        log_group_name: Some("/aws-dynamodb/imports".to_owned()),
        log_stream_name: format!("{id}/error"),
        ..Default::default()
    };
    let events = transfers.db.call::<GetLogEvents>(input).await.unwrap().events.unwrap();
    events.into_iter().map(|event| serde_json::from_str(&event.message.unwrap()).unwrap()).collect()
}

#[tokio::test]
async fn what_was_exported_comes_back_in_another_table() {
    let transfers = start().await;
    for number in 0..900 {
        transfers.db.put(&format!("pk=p{} sk={number} color=c{} tags={{a,b}}", number % 7, number % 3)).await;
    }
    let mut strange = put("pk=strange sk=1.5");
    let blob = AttributeValue::B(bytes::Bytes::from_static(b"\0\xff"));
    let inner = [("a b".to_owned(), AttributeValue::L(vec![blob, AttributeValue::Null(true)]))];
    strange.item.insert("map".to_owned(), AttributeValue::M(inner.into_iter().collect()));
    strange.item.insert("text".to_owned(), AttributeValue::S("two\nlines, \"quoted\" ✓".to_owned()));
    transfers.db.call::<PutItem>(strange).await.unwrap();
    for format in ["DYNAMODB_JSON", "ION"] {
        let export = ExportTableToPointInTimeInput {
            export_format: Some(format.to_owned()),
            s3_prefix: Some(format.to_owned()),
            ..full()
        };
        let exported = transfers.ended(&transfers.begin(export).await.unwrap()).await;
        let id = exported.export_arn.unwrap().rsplit('/').next().unwrap().to_owned();
        let mut input = import(&format!("{format}/AWSDynamoDB/{id}/data/"), format, "GZIP");
        input.table_creation_parameters.table_name = format!("copies-{format}");
        let begun = begin(&transfers, input).await.unwrap();
        let imported = ended(&transfers, &begun).await;
        assert_eq!(imported.import_status.as_deref(), Some("COMPLETED"), "{imported:?}");
        assert_eq!((imported.imported_item_count, imported.error_count), (Some(901), Some(0)));
        let copy = format!("copies-{format}");
        assert_eq!(scan(&transfers, &copy).await, scan(&transfers, "orders").await);
        let red = QueryInput {
            table_name: copy,
            select: Some("COUNT".to_owned()),
            ..query(Some("by-color"), "color = :c", ":c=c0")
        };
        assert_eq!(transfers.db.call::<Query>(red).await.unwrap().count, Some(300));
    }
    let listed = transfers.db.call::<ListImports>(ListImportsInput::default()).await.unwrap();
    assert_eq!(listed.import_summary_list.unwrap().len(), 2);
}

#[tokio::test]
async fn csv_is_imported_and_what_is_wrong_is_logged() {
    let transfers = start().await;
    let mut first = String::from("pk,sk,color,note\r\n");
    for number in 0..1200 {
        first.push_str(&format!("a,{number},red,\"n, {number}\"\r\n"));
    }
    first.push_str("b,not a number,,\nc,1,,\"two\nlines\"\n,2,,x\nd,4,,\n");
    upload(&transfers, "csv/1.csv", ruzstd::encoding::compress_to_vec(first.as_bytes(), level())).await;
    upload(&transfers, "csv/2.csv", b"neither".to_vec()).await;
    let begun = begin(&transfers, import("csv/", "CSV", "ZSTD")).await.unwrap();
    assert_eq!(begun.import_status.as_deref(), Some("IN_PROGRESS"));
    let input = DescribeTableInput { table_name: "copies".to_owned() };
    let made = transfers.db.call::<DescribeTable>(input).await.unwrap().table.unwrap();
    assert_eq!(made.table_status.as_deref(), Some("CREATING"));
    // What is kept goes on where it was.
    transfers.db.region.settle().await;
    let transfers = transfers.restarted();
    let imported = ended(&transfers, &begun).await;
    assert_eq!(
        (imported.import_status.as_deref(), imported.failure_code.as_deref()),
        (Some("FAILED"), Some("ItemValidationError"))
    );
    assert_eq!((imported.processed_item_count, imported.imported_item_count), (Some(1205), Some(1202)));
    assert_eq!(imported.error_count, Some(3));
    let events = log(&transfers, &imported).await;
    let places: Vec<_> = events.iter().map(|event| event["itemS3Pointer"].clone()).collect();
    let place = |object: &str, index: u64| json!({"bucket": BUCKET, "key": object, "itemIndex": index});
    assert_eq!(places, [place("csv/1.csv", 1200), place("csv/1.csv", 1202), place("csv/2.csv", 0)]);
    assert_eq!(
        events[1]["errorMessages"],
        json!(["One or more parameter values were invalid: Missing the key pk in the item"])
    );
    let items = scan(&transfers, "copies").await;
    assert!(items.contains(&"color=red note=n, 7 pk=a sk=7".to_owned()), "{:?}", &items[..3]);
    assert!(items.contains(&"note=two\nlines pk=c sk=1".to_owned()));
}

fn level() -> ruzstd::encoding::CompressionLevel {
    ruzstd::encoding::CompressionLevel::Fastest
}

#[tokio::test]
async fn headers_and_delimiters_are_chosen() {
    let transfers = start().await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a;1;x,y\nb;2;\n").unwrap();
    upload(&transfers, "data", gzip.finish().unwrap()).await;
    let mut input = import("data", "CSV", "GZIP");
    input.input_format_options = Some(InputFormatOptions {
        csv: Some(CsvOptions {
            delimiter: Some(";".to_owned()),
            header_list: Some(["pk", "sk", "note"].map(str::to_owned).into()),
        }),
    });
    let imported = ended(&transfers, &begin(&transfers, input).await.unwrap()).await;
    assert_eq!(imported.import_status.as_deref(), Some("COMPLETED"), "{imported:?}");
    assert_eq!(scan(&transfers, "copies").await, ["note= pk=b sk=2", "note=x,y pk=a sk=1"]);
}

#[tokio::test]
async fn what_cannot_be_imported_is_told() {
    let transfers = start().await;
    let mut existing = import("x", "ION", "NONE");
    existing.table_creation_parameters.table_name = "orders".to_owned();
    assert_eq!(told(begin(&transfers, existing).await).0, "ResourceInUseException");
    let nothing = begin(&transfers, import("nothing/", "ION", "NONE")).await.unwrap();
    let nothing = ended(&transfers, &nothing).await;
    assert_eq!(nothing.failure_code.as_deref(), Some("S3NoSuchKey"));
    let mut nowhere = import("x", "ION", "NONE");
    nowhere.table_creation_parameters.table_name = "nowhere".to_owned();
    nowhere.s3_bucket_source.s3_bucket = "nowhere".to_owned();
    nowhere.client_token = Some("once".to_owned());
    let begun = begin(&transfers, nowhere.clone()).await.unwrap();
    assert_eq!(begin(&transfers, nowhere.clone()).await.unwrap().import_arn, begun.import_arn);
    nowhere.input_format = "DYNAMODB_JSON".to_owned();
    assert_eq!(told(begin(&transfers, nowhere).await).0, "ImportConflictException");
    let failed = ended(&transfers, &begun).await;
    assert_eq!(failed.failure_code.as_deref(), Some("S3NoSuchBucket"));
    let unknown = DescribeImportInput { import_arn: begun.import_arn.unwrap().replace("nowhere", "else") };
    assert_eq!(told(transfers.db.call::<DescribeImport>(unknown).await).0, "ImportNotFoundException");
    upload(&transfers, "damaged", b"not compressed at all".to_vec()).await;
    let mut damaged = import("damaged", "DYNAMODB_JSON", "GZIP");
    damaged.table_creation_parameters.table_name = "damaged".to_owned();
    let damaged = ended(&transfers, &begin(&transfers, damaged).await.unwrap()).await;
    assert_eq!((damaged.error_count, damaged.imported_item_count), (Some(1), Some(0)));
}
