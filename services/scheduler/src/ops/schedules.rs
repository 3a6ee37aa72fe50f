//! CreateSchedule, GetSchedule, ListSchedules, UpdateSchedule and DeleteSchedule.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use scheduler_api as api;
use scheduler_api::op::{CreateSchedule, DeleteSchedule, GetSchedule, ListSchedules, UpdateSchedule};
use shapes::ApiError;
use store::{Range, Tx};

use super::page;
use crate::schedule::{Given, ScheduleRow, arn};
use crate::tables::SCHEDULES;
use crate::{Scheduler, errors, group, timer};

fn guard(ctx: &Ctx, group: Option<&str>, name: &str) -> Guard {
    Guard::resource(arn(ctx, group.unwrap_or(group::DEFAULT), name))
}

fn key(group: Option<&String>, name: &str) -> (String, String) {
    (group.cloned().unwrap_or_else(|| group::DEFAULT.to_owned()), name.to_owned())
}

impl Transact<CreateSchedule> for Scheduler {
    type Draft = ScheduleRow;

    fn guard(&self, ctx: &Ctx, input: &api::CreateScheduleInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, input.group_name.as_deref(), &input.name))
    }

    fn prepare(&self, ctx: &Ctx, input: api::CreateScheduleInput) -> Result<ScheduleRow, ApiError> {
        let given = Given {
            name: input.name,
            group: input.group_name,
            description: input.description,
            expression: input.schedule_expression,
            time_zone: input.schedule_expression_timezone,
            start: input.start_date,
            end: input.end_date,
            state: input.state,
            window: input.flexible_time_window,
            after: input.action_after_completion,
            target: input.target,
            kms_key: input.kms_key_arn,
            client_token: input.client_token,
        };
        given.check(ctx, ctx.now())
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &ScheduleRow,
    ) -> Result<api::CreateScheduleOutput, ApiError> {
        group::find(tx, &draft.group)?;
        let schedule_arn = arn(ctx, &draft.group, &draft.name);
        if let Some(known) = SCHEDULES.find(tx, &draft.key())? {
            // The same request again, as its client's token says.
            let is_same = known.client_token.is_some() && known.client_token == draft.client_token;
            let known = ScheduleRow {
                timer: None,
                next: None,
                created: draft.created,
                modified: draft.modified,
                ..known
            };
            return match is_same && known == *draft {
                true => Ok(api::CreateScheduleOutput { schedule_arn }),
                false => Err(errors::schedule_exists(&draft.name)),
            };
        }
        let mut row = draft.clone();
        timer::set(ctx, tx, &mut row, ctx.now());
        SCHEDULES.put(tx, &row.key(), &row);
        Ok(api::CreateScheduleOutput { schedule_arn })
    }
}

impl Handle<GetSchedule> for Scheduler {
    fn guard(&self, ctx: &Ctx, input: &api::GetScheduleInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, input.group_name.as_deref(), &input.name))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetScheduleInput,
    ) -> Result<api::GetScheduleOutput, ApiError> {
        let found = SCHEDULES.find(&mut ctx.read()?, &key(input.group_name.as_ref(), &input.name))?;
        found.map(|row| row.to_api(ctx)).ok_or_else(|| errors::no_such_schedule(&input.name))
    }
}

impl Handle<ListSchedules> for Scheduler {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListSchedulesInput,
    ) -> Result<api::ListSchedulesOutput, ApiError> {
        let mut snapshot = ctx.read()?;
        let range = match &input.group_name {
            Some(group) => {
                group::find(&mut snapshot, group)?;
                Range::prefix(group)
            }
            None => Range::all(),
        };
        let rows = SCHEDULES.list(&mut snapshot, &range, usize::MAX)?;
        let all = rows.into_iter().filter(|(_, row)| {
            input.name_prefix.as_ref().is_none_or(|prefix| row.name.starts_with(prefix.as_str()))
                && input.state.as_ref().is_none_or(|state| row.state() == state)
        });
        let all = all.map(|((group, name), row)| (format!("{group}/{name}"), row.summary(ctx)));
        let (schedules, next_token) = page(all, input.next_token.as_deref(), input.max_results);
        Ok(api::ListSchedulesOutput { schedules, next_token })
    }
}

impl Transact<UpdateSchedule> for Scheduler {
    type Draft = ScheduleRow;

    fn guard(&self, ctx: &Ctx, input: &api::UpdateScheduleInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, input.group_name.as_deref(), &input.name))
    }

    /// What is left out goes back to its default: API Reference, UpdateSchedule.
    fn prepare(&self, ctx: &Ctx, input: api::UpdateScheduleInput) -> Result<ScheduleRow, ApiError> {
        let given = Given {
            name: input.name,
            group: input.group_name,
            description: input.description,
            expression: input.schedule_expression,
            time_zone: input.schedule_expression_timezone,
            start: input.start_date,
            end: input.end_date,
            state: input.state,
            window: input.flexible_time_window,
            after: input.action_after_completion,
            target: input.target,
            kms_key: input.kms_key_arn,
            client_token: input.client_token,
        };
        given.check(ctx, ctx.now())
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &ScheduleRow,
    ) -> Result<api::UpdateScheduleOutput, ApiError> {
        group::find(tx, &draft.group)?;
        let known = SCHEDULES.find(tx, &draft.key())?;
        let mut known = known.ok_or_else(|| errors::no_such_schedule(&draft.name))?;
        timer::stop(tx, &mut known);
        let mut row = ScheduleRow { created: known.created, ..draft.clone() };
        timer::set(ctx, tx, &mut row, ctx.now());
        SCHEDULES.put(tx, &row.key(), &row);
        Ok(api::UpdateScheduleOutput { schedule_arn: arn(ctx, &row.group, &row.name) })
    }
}

impl Transact<DeleteSchedule> for Scheduler {
    type Draft = api::DeleteScheduleInput;

    fn guard(&self, ctx: &Ctx, input: &api::DeleteScheduleInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, input.group_name.as_deref(), &input.name))
    }

    fn prepare(&self, _: &Ctx, input: api::DeleteScheduleInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::DeleteScheduleOutput, ApiError> {
        let key = key(input.group_name.as_ref(), &input.name);
        let mut row = SCHEDULES.find(tx, &key)?.ok_or_else(|| errors::no_such_schedule(&input.name))?;
        timer::stop(tx, &mut row);
        SCHEDULES.delete(tx, &key);
        Ok(api::DeleteScheduleOutput::default())
    }
}
