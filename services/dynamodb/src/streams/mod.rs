//! DynamoDB Streams: the changes of a table, in order. A stream has one shard, which stays open.

pub(crate) mod ops;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::Ctx;
use identity::{AccountId, Region, arn};
use shapes::ApiError;
use store::{Reader, Scope};

use crate::errors::{stream_not_found, validation};
use crate::tables::{TABLES, TableRow};

/// The topic announced when a stream has new records, in the scope of its table.
pub(crate) fn topic(stream_arn: &str) -> String {
    format!("dynamodbstreams/{stream_arn}")
}

/// The ARN of a table's stream, if it has one.
pub(crate) fn arn_of(ctx: &Ctx, table: &TableRow) -> Option<String> {
    let label = table.stream_label.as_ref()?;
    let (region, account, name) = (ctx.region(), ctx.account(), &table.definition.name);
    Some(format!("arn:aws:dynamodb:{}:{account}:table/{name}/stream/{label}", region.as_str()))
}

/// A stream as its ARN names it.
pub(crate) struct StreamArn {
    account: AccountId,
    region: Region,
    table: String,
    label: String,
}

impl StreamArn {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let read = || {
            let parts = arn::split(text)?;
            let (table, label) = parts.resource.strip_prefix("table/")?.split_once("/stream/")?;
            Some(Self {
                account: parts.account_id()?,
                region: Region::parse(parts.region)?,
                table: table.to_owned(),
                label: label.to_owned(),
            })
        };
        read().ok_or_else(|| validation(format!("Invalid StreamArn: {text}")))
    }

    pub(crate) fn scope(&self) -> Scope {
        cloud::tenant(self.account, self.region)
    }

    /// The table, while it has this stream.
    pub(crate) fn table(&self, reader: &mut dyn Reader, text: &str) -> Result<TableRow, ApiError> {
        let table = TABLES.find(reader, &self.table)?;
        table
            .filter(|table| table.stream_label.as_ref() == Some(&self.label))
            .ok_or_else(|| stream_not_found(text))
    }
}

/// The one shard of a stream.
pub(crate) fn shard_id(table: &TableRow) -> String {
    format!("shardId-{:020}-{:08x}", table.created.millis(), table.id as u32)
}

/// Sequence numbers as clients see them: 21 digits and more.
pub(crate) fn sequence_text(number: u64) -> String {
    format!("1{number:020}")
}

pub(crate) fn parse_sequence(text: &str) -> Result<u64, ApiError> {
    let number =
        text.strip_prefix('1').filter(|digits| digits.len() == 20).and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| validation(format!("Invalid SequenceNumber: {text}")))
}

/// A place in a stream: the sequence number of the next record to be read.
pub(crate) struct Iterator {
    pub stream: String,
    pub next: u64,
}

impl Iterator {
    pub(crate) fn token(&self) -> String {
        STANDARD.encode(format!("{}|{}", self.next, self.stream))
    }

    pub(crate) fn parse(token: &str) -> Result<Self, ApiError> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
            let (next, stream) = text.split_once('|')?;
            Some(Self { stream: stream.to_owned(), next: next.parse().ok()? })
        };
        read().ok_or_else(|| validation("Invalid ShardIterator"))
    }
}
