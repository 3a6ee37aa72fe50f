//! The operation table.

mod pipes;
mod tags;

use cloud::Operation;
use pipes_api::op;

use crate::Pipes;

pub(crate) static OPERATIONS: &[Operation<Pipes>] = &[
    Operation::of::<op::CreatePipe>(),
    Operation::of::<op::DeletePipe>(),
    Operation::of::<op::DescribePipe>(),
    Operation::of::<op::ListPipes>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::of::<op::StartPipe>(),
    Operation::of::<op::StopPipe>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::of::<op::UpdatePipe>(),
];
