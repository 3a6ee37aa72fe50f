//! CreateArchive, DescribeArchive, ListArchives, UpdateArchive and DeleteArchive.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{CreateArchive, DeleteArchive, DescribeArchive, ListArchives, UpdateArchive};
use events_api::{
    Archive as ApiArchive, CreateArchiveInput, CreateArchiveOutput, DeleteArchiveInput, DeleteArchiveOutput,
    DescribeArchiveInput, DescribeArchiveOutput, ListArchivesInput, ListArchivesOutput, UpdateArchiveInput,
    UpdateArchiveOutput,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::archive::{self, Archive};
use crate::bus::BusArn;
use crate::rule::parse_pattern;
use crate::{Events, call_listeners, errors, matching, tables};

const ENABLED: &str = "ENABLED";

fn arn(ctx: &Ctx, name: &str) -> String {
    archive::arn_of(ctx.account(), ctx.region(), name)
}

fn days(given: Option<i32>) -> u32 {
    given.and_then(|days| u32::try_from(days).ok()).unwrap_or(0)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Transact<CreateArchive> for Events {
    type Draft = (BusArn, Archive);

    fn guard(&self, ctx: &Ctx, input: &CreateArchiveInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.archive_name)))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateArchiveInput) -> Result<Self::Draft, ApiError> {
        if input.kms_key_identifier.is_some() {
            return Err(errors::is_not_here_yet("KmsKeyIdentifier of an archive is"));
        }
        let bus = BusArn::parse(&input.event_source_arn)
            .map_err(|_| errors::invalid_arn("EventSourceArn", &input.event_source_arn))?;
        if bus.account != ctx.account() || bus.region != ctx.region() {
            return Err(errors::invalid_parameter(
                "EventSourceArn",
                "the event bus has to be of this account and region",
            ));
        }
        let pattern = input.event_pattern.filter(|pattern| !pattern.is_empty());
        if let Some(pattern) = &pattern {
            parse_pattern(pattern)?;
        }
        let archive = Archive {
            name: input.archive_name,
            id: ctx.ids().number() as u64,
            bus: bus.name.clone(),
            description: input.description,
            pattern,
            retention_days: days(input.retention_days),
            created: ctx.now(),
            events: 0,
            bytes: 0,
        };
        Ok((bus, archive))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (bus, archive): &Self::Draft,
    ) -> Result<CreateArchiveOutput, ApiError> {
        bus.get(tx)?;
        if tables::ARCHIVES.contains(tx, &archive.name)? {
            return Err(errors::resource_exists("Archive", &archive.name));
        }
        tables::ARCHIVES.put(tx, &archive.name, archive);
        call_listeners::note_archive(tx, archive);
        archive::watch(ctx, tx, bus, archive, archive::next_upkeep(ctx));
        matching::changed(ctx, tx, &bus.name);
        Ok(CreateArchiveOutput {
            archive_arn: Some(arn(ctx, &archive.name)),
            state: Some(ENABLED.to_owned()),
            creation_time: Some(archive.created),
            ..Default::default()
        })
    }
}

impl Transact<UpdateArchive> for Events {
    type Draft = UpdateArchiveInput;

    fn guard(&self, ctx: &Ctx, input: &UpdateArchiveInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.archive_name)))
    }

    fn prepare(&self, _: &Ctx, input: UpdateArchiveInput) -> Result<Self::Draft, ApiError> {
        if let Some(pattern) = input.event_pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
            parse_pattern(pattern)?;
        }
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &UpdateArchiveInput,
    ) -> Result<UpdateArchiveOutput, ApiError> {
        let mut archive = Archive::get(tx, &input.archive_name)?;
        if let Some(description) = &input.description {
            archive.description = Some(description.clone());
        }
        if let Some(pattern) = &input.event_pattern {
            archive.pattern = Some(pattern.clone()).filter(|pattern| !pattern.is_empty());
        }
        if input.retention_days.is_some() {
            archive.retention_days = days(input.retention_days);
        }
        tables::ARCHIVES.put(tx, &archive.name, &archive);
        call_listeners::note_archive(tx, &archive);
        matching::changed(ctx, tx, &archive.bus);
        Ok(UpdateArchiveOutput {
            archive_arn: Some(arn(ctx, &archive.name)),
            state: Some(ENABLED.to_owned()),
            creation_time: Some(archive.created),
            ..Default::default()
        })
    }
}

impl Transact<DeleteArchive> for Events {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteArchiveInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.archive_name)))
    }

    fn prepare(&self, _: &Ctx, input: DeleteArchiveInput) -> Result<String, ApiError> {
        Ok(input.archive_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteArchiveOutput, ApiError> {
        let archive = Archive::get(tx, name)?;
        tables::ARCHIVES.delete(tx, name);
        call_listeners::forget_archive(tx, &archive);
        let bus = BusArn::here(ctx, &archive.bus);
        archive::watch(ctx, tx, &bus, &archive, ctx.now());
        matching::changed(ctx, tx, &bus.name);
        Ok(DeleteArchiveOutput {})
    }
}

impl Handle<DescribeArchive> for Events {
    fn guard(&self, ctx: &Ctx, input: &DescribeArchiveInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, &input.archive_name)))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeArchiveInput,
    ) -> Result<DescribeArchiveOutput, ApiError> {
        let archive = Archive::get(&mut ctx.read()?, &input.archive_name)?;
        Ok(DescribeArchiveOutput {
            archive_arn: Some(arn(ctx, &archive.name)),
            event_source_arn: Some(BusArn::here(ctx, &archive.bus).to_string()),
            archive_name: Some(archive.name),
            description: archive.description,
            event_pattern: archive.pattern,
            state: Some(ENABLED.to_owned()),
            retention_days: Some(i32::try_from(archive.retention_days).unwrap_or(i32::MAX)),
            size_bytes: Some(signed(archive.bytes)),
            event_count: Some(signed(archive.events)),
            creation_time: Some(archive.created),
            ..Default::default()
        })
    }
}

impl Handle<ListArchives> for Events {
    fn guard(&self, ctx: &Ctx, _: &ListArchivesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(arn(ctx, "*")))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListArchivesInput,
    ) -> Result<ListArchivesOutput, ApiError> {
        let range = match input.next_token {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let bus = input.event_source_arn.as_deref().map(BusArn::parse).transpose()?;
        let prefix = input.name_prefix.unwrap_or_default();
        let is_wanted = |archive: &Archive| {
            archive.name.starts_with(&prefix)
                && bus.as_ref().is_none_or(|bus| bus.name == archive.bus)
                && input.state.as_deref().is_none_or(|state| state == ENABLED)
        };
        let rows = tables::ARCHIVES.list(&mut ctx.read()?, &range, usize::MAX)?;
        let archives = rows.into_iter().map(|(_, archive)| archive).filter(is_wanted).collect();
        let (archives, next_token) =
            paged(archives, page_size(input.limit), |archive: &Archive| archive.name.clone());
        let archives = archives
            .into_iter()
            .map(|archive| ApiArchive {
                event_source_arn: Some(BusArn::here(ctx, &archive.bus).to_string()),
                archive_name: Some(archive.name),
                state: Some(ENABLED.to_owned()),
                retention_days: Some(i32::try_from(archive.retention_days).unwrap_or(i32::MAX)),
                size_bytes: Some(signed(archive.bytes)),
                event_count: Some(signed(archive.events)),
                creation_time: Some(archive.created),
                ..Default::default()
            })
            .collect();
        Ok(ListArchivesOutput { archives: Some(archives), next_token })
    }
}
