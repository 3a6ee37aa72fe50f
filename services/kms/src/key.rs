//! A KMS key: its attributes, its state, and the words in which it is described.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::JobId;
use cloud::Ctx;
use identity::{AccountId, Region};
use kms_api::{KeyMetadata, MultiRegionConfiguration, MultiRegionKey};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;
use crate::spec::{KeySpec, KeyUsage, Origin};

/// Everything about a key but its material.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// A UUID, or `mrk-` and 32 hexadecimal digits for multi-Region keys.
    pub id: String,
    pub created: Timestamp,
    pub description: String,
    pub spec: KeySpec,
    pub usage: KeyUsage,
    pub origin: Origin,
    pub manager: Manager,
    pub is_enabled: bool,
    pub deletion: Option<Deletion>,
    pub policy: String,
    pub tags: BTreeMap<String, String>,
    /// Names of its aliases, in the order of their making.
    pub aliases: Vec<String>,
    /// Id of the material that encrypts; `None` while there is none to be used.
    pub material: Option<String>,
    pub rotation: Option<Rotation>,
    /// Rotations on demand so far.
    pub rotations_on_demand: u32,
    /// Imported material goes at this time.
    pub expires: Option<Expiry>,
    pub multi_region: Option<MultiRegion>,
}

store::row!(Key, 1);

/// Who answers for a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Manager {
    Customer,
    /// A service, named as in its alias: `s3` for `alias/aws/s3`.
    Aws(String),
}

/// A deletion that is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub days: u32,
    pub job: JobId,
    /// A primary key's replicas must be gone before its own days begin to count.
    pub waits_for_replicas: bool,
}

/// Automatic rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub period_days: u32,
    pub job: JobId,
}

/// When imported material is to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expiry {
    pub job: JobId,
}

/// The regions in which a multi-Region key is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MultiRegion {
    pub primary: String,
    pub replicas: Vec<String>,
}

/// The state of a key (Developer Guide, "Key states of AWS KMS keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Enabled,
    Disabled,
    PendingImport,
    PendingDeletion,
    PendingReplicaDeletion,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingImport => "PendingImport",
            Self::PendingDeletion => "PendingDeletion",
            Self::PendingReplicaDeletion => "PendingReplicaDeletion",
        }
    }
}

/// A key with where it is.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub account: AccountId,
    pub region: Region,
    pub key: Arc<Key>,
}

impl Located {
    pub(crate) fn arn(&self) -> String {
        arn(self.account, self.region, &self.key.id)
    }

    /// Whether the key can be used for what an operation does.
    pub(crate) fn check_usable(&self, usage: KeyUsage, operation: &str) -> Result<(), ApiError> {
        self.check_enabled()?;
        if self.key.usage != usage {
            return Err(errors::wrong_usage(&self.arn(), self.key.usage.as_str(), operation));
        }
        Ok(())
    }

    pub(crate) fn check_enabled(&self) -> Result<(), ApiError> {
        match self.key.state() {
            State::Enabled => Ok(()),
            State::Disabled => Err(errors::disabled(&self.arn())),
            state => Err(errors::invalid_state(&self.arn(), state)),
        }
    }

    /// Whether attributes of the key can be changed that one on its way out has no more.
    pub(crate) fn check_not_going(&self) -> Result<(), ApiError> {
        match self.key.state() {
            state @ (State::PendingDeletion | State::PendingReplicaDeletion) => {
                Err(errors::invalid_state(&self.arn(), state))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn metadata(&self) -> KeyMetadata {
        let key = &*self.key;
        let list = |names: &[&str]| {
            (!names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        let manager = if key.manager == Manager::Customer { "CUSTOMER" } else { "AWS" };
        let deletion = key.deletion.filter(|deletion| !deletion.waits_for_replicas);
        let waiting = key.deletion.filter(|deletion| deletion.waits_for_replicas);
        let is_imported = key.origin == Origin::External && key.material.is_some();
        let expiration =
            if key.expires.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" };
        let has_material_id = key.spec == KeySpec::Symmetric;
        KeyMetadata {
            aws_account_id: Some(self.account.to_string()),
            key_id: key.id.clone(),
            arn: Some(self.arn()),
            creation_date: Some(key.created),
            enabled: Some(key.state() == State::Enabled),
            description: Some(key.description.clone()),
            key_usage: Some(key.usage.as_str().to_owned()),
            key_state: Some(key.state().as_str().to_owned()),
            deletion_date: deletion.map(|deletion| deletion.job.due),
            pending_deletion_window_in_days: waiting.map(|deletion| deletion.days as i32),
            origin: Some(key.origin.as_str().to_owned()),
            expiration_model: is_imported.then(|| expiration.to_owned()),
            valid_to: key.expires.map(|expiry| expiry.job.due),
            key_manager: Some(manager.to_owned()),
            customer_master_key_spec: Some(key.spec.as_str().to_owned()),
            key_spec: Some(key.spec.as_str().to_owned()),
            encryption_algorithms: list(key.spec.encryption_algorithms(key.usage)),
            signing_algorithms: list(key.spec.signing_algorithms(key.usage)),
            mac_algorithms: list(key.spec.mac_algorithms()),
            key_agreement_algorithms: list(key.spec.agreement_algorithms(key.usage)),
            multi_region: Some(key.multi_region.is_some()),
            multi_region_configuration: key.multi_region.as_ref().map(|regions| self.configuration(regions)),
            current_key_material_id: key.material.clone().filter(|_| has_material_id),
            ..KeyMetadata::default()
        }
    }

    fn configuration(&self, regions: &MultiRegion) -> MultiRegionConfiguration {
        let member = |region: &str| MultiRegionKey {
            arn: Some(format!("arn:aws:kms:{region}:{}:key/{}", self.account, self.key.id)),
            region: Some(region.to_owned()),
        };
        MultiRegionConfiguration {
            multi_region_key_type: Some(regions.kind_in(self.region).to_owned()),
            primary_key: Some(member(&regions.primary)),
            replica_keys: Some(regions.replicas.iter().map(|region| member(region)).collect()),
        }
    }
}

impl MultiRegion {
    pub(crate) fn is_primary(&self, region: Region) -> bool {
        self.primary == region.as_str()
    }

    fn kind_in(&self, region: Region) -> &'static str {
        if self.is_primary(region) { "PRIMARY" } else { "REPLICA" }
    }
}

impl Key {
    pub(crate) fn state(&self) -> State {
        match self.deletion {
            Some(deletion) if deletion.waits_for_replicas => State::PendingReplicaDeletion,
            Some(_) => State::PendingDeletion,
            None if self.material.is_none() => State::PendingImport,
            None if self.is_enabled => State::Enabled,
            None => State::Disabled,
        }
    }

    /// The condition keys that say what key it is (Developer Guide, "AWS KMS condition keys").
    pub(crate) fn condition_keys(&self, region: Region) -> Vec<(String, Vec<String>)> {
        let mut keys = vec![
            ("kms:keyspec".to_owned(), vec![self.spec.as_str().to_owned()]),
            ("kms:keyusage".to_owned(), vec![self.usage.as_str().to_owned()]),
            ("kms:keyorigin".to_owned(), vec![self.origin.as_str().to_owned()]),
            ("kms:multiregion".to_owned(), vec![self.multi_region.is_some().to_string()]),
        ];
        if let Some(regions) = &self.multi_region {
            keys.push(("kms:multiregionkeytype".to_owned(), vec![regions.kind_in(region).to_owned()]));
        }
        if !self.aliases.is_empty() {
            keys.push(("kms:resourcealiases".to_owned(), self.aliases.clone()));
        }
        for (name, value) in &self.tags {
            keys.push((format!("aws:resourcetag/{}", name.to_ascii_lowercase()), vec![value.clone()]));
        }
        keys
    }
}

pub(crate) fn arn(account: AccountId, region: Region, id: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:key/{id}")
}

pub(crate) fn alias_arn(account: AccountId, region: Region, name: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:{name}")
}

/// A fresh id.
pub(crate) fn new_id(ctx: &Ctx, is_multi_region: bool) -> String {
    if is_multi_region { format!("mrk-{}", ctx.ids().hex(32)) } else { ctx.ids().uuid() }
}
