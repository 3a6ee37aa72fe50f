//! Object Lock: what protects a version, and who may change that (S3 User Guide, "Locking objects with Object Lock").

use cloud::Ctx;
use shapes::{ApiError, Timestamp};

use crate::object::{LockMode, Retention, Version};
use crate::settings::Loaded;
use crate::{S3, errors};

pub(crate) fn check_future(now: Timestamp, until: Timestamp) -> Result<(), ApiError> {
    if until <= now {
        let message = "The retain until date must be in the future!";
        return Err(errors::invalid_argument(
            "x-amz-object-lock-retain-until-date",
            &until.iso8601(),
            message,
        ));
    }
    Ok(())
}

/// Whether a version's retention may become `wanted`: longer always; shorter or none only in governance mode, by who may
/// bypass it.
pub(crate) fn check_change(
    version: &Version,
    wanted: Option<Retention>,
    now: Timestamp,
    bypasses_governance: bool,
) -> Result<(), ApiError> {
    let Some(retention) = version.lock.retention.filter(|retention| retention.until > now) else {
        return Ok(());
    };
    let keeps = wanted.is_some_and(|wanted| {
        wanted.until >= retention.until
            && (wanted.mode == retention.mode || wanted.mode == LockMode::Compliance)
    });
    let may = keeps || retention.mode == LockMode::Governance && bypasses_governance;
    if may { Ok(()) } else { Err(errors::object_locked()) }
}

impl S3 {
    /// Whether a request that asks to bypass governance mode may.
    pub(crate) fn bypasses(
        &self,
        ctx: &Ctx,
        loaded: &Loaded,
        key: &str,
        asks: Option<bool>,
    ) -> Result<bool, ApiError> {
        if asks != Some(true) {
            return Ok(false);
        }
        self.may(ctx, loaded, key, "s3:BypassGovernanceRetention").map(|()| true)
    }
}
