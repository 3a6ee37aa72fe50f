//! Replication: new versions copied to other buckets, with their ids (S3 User Guide, "Replicating objects").
//!
//! What is to be replicated is a job that is stored with the version. It may run twice: the second copy has the same id
//! and takes the place of the first.

use std::sync::Arc;
use std::time::Duration;

use clock::{JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::Ctx;
use s3_api::{ReplicationConfiguration, ReplicationRule, Tag};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::Tx;

use crate::class::StorageClass;
use crate::encryption::Plan;
use crate::events::Event;
use crate::guards::on_object;
use crate::object::{Encryption, Replication, Version, VersionId};
use crate::ops::{CopySource, source_of};
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::upload::Received;
use crate::{S3, key, tiering, versions};

const JOB: &str = "s3.replication";

#[derive(Clone, Serialize, Deserialize)]
struct Copy {
    bucket: String,
    key: String,
    id: VersionId,
    destination: String,
    class: Option<String>,
    role: String,
    /// The KMS key of the replica, for what is encrypted with one.
    #[serde(default)]
    kms_key: Option<String>,
}

/// The rules that a version falls under: for each destination the one that comes first in priority (S3 User Guide,
/// "Replication configuration file elements").
fn rules_for<'c>(
    configuration: &'c ReplicationConfiguration,
    key: &str,
    version: &Version,
) -> Vec<&'c ReplicationRule> {
    let mut found: Vec<&ReplicationRule> = Vec::new();
    for rule in configuration.rules.iter().filter(|rule| rule.status == "Enabled" && fits(rule, key, version))
    {
        let same = found.iter_mut().find(|other| other.destination.bucket == rule.destination.bucket);
        match same {
            Some(other) if rule.priority >= other.priority => *other = rule,
            Some(_) => {}
            None => found.push(rule),
        }
    }
    found
}

fn fits(rule: &ReplicationRule, key: &str, version: &Version) -> bool {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    let prefix = rule
        .prefix
        .as_deref()
        .or_else(|| filter.and_then(|filter| filter.prefix.as_deref()))
        .or_else(|| and.and_then(|and| and.prefix.as_deref()))
        .unwrap_or_default();
    let tags = filter.and_then(|filter| filter.tag.as_ref()).into_iter();
    let mut tags = tags.chain(and.iter().flat_map(|and| and.tags.iter().flatten()));
    let has = |tag: &Tag| version.tags.iter().any(|(name, value)| *name == tag.key && *value == tag.value);
    let marker = rule.delete_marker_replication.as_ref().and_then(|marker| marker.status.as_deref());
    // Rules of the first form, with a prefix of their own, take delete markers along.
    let takes_markers = marker.map_or(rule.filter.is_none(), |status| status == "Enabled");
    // What KMS keys encrypt is replicated only where a rule says so, and with which key.
    let with_kms = rule.source_selection_criteria.as_ref().and_then(|c| c.sse_kms_encrypted_objects.as_ref());
    let takes_kms = with_kms.is_some_and(|objects| objects.status == "Enabled");
    let is_kms = matches!(version.encryption, Encryption::DataKey { .. });
    key.starts_with(prefix)
        && tags.all(has)
        && (!is_kms || takes_kms)
        && (!version.is_delete_marker || takes_markers)
}

/// Whether rules want a version copied, be it itself a copy.
pub(crate) fn is_eligible(loaded: &Loaded, key: &str, version: &Version) -> bool {
    !matches!(version.encryption, Encryption::Customer { .. })
        && loaded
            .settings
            .replication
            .as_ref()
            .is_some_and(|rules| !rules_for(rules, key, version).is_empty())
}

/// Whether a version is to be replicated, and what its answers say of it.
pub(crate) fn status(loaded: &Loaded, key: &str, version: &Version) -> Option<Replication> {
    let is_own = version.replication != Some(Replication::Replica);
    (is_own && is_eligible(loaded, key, version)).then_some(Replication::Pending)
}

/// What is to be copied where, as the rules have it.
fn copies(loaded: &Loaded, key: &str, version: &Version) -> Vec<Copy> {
    let Some(configuration) = &loaded.settings.replication else { return Vec::new() };
    let copy = |rule: &ReplicationRule| Copy {
        bucket: loaded.bucket.name.clone(),
        key: key.to_owned(),
        id: version.id,
        destination: key::bucket_of_arn(&rule.destination.bucket).to_owned(),
        class: rule.destination.storage_class.clone(),
        role: configuration.role.clone(),
        kms_key: rule
            .destination
            .encryption_configuration
            .as_ref()
            .and_then(|encryption| encryption.replica_kms_key_id.clone()),
    };
    rules_for(configuration, key, version).into_iter().map(copy).collect()
}

impl S3 {
    /// Has a version replicated once `tx` is durable, where a rule says so.
    pub(crate) fn replicate(
        &self,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        key: &str,
        version: &Version,
    ) -> Result<(), ApiError> {
        if status(loaded, key, version).is_none() {
            return Ok(());
        }
        for copy in copies(loaded, key, version) {
            let payload = serde_json::to_vec(&copy).map_err(ApiError::internal)?;
            let (now, number) = (self.cloud.clock().now(), self.cloud.ids().number());
            let subject = format!("{}/{key} to {}", copy.bucket, copy.destination);
            Jobs::add(tx, now, number, NewJob { kind: JOB, subject, payload, due: now });
        }
        Ok(())
    }

    /// Copies a version that is there already, for S3 Batch Replication. The reasons are those of the S3 User Guide,
    /// "Amazon S3 replication failure reasons".
    pub(crate) async fn replicate_existing(
        self: &Arc<Self>,
        ctx: &Ctx,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
    ) -> Result<(), ApiError> {
        let refuse = |code: &'static str, message: &str| Err(ApiError::sender(code, message));
        let Some(loaded) = self.find_bucket(bucket)? else {
            return refuse("SrcBucketNotFound", "The source bucket was not found");
        };
        if loaded.settings.replication.is_none() {
            return refuse(
                "SrcBucketReplicationConfigMissing",
                "The source bucket has no replication configuration",
            );
        }
        if ctx.authorize(&s3_api::SERVICE, &on_object(ctx, &loaded, key, "s3:InitiateReplication")).is_err() {
            return refuse(
                "SrcReplicationNotPermitted",
                "The role may not initiate the replication of the object",
            );
        }
        let Some(version) = versions::find(&mut self.read()?, &loaded.bucket, key, version_id)? else {
            return refuse("SrcObjectNotFound", "The source object was not found");
        };
        let copies = copies(&loaded, key, &version);
        if copies.is_empty() || !is_eligible(&loaded, key, &version) {
            return refuse("SrcObjectNotEligible", "The source object is not eligible for replication");
        }
        for copy in copies {
            if let Err(error) = self.replicate_now(&copy).await {
                self.settle_failed(&loaded, &copy).await?;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn settle_failed(self: &Arc<Self>, loaded: &Arc<Loaded>, copy: &Copy) -> Result<(), ApiError> {
        let region = self.cloud.settings().default_region;
        let arn = key::arn(&copy.bucket, None);
        let ctx = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        self.settle(&ctx, loaded, copy, Replication::Failed).await
    }

    /// Copies one version, or its delete marker.
    async fn replicate_now(self: &Arc<Self>, copy: &Copy) -> Result<(), ApiError> {
        let (loaded, target) = (self.bucket(&copy.bucket)?, self.bucket(&copy.destination)?);
        let region =
            identity::Region::parse(&loaded.bucket.region).unwrap_or(self.cloud.settings().default_region);
        let arn = key::arn(&copy.bucket, None);
        let own = self.cloud.background("s3.amazonaws.com", &arn, loaded.bucket.owner, region);
        let ctx = own.with_role("s3.amazonaws.com", &arn, &copy.role)?;
        let id = copy.id.to_string();
        let Some(version) = versions::find(&mut self.read()?, &loaded.bucket, &copy.key, Some(&id))? else {
            // Deleted before it was copied.
            return Ok(());
        };
        let action = if version.is_delete_marker { "s3:ReplicateDelete" } else { "s3:ReplicateObject" };
        ctx.authorize(&s3_api::SERVICE, &on_object(&ctx, &target, &copy.key, action))?;
        let read = "s3:GetObjectVersionForReplication";
        ctx.authorize(&s3_api::SERVICE, &on_object(&ctx, &loaded, &copy.key, read))?;
        let mut replica = version.clone();
        replica.replication = Some(Replication::Replica);
        replica.owner = target.bucket.owner;
        if let Some(class) = &copy.class {
            replica.class = StorageClass::parse(Some(class))?;
        }
        let received = match version.is_delete_marker {
            true => None,
            false => {
                let (received, encryption) = self.copy_version(&ctx, copy, &version).await?;
                replica.encryption = encryption;
                Some(received)
            }
        };
        let draft = received.as_ref().map(|received| (received.stored.content(), received.stored.draft()));
        if let Some((content, _)) = &draft {
            replica.content = *content;
        }
        let (place, goal) = (copy.key.clone(), Arc::clone(&target));
        let (now, number) = (own.now(), own.ids().number());
        let freed = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &goal)?;
                if let Some((_, draft)) = &draft {
                    draft.store(tx);
                }
                let freed = versions::insert(tx, &bucket, &place, &replica)?;
                tiering::watch(tx, &bucket, &place, &replica, now, number)?;
                Ok::<_, ApiError>(freed)
            })
            .await?;
        if let Some(received) = received {
            received.stored.keep();
        }
        self.remove(freed);
        self.settle(&own, &loaded, copy, Replication::Completed).await
    }

    async fn copy_version(
        self: &Arc<Self>,
        ctx: &Ctx,
        copy: &Copy,
        version: &Version,
    ) -> Result<(Received, Encryption), ApiError> {
        let named = CopySource {
            bucket: copy.bucket.clone(),
            key: copy.key.clone(),
            version_id: Some(copy.id.to_string()),
        };
        let source = source_of(self, ctx, &named).await?;
        let encryption = match &version.encryption {
            Encryption::DataKey { key_arn, is_dual_layer, has_bucket_key, .. } => Encryption::Kms {
                key_id: copy.kms_key.clone().unwrap_or_else(|| key_arn.clone()),
                is_dual_layer: *is_dual_layer,
                has_bucket_key: *has_bucket_key,
            },
            // From before there were KMS keys.
            Encryption::Kms { .. } => Encryption::Region,
            other => other.clone(),
        };
        let mut plan = Plan { encryption, customer_key: None, context: None };
        let key = self.key_for_writing(ctx, (&copy.destination, &copy.key), &mut plan).await?;
        let received = self.copy_bytes(source, 0..version.size, &key, None).await?;
        Ok((received, plan.encryption))
    }

    /// Notes on the source what became of its copy.
    async fn settle(
        self: &Arc<Self>,
        ctx: &Ctx,
        loaded: &Arc<Loaded>,
        copy: &Copy,
        status: Replication,
    ) -> Result<(), ApiError> {
        let (s3, ctx, loaded, copy) = (Arc::clone(self), ctx.clone(), Arc::clone(loaded), copy.clone());
        self.write(move |tx| {
            let found = versions::find(tx, &loaded.bucket, &copy.key, Some(&copy.id.to_string()))?;
            let Some(mut version) = found.filter(|version| version.id == copy.id) else { return Ok(()) };
            // A copy of a copy leaves it what it is.
            if version.replication == Some(Replication::Replica) {
                return Ok(());
            }
            version.replication = Some(status);
            versions::update(tx, loaded.bucket.id, &copy.key, &version)?;
            let name = match status {
                Replication::Failed => "Replication:OperationFailedReplication",
                _ => "Replication:OperationReplicatedAfterThreshold",
            };
            match status {
                Replication::Failed => {
                    s3.notify(&ctx, tx, &loaded, &Event { name, key: &copy.key, version: &version })
                }
                _ => Ok(()),
            }
        })
        .await
    }
}

pub(crate) fn job(s3: &Arc<S3>) -> JobKind {
    let (s3, given_up) = (Arc::clone(s3), Arc::clone(s3));
    JobKind {
        name: JOB,
        retry: RetryPolicy {
            attempts: 12,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(3600),
        },
        concurrency: 8,
        handler: Arc::new(move |_, job| {
            let s3 = Arc::clone(&s3);
            Box::pin(async move {
                let Ok(copy) = serde_json::from_slice::<Copy>(&job.payload) else { return JobOutcome::Done };
                match s3.replicate_now(&copy).await {
                    Ok(()) => JobOutcome::Done,
                    Err(error) => JobOutcome::Failed(error.to_string()),
                }
            })
        }),
        given_up: Some(Arc::new(move |_, job| {
            let s3 = Arc::clone(&given_up);
            Box::pin(async move {
                let Ok(copy) = serde_json::from_slice::<Copy>(&job.payload) else { return JobOutcome::Done };
                if let Ok(loaded) = s3.bucket(&copy.bucket) {
                    let _ = s3.settle_failed(&loaded, &copy).await;
                }
                JobOutcome::Done
            })
        })),
    }
}
