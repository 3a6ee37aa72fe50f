//! What callers must be allowed to do.

use cloud::{Ctx, Guard};
use identity::policy::NamedPolicy;
use shapes::ApiError;
use std::sync::Arc;

use crate::access_point::AccessPoint;
use crate::object::Version;
use crate::settings::{Loaded, document};
use crate::{S3, access_point, key, public_access, versions};

impl S3 {
    /// The guard of an operation on a bucket. One that is not there guards nothing: that is what its handler says.
    pub(crate) fn bucket_guard(
        &self,
        ctx: &Ctx,
        bucket: &str,
        action: &'static str,
    ) -> Result<Guard, ApiError> {
        Ok(match self.find_bucket(bucket)? {
            Some(loaded) if loaded.access_point.is_some() && !access_point::is_for(action) => {
                return Err(crate::errors::method_not_allowed());
            }
            Some(loaded) => on_bucket(ctx, &loaded, action),
            None => Guard::open(),
        })
    }

    /// The guard of an operation on an object.
    pub(crate) fn object_guard(
        &self,
        ctx: &Ctx,
        bucket: &str,
        key: &str,
        action: &'static str,
    ) -> Result<Guard, ApiError> {
        self.version_guard(ctx, bucket, key, None, action)
    }

    /// As [`Self::object_guard`], of one version: what its own list grants and its tags count as well.
    pub(crate) fn version_guard(
        &self,
        ctx: &Ctx,
        bucket: &str,
        key: &str,
        version_id: Option<&str>,
        action: &'static str,
    ) -> Result<Guard, ApiError> {
        let Some(loaded) = self.find_bucket(bucket)? else { return Ok(Guard::open()) };
        let mut guard = on_object(ctx, &loaded, key, action);
        if let Some(version_id) = version_id {
            guard = guard.with("s3:VersionId", vec![version_id.to_owned()]);
        }
        let asks_tags = loaded.settings.statements.iter().any(|statement| {
            statement
                .get("Condition")
                .is_some_and(|condition| condition.to_string().contains("ExistingObjectTag"))
        });
        if !asks_tags && !loaded.settings.ownership.has_acls() {
            return Ok(guard);
        }
        let found = versions::find(&mut self.read()?, &loaded.bucket, key, version_id).ok().flatten();
        let Some(version) = found else { return Ok(guard) };
        for (name, value) in &version.tags {
            guard = guard.with(&format!("s3:ExistingObjectTag/{name}"), vec![value.clone()]);
        }
        if let Some(policy) = self.object_policy(&loaded, key, &version)? {
            guard.resource_policy = Some(policy);
        }
        // Where lists count, what somebody else wrote is theirs.
        if loaded.settings.ownership.has_acls() && version.owner != loaded.bucket.owner {
            guard.owner = Some(version.owner);
        }
        Ok(guard)
    }

    /// The bucket's policy with what an object's list grants.
    fn object_policy(
        &self,
        loaded: &Loaded,
        key: &str,
        version: &Version,
    ) -> Result<Option<Arc<NamedPolicy>>, ApiError> {
        let Some(acl) = version.acl.as_ref().filter(|_| loaded.settings.ownership.has_acls()) else {
            return Ok(None);
        };
        let arn = key::arn(&loaded.bucket.name, Some(key));
        let own = loaded.settings.counting(acl).statements(&arn, false);
        let statements = [loaded.settings.statements.as_slice(), &own].concat();
        Ok(Some(self.policies.resource_policy(&document(&statements))?))
    }

    /// Whether the caller may do `action` on an object, asked on the way.
    pub(crate) fn may(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        key: &str,
        action: &'static str,
    ) -> Result<(), ApiError> {
        ctx.authorize(&s3_api::SERVICE, &on_object(ctx, loaded, key, action))
    }

    /// The error for a key that is not there: only who may list the bucket is told.
    pub(crate) fn missing(&self, ctx: &Ctx, loaded: &Loaded, error: ApiError) -> ApiError {
        match ctx.authorize(&s3_api::SERVICE, &on_bucket(ctx, loaded, "s3:ListBucket")) {
            Ok(()) => error,
            Err(_) => crate::errors::access_denied("Access Denied"),
        }
    }
}

pub(crate) fn on_bucket(ctx: &Ctx, loaded: &Loaded, action: &'static str) -> Guard {
    guard(ctx, loaded, None, action)
}

pub(crate) fn on_object(ctx: &Ctx, loaded: &Loaded, key: &str, action: &'static str) -> Guard {
    guard(ctx, loaded, Some(key), action)
}

fn guard(ctx: &Ctx, loaded: &Loaded, key: Option<&str>, action: &'static str) -> Guard {
    let settings = &loaded.settings;
    let is_stranger = ctx.principal().account() != Some(loaded.bucket.owner);
    let is_service = matches!(ctx.principal(), identity::Principal::Service { .. });
    let is_restricted =
        settings.has_public_policy && settings.block.restrict_public_buckets == Some(true) && is_stranger;
    let policy = settings.policy.clone().filter(|_| !is_restricted || is_service);
    let arn = key::arn(&loaded.bucket.name, key);
    let guard = Guard::resource(arn).action(action).owned_by(loaded.bucket.owner).policy(policy);
    match &loaded.access_point {
        None => guard,
        Some((point, policy)) => through(guard, point, policy.clone(), key, action, is_stranger),
    }
}

/// What goes through an access point is asked of both: of the bucket, which may ask for the access point, and of the
/// access point.
fn through(
    bucket: Guard,
    point: &AccessPoint,
    policy: Option<Arc<NamedPolicy>>,
    key: Option<&str>,
    action: &'static str,
    is_stranger: bool,
) -> Guard {
    let arn = point.arn();
    let resource = key.map_or_else(|| arn.clone(), |key| format!("{arn}/object/{key}"));
    let is_public = || {
        let document = point.policy.as_deref().and_then(|text| serde_json::from_str(text).ok());
        document.is_some_and(|document| public_access::is_public(&document))
    };
    let is_restricted = point.block.restricts && is_stranger && is_public();
    let own = Guard::resource(resource)
        .action(action)
        .owned_by(point.account)
        .policy(policy.filter(|_| !is_restricted));
    let told = |guard: Guard| {
        guard
            .with("s3:DataAccessPointArn", vec![arn.clone()])
            .with("s3:DataAccessPointAccount", vec![point.account.to_string()])
            .with("s3:AccessPointNetworkOrigin", vec!["Internet".to_owned()])
    };
    told(bucket).and(told(own))
}
