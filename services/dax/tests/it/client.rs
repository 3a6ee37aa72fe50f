//! A region with DynamoDB and DAX, and a client of the protocol as small as can be.

use std::time::Duration;

use dax::DaxService;
use dax_api::op as dax_op;
use dax_api::{CreateClusterInput, DescribeClustersInput};
use dax_wire::{Decoder, Encoder};
use dynamodb_api::op::CreateTable;
use dynamodb_api::{
    AttributeDefinition, AttributeValue, CreateTableInput, DeleteItemInput, DeleteTableInput,
    KeySchemaElement, PutItemInput,
};
use identity::{AccountId, Region};
use kit::TestRegion;
use shapes::Map;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::operations::Reader;

pub(crate) const GET: i64 = 263_244_906;
pub(crate) const PUT: i64 = -2_106_490_455;
pub(crate) const UPDATE: i64 = 1_425_579_023;
pub(crate) const DELETE: i64 = 1_013_539_361;
pub(crate) const AUTHORIZE: i64 = 1_489_122_155;
pub(crate) const DEFINE_LIST_ID: i64 = -1_230_579_644;
pub(crate) const DEFINE_LIST: i64 = 670_678_385;
pub(crate) const DEFINE_KEY_SCHEMA: i64 = -742_646_399;
pub(crate) const ENDPOINTS: i64 = 455_855_874;
pub(crate) const QUERY: i64 = -931_250_863;
pub(crate) const SCAN: i64 = -1_875_390_620;
pub(crate) const BATCH_GET: i64 = -697_851_100;
pub(crate) const BATCH_WRITE: i64 = 116_217_951;
pub(crate) const TRANSACT_WRITE: i64 = -1_160_037_738;

/// Of `arn:aws:iam::000000000000:role/dax`, which the test's directory lets do anything.
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/dax";

pub(crate) struct Lab {
    pub region: TestRegion,
    dax: DaxService,
}

impl Lab {
    /// A region with the table `orders`, whose key is `pk`, and the cluster `c`.
    pub(crate) async fn new() -> Self {
        let mut kept = None;
        let region = TestRegion::with_jobs(|cloud| {
            let dax = DaxService::new(cloud.clone());
            let dynamodb = dynamodb::DynamoDbService::new(cloud.clone());
            let mut jobs = dax.jobs();
            jobs.extend(dynamodb.jobs());
            let services = vec![dynamodb.service(), dax.service()];
            kept = Some(dax);
            (services, jobs)
        });
        let lab = Self { region, dax: kept.expect("the services were made") };
        lab.create_table(&[("pk", "HASH")]).await;
        lab.create_cluster(|_| ()).await;
        lab
    }

    /// The table `orders` with these keys, all of them text.
    pub(crate) async fn create_table(&self, keys: &[(&str, &str)]) {
        let role = |(name, role): &(&str, &str)| KeySchemaElement {
            attribute_name: (*name).to_owned(),
            key_type: (*role).to_owned(),
        };
        let kind = |(name, _): &(&str, &str)| AttributeDefinition {
            attribute_name: (*name).to_owned(),
            attribute_type: "S".to_owned(),
        };
        let table = CreateTableInput {
            table_name: "orders".to_owned(),
            key_schema: Some(keys.iter().map(role).collect()),
            attribute_definitions: Some(keys.iter().map(kind).collect()),
            billing_mode: Some("PAY_PER_REQUEST".to_owned()),
            ..CreateTableInput::default()
        };
        self.region.call::<CreateTable>(table).await.expect("a table");
        self.region.advance(Duration::from_secs(10)).await;
    }

    pub(crate) async fn delete_table(&self) {
        let input = DeleteTableInput { table_name: "orders".to_owned() };
        self.region.call::<dynamodb_api::op::DeleteTable>(input).await.expect("a deletion");
        self.region.advance(Duration::from_secs(10)).await;
    }

    /// The cluster `c` of one node, unless `change` says otherwise.
    pub(crate) async fn create_cluster(&self, change: impl FnOnce(&mut CreateClusterInput)) {
        let mut cluster = CreateClusterInput {
            cluster_name: "c".to_owned(),
            node_type: "dax.t3.small".to_owned(),
            replication_factor: 1,
            iam_role_arn: ROLE.to_owned(),
            ..CreateClusterInput::default()
        };
        change(&mut cluster);
        self.region.call::<dax_op::CreateCluster>(cluster).await.expect("a cluster");
        self.region.advance(Duration::from_secs(2)).await;
    }

    pub(crate) async fn status(&self) -> String {
        let described = self.region.call::<dax_op::DescribeClusters>(DescribeClustersInput::default()).await;
        let clusters = described.expect("clusters").clusters.unwrap_or_default();
        clusters.first().and_then(|cluster| cluster.status.clone()).unwrap_or_default()
    }

    /// A connection to the cluster that has said who it is.
    pub(crate) async fn connect(&self) -> Client {
        let mut client = self.connect_unauthorized().await;
        client.authorize().await;
        client
    }

    /// A connection on which nothing was said yet.
    pub(crate) fn dial(&self) -> Client {
        let (near, far) = tokio::io::duplex(1 << 20);
        let dax = self.dax.clone();
        tokio::spawn(async move {
            let served = dax.serve(AccountId::DEFAULT, Region::US_EAST_1, "c", far, None).await;
            assert!(served.is_ok(), "there is such a cluster");
        });
        Client { stream: near, buffer: Vec::with_capacity(1 << 20) }
    }

    pub(crate) async fn connect_unauthorized(&self) -> Client {
        let mut client = self.dial();
        let mut greeting = Encoder::default();
        greeting.text("J7yne5G");
        greeting.integer(0);
        greeting.null();
        greeting.map(1);
        greeting.text("UserAgent");
        greeting.text("test");
        greeting.integer(0);
        client.send(&greeting.0).await;
        client
    }

    /// Past the cluster.
    pub(crate) async fn put_directly(&self, key: &str, value: &str) {
        let input = PutItemInput {
            table_name: "orders".to_owned(),
            item: item(key, value),
            ..PutItemInput::default()
        };
        self.region.call::<dynamodb_api::op::PutItem>(input).await.expect("a put");
    }

    pub(crate) async fn delete_directly(&self, key: &str) {
        let key = Map::from([("pk".to_owned(), AttributeValue::S(key.to_owned()))]);
        let input = DeleteItemInput { table_name: "orders".to_owned(), key, ..DeleteItemInput::default() };
        self.region.call::<dynamodb_api::op::DeleteItem>(input).await.expect("a deletion");
    }

    /// How often the item cache had what it was asked for.
    pub(crate) fn hits(&self, metric: &'static str) -> f64 {
        let key = cloud::metrics::MetricKey::new("AWS/DAX", metric, &[("ClusterId", "c")]);
        self.region.cloud.metrics().points(&key).iter().map(|point| point.sum).sum()
    }
}

pub(crate) fn item(key: &str, value: &str) -> Map<AttributeValue> {
    [("pk", key), ("v", value)]
        .map(|(name, text)| (name.to_owned(), AttributeValue::S(text.to_owned())))
        .into()
}

pub(crate) struct Client {
    stream: DuplexStream,
    buffer: Vec<u8>,
}

/// A request of these values.
pub(crate) fn request(method: i64, write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut encoder = Encoder::default();
    encoder.integer(1);
    encoder.integer(method);
    write(&mut encoder);
    encoder.0
}

impl Client {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the connection is open");
    }

    pub(crate) async fn authorize(&mut self) {
        let bytes = request(AUTHORIZE, |out| {
            out.text("test");
            out.text("signature");
            out.bytes(b"string to sign");
            out.null();
            out.null();
        });
        self.send(&bytes).await;
    }

    /// The answer to a request.
    pub(crate) async fn call(&mut self, bytes: &[u8]) -> Result<Vec<u8>, Vec<i64>> {
        self.send(bytes).await;
        self.answer().await
    }

    /// Whether the other end closes the connection, instead of saying anything.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.clear();
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(0))
    }

    /// Sends what may find the connection closed.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// So many bytes of what comes next.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).await.expect("the connection is open");
        bytes
    }

    /// The next answers of GetItem that found something, apart.
    pub(crate) async fn answers(&mut self, count: usize) -> Vec<Vec<u8>> {
        let (mut answers, mut bytes) = (Vec::new(), Vec::new());
        while answers.len() < count {
            if bytes.len() < 4 || bytes.len() < 5 + usize::from(bytes[3] & 31) {
                assert!(self.stream.read_buf(&mut bytes).await.expect("the connection is open") > 0);
                continue;
            }
            assert_eq!(bytes[..3], [0x80, 0xBF, 0x00], "an item");
            let rest = bytes.split_off(5 + usize::from(bytes[3] & 31));
            answers.push(std::mem::replace(&mut bytes, rest));
        }
        answers
    }

    /// The next answer, which comes whole.
    pub(crate) async fn answer(&mut self) -> Result<Vec<u8>, Vec<i64>> {
        self.buffer.clear();
        let read = self.stream.read_buf(&mut self.buffer).await.expect("the connection is open");
        assert!(read > 0, "the connection was closed");
        if self.buffer[0] == 0x80 {
            return Ok(self.buffer[1..].to_vec());
        }
        let count = usize::from(self.buffer[0] & 31);
        let mut decoder = Decoder::new(&self.buffer[1..]);
        Err((0..count).map(|_| decoder.integer().expect("a code")).collect())
    }

    /// The value of the attribute `v`; nothing when there is no such item.
    pub(crate) async fn get(&mut self, key: &str) -> Option<String> {
        self.get_with(key, false).await.expect("an answer")
    }

    pub(crate) async fn get_with(
        &mut self,
        key: &str,
        is_consistent: bool,
    ) -> Result<Option<String>, Vec<i64>> {
        let bytes = request(GET, |out| {
            out.bytes(b"orders");
            out.bytes(key.as_bytes());
            out.map(1);
            out.integer(2);
            out.boolean(is_consistent);
        });
        self.send(&bytes).await;
        let answer = self.answer().await?;
        if answer == [0xBF, 0xFF] {
            return Ok(None);
        }
        assert_eq!(answer[..2], [0xBF, 0x00], "a map with an item");
        Ok(Some(Reader(&answer[2..]).value()))
    }

    pub(crate) async fn list_id(&mut self, names: &[&str]) -> i64 {
        let bytes = request(DEFINE_LIST_ID, |out| {
            out.array(names.len());
            names.iter().for_each(|name| out.text(name));
        });
        self.send(&bytes).await;
        let answer = self.answer().await.expect("an id");
        Decoder::new(&answer).integer().expect("an id")
    }

    pub(crate) async fn list(&mut self, id: i64) -> Result<Vec<u8>, Vec<i64>> {
        self.send(&request(DEFINE_LIST, |out| out.integer(id))).await;
        self.answer().await
    }

    pub(crate) async fn put(&mut self, key: &str, value: &str) {
        self.put_with(key, value, None).await.expect("a put");
    }

    /// Puts an item under a condition, which is a tree.
    pub(crate) async fn put_with(
        &mut self,
        key: &str,
        value: &str,
        condition: Option<&[u8]>,
    ) -> Result<Vec<u8>, Vec<i64>> {
        let attributes = self.attributes(value).await;
        let bytes = request(PUT, |out| {
            out.bytes(b"orders");
            out.bytes(key.as_bytes());
            out.bytes(&attributes);
            options(out, 4, condition);
        });
        self.call(&bytes).await
    }

    /// An item without its key, whose attribute `v` is this.
    pub(crate) async fn attributes(&mut self, value: &str) -> Vec<u8> {
        let id = self.list_id(&["v"]).await;
        dax_wire::encode_attributes(id, &["v".to_owned()], &item("", value)).expect("an item")
    }

    pub(crate) async fn delete(&mut self, key: &str) {
        let bytes = request(DELETE, |out| {
            out.bytes(b"orders");
            out.bytes(key.as_bytes());
            out.null();
        });
        self.call(&bytes).await.expect("a deletion");
    }

    /// The answer of a scan that counts.
    pub(crate) async fn count(&mut self) -> Vec<u8> {
        let bytes = request(SCAN, |out| {
            out.bytes(b"orders");
            out.map(1);
            out.integer(15);
            out.integer(3);
        });
        self.send(&bytes).await;
        self.answer().await.expect("a count")
    }
}

/// A map of one parameter, which is bytes, or no parameters.
pub(crate) fn options(out: &mut Encoder, parameter: i64, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return out.null() };
    out.map(1);
    out.integer(parameter);
    out.bytes(bytes);
}
