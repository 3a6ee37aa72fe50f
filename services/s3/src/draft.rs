//! What the headers of a request say of the object to be made: PutObject, CopyObject, CreateMultipartUpload and forms.

use cloud::Ctx;
use shapes::{ApiError, Struct, Timestamp};

use crate::acl::Acl;
use crate::class::StorageClass;
use crate::encryption::Plan;
use crate::fields::Fields;
use crate::object::{Headers, Lock, LockMode, Retention, Version};
use crate::settings::{Loaded, Ownership};
use crate::{errors, lock, tags};

/// Names and values of user metadata together (S3 User Guide, "Working with object metadata").
const MOST_METADATA_BYTES: usize = 2048;

/// A version without its bytes, and how these are to be encrypted.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub version: Version,
    pub plan: Plan,
}

impl Draft {
    pub(crate) fn read(ctx: &Ctx, loaded: &Loaded, input: &dyn Struct) -> Result<Self, ApiError> {
        let fields = Fields(input);
        let settings = &loaded.settings;
        let plan = Plan::read(ctx, input, settings)?;
        let writer = ctx.principal().account().unwrap_or(loaded.bucket.owner);
        let acl = Acl::read(input, None, (writer, loaded.bucket.owner))?;
        let gives_away = fields.text("ACL") == Some("bucket-owner-full-control");
        if !settings.ownership.has_acls()
            && !gives_away
            && acl.as_ref().is_some_and(|acl| !acl.grants.is_empty())
        {
            return Err(errors::acls_not_supported());
        }
        if settings.block.block_public_acls == Some(true) && acl.as_ref().is_some_and(Acl::is_public) {
            return Err(errors::access_denied("Access Denied"));
        }
        let mut version = Version::empty(loaded.bucket.owner, ctx.now());
        version.owner = match settings.ownership {
            Ownership::BucketOwnerEnforced => loaded.bucket.owner,
            Ownership::BucketOwnerPreferred if gives_away => loaded.bucket.owner,
            _ => writer,
        };
        version.acl = acl.filter(|acl| settings.ownership.has_acls() && !acl.grants.is_empty());
        version.id.chance = u64::from_le_bytes(ctx.ids().bytes());
        version.class = StorageClass::parse(fields.text("StorageClass"))?;
        version.headers = headers(fields);
        version.metadata = metadata(fields)?;
        version.tags = fields.text("Tagging").map(tags::of_header).transpose()?.unwrap_or_default();
        version.lock = lock_of(ctx, loaded, fields)?;
        version.encryption = plan.encryption.clone();
        Ok(Self { version, plan })
    }
}

pub(crate) fn headers(fields: Fields<'_>) -> Headers {
    // A coding that is only the way of the bytes is not the object's.
    let encoding = fields.text("ContentEncoding").map(|codings| {
        let own: Vec<&str> =
            codings.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked").collect();
        own.join(",")
    });
    Headers {
        content_type: fields.owned("ContentType"),
        content_encoding: encoding.filter(|encoding| !encoding.is_empty()),
        content_language: fields.owned("ContentLanguage"),
        content_disposition: fields.owned("ContentDisposition"),
        cache_control: fields.owned("CacheControl"),
        expires: fields.owned("Expires"),
        website_redirect: fields.owned("WebsiteRedirectLocation"),
    }
}

pub(crate) fn metadata(fields: Fields<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let metadata = fields.entries("Metadata");
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > MOST_METADATA_BYTES { Err(errors::metadata_too_large()) } else { Ok(metadata) }
}

/// The lock that a request asks for, or the bucket's default.
fn lock_of(ctx: &Ctx, loaded: &Loaded, fields: Fields<'_>) -> Result<Lock, ApiError> {
    let mode = fields.text("ObjectLockMode");
    let until = fields.time("ObjectLockRetainUntilDate");
    let hold = fields.text("ObjectLockLegalHoldStatus");
    if (mode.is_some() || until.is_some() || hold.is_some()) && !loaded.bucket.has_object_lock {
        return Err(errors::no_object_lock());
    }
    let retention = match (mode, until) {
        (None, None) => default_retention(ctx.now(), loaded),
        (Some(mode), Some(until)) => {
            let mode = LockMode::parse(mode).ok_or_else(|| {
                errors::invalid_argument("x-amz-object-lock-mode", mode, "Unknown wormMode directive.")
            })?;
            lock::check_future(ctx.now(), until)?;
            Some(Retention { mode, until })
        }
        _ => {
            let message =
                "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
            return Err(errors::invalid_argument(
                "x-amz-object-lock-mode",
                mode.unwrap_or_default(),
                message,
            ));
        }
    };
    let has_legal_hold = match hold {
        None | Some("OFF") => false,
        Some("ON") => true,
        Some(other) => {
            let message = "Legal Hold must be either of 'ON' or 'OFF'";
            return Err(errors::invalid_argument("x-amz-object-lock-legal-hold", other, message));
        }
    };
    Ok(Lock { retention, has_legal_hold })
}

fn default_retention(now: Timestamp, loaded: &Loaded) -> Option<Retention> {
    let default = loaded.settings.default_retention.as_ref()?;
    let mode = LockMode::parse(default.mode.as_deref()?)?;
    let days = default.days.or_else(|| default.years.map(|years| years * 365))?;
    let seconds = u64::try_from(days).ok()? * 86_400;
    Some(Retention { mode, until: now + std::time::Duration::from_secs(seconds) })
}
