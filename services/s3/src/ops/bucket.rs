//! Buckets themselves: made, found, listed and deleted.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use identity::Region;
use s3_api::op::{CreateBucket, DeleteBucket, GetBucketLocation, HeadBucket, ListBuckets};
use s3_api::{
    Bucket as ApiBucket, CreateBucketInput, CreateBucketOutput, DeleteBucketInput, DeleteBucketOutput,
    GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput, HeadBucketOutput, ListBucketsInput,
    ListBucketsOutput, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration, Tagging,
};
use shapes::ApiError;
use store::{Order, Range};

use crate::acl::{self, Acl};
use crate::bucket::{Bucket, Versioning};
use crate::control::leads_to;
use crate::settings::Ownership;
use crate::store_version::bucket_now;
use crate::tables::Config;
use crate::{S3, checksum, errors, key, tables, tags, versions};

/// General purpose buckets of an account (S3 User Guide, "General purpose bucket quotas").
const MOST_BUCKETS: usize = 10_000;
const OWNERSHIP_KIND: &str = "ownership";

impl Handle<CreateBucket> for S3 {
    fn guard(&self, ctx: &Ctx, input: &CreateBucketInput) -> Result<Guard, ApiError> {
        let arn = key::arn(&input.bucket, None);
        Ok(Guard::resource(arn).action("s3:CreateBucket").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateBucketInput,
    ) -> Result<CreateBucketOutput, ApiError> {
        if !key::is_bucket_name(&input.bucket) {
            return Err(errors::invalid_bucket_name(&input.bucket));
        }
        if matches!(ctx.principal(), identity::Principal::Anonymous) {
            return Err(errors::access_denied("Access Denied"));
        }
        let region = region_of(ctx, &input)?;
        let has_object_lock = input.object_lock_enabled_for_bucket == Some(true);
        let bucket = Bucket {
            id: u64::from_le_bytes(ctx.ids().bytes()),
            name: input.bucket.clone(),
            owner: ctx.account(),
            region: region.clone(),
            created: ctx.now(),
            versioning: if has_object_lock { Versioning::Enabled } else { Versioning::Never },
            has_object_lock,
        };
        let configs = first_configs(ctx, &input, &bucket)?;
        let created = bucket.clone();
        self.write(move |tx| create(tx, &created, &configs)).await?;
        self.buckets.forget(&input.bucket);
        let location = match region.as_str() {
            "us-east-1" => format!("/{}", input.bucket),
            _ => format!("http://{}.s3.amazonaws.com/", input.bucket),
        };
        let mut output = CreateBucketOutput::default();
        let mut fields = crate::fields::FieldsMut(&mut output);
        fields.text("Location", Some(location));
        fields.text("BucketArn", Some(key::arn(&input.bucket, None)));
        Ok(output)
    }
}

fn create(
    tx: &mut store::Tx<'_>,
    bucket: &Bucket,
    configs: &[(&'static str, Config)],
) -> Result<(), ApiError> {
    if let Some(present) = tables::BUCKETS.find(tx, &bucket.name)? {
        let is_own = present.owner == bucket.owner;
        // In this region alone making one's own bucket again is no error.
        return match is_own {
            true if bucket.region == "us-east-1" && present.region == bucket.region => Ok(()),
            true => Err(errors::bucket_already_owned(&bucket.name)),
            false => Err(errors::bucket_already_exists(&bucket.name)),
        };
    }
    let mut count = 0;
    let own = Range::prefix(&bucket.owner.number());
    tables::OWNED.visit(tx, &own, Order::Ascending, |_, ()| {
        count += 1;
        ControlFlow::Continue(())
    })?;
    if count >= MOST_BUCKETS {
        return Err(errors::too_many_buckets());
    }
    tables::BUCKETS.put(tx, &bucket.name, bucket);
    tables::OWNED.put(tx, &(bucket.owner.number(), bucket.name.clone()), &());
    for (kind, config) in configs {
        tables::CONFIGS.put(tx, &(bucket.id, (*kind).to_owned(), String::new()), config);
    }
    Ok(())
}

fn region_of(ctx: &Ctx, input: &CreateBucketInput) -> Result<String, ApiError> {
    let asked = input.create_bucket_configuration.as_ref().and_then(|configuration| {
        configuration.location_constraint.as_deref().filter(|location| !location.is_empty())
    });
    let own = ctx.region();
    match asked {
        None => Ok(own.as_str().to_owned()),
        Some("EU") => Ok("eu-west-1".to_owned()),
        Some(asked) if Region::parse(asked).is_none_or(|region| !region.is_known()) => {
            let message = "The specified location-constraint is not valid";
            Err(ApiError::sender("InvalidLocationConstraint", message))
        }
        Some(asked) if asked != own.as_str() && own.as_str() != "us-east-1" => {
            Err(errors::illegal_location(asked))
        }
        Some(asked) => Ok(asked.to_owned()),
    }
}

/// What a bucket has from the beginning: nobody from outside gets in, and lists do not count, unless it is asked for.
fn first_configs(
    ctx: &Ctx,
    input: &CreateBucketInput,
    bucket: &Bucket,
) -> Result<Vec<(&'static str, Config)>, ApiError> {
    let ownership = input.object_ownership.as_deref().unwrap_or("BucketOwnerEnforced");
    let parsed = Ownership::parse(ownership).ok_or_else(|| {
        errors::invalid_argument("x-amz-object-ownership", ownership, "Invalid x-amz-object-ownership header")
    })?;
    let acl = Acl::read(input, None, (bucket.owner, bucket.owner))?.unwrap_or_default();
    if !parsed.has_acls() && !acl.grants.is_empty() {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(ApiError::sender("InvalidBucketAclWithObjectOwnership", message));
    }
    if acl.is_public() {
        return Err(errors::access_denied("Access Denied"));
    }
    let now = ctx.now();
    let block = PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    };
    let rules = vec![OwnershipControlsRule { object_ownership: ownership.to_owned() }];
    let mut configs = vec![
        ("public-access-block", Config::of(&block, now)),
        (OWNERSHIP_KIND, Config::of(&OwnershipControls { rules }, now)),
    ];
    if !acl.grants.is_empty() {
        let json = serde_json::to_string(&acl).map_err(ApiError::internal)?;
        configs.push(("acl", Config { json, put: now }));
    }
    let given =
        input.create_bucket_configuration.as_ref().and_then(|configuration| configuration.tags.clone());
    if let Some(given) = given.filter(|tags| !tags.is_empty()) {
        let tag_set = tags::to_set(&tags::of_bucket(given)?);
        configs.push(("tagging", Config::of(&Tagging { tag_set }, now)));
    }
    Ok(configs)
}

impl Handle<DeleteBucket> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteBucketInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:DeleteBucket")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: DeleteBucketInput,
    ) -> Result<DeleteBucketOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let freed = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &loaded)?;
                let (has_current, has_older) = versions::is_empty(tx, bucket.id)?;
                if has_current || has_older {
                    return Err(errors::bucket_not_empty(&bucket.name, has_older));
                }
                if leads_to(tx, bucket.owner.number(), bucket.id)? {
                    return Err(errors::has_access_points());
                }
                let freed = super::multipart::drop_uploads(tx, bucket.id)?;
                for (place, _) in tables::CONFIGS.list(tx, &Range::prefix(&bucket.id), usize::MAX)? {
                    tables::CONFIGS.delete(tx, &place);
                }
                tables::OWNED.delete(tx, &(bucket.owner.number(), bucket.name.clone()));
                tables::BUCKETS.delete(tx, &bucket.name);
                Ok(freed)
            })
            .await?;
        self.buckets.forget(&input.bucket);
        self.remove(freed);
        Ok(DeleteBucketOutput {})
    }
}

impl Handle<HeadBucket> for S3 {
    fn guard(&self, ctx: &Ctx, input: &HeadBucketInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:ListBucket")
    }

    async fn handle(self: &Arc<Self>, _: &Ctx, input: HeadBucketInput) -> Result<HeadBucketOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        Ok(HeadBucketOutput {
            bucket_region: Some(loaded.bucket.region.clone()),
            bucket_arn: Some(key::arn(&loaded.bucket.name, None)),
            ..Default::default()
        })
    }
}

impl Handle<GetBucketLocation> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketLocationInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketLocation")
    }

    /// The one answer whose element has no element around it, so it is told as the document that it is.
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketLocationInput,
    ) -> Result<GetBucketLocationOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint \
                     xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        let document = match loaded.bucket.region.as_str() {
            "us-east-1" => format!("{start}/>"),
            region => format!("{start}>{region}</LocationConstraint>"),
        };
        Ok(GetBucketLocationOutput {
            location_constraint: Some(document),
            content_type: Some("application/xml".to_owned()),
        })
    }
}

impl Handle<ListBuckets> for S3 {
    fn guard(&self, ctx: &Ctx, _: &ListBucketsInput) -> Result<Guard, ApiError> {
        Ok(Guard::any().action("s3:ListAllMyBuckets").owned_by(ctx.account()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListBucketsInput,
    ) -> Result<ListBucketsOutput, ApiError> {
        let prefix = input.prefix.clone().unwrap_or_default();
        let most = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or(0).clamp(1, 10_000);
        let account = ctx.account().number();
        let mut range = Range::prefix(&account);
        if let Some(token) = &input.continuation_token {
            let after = checksum::from_base64(token).and_then(|bytes| String::from_utf8(bytes).ok());
            let after = after.ok_or_else(|| {
                errors::invalid_argument(
                    "continuation-token",
                    token,
                    "The continuation token provided is incorrect",
                )
            })?;
            range = range.after(&(account, after));
        }
        let mut reader = self.read()?;
        let mut names = Vec::new();
        tables::OWNED.visit(&mut reader, &range, Order::Ascending, |(_, name), ()| {
            if name.starts_with(&prefix) {
                names.push(name);
            }
            ControlFlow::Continue(())
        })?;
        let (mut buckets, mut next) = (Vec::new(), None);
        for name in names {
            let Some(bucket) = tables::BUCKETS.find(&mut reader, &name)? else { continue };
            if input.bucket_region.as_ref().is_some_and(|region| *region != bucket.region) {
                continue;
            }
            if buckets.len() == most {
                next = buckets.last().and_then(|last: &ApiBucket| last.name.clone());
                break;
            }
            buckets.push(ApiBucket {
                name: Some(bucket.name.clone()),
                creation_date: Some(bucket.created),
                bucket_region: Some(bucket.region),
                bucket_arn: Some(key::arn(&bucket.name, None)),
            });
        }
        let continuation_token = next.map(|name| checksum::base64(name.as_bytes()));
        Ok(ListBucketsOutput {
            buckets: Some(buckets),
            owner: Some(acl::owner(ctx.account())),
            continuation_token,
            prefix: input.prefix,
        })
    }
}
