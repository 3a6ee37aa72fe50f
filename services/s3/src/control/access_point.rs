//! CreateAccessPoint, GetAccessPoint, ListAccessPoints, DeleteAccessPoint.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3control_api::op::{CreateAccessPoint, DeleteAccessPoint, GetAccessPoint, ListAccessPoints};
use s3control_api::{
    AccessPoint as ApiAccessPoint, CreateAccessPointInput, CreateAccessPointOutput, DeleteAccessPointInput,
    DeleteAccessPointOutput, GetAccessPointInput, GetAccessPointOutput, ListAccessPointsInput,
    ListAccessPointsOutput,
};
use shapes::ApiError;
use store::{Range, Reader};

use super::check_account;
use super::public_access_block::{read, told};
use crate::access_point::{AccessPoint, Block, Place, arn, check_name};
use crate::store_version::bucket_now;
use crate::{S3, checksum, errors, tables};

/// Access points of an account in a region (S3 User Guide, "Access points naming rules, restrictions, and limitations").
const MOST: usize = 10_000;
const MOST_LISTED: i32 = 1000;
const ORIGIN: &str = "Internet";

/// The guard of an operation on one access point.
pub(super) fn guard(ctx: &Ctx, name: &str, action: &'static str) -> Guard {
    Guard::resource(arn(ctx.region().as_str(), ctx.account(), name)).action(action).owned_by(ctx.account())
}

impl S3 {
    /// The caller's access point of this name.
    pub(super) fn access_point(
        &self,
        reader: &mut dyn Reader,
        ctx: &Ctx,
        name: &str,
    ) -> Result<AccessPoint, ApiError> {
        // Whoever has its ARN may use that as well.
        let name = name.rsplit_once('/').map_or(name, |(_, name)| name);
        let place = (ctx.account().number(), name.to_owned(), ctx.region().as_str().to_owned());
        tables::ACCESS_POINTS.find(reader, &place)?.ok_or_else(errors::no_such_access_point)
    }
}

impl Handle<CreateAccessPoint> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CreateAccessPointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:CreateAccessPoint"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateAccessPointInput,
    ) -> Result<CreateAccessPointOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        check_name(&input.name)?;
        if input.vpc_configuration.is_some() {
            return Err(errors::not_here_yet("An access point of a VPC"));
        }
        if input.scope.is_some() || input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            return Err(errors::not_here_yet("An access point with a scope or tags"));
        }
        let loaded = self.bucket_of(&input.bucket, input.bucket_account_id.as_deref())?;
        if loaded.access_point.is_some() {
            return Err(errors::method_not_allowed());
        }
        if loaded.bucket.owner != ctx.account() {
            return Err(errors::not_here_yet("An access point to a bucket of another account"));
        }
        let random: [u8; 17] = ctx.ids().bytes();
        let random: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let start: String = input.name.chars().take(20).collect();
        let block = input.public_access_block_configuration.unwrap_or_default();
        let made = AccessPoint {
            name: input.name,
            account: ctx.account(),
            region: ctx.region().as_str().to_owned(),
            bucket: loaded.bucket.name.clone(),
            bucket_id: loaded.bucket.id,
            alias: format!("{}-{random}-s3alias", start.trim_end_matches('-')),
            created: ctx.now(),
            block: read(&block, true),
            policy: None,
        };
        let row = made.clone();
        self.write(move |tx| {
            bucket_now(tx, &loaded)?;
            let place = row.place();
            if tables::ACCESS_POINTS.contains(tx, &place)? {
                return Err(errors::access_point_already_owned());
            }
            if tables::ACCESS_POINTS.list(tx, &Range::prefix(&place.0), MOST)?.len() == MOST {
                return Err(errors::too_many_access_points());
            }
            tables::ACCESS_POINTS.put(tx, &place, &row);
            let (account, name, region) = place;
            tables::ALIASES.put(tx, &row.alias, &Place(account, name, region));
            Ok(())
        })
        .await?;
        Ok(CreateAccessPointOutput { access_point_arn: Some(made.arn()), alias: Some(made.alias) })
    }
}

impl Handle<GetAccessPoint> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetAccessPointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:GetAccessPoint"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetAccessPointInput,
    ) -> Result<GetAccessPointOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let found = self.access_point(&mut self.read()?, ctx, &input.name)?;
        Ok(GetAccessPointOutput {
            access_point_arn: Some(found.arn()),
            name: Some(found.name),
            bucket: Some(found.bucket),
            bucket_account_id: Some(found.account.to_string()),
            network_origin: Some(ORIGIN.to_owned()),
            public_access_block_configuration: Some(told(found.block)),
            creation_date: Some(found.created),
            alias: Some(found.alias),
            ..Default::default()
        })
    }
}

impl Handle<ListAccessPoints> for S3 {
    fn guard(&self, ctx: &Ctx, _: &ListAccessPointsInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:ListAccessPoints").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListAccessPointsInput,
    ) -> Result<ListAccessPointsOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        if input.data_source_id.is_some() || input.data_source_type.is_some() {
            return Err(errors::not_here_yet("A list of access points by data source"));
        }
        let most =
            usize::try_from(input.max_results.unwrap_or(MOST_LISTED).clamp(1, MOST_LISTED)).unwrap_or(1);
        let account = ctx.account().number();
        let mut range = Range::prefix(&account);
        if let Some(token) = &input.next_token {
            let after = checksum::from_base64(token).and_then(|bytes| String::from_utf8(bytes).ok());
            let after = after.ok_or_else(|| {
                errors::invalid_argument("nextToken", token, "The continuation token provided is incorrect")
            })?;
            range = range.after(&(account, after, ctx.region().as_str().to_owned()));
        }
        let rows = tables::ACCESS_POINTS.list(&mut self.read()?, &range, MOST)?;
        let wanted = rows.into_iter().map(|(_, found)| found).filter(|found| {
            found.region == ctx.region().as_str()
                && input.bucket.as_ref().is_none_or(|bucket| found.bucket == *bucket)
        });
        let mut listed: Vec<AccessPoint> = wanted.take(most + 1).collect();
        let has_more = listed.len() > most;
        listed.truncate(most);
        let last = listed.last().filter(|_| has_more);
        let next_token = last.map(|last| checksum::base64(last.name.as_bytes()));
        let told = listed.into_iter().map(|found| ApiAccessPoint {
            access_point_arn: Some(found.arn()),
            name: found.name,
            network_origin: ORIGIN.to_owned(),
            bucket: found.bucket,
            bucket_account_id: Some(found.account.to_string()),
            alias: Some(found.alias),
            ..Default::default()
        });
        Ok(ListAccessPointsOutput { access_point_list: Some(told.collect()), next_token })
    }
}

impl Handle<DeleteAccessPoint> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteAccessPointInput) -> Result<Guard, ApiError> {
        Ok(guard(ctx, &input.name, "s3:DeleteAccessPoint"))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteAccessPointInput,
    ) -> Result<DeleteAccessPointOutput, ApiError> {
        check_account(ctx, &input.account_id)?;
        let (s3, own) = (Arc::clone(self), ctx.clone());
        self.write(move |tx| {
            let found = s3.access_point(tx, &own, &input.name)?;
            tables::ALIASES.delete(tx, &found.alias);
            tables::ACCESS_POINTS.delete(tx, &found.place());
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(DeleteAccessPointOutput::default())
    }
}

/// Whether an access point leads to a bucket.
pub(crate) fn leads_to(reader: &mut dyn Reader, account: u64, bucket: u64) -> Result<bool, ApiError> {
    let rows = tables::ACCESS_POINTS.list(reader, &Range::prefix(&account), usize::MAX)?;
    Ok(rows.iter().any(|(_, found)| found.bucket_id == bucket))
}

/// What of an account's and an access point's blocks counts.
pub(super) fn both(one: Block, other: Block) -> Block {
    Block {
        public_acls: one.public_acls || other.public_acls,
        ignores_acls: one.ignores_acls || other.ignores_acls,
        public_policy: one.public_policy || other.public_policy,
        restricts: one.restricts || other.restricts,
    }
}
