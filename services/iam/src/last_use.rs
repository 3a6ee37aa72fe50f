//! When access keys and roles were last used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cloud::{Cloud, Ctx};
use identity::{AccountId, Principal};
use shapes::{ApiError, ServiceSchema, Timestamp};
use store::{Scope, StoreError, Tx};

use crate::tables::{KEY_USES, ROLE_USES, ROLES, Use, account_scope};

/// How long a use stands for those that follow it, so that a busy key costs a write a minute.
const SAME: Duration = Duration::from_secs(60);
/// The same, for uses of another service or in another region than the one before.
const OTHER: Duration = Duration::from_secs(1);
/// Things whose use is known at most; past it all are written anew.
const KEPT: usize = 10_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Thing {
    Key(String),
    Role(AccountId, String),
}

/// The last uses that were written down.
pub(crate) struct LastUses {
    cloud: Cloud,
    written: Mutex<HashMap<Thing, Written>>,
}

struct Written {
    at: Timestamp,
    service: &'static str,
    region: identity::Region,
}

impl LastUses {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, written: Mutex::default() }
    }

    /// Notes that the caller used a service. What is written is so in the background: nobody waits for it.
    pub(crate) fn note(&self, ctx: &Ctx, service: &'static ServiceSchema) {
        let thing = match (ctx.principal(), &ctx.caller().access_key_id) {
            (Principal::User { .. }, Some(key)) if key.starts_with("AKIA") => Thing::Key(key.clone()),
            (Principal::AssumedRole { account, role, .. }, _) => Thing::Role(*account, role.to_string()),
            _ => return,
        };
        let use_of = Written { at: ctx.now(), service: service.signing_name, region: ctx.region() };
        let last = Use {
            at: use_of.at,
            service: service.signing_name.to_owned(),
            region: use_of.region.as_str().to_owned(),
        };
        if self.is_news(&thing, use_of)
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let store = self.cloud.store().clone();
            runtime.spawn(async move {
                let scope = match &thing {
                    Thing::Key(_) => Scope::global(),
                    Thing::Role(account, _) => account_scope(*account),
                };
                let written =
                    store.write(&scope, move |tx| write(tx, &thing, &last).map_err(ApiError::from)).await;
                if let Err(error) = written {
                    tracing::warn!(%error, "the last use of an identity could not be written");
                }
            });
        }
    }

    fn is_news(&self, thing: &Thing, use_of: Written) -> bool {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = written.get(thing) {
            let is_same = last.service == use_of.service && last.region == use_of.region;
            if use_of.at < last.at + if is_same { SAME } else { OTHER } {
                return false;
            }
        } else if written.len() >= KEPT {
            written.clear();
        }
        written.insert(thing.clone(), use_of);
        true
    }
}

fn write(tx: &mut Tx<'_>, thing: &Thing, last: &Use) -> Result<(), StoreError> {
    match thing {
        Thing::Key(id) => KEY_USES.put(tx, id, last),
        Thing::Role(_, name) if ROLES.contains(tx, name)? => ROLE_USES.put(tx, name, last),
        Thing::Role(..) => {}
    }
    Ok(())
}
