//! A write as it was asked for: past its checks, its expressions still text.

use shapes::{ApiError, Map};

use crate::errors::validation;
use crate::expression::{Placeholders, Update};
use crate::item::Item;
use crate::legacy_parameters::{Expected, Updates};
use crate::target::Target;

/// One write of one item.
#[derive(Debug)]
pub(crate) struct WriteDraft {
    pub target: Target,
    pub action: Action,
    pub condition: ConditionSource,
    pub names: Option<Map<String>>,
    pub values: Option<Item>,
    pub returns: Returns,
    /// ReturnValuesOnConditionCheckFailure.
    pub shows_item: bool,
    /// Whether anybody wants to know what it costs.
    pub counts: bool,
    pub is_transactional: bool,
    /// PartiQL's INSERT, whose condition has a name of its own when it fails.
    pub is_insert: bool,
}

#[derive(Debug)]
pub(crate) enum Action {
    Put(Item),
    Update {
        key: Item,
        update: UpdateSource,
    },
    Delete(Item),
    /// Changes nothing: ConditionCheck.
    Check(Item),
}

#[derive(Debug)]
pub(crate) enum ConditionSource {
    None,
    Text(String),
    Expected(Expected),
}

#[derive(Debug)]
pub(crate) enum UpdateSource {
    None,
    Text(String),
    Legacy(Updates),
}

/// ReturnValues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returns {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

impl WriteDraft {
    /// A write without conditions.
    pub(crate) fn plain(target: Target, action: Action) -> Self {
        Self {
            target,
            action,
            condition: ConditionSource::None,
            names: None,
            values: None,
            returns: Returns::None,
            shows_item: false,
            counts: false,
            is_transactional: false,
            is_insert: false,
        }
    }
}

impl Action {
    /// The item or the key: whatever has the key's attributes.
    pub(crate) fn key_source(&self) -> &Item {
        match self {
            Self::Put(item) => item,
            Self::Update { key, .. } | Self::Delete(key) | Self::Check(key) => key,
        }
    }
}

impl ConditionSource {
    /// Of a ConditionExpression or an Expected; the caller has refused both at once.
    pub(crate) fn of(text: Option<String>, expected: Option<Expected>) -> Self {
        match (text, expected) {
            (Some(text), _) => Self::Text(text),
            (None, Some(expected)) => Self::Expected(expected),
            (None, None) => Self::None,
        }
    }
}

impl UpdateSource {
    pub(super) fn bind<'a>(
        &'a self,
        placeholders: &Placeholders<'a>,
    ) -> Result<Option<Update<'a>>, ApiError> {
        match self {
            Self::None => Ok(None),
            Self::Text(text) => Update::parse(text, placeholders).map(Some).map_err(validation),
            Self::Legacy(updates) => updates.update().map(Some),
        }
    }

    /// AttributeUpdates that only delete make no item (API Reference, UpdateItem, "AttributeUpdates").
    pub(super) fn only_takes_away(&self) -> bool {
        matches!(self, Self::Legacy(updates) if updates.only_delete())
    }
}

impl Returns {
    /// ReturnValues of PutItem and DeleteItem.
    pub(crate) fn of_whole_item(given: Option<&str>) -> Result<Self, ApiError> {
        match given {
            None | Some("NONE") => Ok(Self::None),
            Some("ALL_OLD") => Ok(Self::AllOld),
            Some(_) => Err(validation("ReturnValues can only be ALL_OLD or NONE")),
        }
    }

    /// ReturnValues of UpdateItem.
    pub(crate) fn of_update(given: Option<&str>) -> Result<Self, ApiError> {
        Ok(match given {
            None | Some("NONE") => Self::None,
            Some("ALL_OLD") => Self::AllOld,
            Some("UPDATED_OLD") => Self::UpdatedOld,
            Some("ALL_NEW") => Self::AllNew,
            Some("UPDATED_NEW") => Self::UpdatedNew,
            Some(_) => return Err(validation("Return values set to invalid value")),
        })
    }
}
