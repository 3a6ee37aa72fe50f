//! Tags of sessions: those that a request brings, and those that follow a session from role to role ("Pass session tags
//! in AWS STS").

use cloud::Ctx;
use shapes::ApiError;
use store::Scope;
use sts_api::Tag;

use crate::tables::ACCESS_KEYS;
use crate::{Iam, errors};

const MOST: usize = 50;

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SessionTags {
    pub tags: Vec<(String, String)>,
    /// Keys of those that go on to sessions begun with this one.
    pub transitive: Vec<String>,
}

fn refused(message: &str) -> ApiError {
    ApiError::sender("InvalidParameterValue", message)
}

impl SessionTags {
    /// A key may come once, and only a tag that is there can be transitive.
    pub(crate) fn new(tags: Vec<(String, String)>, transitive: Vec<String>) -> Result<Self, ApiError> {
        if tags.len() > MOST {
            return Err(errors::invalid(format!("A session takes at most {MOST} tags.")));
        }
        for (index, (key, _)) in tags.iter().enumerate() {
            if tags[..index].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
                return Err(refused(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
                ));
            }
            if key.to_ascii_lowercase().starts_with("aws:") {
                return Err(refused("Tag keys may not begin with aws:."));
            }
        }
        let is_there = |key: &String| tags.iter().any(|(other, _)| other.eq_ignore_ascii_case(key));
        if !transitive.iter().all(is_there) {
            return Err(refused("The specified transitive tag key must be included in the requested tags."));
        }
        Ok(Self { tags, transitive })
    }

    pub(crate) fn of_request(
        tags: Option<Vec<Tag>>,
        transitive: Option<Vec<String>>,
    ) -> Result<Self, ApiError> {
        let tags = tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect();
        Self::new(tags, transitive.unwrap_or_default())
    }

    /// Condition keys that tell of the tags that a request brings.
    pub(crate) fn condition_keys(&self) -> Vec<(String, Vec<String>)> {
        if self.tags.is_empty() {
            return Vec::new();
        }
        let mut keys: Vec<_> = self
            .tags
            .iter()
            .map(|(key, value)| (format!("aws:requesttag/{}", key.to_ascii_lowercase()), vec![value.clone()]))
            .collect();
        keys.push(("aws:tagkeys".to_owned(), self.tags.iter().map(|(key, _)| key.clone()).collect()));
        if !self.transitive.is_empty() {
            keys.push(("sts:transitivetagkeys".to_owned(), self.transitive.clone()));
        }
        keys
    }

    /// Adds the transitive tags of the caller's session.
    pub(crate) fn with_inherited(mut self, inherited: Self) -> Result<Self, ApiError> {
        for (key, value) in inherited.tags {
            if self.tags.iter().any(|(own, _)| own.eq_ignore_ascii_case(&key)) {
                return Err(refused(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                     key from the calling session.",
                ));
            }
            self.tags.push((key.clone(), value));
            self.transitive.push(key);
        }
        Ok(self)
    }

    pub(crate) fn characters(&self) -> usize {
        self.tags.iter().map(|(key, value)| key.chars().count() + value.chars().count()).sum()
    }
}

impl Iam {
    /// The transitive tags of the session that the caller's key belongs to.
    pub(crate) fn inherited_tags(&self, ctx: &Ctx) -> Result<SessionTags, ApiError> {
        let session = &ctx.caller().actor.session;
        let Some(id) = ctx.caller().access_key_id.as_ref().filter(|_| !session.tags.is_empty()) else {
            return Ok(SessionTags::default());
        };
        let mut rows = self.cloud.store().read(&Scope::global())?;
        let transitive = ACCESS_KEYS.find(&mut rows, id)?.and_then(|key| key.session);
        let transitive = transitive.map(|session| session.transitive).unwrap_or_default();
        let tags =
            session.tags.iter().filter(|(key, _)| transitive.iter().any(|own| own.eq_ignore_ascii_case(key)));
        let tags = tags.map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Ok(SessionTags { tags, transitive })
    }
}
