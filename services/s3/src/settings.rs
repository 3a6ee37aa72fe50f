//! What was put on a bucket, read once and remembered for a moment: every request about an object begins with it.
//!
//! A change forgets the bucket here once it is stored. Another process's change is seen after [`FRESH_FOR`]. What must be
//! exact, versioning and that the bucket is there at all, is read again inside each transaction.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use identity::policy::NamedPolicy;
use s3_api::{
    AnalyticsConfiguration, BucketLifecycleConfiguration, BucketLoggingStatus, CORSConfiguration,
    DefaultRetention, IntelligentTieringConfiguration, InventoryConfiguration, LoggingEnabled,
    MetricsConfiguration, NotificationConfiguration, ObjectLockConfiguration, OwnershipControls,
    PublicAccessBlockConfiguration, ReplicationConfiguration, ServerSideEncryptionConfiguration,
    WebsiteConfiguration,
};
use serde_json::{Value, json};
use shapes::{ApiError, Struct};
use store::{Range, Reader};

use crate::access_point::{self, AccessPoint};
use crate::acl::Acl;
use crate::bucket::Bucket;
use crate::tables::{self, Config};
use crate::{S3, errors, key, public_access, stored_shape};

const FRESH_FOR: Duration = Duration::from_secs(1);
/// Buckets remembered; past it everything is forgotten.
const KEPT: usize = 10_000;
/// Configurations of one bucket: those of the kinds that may be several are at most a thousand each.
const MOST_CONFIGS: usize = 5000;

/// A bucket with what was put on it.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub bucket: Bucket,
    pub settings: Arc<Settings>,
    /// By which the request came, and the policy it has.
    pub access_point: Option<(AccessPoint, Option<Arc<NamedPolicy>>)>,
}

#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The bucket's policy together with what its list grants.
    pub policy: Option<Arc<NamedPolicy>>,
    /// The statements of `policy`.
    pub statements: Vec<Value>,
    /// Whether the policy alone grants something to everybody.
    pub has_public_policy: bool,
    pub acl: Acl,
    pub block: PublicAccessBlockConfiguration,
    pub ownership: Ownership,
    pub cors: Option<CORSConfiguration>,
    pub encryption: Option<ServerSideEncryptionConfiguration>,
    pub analytics: Vec<AnalyticsConfiguration>,
    pub inventory: Vec<InventoryConfiguration>,
    pub lifecycle: Option<BucketLifecycleConfiguration>,
    pub logging: Option<LoggingEnabled>,
    pub metrics: Vec<MetricsConfiguration>,
    pub notification: Option<NotificationConfiguration>,
    pub replication: Option<ReplicationConfiguration>,
    pub default_retention: Option<DefaultRetention>,
    pub tiering: Vec<IntelligentTieringConfiguration>,
    pub website: Option<WebsiteConfiguration>,
    pub requester_pays: bool,
}

/// Who owns what others write, and whether lists count at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ownership {
    #[default]
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

impl Ownership {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "BucketOwnerEnforced" => Some(Self::BucketOwnerEnforced),
            "BucketOwnerPreferred" => Some(Self::BucketOwnerPreferred),
            "ObjectWriter" => Some(Self::ObjectWriter),
            _ => None,
        }
    }

    pub(crate) fn has_acls(self) -> bool {
        self != Self::BucketOwnerEnforced
    }
}

#[derive(Default)]
pub(crate) struct Directory(RwLock<HashMap<String, (Arc<Loaded>, Instant)>>);

impl Directory {
    fn remembered(&self, name: &str) -> Option<Arc<Loaded>> {
        let buckets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (loaded, since) = buckets.get(name)?;
        (since.elapsed() < FRESH_FOR).then(|| Arc::clone(loaded))
    }

    fn remember(&self, loaded: &Arc<Loaded>) {
        let mut buckets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT {
            buckets.clear();
        }
        buckets.insert(loaded.bucket.name.clone(), (Arc::clone(loaded), Instant::now()));
    }

    pub(crate) fn forget_all(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn forget(&self, name: &str) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl S3 {
    /// The bucket called `name`, as it was at most a moment ago.
    pub(crate) fn find_bucket(&self, name: &str) -> Result<Option<Arc<Loaded>>, ApiError> {
        if let Some(loaded) = self.buckets.remembered(name) {
            return Ok(Some(loaded));
        }
        let mut reader = self.read()?;
        let Some(bucket) = tables::BUCKETS.find(&mut reader, &name.to_owned())? else {
            return match access_point::find(&mut reader, name)? {
                Some(found) => self.through(found),
                None => Ok(None),
            };
        };
        let settings = Arc::new(self.settings(&mut reader, &bucket)?);
        let loaded = Arc::new(Loaded { bucket, settings, access_point: None });
        self.buckets.remember(&loaded);
        Ok(Some(loaded))
    }

    /// The bucket that an access point leads to.
    fn through(&self, found: AccessPoint) -> Result<Option<Arc<Loaded>>, ApiError> {
        // Names of access points that are like a bucket's lead to buckets alone.
        let bucket = tables::BUCKETS.find(&mut self.read()?, &found.bucket)?;
        if bucket.is_none_or(|bucket| bucket.id != found.bucket_id) {
            return Ok(None);
        }
        let Some(loaded) = self.find_bucket(&found.bucket)? else { return Ok(None) };
        let policy = found.policy.as_deref().map(|text| self.policies.resource_policy(text)).transpose()?;
        let (bucket, settings) = (loaded.bucket.clone(), Arc::clone(&loaded.settings));
        Ok(Some(Arc::new(Loaded { bucket, settings, access_point: Some((found, policy)) })))
    }

    /// As [`Self::find_bucket`]; a bucket that is not there is an error.
    pub(crate) fn bucket(&self, name: &str) -> Result<Arc<Loaded>, ApiError> {
        self.find_bucket(name)?.ok_or_else(|| errors::no_such_bucket(name))
    }

    /// As [`Self::bucket`], held to the owner that the client expects.
    pub(crate) fn bucket_of(
        &self,
        name: &str,
        expected_owner: Option<&str>,
    ) -> Result<Arc<Loaded>, ApiError> {
        let loaded = self.bucket(name)?;
        match expected_owner {
            Some(owner) if owner != loaded.bucket.owner.digits().as_str() => {
                Err(errors::access_denied("Access Denied"))
            }
            _ => Ok(loaded),
        }
    }

    fn settings(&self, reader: &mut dyn Reader, bucket: &Bucket) -> Result<Settings, ApiError> {
        let mut settings = Settings::default();
        let mut policy_text = None;
        for ((_, kind, _), config) in
            tables::CONFIGS.list(reader, &Range::prefix(&bucket.id), MOST_CONFIGS)?
        {
            match kind.as_str() {
                "policy" => policy_text = Some(config.json),
                "acl" => settings.acl = serde_json::from_str(&config.json).map_err(ApiError::internal)?,
                "analytics" => settings.analytics.push(config.read()),
                "cors" => settings.cors = Some(config.read()),
                "encryption" => settings.encryption = Some(config.read()),
                "intelligent-tiering" => settings.tiering.push(config.read()),
                "inventory" => settings.inventory.push(config.read()),
                "lifecycle" => settings.lifecycle = Some(config.read()),
                "logging" => settings.logging = config.read::<BucketLoggingStatus>().logging_enabled,
                "metrics" => settings.metrics.push(config.read()),
                "notification" => settings.notification = Some(config.read()),
                "object-lock" => {
                    let lock: ObjectLockConfiguration = config.read();
                    settings.default_retention = lock.rule.and_then(|rule| rule.default_retention);
                }
                "ownership" => {
                    let controls: OwnershipControls = config.read();
                    let rule =
                        controls.rules.first().and_then(|rule| Ownership::parse(&rule.object_ownership));
                    settings.ownership = rule.unwrap_or_default();
                }
                "public-access-block" => settings.block = config.read(),
                "replication" => settings.replication = Some(config.read()),
                "request-payment" => settings.requester_pays = config.json.contains("Requester"),
                "website" => settings.website = Some(config.read()),
                _ => {}
            }
        }
        if let Some(account) = tables::ACCOUNT_BLOCKS.find(reader, &bucket.owner.number())? {
            let both = |own: Option<bool>, account: bool| Some(account || own == Some(true));
            let own = &mut settings.block;
            own.block_public_acls = both(own.block_public_acls, account.public_acls);
            own.ignore_public_acls = both(own.ignore_public_acls, account.ignores_acls);
            own.block_public_policy = both(own.block_public_policy, account.public_policy);
            own.restrict_public_buckets = both(own.restrict_public_buckets, account.restricts);
        }
        self.compose_policy(&mut settings, bucket, policy_text.as_deref())?;
        Ok(settings)
    }

    /// Joins the policy and what the bucket's list grants, as far as Block Public Access lets them count.
    fn compose_policy(
        &self,
        settings: &mut Settings,
        bucket: &Bucket,
        policy: Option<&str>,
    ) -> Result<(), ApiError> {
        let mut statements = Vec::new();
        if let Some(text) = policy {
            let document: Value = serde_json::from_str(text).map_err(ApiError::internal)?;
            settings.has_public_policy = public_access::is_public(&document);
            statements.extend(public_access::statements(&document).cloned());
        }
        if settings.ownership.has_acls() {
            let acl = settings.counting(&settings.acl);
            statements.extend(acl.statements(&key::arn(&bucket.name, None), true));
        }
        if !statements.is_empty() {
            settings.policy = Some(self.policies.resource_policy(&document(&statements))?);
        }
        settings.statements = statements;
        Ok(())
    }
}

impl Settings {
    /// What of a list counts.
    pub(crate) fn counting(&self, acl: &Acl) -> Acl {
        let ignores = self.block.ignore_public_acls == Some(true);
        let is_public = |acl: Acl| acl.is_public();
        let counts = |grant: &crate::acl::Grant| !(ignores && is_public(Acl { grants: vec![grant.clone()] }));
        Acl { grants: acl.grants.iter().filter(|grant| counts(grant)).cloned().collect() }
    }
}

/// The text of a policy of these statements.
pub(crate) fn document(statements: &[Value]) -> String {
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

impl Config {
    pub(crate) fn of(value: &dyn Struct, now: shapes::Timestamp) -> Self {
        Self { json: stored_shape::to_json(value).to_string(), put: now }
    }

    pub(crate) fn read<T: Struct + Default>(&self) -> T {
        let mut value = T::default();
        if let Ok(json) = serde_json::from_str(&self.json) {
            stored_shape::from_json(&json, &mut value);
        }
        value
    }
}
