//! Retention and legal holds of versions.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{GetObjectLegalHold, GetObjectRetention, PutObjectLegalHold, PutObjectRetention};
use s3_api::{
    GetObjectLegalHoldInput, GetObjectLegalHoldOutput, GetObjectRetentionInput, GetObjectRetentionOutput,
    ObjectLockLegalHold, ObjectLockRetention, PutObjectLegalHoldInput, PutObjectLegalHoldOutput,
    PutObjectRetentionInput, PutObjectRetentionOutput,
};
use shapes::ApiError;

use crate::object::{LockMode, Retention};
use crate::settings::Loaded;
use crate::store_version::bucket_now;
use crate::{S3, errors, lock, versions};

fn check_enabled(loaded: &Loaded) -> Result<(), ApiError> {
    if loaded.bucket.has_object_lock { Ok(()) } else { Err(errors::no_object_lock()) }
}

impl Handle<GetObjectRetention> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectRetentionInput) -> Result<Guard, ApiError> {
        self.version_guard(
            ctx,
            &input.bucket,
            &input.key,
            input.version_id.as_deref(),
            "s3:GetObjectRetention",
        )
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetObjectRetentionInput,
    ) -> Result<GetObjectRetentionOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        check_enabled(&loaded)?;
        let version = input.version_id.as_deref();
        let version = versions::find_object(&mut self.read()?, &loaded.bucket, &input.key, version)?;
        let retention = version.lock.retention.ok_or_else(errors::no_retention)?;
        let retention = ObjectLockRetention {
            mode: Some(retention.mode.name().to_owned()),
            retain_until_date: Some(retention.until),
        };
        Ok(GetObjectRetentionOutput { retention: Some(retention) })
    }
}

impl Handle<PutObjectRetention> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutObjectRetentionInput) -> Result<Guard, ApiError> {
        self.version_guard(
            ctx,
            &input.bucket,
            &input.key,
            input.version_id.as_deref(),
            "s3:PutObjectRetention",
        )
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutObjectRetentionInput,
    ) -> Result<PutObjectRetentionOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        check_enabled(&loaded)?;
        let asked = input.retention.unwrap_or_default();
        let wanted = match (asked.mode.as_deref(), asked.retain_until_date) {
            (None, None) => None,
            (Some(mode), Some(until)) => {
                let mode = LockMode::parse(mode).ok_or_else(errors::malformed_xml)?;
                lock::check_future(ctx.now(), until)?;
                Some(Retention { mode, until })
            }
            _ => return Err(errors::malformed_xml()),
        };
        let bypasses = self.bypasses(ctx, &loaded, &input.key, input.bypass_governance_retention)?;
        let now = ctx.now();
        self.write(move |tx| {
            let bucket = bucket_now(tx, &loaded)?;
            let mut version = versions::find_object(tx, &bucket, &input.key, input.version_id.as_deref())?;
            lock::check_change(&version, wanted, now, bypasses)?;
            version.lock.retention = wanted;
            Ok::<_, ApiError>(versions::update(tx, bucket.id, &input.key, &version)?)
        })
        .await?;
        Ok(PutObjectRetentionOutput::default())
    }
}

impl Handle<GetObjectLegalHold> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetObjectLegalHoldInput) -> Result<Guard, ApiError> {
        self.version_guard(
            ctx,
            &input.bucket,
            &input.key,
            input.version_id.as_deref(),
            "s3:GetObjectLegalHold",
        )
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetObjectLegalHoldInput,
    ) -> Result<GetObjectLegalHoldOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        check_enabled(&loaded)?;
        let version = input.version_id.as_deref();
        let version = versions::find_object(&mut self.read()?, &loaded.bucket, &input.key, version)?;
        let status = if version.lock.has_legal_hold { "ON" } else { "OFF" };
        let legal_hold = Some(ObjectLockLegalHold { status: Some(status.to_owned()) });
        Ok(GetObjectLegalHoldOutput { legal_hold })
    }
}

impl Handle<PutObjectLegalHold> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutObjectLegalHoldInput) -> Result<Guard, ApiError> {
        self.version_guard(
            ctx,
            &input.bucket,
            &input.key,
            input.version_id.as_deref(),
            "s3:PutObjectLegalHold",
        )
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: PutObjectLegalHoldInput,
    ) -> Result<PutObjectLegalHoldOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        check_enabled(&loaded)?;
        let status = input.legal_hold.and_then(|hold| hold.status);
        let has_legal_hold = match status.as_deref() {
            Some("ON") => true,
            Some("OFF") => false,
            _ => return Err(errors::malformed_xml()),
        };
        self.write(move |tx| {
            let bucket = bucket_now(tx, &loaded)?;
            let mut version = versions::find_object(tx, &bucket, &input.key, input.version_id.as_deref())?;
            version.lock.has_legal_hold = has_legal_hold;
            Ok::<_, ApiError>(versions::update(tx, bucket.id, &input.key, &version)?)
        })
        .await?;
        Ok(PutObjectLegalHoldOutput::default())
    }
}
