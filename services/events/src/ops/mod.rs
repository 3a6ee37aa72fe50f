//! The operation table, and the guards that operations share.

mod api_destinations;
mod archives;
mod connections;
mod endpoints;
mod event_buses;
mod event_sources;
mod partner_event_sources;
mod permissions;
mod put_events;
mod replays;
mod rules;
mod tags;
mod targets;
mod test_event_pattern;

use cloud::{Guard, Operation};
use events_api::op;
use shapes::ApiError;

use crate::Events;
use crate::bus::BusArn;
use crate::rule::RuleArn;

pub(crate) static OPERATIONS: &[Operation<Events>] = &[
    Operation::transaction::<op::ActivateEventSource>(),
    Operation::transaction::<op::CancelReplay>(),
    Operation::transaction::<op::CreateApiDestination>(),
    Operation::transaction::<op::CreateArchive>(),
    Operation::of::<op::CreateConnection>(),
    Operation::transaction::<op::CreateEndpoint>(),
    Operation::transaction::<op::CreateEventBus>(),
    Operation::transaction::<op::CreatePartnerEventSource>(),
    Operation::transaction::<op::DeactivateEventSource>(),
    Operation::of::<op::DeauthorizeConnection>(),
    Operation::transaction::<op::DeleteApiDestination>(),
    Operation::transaction::<op::DeleteArchive>(),
    Operation::of::<op::DeleteConnection>(),
    Operation::transaction::<op::DeleteEndpoint>(),
    Operation::transaction::<op::DeleteEventBus>(),
    Operation::transaction::<op::DeletePartnerEventSource>(),
    Operation::transaction::<op::DeleteRule>(),
    Operation::of::<op::DescribeApiDestination>(),
    Operation::of::<op::DescribeArchive>(),
    Operation::of::<op::DescribeConnection>(),
    Operation::of::<op::DescribeEndpoint>(),
    Operation::of::<op::DescribeEventBus>(),
    Operation::of::<op::DescribeEventSource>(),
    Operation::of::<op::DescribePartnerEventSource>(),
    Operation::of::<op::DescribeReplay>(),
    Operation::of::<op::DescribeRule>(),
    Operation::transaction::<op::DisableRule>(),
    Operation::transaction::<op::EnableRule>(),
    Operation::of::<op::ListApiDestinations>(),
    Operation::of::<op::ListArchives>(),
    Operation::of::<op::ListConnections>(),
    Operation::of::<op::ListEndpoints>(),
    Operation::of::<op::ListEventBuses>(),
    Operation::of::<op::ListEventSources>(),
    Operation::of::<op::ListPartnerEventSourceAccounts>(),
    Operation::of::<op::ListPartnerEventSources>(),
    Operation::of::<op::ListReplays>(),
    Operation::of::<op::ListRuleNamesByTarget>(),
    Operation::of::<op::ListRules>(),
    Operation::of::<op::ListTagsForResource>(),
    Operation::of::<op::ListTargetsByRule>(),
    Operation::transaction::<op::PutEvents>(),
    Operation::transaction::<op::PutPartnerEvents>(),
    Operation::transaction::<op::PutPermission>(),
    Operation::transaction::<op::PutRule>(),
    Operation::transaction::<op::PutTargets>(),
    Operation::transaction::<op::RemovePermission>(),
    Operation::transaction::<op::RemoveTargets>(),
    Operation::transaction::<op::StartReplay>(),
    Operation::transaction::<op::TagResource>(),
    Operation::of::<op::TestEventPattern>(),
    Operation::transaction::<op::UntagResource>(),
    Operation::transaction::<op::UpdateApiDestination>(),
    Operation::transaction::<op::UpdateArchive>(),
    Operation::of::<op::UpdateConnection>(),
    Operation::transaction::<op::UpdateEndpoint>(),
    Operation::transaction::<op::UpdateEventBus>(),
];

impl Events {
    /// The guard of an operation on a bus: its ARN and its policy.
    pub(crate) fn bus_guard(&self, bus: &BusArn) -> Result<Guard, ApiError> {
        let found = bus.find(&mut self.cloud.store().read(&bus.scope())?)?;
        let policy = found.and_then(|found| found.policy);
        let policy = policy.map(|text| self.policies.resource_policy(&text)).transpose()?;
        Ok(Guard::resource(bus.to_string()).policy(policy))
    }

    /// The guard of an operation on a rule. The policy of a rule is its bus's.
    pub(crate) fn rule_guard(&self, rule: &RuleArn) -> Result<Guard, ApiError> {
        Ok(Guard { resources: vec![rule.to_string()], ..self.bus_guard(&rule.bus)? })
    }
}

/// The most entries of a page, and how many a request wants (API Reference: 1 to 100).
pub(crate) fn page_size(limit: Option<i32>) -> usize {
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 100)
}

/// Cuts `names` to a page; the token of the next one is the last name.
pub(crate) fn paged<T>(
    mut entries: Vec<T>,
    size: usize,
    name: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let has_more = entries.len() > size;
    entries.truncate(size);
    let next = entries.last().filter(|_| has_more).map(name);
    (entries, next)
}
