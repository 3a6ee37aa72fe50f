//! StartReplay, DescribeReplay, ListReplays and CancelReplay.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{CancelReplay, DescribeReplay, ListReplays, StartReplay};
use events_api::{
    CancelReplayInput, CancelReplayOutput, DescribeReplayInput, DescribeReplayOutput, ListReplaysInput,
    ListReplaysOutput, Replay as ApiReplay, ReplayDestination, StartReplayInput, StartReplayOutput, error,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::archive::{self, Archive};
use crate::bus::BusArn;
use crate::replay::{self, Replay, State};
use crate::{Events, errors, tables};

impl Transact<StartReplay> for Events {
    type Draft = (String, StartReplayInput);

    fn guard(&self, ctx: &Ctx, input: &StartReplayInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(replay::arn_of(ctx, &input.replay_name)))
    }

    fn prepare(&self, _: &Ctx, input: StartReplayInput) -> Result<Self::Draft, ApiError> {
        if input.event_start_time >= input.event_end_time {
            return Err(errors::invalid_parameter(
                "EventEndTime",
                "EventStartTime must be before EventEndTime.",
            ));
        }
        Ok((archive::parse_arn(&input.event_source_arn)?, input))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (archive, input): &Self::Draft,
    ) -> Result<StartReplayOutput, ApiError> {
        if tables::REPLAYS.contains(tx, &input.replay_name)? {
            return Err(errors::resource_exists("Replay", &input.replay_name));
        }
        let archive = Archive::get(tx, archive)?;
        let bus = BusArn::here(ctx, &archive.bus);
        if input.destination.arn != bus.to_string() {
            return Err(errors::invalid_parameter(
                "Destination.Arn",
                "Cross event bus replay is not permitted.",
            ));
        }
        let replay = Replay {
            name: input.replay_name.clone(),
            description: input.description.clone(),
            archive: archive.name,
            archive_id: archive.id,
            bus: archive.bus,
            rules: input.destination.filter_arns.clone().unwrap_or_default(),
            from: input.event_start_time,
            to: input.event_end_time,
            state: State::Starting,
            cursor: None,
            started: ctx.now(),
            ended: None,
        };
        tables::REPLAYS.put(tx, &replay.name, &replay);
        replay::begin(ctx, tx, &replay.name);
        Ok(StartReplayOutput {
            replay_arn: Some(replay::arn_of(ctx, &replay.name)),
            state: Some(replay.state.name().to_owned()),
            replay_start_time: Some(replay.started),
            ..Default::default()
        })
    }
}

impl Transact<CancelReplay> for Events {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &CancelReplayInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(replay::arn_of(ctx, &input.replay_name)))
    }

    fn prepare(&self, _: &Ctx, input: CancelReplayInput) -> Result<String, ApiError> {
        Ok(input.replay_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<CancelReplayOutput, ApiError> {
        let mut replay = Replay::get(tx, name)?;
        if !matches!(replay.state, State::Starting | State::Running) {
            return Err(error::illegal_status_exception(format!(
                "Replay {name} is not in a valid state for this operation."
            )));
        }
        replay.state = State::Cancelling;
        tables::REPLAYS.put(tx, name, &replay);
        Ok(CancelReplayOutput {
            replay_arn: Some(replay::arn_of(ctx, name)),
            state: Some(replay.state.name().to_owned()),
            ..Default::default()
        })
    }
}

impl Handle<DescribeReplay> for Events {
    fn guard(&self, ctx: &Ctx, input: &DescribeReplayInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(replay::arn_of(ctx, &input.replay_name)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeReplayInput,
    ) -> Result<DescribeReplayOutput, ApiError> {
        let replay = Replay::get(&mut ctx.read()?, &input.replay_name)?;
        let destination = ReplayDestination {
            arn: BusArn::here(ctx, &replay.bus).to_string(),
            filter_arns: (!replay.rules.is_empty()).then_some(replay.rules),
        };
        Ok(DescribeReplayOutput {
            replay_arn: Some(replay::arn_of(ctx, &replay.name)),
            replay_name: Some(replay.name),
            description: replay.description,
            state: Some(replay.state.name().to_owned()),
            event_source_arn: Some(archive::arn_of(ctx.account(), ctx.region(), &replay.archive)),
            destination: Some(destination),
            event_start_time: Some(replay.from),
            event_end_time: Some(replay.to),
            event_last_replayed_time: replay.cursor.map(|(time, _)| time),
            replay_start_time: Some(replay.started),
            replay_end_time: replay.ended,
            ..Default::default()
        })
    }
}

impl Handle<ListReplays> for Events {
    fn guard(&self, ctx: &Ctx, _: &ListReplaysInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(replay::arn_of(ctx, "*")))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListReplaysInput,
    ) -> Result<ListReplaysOutput, ApiError> {
        let range = match input.next_token {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let archive = input.event_source_arn.as_deref().map(archive::parse_arn).transpose()?;
        let prefix = input.name_prefix.unwrap_or_default();
        let is_wanted = |replay: &Replay| {
            replay.name.starts_with(&prefix)
                && archive.as_ref().is_none_or(|archive| *archive == replay.archive)
                && input.state.as_deref().is_none_or(|state| state == replay.state.name())
        };
        let rows = tables::REPLAYS.list(&mut ctx.read()?, &range, usize::MAX)?;
        let replays = rows.into_iter().map(|(_, replay)| replay).filter(is_wanted).collect();
        let (replays, next_token) =
            paged(replays, page_size(input.limit), |replay: &Replay| replay.name.clone());
        let replays = replays
            .into_iter()
            .map(|replay| ApiReplay {
                event_source_arn: Some(archive::arn_of(ctx.account(), ctx.region(), &replay.archive)),
                replay_name: Some(replay.name),
                state: Some(replay.state.name().to_owned()),
                event_start_time: Some(replay.from),
                event_end_time: Some(replay.to),
                event_last_replayed_time: replay.cursor.map(|(time, _)| time),
                replay_start_time: Some(replay.started),
                replay_end_time: replay.ended,
                ..Default::default()
            })
            .collect();
        Ok(ListReplaysOutput { replays: Some(replays), next_token })
    }
}
