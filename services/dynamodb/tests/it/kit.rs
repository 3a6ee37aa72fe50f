//! A region with nothing but DynamoDB, and short words for what tests do with it.

use ::kit::TestRegion;
use application_autoscaling::AutoScalingService;
use clock::JobKind;
use cloud::{Cloud, Service};
use dynamodb::{DynamoDbService, Limits};
use dynamodb_api::op::{
    CreateTable, DeleteItem, DescribeTable, GetItem, PutItem, Query, Scan, UpdateItem, UpdateTable,
};
use dynamodb_api::*;
use shapes::{ApiError, Map, Op};
use store::Store;

pub(crate) type Item = Map<AttributeValue>;

pub(crate) struct Db {
    pub region: TestRegion,
}

fn services(cloud: &Cloud) -> (Vec<Service>, Vec<JobKind>) {
    let dynamodb = DynamoDbService::new(cloud.clone());
    let kms = kms::KmsService::new(cloud.clone());
    let scaling = AutoScalingService::new(cloud.clone());
    let services = vec![dynamodb.service(), dynamodb.streams_service(), kms.service(), scaling.service()];
    (services, dynamodb.jobs().into_iter().chain(scaling.jobs()).collect())
}

impl Db {
    pub(crate) fn start() -> Self {
        Self { region: TestRegion::with_jobs(services) }
    }

    /// A region in which more is refused, or less.
    pub(crate) fn with_limits(limits: Limits) -> Self {
        let services = |cloud: &Cloud| {
            let dynamodb = DynamoDbService::with_limits(cloud.clone(), limits);
            (vec![dynamodb.service(), dynamodb.streams_service()], dynamodb.jobs())
        };
        Self { region: TestRegion::with_jobs(services) }
    }

    /// A region over what an earlier process may have left.
    pub(crate) fn over(store: Store, seed: u64) -> Self {
        Self { region: TestRegion::over_store(store, seed, services) }
    }

    /// The same region after a restart.
    pub(crate) fn restarted(self) -> Self {
        Self { region: self.region.restarted(services) }
    }

    /// A region with one table, `orders`, of hash key `pk` and, when `sorted`, range key `sk` (a number).
    pub(crate) async fn with_table(sorted: bool) -> Self {
        let db = Self::start();
        db.call::<CreateTable>(table("orders", sorted)).await.expect("the table is made");
        db
    }

    pub(crate) async fn with(input: CreateTableInput) -> Self {
        let db = Self::start();
        db.call::<CreateTable>(input).await.expect("the table is made");
        db
    }

    pub(crate) async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        self.region.call::<O>(input).await
    }

    pub(crate) async fn put(&self, text: &str) {
        self.call::<PutItem>(put(text)).await.expect("the item is put");
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        let input = GetItemInput { table_name: "orders".to_owned(), key: item(key), ..Default::default() };
        self.call::<GetItem>(input).await.expect("the item is got").item.map(|item| show(&item))
    }

    pub(crate) async fn delete(&self, key: &str) {
        let input = DeleteItemInput { table_name: "orders".to_owned(), key: item(key), ..Default::default() };
        self.call::<DeleteItem>(input).await.expect("the item is deleted");
    }

    pub(crate) async fn update(&self, key: &str, expression: &str, values: &str) -> Result<String, ApiError> {
        let input = UpdateItemInput {
            table_name: "orders".to_owned(),
            key: item(key),
            update_expression: Some(expression.to_owned()),
            expression_attribute_values: values_of(values),
            return_values: Some("ALL_NEW".to_owned()),
            ..Default::default()
        };
        let output = self.call::<UpdateItem>(input).await?;
        Ok(output.attributes.map(|item| show(&item)).unwrap_or_default())
    }

    /// Items of a query, `; ` between them.
    pub(crate) async fn query(&self, index: Option<&str>, condition: &str, values: &str) -> String {
        let input = query(index, condition, values);
        show_all(&self.call::<Query>(input).await.expect("the query runs").items.unwrap_or_default())
    }

    /// All items of the table in the order of their texts.
    pub(crate) async fn scan(&self) -> Vec<String> {
        let mut texts = Vec::new();
        let mut start = None;
        loop {
            let input = ScanInput {
                table_name: "orders".to_owned(),
                exclusive_start_key: start,
                ..Default::default()
            };
            let page = self.call::<Scan>(input).await.expect("the scan runs");
            texts.extend(page.items.unwrap_or_default().iter().map(show));
            start = page.last_evaluated_key;
            if start.is_none() {
                texts.sort();
                return texts;
            }
        }
    }

    pub(crate) async fn describe(&self) -> TableDescription {
        let input = DescribeTableInput { table_name: "orders".to_owned() };
        self.call::<DescribeTable>(input).await.expect("the table is described").table.unwrap_or_default()
    }

    pub(crate) async fn update_table(&self, input: UpdateTableInput) -> Result<TableDescription, ApiError> {
        let input = UpdateTableInput { table_name: "orders".to_owned(), ..input };
        Ok(self.call::<UpdateTable>(input).await?.table_description.unwrap_or_default())
    }
}

pub(crate) fn table(name: &str, sorted: bool) -> CreateTableInput {
    let attribute = |name: &str, kind: &str| AttributeDefinition {
        attribute_name: name.to_owned(),
        attribute_type: kind.to_owned(),
    };
    let mut attributes = vec![attribute("pk", "S")];
    let mut keys = vec![key("pk", "HASH")];
    if sorted {
        attributes.push(attribute("sk", "N"));
        keys.push(key("sk", "RANGE"));
    }
    CreateTableInput {
        table_name: name.to_owned(),
        attribute_definitions: Some(attributes),
        key_schema: Some(keys),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..Default::default()
    }
}

pub(crate) fn attribute(name: &str, kind: &str) -> AttributeDefinition {
    AttributeDefinition { attribute_name: name.to_owned(), attribute_type: kind.to_owned() }
}

pub(crate) fn key(name: &str, role: &str) -> KeySchemaElement {
    KeySchemaElement { attribute_name: name.to_owned(), key_type: role.to_owned() }
}

pub(crate) fn projection(kind: &str, names: &[&str]) -> Projection {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Projection {
        projection_type: Some(kind.to_owned()),
        non_key_attributes: Some(names).filter(|names| !names.is_empty()),
    }
}

pub(crate) fn put(text: &str) -> PutItemInput {
    PutItemInput { table_name: "orders".to_owned(), item: item(text), ..Default::default() }
}

pub(crate) fn query(index: Option<&str>, condition: &str, values: &str) -> QueryInput {
    QueryInput {
        table_name: "orders".to_owned(),
        index_name: index.map(str::to_owned),
        key_condition_expression: Some(condition.to_owned()),
        expression_attribute_values: values_of(values),
        ..Default::default()
    }
}

/// `pk=a sk=1 tags={x,y}`: digits are numbers, braces a set of strings, everything else a string.
pub(crate) fn item(text: &str) -> Item {
    text.split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, text)| (name.to_owned(), value(text)))
        .collect()
}

pub(crate) fn value(text: &str) -> AttributeValue {
    if let Some(members) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        return AttributeValue::Ss(members.split(',').map(str::to_owned).collect());
    }
    if text.parse::<f64>().is_ok() {
        return AttributeValue::N(text.to_owned());
    }
    match text {
        "true" => AttributeValue::Bool(true),
        "null" => AttributeValue::Null(true),
        _ => AttributeValue::S(text.to_owned()),
    }
}

/// `:a=1 :b=x`; none when empty.
pub(crate) fn values_of(text: &str) -> Option<Item> {
    Some(item(text)).filter(|values| !values.is_empty())
}

pub(crate) fn show(item: &Item) -> String {
    let pairs: Vec<_> = item.iter().map(|(name, value)| format!("{name}={}", show_value(value))).collect();
    pairs.join(" ")
}

pub(crate) fn show_all(items: &[Item]) -> String {
    items.iter().map(show).collect::<Vec<_>>().join("; ")
}

pub(crate) fn show_value(value: &AttributeValue) -> String {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.clone(),
        AttributeValue::Ss(members) => format!("{{{}}}", members.join(",")),
        AttributeValue::Bool(value) => value.to_string(),
        AttributeValue::Null(_) => "null".to_owned(),
        AttributeValue::L(members) => {
            format!("[{}]", members.iter().map(show_value).collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}

/// The name and the message of an error.
pub(crate) fn told<T>(result: Result<T, ApiError>) -> (String, String) {
    let error = result.err().expect("the request is refused");
    (error.name().to_owned(), error.message().to_owned())
}

pub(crate) fn is_validation<T>(result: Result<T, ApiError>, message: &str) {
    assert_eq!(told(result), ("ValidationException".to_owned(), message.to_owned()));
}
