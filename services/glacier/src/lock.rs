//! Vault locks (Glacier Developer Guide, "Vault Lock"): a policy that is tried for a day and cannot be changed once it is
//! locked.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;
use crate::vault::Vault;

const TRIED_FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lock {
    pub id: String,
    pub policy: String,
    pub created: Timestamp,
    pub is_locked: bool,
}

impl Lock {
    /// When one that is not completed goes away by itself.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        (!self.is_locked).then(|| self.created + TRIED_FOR)
    }
}

impl Vault {
    /// The lock whose policy counts at `now`, also while it is tried.
    pub(crate) fn lock_at(&self, now: Timestamp) -> Option<&Lock> {
        self.lock.as_ref().filter(|lock| lock.expires().is_none_or(|expires| now < expires))
    }

    pub(crate) fn initiate_lock(&mut self, lock: Lock, arn: &str) -> Result<(), ApiError> {
        match self.lock_at(lock.created) {
            Some(found) if found.is_locked => {
                Err(errors::access_denied(format!("Vault lock policy is already locked for vault: {arn}")))
            }
            Some(_) => {
                let message = format!("Vault lock is already in progress for vault: {arn}");
                Err(errors::access_denied(message))
            }
            None => {
                self.lock = Some(lock);
                Ok(())
            }
        }
    }

    pub(crate) fn complete_lock(&mut self, id: &str, now: Timestamp, arn: &str) -> Result<(), ApiError> {
        let Some(lock) = self.lock_at(now) else { return Err(no_lock(arn)) };
        match (lock.is_locked, lock.id == id) {
            (true, true) => return Ok(()),
            (true, false) => {
                return Err(errors::access_denied(format!("Vault lock is already locked for vault: {arn}")));
            }
            (false, false) => return Err(errors::invalid(format!("Invalid lock ID: {id}"))),
            (false, true) => {}
        }
        if let Some(lock) = &mut self.lock {
            lock.is_locked = true;
        }
        Ok(())
    }

    pub(crate) fn abort_lock(&mut self, now: Timestamp, arn: &str) -> Result<(), ApiError> {
        if self.lock_at(now).is_some_and(|lock| lock.is_locked) {
            return Err(errors::access_denied(format!("Vault lock is already locked for vault: {arn}")));
        }
        self.lock = None;
        Ok(())
    }
}

pub(crate) fn no_lock(arn: &str) -> ApiError {
    errors::not_found(format!("No vault lock policy is set for: {arn}"))
}
