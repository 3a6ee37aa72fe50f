//! DescribeLogGroups: groups in the order of their names.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use logs_api::op::DescribeLogGroups;
use logs_api::{DescribeLogGroupsInput, DescribeLogGroupsOutput, LogGroup};
use shapes::ApiError;
use store::{Order, Range, Reader};

use super::group_guard;
use crate::group::{self, Group, within};
use crate::{Logs, errors, tables};

const PAGE: usize = 50;

impl Handle<DescribeLogGroups> for Logs {
    fn guard(&self, ctx: &Ctx, _: &DescribeLogGroupsInput) -> Result<Guard, ApiError> {
        Ok(group_guard(ctx, ""))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeLogGroupsInput,
    ) -> Result<DescribeLogGroupsOutput, ApiError> {
        if input.include_linked_accounts == Some(true) {
            return Err(errors::is_not_here_yet("includeLinkedAccounts"));
        }
        if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
            return Err(errors::exclusive("logGroupNamePrefix", "logGroupNamePattern"));
        }
        let limit = within(input.limit, "limit", PAGE as i32, PAGE)?;
        let identifiers = match &input.log_group_identifiers {
            Some(identifiers) => Some(
                identifiers
                    .iter()
                    .map(|identifier| group::name_of(ctx, None, Some(identifier)))
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            None => None,
        };
        let prefix = input.log_group_name_prefix.unwrap_or_default();
        let pattern = input.log_group_name_pattern.unwrap_or_default();
        let is_wanted = |group: &Group| {
            group.name.contains(&pattern)
                && identifiers.as_ref().is_none_or(|names| names.contains(&group.name))
                && input.log_group_class.as_ref().is_none_or(|class| *class == group.class)
        };
        let mut range = Range::all().starting_at(&prefix);
        if let Some(last) = input.next_token {
            range = range.after(&last);
        }
        let mut snapshot = ctx.read()?;
        let mut groups: Vec<Group> = Vec::new();
        tables::GROUPS.visit(&mut snapshot, &range, Order::Ascending, |name, group| {
            if !name.starts_with(&prefix) || groups.len() > limit {
                return ControlFlow::Break(());
            }
            if is_wanted(&group) {
                groups.push(group);
            }
            ControlFlow::Continue(())
        })?;
        let has_more = groups.len() > limit;
        groups.truncate(limit);
        let next_token = groups.last().filter(|_| has_more).map(|group| group.name.clone());
        let log_groups = groups
            .into_iter()
            .map(|group| answer(ctx, &mut snapshot, group))
            .collect::<Result<Vec<_>, ApiError>>()?;
        Ok(DescribeLogGroupsOutput { log_groups: Some(log_groups), next_token })
    }
}

fn answer(ctx: &Ctx, reader: &mut dyn Reader, group: Group) -> Result<LogGroup, ApiError> {
    // Summed when asked for: a total kept in the group's row would make all its streams write the same row.
    let mut stored_bytes = 0_u64;
    tables::STREAMS.visit(reader, &Range::prefix(&group.id), Order::Ascending, |_, stream| {
        stored_bytes = stored_bytes.saturating_add(stream.stored_bytes);
        ControlFlow::Continue(())
    })?;
    let arn = group::arn(ctx, &group.name);
    Ok(LogGroup {
        arn: Some(format!("{arn}:*")),
        log_group_arn: Some(arn),
        creation_time: Some(group.created.millis()),
        log_group_name: Some(group.name),
        log_group_class: Some(group.class),
        retention_in_days: group.retention_days.map(i32::from),
        metric_filter_count: Some(0),
        stored_bytes: Some(i64::try_from(stored_bytes).unwrap_or(i64::MAX)),
        deletion_protection_enabled: Some(false),
        ..Default::default()
    })
}
