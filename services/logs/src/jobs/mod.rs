//! Background work. Both kinds delete rows in small transactions, so that writers never wait for them.

pub(crate) mod purge;
pub(crate) mod retention;

use cloud::{Ctx, tenant};
use identity::{AccountId, Region};
use store::Scope;

/// Rows that one transaction takes away.
const ROWS_AT_ONCE: usize = 1_000;

/// Whose state a job works on.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
struct Tenant {
    account: u64,
    region: String,
}

impl Tenant {
    fn of(ctx: &Ctx) -> Self {
        Self { account: ctx.account().number(), region: ctx.region().as_str().to_owned() }
    }

    /// `None` when the payload is damaged.
    fn scope(&self) -> Option<Scope> {
        Some(tenant(AccountId::from_number(self.account)?, Region::parse(&self.region)?))
    }
}
