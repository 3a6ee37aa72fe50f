//! What is put on a bucket, got back and deleted as it is: one macro for the operations, one function for each kind's
//! rules. A configuration is checked before it is stored; what it does is elsewhere.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::*;
use shapes::ApiError;
use store::{Range, Tx};

use super::configuration_rules as rules;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::tables::{self, Config};
use crate::{S3, analytics, errors, inventory, lifecycle};

/// Configurations of one kind that a bucket may have (S3 User Guide, the features' quotas).
const MOST_OF_A_KIND: usize = 1000;
/// Configurations of a list's page.
const PAGE: usize = 100;

impl S3 {
    pub(crate) async fn put_config(
        self: &Arc<Self>,
        loaded: &Arc<Loaded>,
        kind: &'static str,
        id: &str,
        config: Config,
    ) -> Result<(), ApiError> {
        let (s3, target, id) = (Arc::clone(self), Arc::clone(loaded), id.to_owned());
        self.write(move |tx| {
            let bucket = bucket_now(tx, &target)?;
            let count = tables::CONFIGS
                .list(tx, &Range::prefix(&(bucket.id, kind.to_owned())), MOST_OF_A_KIND)?
                .len();
            if count >= MOST_OF_A_KIND {
                return Err(ApiError::sender(
                    "TooManyConfigurations",
                    "You are attempting to create a new configuration but have already reached the limit.",
                ));
            }
            tables::CONFIGS.put(tx, &(bucket.id, kind.to_owned(), id.clone()), &config);
            s3.config_changed(tx, &target, (kind, &id), Some(&config))
        })
        .await?;
        self.buckets.forget(&loaded.bucket.name);
        Ok(())
    }

    /// Deletes a configuration; one that is not there is deleted already, but for those of kinds with ids.
    pub(crate) async fn delete_config(
        self: &Arc<Self>,
        loaded: &Arc<Loaded>,
        kind: &'static str,
        id: &str,
    ) -> Result<(), ApiError> {
        let (s3, target, id) = (Arc::clone(self), Arc::clone(loaded), id.to_owned());
        self.write(move |tx| {
            let bucket = bucket_now(tx, &target)?;
            let place = (bucket.id, kind.to_owned(), id.clone());
            if !id.is_empty() && !tables::CONFIGS.contains(tx, &place)? {
                return Err(no_such_id(&target));
            }
            tables::CONFIGS.delete(tx, &place);
            s3.config_changed(tx, &target, (kind, &id), None)
        })
        .await?;
        self.buckets.forget(&loaded.bucket.name);
        Ok(())
    }

    pub(crate) fn find_config(
        &self,
        loaded: &Loaded,
        kind: &str,
        id: &str,
    ) -> Result<Option<Config>, ApiError> {
        let place = (loaded.bucket.id, kind.to_owned(), id.to_owned());
        Ok(tables::CONFIGS.find(&mut self.read()?, &place)?)
    }

    /// What follows from a changed configuration in the same transaction.
    fn config_changed(
        &self,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        (kind, id): (&'static str, &str),
        config: Option<&Config>,
    ) -> Result<(), ApiError> {
        let (now, ids) = (self.cloud.clock().now(), self.cloud.ids());
        match (kind, config) {
            ("analytics", Some(_)) => analytics::schedule(tx, &loaded.bucket, id, now, ids.number()),
            ("inventory", Some(_)) => inventory::schedule(tx, &loaded.bucket, id, now, ids.number()),
            ("lifecycle", Some(_)) => lifecycle::schedule(tx, &loaded.bucket, now, ids.number()),
            // Object Lock can be switched on for a bucket that was made without, and never off again.
            ("object-lock", Some(_)) if !loaded.bucket.has_object_lock => {
                let mut bucket = bucket_now(tx, loaded)?;
                bucket.has_object_lock = true;
                tables::BUCKETS.put(tx, &bucket.name.clone(), &bucket);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn no_such_id(loaded: &Loaded) -> ApiError {
    errors::no_such_configuration(
        "NoSuchConfiguration",
        "The specified configuration does not exist.",
        &loaded.bucket.name,
    )
}

/// PUT of one kind: the input's member, whether it is optional, and the kind's rules.
macro_rules! put {
    ($op:ident, $input:ident, $output:ident, $kind:literal, $action:literal, $input_name:ident => $value:expr, $check:expr) => {
        impl Handle<op::$op> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$input) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $action)
            }

            async fn handle(self: &Arc<Self>, ctx: &Ctx, $input_name: $input) -> Result<$output, ApiError> {
                let loaded =
                    self.bucket_of(&$input_name.bucket, $input_name.expected_bucket_owner.as_deref())?;
                let value = $value;
                let check: fn(&S3, &Ctx, &Loaded, &_) -> Result<(), ApiError> = $check;
                check(self, ctx, &loaded, &value)?;
                self.put_config(&loaded, $kind, "", Config::of(&value, ctx.now())).await?;
                Ok($output::default())
            }
        }
    };
}

/// GET of one kind: what the answer is made of, and the error when there is none.
macro_rules! get {
    ($op:ident, $input:ident, $output:ident, $kind:literal, $action:literal, $missing:expr, $config:ident => $answer:expr) => {
        impl Handle<op::$op> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$input) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $action)
            }

            async fn handle(self: &Arc<Self>, _: &Ctx, input: $input) -> Result<$output, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                let missing: fn(&Loaded) -> Result<$output, ApiError> = $missing;
                match self.find_config(&loaded, $kind, "")? {
                    Some($config) => Ok($answer),
                    None => missing(&loaded),
                }
            }
        }
    };
}

macro_rules! delete {
    ($op:ident, $input:ident, $output:ident, $kind:literal, $action:literal) => {
        impl Handle<op::$op> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$input) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $action)
            }

            async fn handle(self: &Arc<Self>, _: &Ctx, input: $input) -> Result<$output, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                self.delete_config(&loaded, $kind, "").await?;
                Ok($output::default())
            }
        }
    };
}

/// The four operations of a kind of which a bucket may have several.
macro_rules! several {
    ($kind:literal, $get_action:literal, $put_action:literal, $member:ident, $list_member:ident, $check:expr,
     $put:ident, $put_in:ident, $put_out:ident, $get:ident, $get_in:ident, $get_out:ident,
     $delete:ident, $delete_in:ident, $delete_out:ident, $list:ident, $list_in:ident, $list_out:ident) => {
        impl Handle<op::$put> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$put_in) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $put_action)
            }

            async fn handle(self: &Arc<Self>, ctx: &Ctx, input: $put_in) -> Result<$put_out, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                if input.$member.id != input.id {
                    return Err(errors::malformed_xml());
                }
                let check: fn(&S3, &Loaded, &_) -> Result<(), ApiError> = $check;
                check(self, &loaded, &input.$member)?;
                self.put_config(&loaded, $kind, &input.id, Config::of(&input.$member, ctx.now())).await?;
                Ok($put_out::default())
            }
        }

        impl Handle<op::$get> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$get_in) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $get_action)
            }

            async fn handle(self: &Arc<Self>, _: &Ctx, input: $get_in) -> Result<$get_out, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                let config =
                    self.find_config(&loaded, $kind, &input.id)?.ok_or_else(|| no_such_id(&loaded))?;
                Ok($get_out { $member: Some(config.read()) })
            }
        }

        impl Handle<op::$delete> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$delete_in) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $put_action)
            }

            async fn handle(self: &Arc<Self>, _: &Ctx, input: $delete_in) -> Result<$delete_out, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                self.delete_config(&loaded, $kind, &input.id).await?;
                Ok($delete_out::default())
            }
        }

        impl Handle<op::$list> for S3 {
            fn guard(&self, ctx: &Ctx, input: &$list_in) -> Result<Guard, ApiError> {
                self.bucket_guard(ctx, &input.bucket, $get_action)
            }

            async fn handle(self: &Arc<Self>, _: &Ctx, input: $list_in) -> Result<$list_out, ApiError> {
                let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
                let (kind, bucket) = ($kind.to_owned(), loaded.bucket.id);
                let mut range = Range::prefix(&(bucket, kind.clone()));
                if let Some(token) = &input.continuation_token {
                    range = range.after(&(bucket, kind, token.clone()));
                }
                let mut rows = tables::CONFIGS.list(&mut self.read()?, &range, PAGE + 1)?;
                let is_truncated = rows.len() > PAGE;
                rows.truncate(PAGE);
                let next = rows.last().filter(|_| is_truncated).map(|((_, _, id), _)| id.clone());
                let all: Vec<_> = rows.iter().map(|(_, config)| config.read()).collect();
                Ok($list_out {
                    $list_member: (!all.is_empty()).then_some(all),
                    is_truncated: Some(is_truncated),
                    continuation_token: input.continuation_token,
                    next_continuation_token: next,
                })
            }
        }
    };
}

fn missing<T>(loaded: &Loaded, code: &'static str, message: &'static str) -> Result<T, ApiError> {
    Err(errors::no_such_configuration(code, message, &loaded.bucket.name))
}

put!(PutBucketCors, PutBucketCorsInput, PutBucketCorsOutput, "cors", "s3:PutBucketCORS",
    input => input.cors_configuration, |_, _, _, value| rules::cors(value));
get!(GetBucketCors, GetBucketCorsInput, GetBucketCorsOutput, "cors", "s3:GetBucketCORS",
    |loaded| missing(loaded, "NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    config => config.read());
delete!(DeleteBucketCors, DeleteBucketCorsInput, DeleteBucketCorsOutput, "cors", "s3:PutBucketCORS");

put!(PutBucketEncryption, PutBucketEncryptionInput, PutBucketEncryptionOutput, "encryption",
    "s3:PutEncryptionConfiguration",
    input => input.server_side_encryption_configuration, |_, _, _, value| rules::encryption(value));
get!(GetBucketEncryption, GetBucketEncryptionInput, GetBucketEncryptionOutput, "encryption",
    "s3:GetEncryptionConfiguration",
    |_| Ok(rules::default_encryption()),
    config => GetBucketEncryptionOutput { server_side_encryption_configuration: Some(config.read()) });
delete!(
    DeleteBucketEncryption,
    DeleteBucketEncryptionInput,
    DeleteBucketEncryptionOutput,
    "encryption",
    "s3:PutEncryptionConfiguration"
);

put!(PutBucketWebsite, PutBucketWebsiteInput, PutBucketWebsiteOutput, "website", "s3:PutBucketWebsite",
    input => input.website_configuration, |_, _, _, value| rules::website(value));
get!(GetBucketWebsite, GetBucketWebsiteInput, GetBucketWebsiteOutput, "website", "s3:GetBucketWebsite",
    |loaded| missing(loaded, "NoSuchWebsiteConfiguration",
        "The specified bucket does not have a website configuration"),
    config => config.read());
delete!(
    DeleteBucketWebsite,
    DeleteBucketWebsiteInput,
    DeleteBucketWebsiteOutput,
    "website",
    "s3:DeleteBucketWebsite"
);

put!(PutBucketTagging, PutBucketTaggingInput, PutBucketTaggingOutput, "tagging", "s3:PutBucketTagging",
    input => input.tagging, |_, _, _, value: &Tagging| crate::tags::of_bucket(value.tag_set.clone()).map(drop));
get!(GetBucketTagging, GetBucketTaggingInput, GetBucketTaggingOutput, "tagging", "s3:GetBucketTagging",
    |loaded| missing(loaded, "NoSuchTagSet", "The TagSet does not exist"),
    config => config.read());
delete!(
    DeleteBucketTagging,
    DeleteBucketTaggingInput,
    DeleteBucketTaggingOutput,
    "tagging",
    "s3:PutBucketTagging"
);

put!(PutBucketReplication, PutBucketReplicationInput, PutBucketReplicationOutput, "replication",
    "s3:PutReplicationConfiguration",
    input => input.replication_configuration, rules::replication);
get!(GetBucketReplication, GetBucketReplicationInput, GetBucketReplicationOutput, "replication",
    "s3:GetReplicationConfiguration",
    |loaded| missing(loaded, "ReplicationConfigurationNotFoundError", "The replication configuration was not found"),
    config => GetBucketReplicationOutput { replication_configuration: Some(config.read()) });
delete!(
    DeleteBucketReplication,
    DeleteBucketReplicationInput,
    DeleteBucketReplicationOutput,
    "replication",
    "s3:PutReplicationConfiguration"
);

put!(PutBucketLogging, PutBucketLoggingInput, PutBucketLoggingOutput, "logging", "s3:PutBucketLogging",
    input => input.bucket_logging_status, rules::logging);
get!(GetBucketLogging, GetBucketLoggingInput, GetBucketLoggingOutput, "logging", "s3:GetBucketLogging",
    |_| Ok(GetBucketLoggingOutput::default()),
    config => config.read());

put!(PutBucketRequestPayment, PutBucketRequestPaymentInput, PutBucketRequestPaymentOutput, "request-payment",
    "s3:PutBucketRequestPayment",
    input => input.request_payment_configuration, |_, _, _, value| rules::request_payment(value));
get!(GetBucketRequestPayment, GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, "request-payment",
    "s3:GetBucketRequestPayment",
    |_| Ok(GetBucketRequestPaymentOutput { payer: Some("BucketOwner".to_owned()) }),
    config => config.read());

put!(PutBucketAccelerateConfiguration, PutBucketAccelerateConfigurationInput, PutBucketAccelerateConfigurationOutput,
    "accelerate", "s3:PutAccelerateConfiguration",
    input => input.accelerate_configuration, |_, _, loaded, value| rules::accelerate(loaded, value));
get!(GetBucketAccelerateConfiguration, GetBucketAccelerateConfigurationInput, GetBucketAccelerateConfigurationOutput,
    "accelerate", "s3:GetAccelerateConfiguration",
    |_| Ok(GetBucketAccelerateConfigurationOutput::default()),
    config => config.read());

put!(PutBucketOwnershipControls, PutBucketOwnershipControlsInput, PutBucketOwnershipControlsOutput, "ownership",
    "s3:PutBucketOwnershipControls",
    input => input.ownership_controls, |_, _, loaded, value| rules::ownership(loaded, value));
get!(GetBucketOwnershipControls, GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput, "ownership",
    "s3:GetBucketOwnershipControls",
    |loaded| missing(loaded, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found"),
    config => GetBucketOwnershipControlsOutput { ownership_controls: Some(config.read()) });
delete!(
    DeleteBucketOwnershipControls,
    DeleteBucketOwnershipControlsInput,
    DeleteBucketOwnershipControlsOutput,
    "ownership",
    "s3:PutBucketOwnershipControls"
);

put!(PutPublicAccessBlock, PutPublicAccessBlockInput, PutPublicAccessBlockOutput, "public-access-block",
    "s3:PutBucketPublicAccessBlock",
    input => rules::public_access(input.public_access_block_configuration), |_, _, _, _| Ok(()));
get!(GetPublicAccessBlock, GetPublicAccessBlockInput, GetPublicAccessBlockOutput, "public-access-block",
    "s3:GetBucketPublicAccessBlock",
    |loaded| missing(loaded, "NoSuchPublicAccessBlockConfiguration",
        "The public access block configuration was not found"),
    config => GetPublicAccessBlockOutput { public_access_block_configuration: Some(config.read()) });
delete!(
    DeletePublicAccessBlock,
    DeletePublicAccessBlockInput,
    DeletePublicAccessBlockOutput,
    "public-access-block",
    "s3:PutBucketPublicAccessBlock"
);

put!(PutObjectLockConfiguration, PutObjectLockConfigurationInput, PutObjectLockConfigurationOutput, "object-lock",
    "s3:PutBucketObjectLockConfiguration",
    input => input.object_lock_configuration.unwrap_or_default(), |_, _, loaded, value| rules::object_lock(loaded, value));
get!(GetObjectLockConfiguration, GetObjectLockConfigurationInput, GetObjectLockConfigurationOutput, "object-lock",
    "s3:GetBucketObjectLockConfiguration",
    rules::no_lock_configuration,
    config => GetObjectLockConfigurationOutput { object_lock_configuration: Some(config.read()) });

several!(
    "analytics",
    "s3:GetAnalyticsConfiguration",
    "s3:PutAnalyticsConfiguration",
    analytics_configuration,
    analytics_configuration_list,
    rules::analytics,
    PutBucketAnalyticsConfiguration,
    PutBucketAnalyticsConfigurationInput,
    PutBucketAnalyticsConfigurationOutput,
    GetBucketAnalyticsConfiguration,
    GetBucketAnalyticsConfigurationInput,
    GetBucketAnalyticsConfigurationOutput,
    DeleteBucketAnalyticsConfiguration,
    DeleteBucketAnalyticsConfigurationInput,
    DeleteBucketAnalyticsConfigurationOutput,
    ListBucketAnalyticsConfigurations,
    ListBucketAnalyticsConfigurationsInput,
    ListBucketAnalyticsConfigurationsOutput
);

several!(
    "intelligent-tiering",
    "s3:GetIntelligentTieringConfiguration",
    "s3:PutIntelligentTieringConfiguration",
    intelligent_tiering_configuration,
    intelligent_tiering_configuration_list,
    |_, _, value| rules::intelligent_tiering(value),
    PutBucketIntelligentTieringConfiguration,
    PutBucketIntelligentTieringConfigurationInput,
    PutBucketIntelligentTieringConfigurationOutput,
    GetBucketIntelligentTieringConfiguration,
    GetBucketIntelligentTieringConfigurationInput,
    GetBucketIntelligentTieringConfigurationOutput,
    DeleteBucketIntelligentTieringConfiguration,
    DeleteBucketIntelligentTieringConfigurationInput,
    DeleteBucketIntelligentTieringConfigurationOutput,
    ListBucketIntelligentTieringConfigurations,
    ListBucketIntelligentTieringConfigurationsInput,
    ListBucketIntelligentTieringConfigurationsOutput
);

several!(
    "inventory",
    "s3:GetInventoryConfiguration",
    "s3:PutInventoryConfiguration",
    inventory_configuration,
    inventory_configuration_list,
    rules::inventory,
    PutBucketInventoryConfiguration,
    PutBucketInventoryConfigurationInput,
    PutBucketInventoryConfigurationOutput,
    GetBucketInventoryConfiguration,
    GetBucketInventoryConfigurationInput,
    GetBucketInventoryConfigurationOutput,
    DeleteBucketInventoryConfiguration,
    DeleteBucketInventoryConfigurationInput,
    DeleteBucketInventoryConfigurationOutput,
    ListBucketInventoryConfigurations,
    ListBucketInventoryConfigurationsInput,
    ListBucketInventoryConfigurationsOutput
);

several!(
    "metrics",
    "s3:GetMetricsConfiguration",
    "s3:PutMetricsConfiguration",
    metrics_configuration,
    metrics_configuration_list,
    |_, _, _| Ok(()),
    PutBucketMetricsConfiguration,
    PutBucketMetricsConfigurationInput,
    PutBucketMetricsConfigurationOutput,
    GetBucketMetricsConfiguration,
    GetBucketMetricsConfigurationInput,
    GetBucketMetricsConfigurationOutput,
    DeleteBucketMetricsConfiguration,
    DeleteBucketMetricsConfigurationInput,
    DeleteBucketMetricsConfigurationOutput,
    ListBucketMetricsConfigurations,
    ListBucketMetricsConfigurationsInput,
    ListBucketMetricsConfigurationsOutput
);
