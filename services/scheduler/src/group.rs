//! Groups of schedules.

use std::collections::BTreeMap;

use cloud::Ctx;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::Reader;

use crate::errors;
use crate::tables::GROUPS;

/// The group of schedules that name none; it cannot be deleted.
pub(crate) const DEFAULT: &str = "default";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub created: Timestamp,
    pub modified: Timestamp,
    pub tags: BTreeMap<String, String>,
    pub client_token: Option<String>,
}

store::row!(Group, 1);

/// `arn:aws:scheduler:us-east-1:123456789012:schedule-group/NAME`
pub(crate) fn arn(ctx: &Ctx, name: &str) -> String {
    format!("arn:aws:scheduler:{}:{}:schedule-group/{name}", ctx.region().as_str(), ctx.account())
}

/// The group `name`, which must be there.
pub(crate) fn find(rows: &mut dyn Reader, name: &str) -> Result<Group, ApiError> {
    match GROUPS.find(rows, &name.to_owned())? {
        Some(group) => Ok(group),
        None if name == DEFAULT => Ok(Group::default()),
        None => Err(errors::no_such_group(name)),
    }
}
