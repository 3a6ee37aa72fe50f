//! Who can have policies: users, groups and roles.

use cloud::{Ctx, Guard};
use identity::AccountId;
use shapes::ApiError;
use store::{Range, Reader, Tx};

use crate::errors;
use crate::tables::{ATTACHED, ATTACHED_TO, GROUPS, INLINE_POLICIES, ROLES, USERS, account_scope};

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

    pub(crate) fn path(self, rows: &mut dyn Reader, name: &str) -> Result<Option<String>, ApiError> {
        let name = name.to_owned();
        Ok(match self {
            Self::User => USERS.find(rows, &name)?.map(|user| user.path),
            Self::Group => GROUPS.find(rows, &name)?.map(|group| group.path),
            Self::Role => ROLES.find(rows, &name)?.map(|role| role.path),
        })
    }

    pub(crate) fn check_exists(self, rows: &mut dyn Reader, name: &str) -> Result<(), ApiError> {
        self.path(rows, name)?.map(drop).ok_or_else(|| errors::not_found(self.noun(), name))
    }

    pub(crate) fn arn(self, account: AccountId, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{account}:{}{path}{name}", self.noun())
    }

    /// The owner by its name: its path is known once it is found.
    pub(crate) fn guard(self, ctx: &Ctx, name: &str) -> Result<Guard, ApiError> {
        let mut rows = ctx.store().read(&account_scope(ctx.account()))?;
        let path = self.path(&mut rows, name)?;
        Ok(Guard::resource(self.arn(ctx.account(), path.as_deref().unwrap_or("/"), name)))
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
            INLINE_POLICIES.put(tx, &key, &crate::tables::Document(document));
        }
        for arn in self.attached_policies(tx, from)? {
            self.detach(tx, from, &arn);
            self.attach(tx, to, &arn);
        }
        Ok(())
    }

    pub(crate) fn attach(self, tx: &mut Tx<'_>, name: &str, arn: &str) {
        let (noun, name, arn) = (self.noun().to_owned(), name.to_owned(), arn.to_owned());
        ATTACHED.put(tx, &(noun.clone(), name.clone(), arn.clone()), &crate::tables::Mark);
        ATTACHED_TO.put(tx, &(arn, noun, name), &crate::tables::Mark);
    }

    pub(crate) fn detach(self, tx: &mut Tx<'_>, name: &str, arn: &str) {
        let (noun, name, arn) = (self.noun().to_owned(), name.to_owned(), arn.to_owned());
        ATTACHED.delete(tx, &(noun.clone(), name.clone(), arn.clone()));
        ATTACHED_TO.delete(tx, &(arn, noun, name));
    }
}
