//! The operation table.

mod groups;
mod schedules;
mod tags;

use cloud::Operation;
use scheduler_api::op;

use crate::Scheduler;

pub(crate) static OPERATIONS: &[Operation<Scheduler>] = &[
    Operation::transaction::<op::CreateSchedule>(),
    Operation::transaction::<op::CreateScheduleGroup>(),
    Operation::transaction::<op::DeleteSchedule>(),
    Operation::transaction::<op::DeleteScheduleGroup>(),
    Operation::of::<op::GetSchedule>(),
    Operation::of::<op::GetScheduleGroup>(),
    Operation::of::<op::ListScheduleGroups>(),
    Operation::of::<op::ListSchedules>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::transaction::<op::TagResource>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateSchedule>(),
];

/// A page of what is known by its token, and the token of the next one: 100 where nothing else is asked.
pub(crate) fn page<T>(
    all: impl Iterator<Item = (String, T)>,
    token: Option<&str>,
    most: Option<i32>,
) -> (Vec<T>, Option<String>) {
    let most = most.map_or(100, |most| most.clamp(1, 100)).unsigned_abs() as usize;
    let mut rest = all.skip_while(|(name, _)| token.is_some_and(|token| name.as_str() <= token)).peekable();
    let (mut items, mut last) = (Vec::new(), None);
    while items.len() < most
        && let Some((name, item)) = rest.next()
    {
        last = Some(name);
        items.push(item);
    }
    let next = last.filter(|_| rest.peek().is_some());
    (items, next)
}
