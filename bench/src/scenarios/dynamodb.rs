//! DynamoDB: writing and reading items.

use dynamodb_api::op::{CreateTable, DeleteTable, GetItem, PutItem};
use dynamodb_api::{
    AttributeDefinition, AttributeValue, CreateTableInput, DeleteTableInput, GetItemInput, KeySchemaElement,
    PutItemInput,
};
use shapes::{Map, Op};

use crate::connection::Connection;
use crate::{BenchError, Client, Load, Report, load};

/// A table of the measurement's own.
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    pub async fn create(client: &Client) -> Result<Self, BenchError> {
        let name = format!("brume-bench-{}", std::process::id());
        let input = CreateTableInput {
            table_name: name.clone(),
            attribute_definitions: Some(vec![AttributeDefinition {
                attribute_name: "id".to_owned(),
                attribute_type: "S".to_owned(),
            }]),
            key_schema: Some(vec![KeySchemaElement {
                attribute_name: "id".to_owned(),
                key_type: "HASH".to_owned(),
            }]),
            billing_mode: Some("PAY_PER_REQUEST".to_owned()),
            ..Default::default()
        };
        let table = Self { client: client.clone(), name };
        table.once::<CreateTable>(&input).await?;
        Ok(table)
    }

    pub async fn delete(self) -> Result<(), BenchError> {
        let input = DeleteTableInput { table_name: self.name.clone() };
        self.once::<DeleteTable>(&input).await
    }

    /// PutItem of 300 bytes.
    pub async fn put(&self, load: Load) -> Result<Report, BenchError> {
        let requests = (0..super::POOL)
            .map(|number| {
                let mut item = key(number);
                item.insert("payload".to_owned(), AttributeValue::S(super::payload(number)));
                let input = PutItemInput { table_name: self.name.clone(), item, ..Default::default() };
                self.client.request::<PutItem>(&input)
            })
            .collect::<Result<_, _>>()?;
        load::run(&self.client, "PutItem", requests, load).await
    }

    /// GetItem of the items that [`Self::put`] wrote.
    pub async fn get(&self, load: Load) -> Result<Report, BenchError> {
        let requests = (0..super::POOL)
            .map(|number| {
                let input =
                    GetItemInput { table_name: self.name.clone(), key: key(number), ..Default::default() };
                self.client.request::<GetItem>(&input)
            })
            .collect::<Result<_, _>>()?;
        load::run(&self.client, "GetItem", requests, load).await
    }

    async fn once<O: Op>(&self, input: &O::Input) -> Result<(), BenchError> {
        let mut connection = Connection::open(&self.client.endpoint.authority).await?;
        let (status, body) = connection.exchange(&self.client.request::<O>(input)?).await?;
        self.client.output::<O>(status, body).map(|_| ())
    }
}

fn key(number: usize) -> Map<AttributeValue> {
    Map::from([("id".to_owned(), AttributeValue::S(format!("order-{number}")))])
}
