//! What an account may retrieve (Glacier Developer Guide, "Data Retrieval Policies" and "Provisioned Capacity").

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};
use store::{Range, Tx};

use crate::{errors, tables};

const HOUR_MILLIS: i64 = 3_600_000;
/// A Standard retrieval is counted as spread over four hours.
const SPREAD_HOURS: i64 = 4;
/// A day's share of the 10 GB of a month.
const FREE_BYTES_PER_DAY: u64 = (10 << 30) / 30;
/// Units of an account.
pub(crate) const MOST_UNITS: usize = 2;
/// A month.
const UNIT_LASTS: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Strategy {
    BytesPerHour(u64),
    FreeTier,
    None,
}

store::row!(Strategy, 1);

impl Strategy {
    pub(crate) fn parse(name: Option<&str>, bytes_per_hour: Option<i64>) -> Result<Self, ApiError> {
        match (name, bytes_per_hour) {
            (Some("BytesPerHour"), Some(bytes)) => {
                let bytes = u64::try_from(bytes).ok().filter(|bytes| *bytes > 0);
                bytes.map(Self::BytesPerHour).ok_or_else(|| errors::invalid("Invalid BytesPerHour"))
            }
            (Some("BytesPerHour"), None) => Err(errors::missing("BytesPerHour")),
            (Some("FreeTier" | "None"), Some(_)) => {
                Err(errors::invalid("BytesPerHour must be set only with the BytesPerHour strategy"))
            }
            (Some("FreeTier"), None) => Ok(Self::FreeTier),
            (Some("None"), None) => Ok(Self::None),
            (Some(other), _) => Err(errors::invalid(format!("Invalid Strategy: {other}"))),
            (None, _) => Err(errors::missing("Strategy")),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::BytesPerHour(_) => "BytesPerHour",
            Self::FreeTier => "FreeTier",
            Self::None => "None",
        }
    }
}

/// Bytes of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Retrieved(pub u64);

store::row!(Retrieved, 1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Capacity {
    pub start: Timestamp,
}

store::row!(Capacity, 1);

impl Capacity {
    pub(crate) fn expires(&self) -> Timestamp {
        self.start + UNIT_LASTS
    }
}

/// Counts a Standard retrieval of an archive, unless the account's policy forbids it. Other tiers are not counted.
pub(crate) fn admit(tx: &mut Tx<'_>, bytes: u64, now: Timestamp) -> Result<(), ApiError> {
    let hour = now.millis().div_euclid(HOUR_MILLIS);
    let day_ago = hour - 23;
    let mut hours = tables::RETRIEVED.list(tx, &Range::all(), 64)?;
    for (old, _) in hours.extract_if(.., |(counted, _)| *counted < day_ago) {
        tables::RETRIEVED.delete(tx, &old);
    }
    let since = |first: i64| -> u64 {
        hours.iter().filter(|(counted, _)| *counted >= first).map(|(_, bytes)| bytes.0).sum()
    };
    let is_within = match tables::STRATEGY.find(tx, &0)?.unwrap_or(Strategy::None) {
        Strategy::None => true,
        Strategy::FreeTier => since(day_ago) + bytes <= FREE_BYTES_PER_DAY,
        Strategy::BytesPerHour(limit) => {
            let spread = since(hour - SPREAD_HOURS + 1) + bytes;
            spread.div_ceil(SPREAD_HOURS.unsigned_abs()) <= limit
        }
    };
    if !is_within {
        return Err(errors::policy_enforced());
    }
    let counted = hours.iter().find(|(counted, _)| *counted == hour).map_or(0, |(_, bytes)| bytes.0);
    tables::RETRIEVED.put(tx, &hour, &Retrieved(counted + bytes));
    Ok(())
}
