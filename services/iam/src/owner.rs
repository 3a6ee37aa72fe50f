//! Who can have policies: users, groups and roles.

use cloud::{Ctx, Guard};
use identity::AccountId;
use shapes::ApiError;
use store::{Range, Reader, Tx};

use crate::tables::{
    ATTACHED, ATTACHED_TO, BOUNDED, Document, GROUPS, IDS, INLINE_POLICIES, Mark, ROLES, Tags, USERS,
    account_scope,
};
use crate::{errors, managed_policy};

/// What is known of every kind of owner.
pub(crate) struct Facts {
    pub id: String,
    pub path: String,
    pub tags: Tags,
    pub boundary: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As in ARNs, in keys of tables and in messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    pub(crate) fn of_noun(noun: &str) -> Option<Self> {
        [Self::User, Self::Group, Self::Role].into_iter().find(|kind| kind.noun() == noun)
    }

    /// Characters of all inline policies together, white space aside, at most ("IAM and AWS STS quotas").
    pub(crate) fn most_inline_characters(self) -> usize {
        match self {
            Self::User => 2048,
            Self::Group => 5120,
            Self::Role => 10_240,
        }
    }

    /// What policies ask about an owner; nothing when there is none of this name.
    pub(crate) fn facts(self, rows: &mut dyn Reader, name: &str) -> Result<Option<Facts>, ApiError> {
        let name = name.to_owned();
        Ok(match self {
            Self::User => USERS.find(rows, &name)?.map(|user| Facts {
                id: user.id,
                path: user.path,
                tags: user.tags,
                boundary: user.boundary,
            }),
            Self::Group => GROUPS.find(rows, &name)?.map(|group| Facts {
                id: group.id,
                path: group.path,
                tags: Tags::new(),
                boundary: None,
            }),
            Self::Role => ROLES.find(rows, &name)?.map(|role| Facts {
                id: role.id,
                path: role.path,
                tags: role.tags,
                boundary: role.boundary,
            }),
        })
    }

    pub(crate) fn check_exists(self, rows: &mut dyn Reader, name: &str) -> Result<(), ApiError> {
        self.facts(rows, name)?.map(drop).ok_or_else(|| errors::not_found(self.noun(), name))
    }

    pub(crate) fn arn(self, account: AccountId, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{account}:{}{path}{name}", self.noun())
    }

    /// The owner by its name, with its tags and its boundary: its path is known once it is found.
    pub(crate) fn guard(self, ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
        let mut rows = ctx.store().read(&account_scope(ctx.account()))?;
        let Some(facts) = self.facts(&mut rows, name)? else {
            return Ok(Guard::resource(self.arn(ctx.account(), "/", name)));
        };
        let mut guard = Guard::resource(self.arn(ctx.account(), &facts.path, name));
        for (key, value) in facts.tags {
            guard = guard
                .with(&format!("iam:ResourceTag/{key}"), vec![value.clone()])
                .with(&format!("aws:ResourceTag/{key}"), vec![value]);
        }
        if let Some(boundary) = facts.boundary {
            guard = guard.with("iam:PermissionsBoundary", vec![boundary]);
        }
        Ok(guard)
    }

    /// Documents of inline policies by name.
    pub(crate) fn inline_policies(
        self,
        rows: &mut dyn Reader,
        name: &str,
    ) -> Result<Vec<(String, String)>, ApiError> {
        let range = Range::prefix(&(self.noun().to_owned(), name.to_owned()));
        let found = INLINE_POLICIES.list(rows, &range, usize::MAX)?;
        Ok(found.into_iter().map(|((_, _, policy), document)| (policy, document.0)).collect())
    }

    /// ARNs of attached policies.
    pub(crate) fn attached_policies(
        self,
        rows: &mut dyn Reader,
        name: &str,
    ) -> Result<Vec<String>, ApiError> {
        let range = Range::prefix(&(self.noun().to_owned(), name.to_owned()));
        let found = ATTACHED.list(rows, &range, usize::MAX)?;
        Ok(found.into_iter().map(|((_, _, arn), _)| arn).collect())
    }

    /// Lets the id of a user or role lead to its name.
    pub(crate) fn put_id(self, tx: &mut Tx<'_>, id: &str, name: &str) {
        IDS.put(tx, &id.to_owned(), &Document(format!("{}/{name}", self.noun())));
    }

    /// What an entry of [`IDS`] says.
    pub(crate) fn of_place(place: &str) -> Option<(Self, &str)> {
        let (noun, name) = place.split_once('/')?;
        let kind = [Self::User, Self::Role].into_iter().find(|kind| kind.noun() == noun)?;
        Some((kind, name))
    }

    /// Puts another boundary in the place of `from`; the policy has to be there.
    pub(crate) fn bound(
        self,
        tx: &mut Tx<'_>,
        account: AccountId,
        name: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), ApiError> {
        let key = |arn: &str| (arn.to_owned(), self.noun().to_owned(), name.to_owned());
        if let Some(arn) = from {
            BOUNDED.delete(tx, &key(arn));
        }
        if let Some(arn) = to {
            managed_policy::document(tx, account, arn)?.ok_or_else(|| errors::no_such_policy(arn))?;
            BOUNDED.put(tx, &key(arn), &Mark);
        }
        Ok(())
    }

    /// Refuses to delete what still has policies.
    pub(crate) fn check_bare(self, rows: &mut dyn Reader, name: &str) -> Result<(), ApiError> {
        if !self.attached_policies(rows, name)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must detach all policies first."));
        }
        if !self.inline_policies(rows, name)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete entity, must delete policies first."));
        }
        Ok(())
    }

    /// Moves the policies of an owner that changes its name.
    pub(crate) fn rename(self, tx: &mut Tx<'_>, from: &str, to: &str) -> Result<(), ApiError> {
        let noun = self.noun().to_owned();
        for (policy, document) in self.inline_policies(tx, from)? {
            INLINE_POLICIES.delete(tx, &(noun.clone(), from.to_owned(), policy.clone()));
            let key = (noun.clone(), to.to_owned(), policy);
            INLINE_POLICIES.put(tx, &key, &Document(document));
        }
        for arn in self.attached_policies(tx, from)? {
            self.detach(tx, from, &arn);
            self.attach(tx, to, &arn);
        }
        Ok(())
    }

    pub(crate) fn attach(self, tx: &mut Tx<'_>, name: &str, arn: &str) {
        let (noun, name, arn) = (self.noun().to_owned(), name.to_owned(), arn.to_owned());
        ATTACHED.put(tx, &(noun.clone(), name.clone(), arn.clone()), &Mark);
        ATTACHED_TO.put(tx, &(arn, noun, name), &Mark);
    }

    pub(crate) fn detach(self, tx: &mut Tx<'_>, name: &str, arn: &str) {
        let (noun, name, arn) = (self.noun().to_owned(), name.to_owned(), arn.to_owned());
        ATTACHED.delete(tx, &(noun.clone(), name.clone(), arn.clone()));
        ATTACHED_TO.delete(tx, &(arn, noun, name));
    }
}
