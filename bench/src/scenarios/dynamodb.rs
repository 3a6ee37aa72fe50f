//! DynamoDB: writing and reading items.

use dynamodb_api::op::{
    BatchWriteItem, CreateTable, DeleteTable, GetItem, PutItem, Query, TransactWriteItems, UpdateItem,
};
use dynamodb_api::{
    AttributeDefinition, AttributeValue, BatchWriteItemInput, CreateTableInput, DeleteTableInput,
    GetItemInput, KeySchemaElement, Put, PutItemInput, PutRequest, QueryInput, TransactWriteItem,
    TransactWriteItemsInput, Update, UpdateItemInput, WriteRequest,
};
use shapes::{Map, Op};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// Hash keys of the sorted table, each with as many items as a batch writes: few, so that a short run fills them all.
const LISTS: usize = 256;
/// The most that BatchWriteItem takes.
const BATCH: usize = 25;

/// Tables of the measurement's own: one with a hash key, one with a range key as well.
pub struct Table {
    client: Client,
    name: String,
    sorted: String,
}

impl Table {
    pub async fn create(client: &Client) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}", std::process::id());
        let table = Self { client: client.clone(), sorted: format!("{name}-sorted"), name };
        table.once::<CreateTable>(&definition(&table.name, false)).await?;
        table.once::<CreateTable>(&definition(&table.sorted, true)).await?;
        Ok(table)
    }

    pub async fn delete(self) -> Result<(), BenchError> {
        for name in [&self.name, &self.sorted] {
            self.once::<DeleteTable>(&DeleteTableInput { table_name: name.clone() }).await?;
        }
        Ok(())
    }

    /// PutItem of 300 bytes.
    pub async fn put(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<PutItem>("PutItem", super::POOL, load, |number| PutItemInput {
            table_name: self.name.clone(),
            item: item(number),
            ..Default::default()
        })
        .await
    }

    /// GetItem of the items that [`Self::put`] wrote.
    pub async fn get(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<GetItem>("GetItem", super::POOL, load, |number| GetItemInput {
            table_name: self.name.clone(),
            key: key(number),
            ..Default::default()
        })
        .await
    }

    /// UpdateItem of one attribute of items that [`Self::put`] wrote, on a condition that is met.
    pub async fn update(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<UpdateItem>("UpdateItem on a condition", super::POOL, load, |number| UpdateItemInput {
            table_name: self.name.clone(),
            key: key(number),
            update_expression: Some("SET seen = :seen".to_owned()),
            condition_expression: Some("attribute_exists(payload)".to_owned()),
            expression_attribute_values: Some(Map::from([(":seen".to_owned(), count(number))])),
            ..Default::default()
        })
        .await
    }

    /// TransactWriteItems of a put and an update on a condition.
    pub async fn transact(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<TransactWriteItems>("TransactWriteItems of 2", super::POOL, load, |number| {
            let put = Put { table_name: self.name.clone(), item: item(number), ..Default::default() };
            let update = Update {
                table_name: self.name.clone(),
                key: key((number + super::POOL / 2) % super::POOL),
                update_expression: "SET seen = :seen".to_owned(),
                condition_expression: Some("attribute_exists(payload)".to_owned()),
                expression_attribute_values: Some(Map::from([(":seen".to_owned(), count(number))])),
                ..Default::default()
            };
            let transact_items = vec![
                TransactWriteItem { put: Some(put), ..Default::default() },
                TransactWriteItem { update: Some(update), ..Default::default() },
            ];
            TransactWriteItemsInput { transact_items, ..Default::default() }
        })
        .await
    }

    /// BatchWriteItem of 25 items of 300 bytes under one hash key; the report counts batches.
    pub async fn batch(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<BatchWriteItem>("BatchWriteItem of 25", LISTS, load, |list| {
            let puts = (0..BATCH).map(|place| {
                let mut item = item(list);
                item.insert("place".to_owned(), count(place));
                WriteRequest { put_request: Some(PutRequest { item }), ..Default::default() }
            });
            BatchWriteItemInput {
                request_items: Map::from([(self.sorted.clone(), puts.collect())]),
                ..Default::default()
            }
        })
        .await
    }

    /// Query of the first 10 items under a hash key that [`Self::batch`] wrote.
    pub async fn query(&self, load: Load) -> Result<Report, BenchError> {
        self.run::<Query>("Query of 10", LISTS, load, |list| QueryInput {
            table_name: self.sorted.clone(),
            key_condition_expression: Some("id = :id".to_owned()),
            expression_attribute_values: Some(Map::from([(":id".to_owned(), id(list))])),
            limit: Some(10),
            ..Default::default()
        })
        .await
    }

    /// Runs through so many requests over and over.
    async fn run<O: Op>(
        &self,
        name: &'static str,
        pool: usize,
        load: Load,
        input: impl Fn(usize) -> O::Input,
    ) -> Result<Report, BenchError> {
        let requests =
            (0..pool).map(|number| self.client.request::<O>(&input(number))).collect::<Result<_, _>>()?;
        load::run(&self.client, name, requests, load).await
    }

    async fn once<O: Op>(&self, input: &O::Input) -> Result<(), BenchError> {
        let mut connection = Connection::open(&self.client.endpoint.authority).await?;
        let (status, body) = connection.exchange(&self.client.request::<O>(input)?).await?;
        self.client.output::<O>(status, body).map(|_| ())
    }
}

fn definition(name: &str, is_sorted: bool) -> CreateTableInput {
    let mut input = CreateTableInput {
        table_name: name.to_owned(),
        billing_mode: Some("PAY_PER_REQUEST".to_owned()),
        ..Default::default()
    };
    let keys = [("id", "S", "HASH"), ("place", "N", "RANGE")];
    for (name, kind, role) in keys.into_iter().take(if is_sorted { 2 } else { 1 }) {
        input
            .attribute_definitions
            .get_or_insert_default()
            .push(AttributeDefinition { attribute_name: name.to_owned(), attribute_type: kind.to_owned() });
        input
            .key_schema
            .get_or_insert_default()
            .push(KeySchemaElement { attribute_name: name.to_owned(), key_type: role.to_owned() });
    }
    input
}

fn id(number: usize) -> AttributeValue {
    AttributeValue::S(format!("order-{number}"))
}

fn count(number: usize) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn key(number: usize) -> Map<AttributeValue> {
    Map::from([("id".to_owned(), id(number))])
}

fn item(number: usize) -> Map<AttributeValue> {
    let mut item = key(number);
    item.insert("payload".to_owned(), AttributeValue::S(super::payload(number)));
    item
}
