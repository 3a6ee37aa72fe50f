//! Configurations of Storage Lens, and their tags.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{
    DeleteStorageLensConfiguration, DeleteStorageLensConfigurationTagging, GetStorageLensConfiguration,
    GetStorageLensConfigurationTagging, ListStorageLensConfigurations, PutStorageLensConfiguration,
    PutStorageLensConfigurationTagging,
};
use s3control_api::*;
use shapes::ApiError;
use store::{Range, Reader};

use super::check_account;
use crate::storage_lens::{self, Lens, arn};
use crate::{S3, errors, key, stored_shape, tables};

/// Configurations of an account in a region (S3 User Guide, "S3 Storage Lens" quotas).
const MOST: usize = 50;
const MOST_TAGS: usize = 50;

fn guard(ctx: &Ctx, id: &str, action: &'static str) -> Guard {
    Guard::resource(arn(ctx.region().as_str(), ctx.account(), id)).action(action).owned_by(ctx.account())
}

fn find(reader: &mut dyn Reader, ctx: &Ctx, id: &str) -> Result<Lens, ApiError> {
    let place = (ctx.account().number(), ctx.region().as_str().to_owned(), id.to_owned());
    tables::LENSES.find(reader, &place)?.ok_or_else(errors::no_such_lens)
}

fn tags_of(tags: Vec<StorageLensTag>) -> Result<Vec<(String, String)>, ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(errors::invalid_tag("The number of tags exceeds the limit of 50 tags."));
    }
    Ok(tags.into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Refuses by name what is not counted here.
fn check(s3: &S3, id: &str, value: &StorageLensConfiguration) -> Result<(), ApiError> {
    if value.id != id {
        return Err(errors::invalid_request("The configuration's Id must be that of the request"));
    }
    if value.include.is_some() && value.exclude.is_some() {
        return Err(errors::invalid_request("Include and Exclude cannot both be specified"));
    }
    let refuse = |what: &str| Err(errors::not_here_yet(what));
    let (account, bucket) = (&value.account_level, &value.account_level.bucket_level);
    let is_on = |flag: Option<Option<bool>>| flag.flatten() == Some(true);
    if is_on(account.activity_metrics.as_ref().map(|metrics| metrics.is_enabled))
        || is_on(bucket.activity_metrics.as_ref().map(|metrics| metrics.is_enabled))
        || is_on(account.advanced_cost_optimization_metrics.as_ref().map(|metrics| metrics.is_enabled))
        || is_on(account.advanced_data_protection_metrics.as_ref().map(|metrics| metrics.is_enabled))
        || is_on(account.advanced_performance_metrics.as_ref().map(|metrics| metrics.is_enabled))
        || is_on(account.detailed_status_codes_metrics.as_ref().map(|metrics| metrics.is_enabled))
    {
        return refuse("Storage Lens with activity and advanced metrics");
    }
    let prefixes = bucket.prefix_level.as_ref().map(|prefixes| prefixes.storage_metrics.is_enabled);
    if is_on(prefixes) || value.expanded_prefixes_data_export.is_some() {
        return refuse("Storage Lens with metrics of prefixes");
    }
    if value.aws_org.is_some() {
        return refuse("Storage Lens of an organization");
    }
    let Some(export) = &value.data_export else { return Ok(()) };
    if export.cloud_watch_metrics.as_ref().is_some_and(|metrics| metrics.is_enabled)
        || export.storage_lens_table_destination.as_ref().is_some_and(|table| table.is_enabled)
    {
        return refuse("An export of Storage Lens to CloudWatch and tables");
    }
    let Some(destination) = &export.s3_bucket_destination else { return Ok(()) };
    if destination.format != "CSV" {
        return refuse("An export of Storage Lens in the format Parquet");
    }
    if s3.find_bucket(key::bucket_of_arn(&destination.arn))?.is_none() {
        return Err(errors::invalid_request("The destination bucket does not exist"));
    }
    Ok(())
}

impl Handle<PutStorageLensConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutStorageLensConfigurationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:PutStorageLensConfiguration"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutStorageLensConfigurationInput,
    ) -> Result<PutStorageLensConfigurationOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let mut value = input.storage_lens_configuration;
        check(self, &input.config_id, &value)?;
        value.storage_lens_arn = Some(arn(ctx.region().as_str(), ctx.account(), &value.id));
        let has_export = value.is_enabled
            && value.data_export.as_ref().is_some_and(|export| export.s3_bucket_destination.is_some());
        let lens = Lens {
            account: ctx.account(),
            region: ctx.region().as_str().to_owned(),
            id: input.config_id,
            json: stored_shape::to_json(&value).to_string(),
            tags: tags_of(input.tags.clone().unwrap_or_default())?,
            is_scheduled: false,
        };
        let (s3, has_tags) = (Arc::clone(self), input.tags.is_some());
        self.write(move |tx| {
            let (mut lens, place) = (lens.clone(), lens.place());
            match tables::LENSES.find(tx, &place)? {
                Some(before) => {
                    lens.is_scheduled = before.is_scheduled;
                    if !has_tags {
                        lens.tags = before.tags;
                    }
                }
                None => {
                    let all = Range::prefix(&(place.0, place.1.clone()));
                    if tables::LENSES.list(tx, &all, MOST)?.len() == MOST {
                        let message =
                            "You have attempted to create more Storage Lens configurations than allowed";
                        return Err(ApiError::sender("TooManyConfigurations", message));
                    }
                }
            }
            if has_export {
                storage_lens::schedule(tx, &s3, &mut lens)?;
            }
            tables::LENSES.put(tx, &place, &lens);
            Ok(())
        })
        .await?;
        Ok(PutStorageLensConfigurationOutput::default())
    }
}

impl Handle<GetStorageLensConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetStorageLensConfigurationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:GetStorageLensConfiguration"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetStorageLensConfigurationInput,
    ) -> Result<GetStorageLensConfigurationOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let lens = find(&mut self.read()?, ctx, &input.config_id)?;
        let storage_lens_configuration = Some(lens.configuration());
        Ok(GetStorageLensConfigurationOutput { storage_lens_configuration })
    }
}

impl Handle<ListStorageLensConfigurations> for S3 {
    fn guard(&self, ctx: &Ctx, _: &ListStorageLensConfigurationsInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:ListStorageLensConfigurations").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListStorageLensConfigurationsInput,
    ) -> Result<ListStorageLensConfigurationsOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let range = Range::prefix(&(ctx.account().number(), ctx.region().as_str().to_owned()));
        let rows = tables::LENSES.list(&mut self.read()?, &range, MOST)?;
        let told = rows.into_iter().map(|(_, lens)| ListStorageLensConfigurationEntry {
            storage_lens_arn: arn(&lens.region, lens.account, &lens.id),
            is_enabled: Some(lens.configuration().is_enabled),
            home_region: lens.region,
            id: lens.id,
        });
        let storage_lens_configuration_list = Some(told.collect());
        Ok(ListStorageLensConfigurationsOutput { storage_lens_configuration_list, next_token: None })
    }
}

impl Handle<DeleteStorageLensConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteStorageLensConfigurationInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:DeleteStorageLensConfiguration"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteStorageLensConfigurationInput,
    ) -> Result<DeleteStorageLensConfigurationOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let own = ctx.clone();
        self.write(move |tx| {
            let lens = find(tx, &own, &input.config_id)?;
            tables::LENSES.delete(tx, &lens.place());
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(DeleteStorageLensConfigurationOutput::default())
    }
}

impl S3 {
    async fn set_lens_tags(
        self: &Arc<Self>,
        ctx: &Ctx,
        id: String,
        tags: Vec<(String, String)>,
    ) -> Result<(), ApiError> {
        let own = ctx.clone();
        self.write(move |tx| {
            let mut lens = find(tx, &own, &id)?;
            lens.tags.clone_from(&tags);
            tables::LENSES.put(tx, &lens.place(), &lens);
            Ok(())
        })
        .await
    }
}

impl Handle<GetStorageLensConfigurationTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetStorageLensConfigurationTaggingInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:GetStorageLensConfigurationTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetStorageLensConfigurationTaggingInput,
    ) -> Result<GetStorageLensConfigurationTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let tags = find(&mut self.read()?, ctx, &input.config_id)?.tags;
        let tags = tags.into_iter().map(|(key, value)| StorageLensTag { key, value });
        Ok(GetStorageLensConfigurationTaggingOutput { tags: Some(tags.collect()) })
    }
}

impl Handle<PutStorageLensConfigurationTagging> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutStorageLensConfigurationTaggingInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:PutStorageLensConfigurationTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutStorageLensConfigurationTaggingInput,
    ) -> Result<PutStorageLensConfigurationTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        self.set_lens_tags(ctx, input.config_id, tags_of(input.tags)?).await?;
        Ok(PutStorageLensConfigurationTaggingOutput::default())
    }
}

impl Handle<DeleteStorageLensConfigurationTagging> for S3 {
    fn guard(
        &self,
        ctx: &Ctx,
        input: &DeleteStorageLensConfigurationTaggingInput,
    ) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.config_id, "s3:DeleteStorageLensConfigurationTagging"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteStorageLensConfigurationTaggingInput,
    ) -> Result<DeleteStorageLensConfigurationTaggingOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        self.set_lens_tags(ctx, input.config_id, Vec::new()).await?;
        Ok(DeleteStorageLensConfigurationTaggingOutput::default())
    }
}
