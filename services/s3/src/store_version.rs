//! Putting a new version: the transaction that every way of making an object ends with.

use std::sync::Arc;

use cloud::Ctx;
use shapes::ApiError;
use store::{Reader, Tx};

use crate::bucket::Bucket;
use crate::conditions::Conditions;
use crate::events::Event;
use crate::object::Version;
use crate::settings::Loaded;
use crate::upload::{Stored, StoredDraft};
use crate::{S3, errors, replication, tables, tiering, versions};

/// A version that is whole but for its id, and where it goes.
pub(crate) struct NewVersion {
    pub loaded: Arc<Loaded>,
    pub key: String,
    pub version: Version,
    pub stored: Stored,
    pub conditions: Conditions,
    /// `ObjectCreated:Put`
    pub event: &'static str,
}

/// The bucket of a request as it is inside a transaction.
pub(crate) fn bucket_now(reader: &mut dyn Reader, loaded: &Loaded) -> Result<Bucket, ApiError> {
    let bucket = tables::BUCKETS.find(reader, &loaded.bucket.name)?;
    bucket
        .filter(|bucket| bucket.id == loaded.bucket.id)
        .ok_or_else(|| errors::no_such_bucket(&loaded.bucket.name))
}

impl S3 {
    /// Stores a new version and what follows from it, in one transaction. Gives it back with its id, and its bucket.
    pub(crate) async fn store_version(
        self: &Arc<Self>,
        ctx: &Ctx,
        new: NewVersion,
    ) -> Result<(Version, Bucket), ApiError> {
        self.store_version_with(ctx, new, |_| Ok(())).await
    }

    /// As [`Self::store_version`], with more to do in the same transaction, before anything else.
    pub(crate) async fn store_version_with(
        self: &Arc<Self>,
        ctx: &Ctx,
        new: NewVersion,
        mut also: impl FnMut(&mut Tx<'_>) -> Result<(), ApiError> + Send + 'static,
    ) -> Result<(Version, Bucket), ApiError> {
        let NewVersion { loaded, key, mut version, stored, conditions, event } = new;
        version.content = stored.content();
        let draft = stored.draft();
        let (s3, own) = (Arc::clone(self), ctx.clone());
        let (version, bucket, freed) = self
            .write(move |tx| {
                also(tx)?;
                s3.put_in(&own, tx, &loaded, &key, &version, &draft, &conditions, event)
            })
            .await?;
        stored.keep();
        self.remove(freed);
        Ok((version, bucket))
    }

    #[allow(clippy::too_many_arguments, reason = "the transaction of one version, whole")]
    fn put_in(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        loaded: &Loaded,
        key: &str,
        version: &Version,
        draft: &StoredDraft,
        conditions: &Conditions,
        event: &'static str,
    ) -> Result<(Version, Bucket, versions::Freed), ApiError> {
        let bucket = bucket_now(tx, loaded)?;
        draft.store(tx);
        let mut version = version.clone();
        version.replication = replication::status(loaded, key, &version);
        let (version, freed) = versions::put(tx, &bucket, key, version, conditions)?;
        tiering::watch(tx, &bucket, key, &version, ctx.now(), ctx.ids().number())?;
        self.replicate(tx, loaded, key, &version)?;
        self.notify(ctx, tx, loaded, &Event { name: event, key, version: &version })?;
        Ok((version, bucket, freed))
    }
}
