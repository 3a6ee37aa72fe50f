//! The operation table, and the guards that operations on groups and streams share.

mod create_log_group;
mod create_log_stream;
mod delete_log_group;
mod delete_log_stream;
mod describe_log_groups;
mod describe_log_streams;
mod filter_log_events;
mod get_log_events;
mod put_log_events;
mod retention_policy;
mod tags;

use cloud::{Ctx, Guard, Operation};
use logs_api::op;

use crate::{Logs, group};

pub(crate) static OPERATIONS: &[Operation<Logs>] = &[
    Operation::transaction::<op::CreateLogGroup>(),
    Operation::transaction::<op::CreateLogStream>(),
    Operation::transaction::<op::DeleteLogGroup>(),
    Operation::transaction::<op::DeleteLogStream>(),
    Operation::transaction::<op::DeleteRetentionPolicy>(),
    Operation::of::<op::DescribeLogGroups>(),
    Operation::of::<op::DescribeLogStreams>(),
    Operation::of::<op::FilterLogEvents>(),
    Operation::of::<op::GetLogEvents>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::of::<op::ListTagsLogGroup>(),
    Operation::transaction::<op::PutLogEvents>(),
    Operation::transaction::<op::PutRetentionPolicy>(),
    Operation::transaction::<op::TagLogGroup>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagLogGroup>(),
    Operation::transaction::<op::UntagResource>(),
];

fn group_guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(group::policy_arn(ctx, name, ""))
}

fn stream_guard(ctx: &Ctx, group: &str, stream: &str) -> Guard {
    Guard::resource(group::policy_arn(ctx, group, stream))
}

/// A random id for a new group or stream.
fn new_id(ctx: &Ctx) -> u64 {
    u64::from_le_bytes(ctx.ids().bytes())
}
