//! Names of what an account keeps: unique whatever the case of their letters, and counted against a quota.

use shapes::ApiError;
use store::{Range, Reader, Row, Table, Tx};

use crate::errors;
use crate::tables::{COUNTS, Count, Document, GROUPS, INSTANCE_PROFILES, NAMES, POLICIES, ROLES, USERS};

/// A kind of names, with the quota of IAM ("IAM and AWS STS quotas").
pub(crate) struct Names {
    noun: &'static str,
    quota: &'static str,
    most: u64,
}

pub(crate) const USER_NAMES: Names = Names { noun: "user", quota: "UsersPerAccount", most: 5000 };
pub(crate) const GROUP_NAMES: Names = Names { noun: "group", quota: "GroupsPerAccount", most: 300 };
pub(crate) const ROLE_NAMES: Names = Names { noun: "role", quota: "RolesPerAccount", most: 1000 };
pub(crate) const POLICY_NAMES: Names = Names { noun: "policy", quota: "PoliciesPerAccount", most: 1500 };
pub(crate) const PROFILE_NAMES: Names =
    Names { noun: "instance profile", quota: "InstanceProfilesPerAccount", most: 1000 };

impl Names {
    pub(crate) fn most(&self) -> u64 {
        self.most
    }

    fn key(&self, name: &str) -> (String, String) {
        (self.noun.to_owned(), name.to_ascii_lowercase())
    }

    /// Takes a name for something new.
    pub(crate) fn take(&self, rows: &mut Tx<'_>, name: &str) -> Result<(), ApiError> {
        self.take_uncounted(rows, name)?;
        let count = self.count(rows)? + 1;
        if count > self.most {
            let (quota, most) = (self.quota, self.most);
            return Err(errors::limit_exceeded(format!("Cannot exceed quota for {quota}: {most}")));
        }
        COUNTS.put(rows, &self.noun.to_owned(), &Count(count));
        Ok(())
    }

    fn take_uncounted(&self, rows: &mut Tx<'_>, name: &str) -> Result<(), ApiError> {
        let key = self.key(name);
        if NAMES.contains(rows, &key)? {
            return Err(match self.noun {
                "policy" => errors::policy_exists(name),
                "instance profile" => errors::profile_exists(name),
                noun => errors::exists(noun, name),
            });
        }
        NAMES.put(rows, &key, &Document(name.to_owned()));
        Ok(())
    }

    /// Frees the name of something that is deleted.
    pub(crate) fn free(&self, rows: &mut Tx<'_>, name: &str) -> Result<(), ApiError> {
        let count = self.count(rows)?;
        NAMES.delete(rows, &self.key(name));
        COUNTS.put(rows, &self.noun.to_owned(), &Count(count.saturating_sub(1)));
        Ok(())
    }

    pub(crate) fn rename(&self, rows: &mut Tx<'_>, from: &str, to: &str) -> Result<(), ApiError> {
        NAMES.delete(rows, &self.key(from));
        self.take_uncounted(rows, to)
    }

    /// How many there are. Counted once when nobody has counted them yet.
    pub(crate) fn count(&self, rows: &mut dyn Reader) -> Result<u64, ApiError> {
        if let Some(count) = COUNTS.find(rows, &self.noun.to_owned())? {
            return Ok(count.0);
        }
        match self.noun {
            "user" => all(rows, &USERS),
            "group" => all(rows, &GROUPS),
            "role" => all(rows, &ROLES),
            "policy" => all(rows, &POLICIES),
            _ => all(rows, &INSTANCE_PROFILES),
        }
    }
}

fn all<R: Row>(rows: &mut dyn Reader, table: &Table<String, R>) -> Result<u64, ApiError> {
    Ok(table.list(rows, &Range::all(), usize::MAX)?.len() as u64)
}
