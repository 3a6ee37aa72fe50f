//! The operation table.

mod describe_stream;
mod get_records;
mod get_shard_iterator;
mod list_streams;

use cloud::Operation;
use dynamodb_streams_api::op;

use crate::DynamoDb;

pub(crate) static OPERATIONS: &[Operation<DynamoDb>] = &[
    Operation::of::<op::DescribeStream>(),
    Operation::of::<op::GetRecords>(),
    Operation::of::<op::GetShardIterator>(),
    Operation::of::<op::ListStreams>(),
];
