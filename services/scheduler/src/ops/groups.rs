//! CreateScheduleGroup, GetScheduleGroup, ListScheduleGroups and DeleteScheduleGroup.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use scheduler_api as api;
use scheduler_api::op::{CreateScheduleGroup, DeleteScheduleGroup, GetScheduleGroup, ListScheduleGroups};
use shapes::ApiError;
use store::{Range, Tx};

use super::page;
use crate::group::{DEFAULT, Group, arn, find};
use crate::tables::{GROUPS, SCHEDULES};
use crate::{Scheduler, errors, timer};

const ACTIVE: &str = "ACTIVE";

impl Transact<CreateScheduleGroup> for Scheduler {
    type Draft = api::CreateScheduleGroupInput;

    fn guard(&self, ctx: &Ctx, input: &api::CreateScheduleGroupInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.name)))
    }

    fn prepare(&self, _: &Ctx, input: api::CreateScheduleGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::CreateScheduleGroupOutput, ApiError> {
        let output = api::CreateScheduleGroupOutput { schedule_group_arn: arn(ctx, &input.name) };
        if let Some(known) = GROUPS.find(tx, &input.name)? {
            let is_same = input.client_token.is_some() && known.client_token == input.client_token;
            return if is_same { Ok(output) } else { Err(errors::group_exists(&input.name)) };
        }
        if input.name == DEFAULT {
            return Err(errors::group_exists(DEFAULT));
        }
        let tags = input.tags.iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone()));
        let group = Group {
            created: ctx.now(),
            modified: ctx.now(),
            tags: tags.collect(),
            client_token: input.client_token.clone(),
        };
        GROUPS.put(tx, &input.name, &group);
        Ok(output)
    }
}

impl Handle<GetScheduleGroup> for Scheduler {
    fn guard(&self, ctx: &Ctx, input: &api::GetScheduleGroupInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.name)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::GetScheduleGroupInput,
    ) -> Result<api::GetScheduleGroupOutput, ApiError> {
        let group = find(&mut ctx.read()?, &input.name)?;
        Ok(api::GetScheduleGroupOutput {
            arn: Some(arn(ctx, &input.name)),
            name: Some(input.name),
            state: Some(ACTIVE.to_owned()),
            creation_date: Some(group.created),
            last_modification_date: Some(group.modified),
        })
    }
}

impl Handle<ListScheduleGroups> for Scheduler {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::ListScheduleGroupsInput,
    ) -> Result<api::ListScheduleGroupsOutput, ApiError> {
        let mut groups = GROUPS.list(&mut ctx.read()?, &Range::all(), usize::MAX)?;
        groups.push((DEFAULT.to_owned(), Group::default()));
        groups.sort_by(|(one, _), (other, _)| one.cmp(other));
        let wanted =
            |name: &str| input.name_prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()));
        let all = groups.into_iter().filter(|(name, _)| wanted(name)).map(|(name, group)| {
            let told = api::ScheduleGroupSummary {
                arn: Some(arn(ctx, &name)),
                name: Some(name.clone()),
                state: Some(ACTIVE.to_owned()),
                creation_date: Some(group.created),
                last_modification_date: Some(group.modified),
            };
            (name, told)
        });
        let (schedule_groups, next_token) = page(all, input.next_token.as_deref(), input.max_results);
        Ok(api::ListScheduleGroupsOutput { schedule_groups, next_token })
    }
}

impl Transact<DeleteScheduleGroup> for Scheduler {
    type Draft = api::DeleteScheduleGroupInput;

    fn guard(&self, ctx: &Ctx, input: &api::DeleteScheduleGroupInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.name)))
    }

    fn prepare(&self, _: &Ctx, input: api::DeleteScheduleGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::DeleteScheduleGroupOutput, ApiError> {
        if input.name == DEFAULT {
            return Err(errors::validation("The default schedule group cannot be deleted."));
        }
        find(tx, &input.name)?;
        for (key, mut row) in SCHEDULES.list(tx, &Range::prefix(&input.name), usize::MAX)? {
            timer::stop(tx, &mut row);
            SCHEDULES.delete(tx, &key);
        }
        GROUPS.delete(tx, &input.name);
        Ok(api::DeleteScheduleGroupOutput::default())
    }
}
