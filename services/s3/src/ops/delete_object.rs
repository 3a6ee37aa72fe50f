//! DeleteObject and DeleteObjects.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{DeleteObject, DeleteObjects};
use s3_api::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error,
    ObjectIdentifier,
};
use shapes::ApiError;
use store::Tx;

use crate::bucket::Bucket;
use crate::conditions::Conditions;
use crate::events::Event;
use crate::guards::on_object;
use crate::object::Version;
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::versions::{self, Deleted};
use crate::{S3, errors, key};

/// Keys of one request (API Reference, DeleteObjects).
const MOST_KEYS: usize = 1000;

/// One key or version to be deleted.
#[derive(Clone, Debug)]
pub(crate) struct Deletion {
    pub key: String,
    pub version_id: Option<String>,
    pub conditions: Conditions,
    pub bypasses_governance: bool,
    /// What a delete marker's id is made of.
    pub chance: u64,
}

impl Handle<DeleteObject> for S3 {
    fn guard(&self, ctx: &Ctx, input: &DeleteObjectInput) -> Result<Guard, ApiError> {
        let version = input.version_id.as_deref();
        let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        self.version_guard(ctx, &input.bucket, &input.key, version, action)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteObjectInput,
    ) -> Result<DeleteObjectOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        key::check(&input.key)?;
        let deletion = Deletion {
            bypasses_governance: self.bypasses(
                ctx,
                &loaded,
                &input.key,
                input.bypass_governance_retention,
            )?,
            conditions: Conditions::read(&input).with_size(input.if_match_size),
            key: input.key,
            version_id: input.version_id,
            chance: u64::from_le_bytes(ctx.ids().bytes()),
        };
        let (s3, own, target) = (Arc::clone(self), ctx.clone(), Arc::clone(&loaded));
        let deleted = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &target)?;
                s3.delete_in(&own, tx, &target, &bucket, &deletion)
            })
            .await?;
        let output = DeleteObjectOutput {
            delete_marker: deleted.is_delete_marker.then_some(true),
            version_id: deleted.version.map(|id| id.to_string()),
            ..Default::default()
        };
        self.remove(deleted.freed);
        Ok(output)
    }
}

impl S3 {
    /// Deletes one key or version as part of `tx`.
    pub(crate) fn delete_in(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        bucket: &Bucket,
        deletion: &Deletion,
    ) -> Result<Deleted, ApiError> {
        let Deletion { key, version_id, conditions, bypasses_governance, chance } = deletion;
        let Some(version_id) = version_id else {
            let mut marker = Version::delete_marker(bucket.owner, ctx.now());
            marker.id.chance = *chance;
            let deleted = versions::delete_newest(tx, bucket, key, marker.clone(), conditions)?;
            let event = match deleted.version {
                Some(id) => {
                    marker.id = id;
                    self.replicate(tx, loaded, key, &marker)?;
                    Some(("ObjectRemoved:DeleteMarkerCreated", &marker))
                }
                None => deleted.gone.as_ref().map(|gone| ("ObjectRemoved:Delete", gone)),
            };
            if let Some((name, version)) = event {
                self.notify(ctx, tx, loaded, &Event { name, key, version })?;
            }
            return Ok(deleted);
        };
        let found = versions::find(tx, bucket, key, Some(version_id))?;
        conditions.check_delete(key, found.as_ref())?;
        let Some(version) = found else {
            // A version that is not there is deleted already.
            return Ok(Deleted::default());
        };
        if version.lock.protects(ctx.now(), *bypasses_governance) {
            return Err(errors::object_locked());
        }
        let freed = versions::delete_version(tx, bucket, key, &version)?;
        self.notify(ctx, tx, loaded, &Event { name: "ObjectRemoved:Delete", key, version: &version })?;
        Ok(Deleted {
            version: Some(version.id),
            is_delete_marker: version.is_delete_marker,
            gone: Some(version),
            freed,
        })
    }
}

impl Handle<DeleteObjects> for S3 {
    /// Asked key by key, since each may be allowed or not.
    fn guard(&self, _: &Ctx, _: &DeleteObjectsInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DeleteObjectsInput,
    ) -> Result<DeleteObjectsOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let objects = input.delete.objects;
        if objects.is_empty() || objects.len() > MOST_KEYS {
            return Err(errors::malformed_xml());
        }
        let is_quiet = input.delete.quiet == Some(true);
        let mut output = DeleteObjectsOutput::default();
        let (mut deleted, mut failed) = (Vec::new(), Vec::new());
        let mut deletions = Vec::new();
        for object in objects {
            match self.admitted(ctx, &loaded, &object, input.bypass_governance_retention) {
                Ok(deletion) => deletions.push(deletion),
                Err(error) => failed.push(failure(&object.key, object.version_id, &error)),
            }
        }
        let (s3, own, target) = (Arc::clone(self), ctx.clone(), Arc::clone(&loaded));
        let outcomes = self
            .write(move |tx| {
                let bucket = bucket_now(tx, &target)?;
                let outcomes = deletions
                    .iter()
                    .map(|deletion| (deletion.clone(), s3.delete_in(&own, tx, &target, &bucket, deletion)));
                Ok::<Vec<(Deletion, Result<Deleted, ApiError>)>, ApiError>(outcomes.collect())
            })
            .await?;
        let mut freed = Vec::new();
        for (deletion, outcome) in outcomes {
            match outcome {
                Ok(outcome) => {
                    deleted.push(told(deletion, &outcome));
                    freed.extend(outcome.freed);
                }
                Err(error) => failed.push(failure(&deletion.key, deletion.version_id, &error)),
            }
        }
        self.remove(freed);
        output.deleted = (!is_quiet && !deleted.is_empty()).then_some(deleted);
        output.errors = (!failed.is_empty()).then_some(failed);
        Ok(output)
    }
}

impl S3 {
    /// An entry that the caller may delete.
    fn admitted(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        object: &ObjectIdentifier,
        bypass: Option<bool>,
    ) -> Result<Deletion, ApiError> {
        key::check(&object.key)?;
        let action = match object.version_id {
            Some(_) => "s3:DeleteObjectVersion",
            None => "s3:DeleteObject",
        };
        ctx.authorize(&s3_api::SERVICE, &on_object(ctx, loaded, &object.key, action))?;
        if let Some(id) = &object.version_id {
            crate::object::VersionId::parse(id).map_err(|_| errors::no_such_version(&object.key, id))?;
        }
        Ok(Deletion {
            bypasses_governance: self.bypasses(ctx, loaded, &object.key, bypass)?,
            conditions: Conditions::of_entry(object.e_tag.clone(), object.size, object.last_modified_time),
            key: object.key.clone(),
            version_id: object.version_id.clone(),
            chance: u64::from_le_bytes(ctx.ids().bytes()),
        })
    }
}

fn told(deletion: Deletion, outcome: &Deleted) -> DeletedObject {
    let made = outcome.version.filter(|_| outcome.is_delete_marker).map(|id| id.to_string());
    DeletedObject {
        key: Some(deletion.key),
        version_id: deletion.version_id,
        delete_marker: outcome.is_delete_marker.then_some(true),
        delete_marker_version_id: made,
    }
}

fn failure(key: &str, version_id: Option<String>, error: &ApiError) -> Error {
    Error {
        key: Some(key.to_owned()),
        version_id,
        code: Some(error.code().to_owned()),
        message: Some(error.message().to_owned()),
    }
}
