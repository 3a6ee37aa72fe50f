//! When something is to happen again: `rate(5 minutes)`, `cron(0 9 ? * MON-FRI *)` and `at(2026-01-01T09:00:00)`, in any
//! time zone.
//!
//! Times are seconds since 1970-01-01T00:00:00Z. The crate keeps no time of its own and waits for nothing: it tells when
//! the next time after a given one is. Zones come from the public tz database, which is built in.

mod cron;
mod days;
mod field;
mod schedule;
mod zone;

pub use schedule::{InvalidSchedule, Schedule};
pub use zone::Zone;
