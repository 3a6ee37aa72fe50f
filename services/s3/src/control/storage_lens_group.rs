//! Groups of Storage Lens.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{
    CreateStorageLensGroup, DeleteStorageLensGroup, GetStorageLensGroup, ListStorageLensGroups,
    UpdateStorageLensGroup,
};
use s3control_api::*;
use shapes::ApiError;
use store::{Range, Reader};

use super::check_account;
use crate::storage_lens::{Lens, group_arn};
use crate::{S3, errors, stored_shape, tables};

/// Groups of an account in a home region (S3 User Guide, "Working with S3 Storage Lens groups").
const MOST: usize = 50;

fn guard(ctx: &Ctx, name: &str, action: &'static str) -> Guard {
    Guard::resource(group_arn(ctx.region().as_str(), ctx.account(), name))
        .action(action)
        .owned_by(ctx.account())
}

fn find(reader: &mut dyn Reader, ctx: &Ctx, name: &str) -> Result<Lens, ApiError> {
    let place = (ctx.account().number(), ctx.region().as_str().to_owned(), name.to_owned());
    tables::LENS_GROUPS.find(reader, &place)?.ok_or_else(errors::no_such_lens)
}

fn row(ctx: &Ctx, mut group: StorageLensGroup, tags: Vec<(String, String)>) -> Result<Lens, ApiError> {
    let filter = &group.filter;
    let asks = filter.match_any_prefix.is_some()
        || filter.match_any_suffix.is_some()
        || filter.match_any_tag.is_some()
        || filter.match_object_age.is_some()
        || filter.match_object_size.is_some();
    let asked = [asks, filter.and.is_some(), filter.or.is_some()];
    if asked.into_iter().filter(|is_asked| *is_asked).count() != 1 {
        return Err(errors::invalid_request("The filter must have one condition, or one of And and Or"));
    }
    group.storage_lens_group_arn = Some(group_arn(ctx.region().as_str(), ctx.account(), &group.name));
    Ok(Lens {
        account: ctx.account(),
        region: ctx.region().as_str().to_owned(),
        json: stored_shape::to_json(&group).to_string(),
        id: group.name,
        tags,
        is_scheduled: false,
    })
}

impl Handle<CreateStorageLensGroup> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CreateStorageLensGroupInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.storage_lens_group.name, "s3:CreateStorageLensGroup"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateStorageLensGroupInput,
    ) -> Result<CreateStorageLensGroupOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let tags = input.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        let group = row(ctx, input.storage_lens_group, tags)?;
        self.write(move |tx| {
            let place = group.place();
            if tables::LENS_GROUPS.contains(tx, &place)? {
                let message = "A Storage Lens group with this name already exists.";
                return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
            }
            let all = Range::prefix(&(place.0, place.1.clone()));
            if tables::LENS_GROUPS.list(tx, &all, MOST)?.len() == MOST {
                let message = "You have attempted to create more Storage Lens groups than allowed";
                return Err(ApiError::sender("TooManyStorageLensGroups", message));
            }
            tables::LENS_GROUPS.put(tx, &place, &group);
            Ok(())
        })
        .await?;
        Ok(CreateStorageLensGroupOutput::default())
    }
}

impl Handle<GetStorageLensGroup> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetStorageLensGroupInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:GetStorageLensGroup"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetStorageLensGroupInput,
    ) -> Result<GetStorageLensGroupOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let group = find(&mut self.read()?, ctx, &input.name)?.group();
        Ok(GetStorageLensGroupOutput { storage_lens_group: Some(group) })
    }
}

impl Handle<UpdateStorageLensGroup> for S3 {
    fn guard(&self, ctx: &Ctx, input: &UpdateStorageLensGroupInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:UpdateStorageLensGroup"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: UpdateStorageLensGroupInput,
    ) -> Result<UpdateStorageLensGroupOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        if input.storage_lens_group.name != input.name {
            return Err(errors::invalid_request("The group's Name must be that of the request"));
        }
        let (group, own) = (row(ctx, input.storage_lens_group, Vec::new())?, ctx.clone());
        self.write(move |tx| {
            let tags = find(tx, &own, &group.id)?.tags;
            tables::LENS_GROUPS.put(tx, &group.place(), &Lens { tags, ..group.clone() });
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(UpdateStorageLensGroupOutput::default())
    }
}

impl Handle<DeleteStorageLensGroup> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteStorageLensGroupInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:DeleteStorageLensGroup"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteStorageLensGroupInput,
    ) -> Result<DeleteStorageLensGroupOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let own = ctx.clone();
        self.write(move |tx| {
            let group = find(tx, &own, &input.name)?;
            tables::LENS_GROUPS.delete(tx, &group.place());
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(DeleteStorageLensGroupOutput::default())
    }
}

impl Handle<ListStorageLensGroups> for S3 {
    fn guard(&self, ctx: &Ctx, _: &ListStorageLensGroupsInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:ListStorageLensGroups").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListStorageLensGroupsInput,
    ) -> Result<ListStorageLensGroupsOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let range = Range::prefix(&(ctx.account().number(), ctx.region().as_str().to_owned()));
        let rows = tables::LENS_GROUPS.list(&mut self.read()?, &range, MOST)?;
        let told = rows.into_iter().map(|(_, group)| ListStorageLensGroupEntry {
            storage_lens_group_arn: group_arn(&group.region, group.account, &group.id),
            home_region: group.region,
            name: group.id,
        });
        Ok(ListStorageLensGroupsOutput { storage_lens_group_list: Some(told.collect()), next_token: None })
    }
}
