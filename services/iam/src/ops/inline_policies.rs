//! Put-, Get-, List- and Delete- of UserPolicy, GroupPolicy and RolePolicy: the policies that are part of their owner.

use iam_api::{
    GetGroupPolicyOutput, GetRolePolicyOutput, GetUserPolicyOutput, ListGroupPoliciesOutput,
    ListRolePoliciesOutput, ListUserPoliciesOutput,
};
use identity::policy::{Policy, PolicyKind};
use shapes::ApiError;
use store::{Reader, Tx};

use super::attached_policies::check_changeable;
use super::form::{change, look, page};
use crate::errors;
use crate::owner::Kind;
use crate::role::url_encoded;
use crate::tables::{Document, INLINE_POLICIES};

/// Refuses a document that is no policy for an identity.
pub(super) fn check_document(document: &str) -> Result<(), ApiError> {
    Policy::parse(document, PolicyKind::Identity).map(drop).map_err(errors::malformed_policy)
}

/// White space does not count.
fn characters(document: &str) -> usize {
    document.chars().filter(|letter| !letter.is_whitespace()).count()
}

fn put(rows: &mut Tx<'_>, kind: Kind, owner: &str, name: &str, document: &str) -> Result<(), ApiError> {
    check_changeable(rows, kind, owner)?;
    let others = kind.inline_policies(rows, owner)?.into_iter().filter(|(other, _)| other != name);
    let characters: usize = others.map(|(_, document)| characters(&document)).sum();
    let most = kind.most_inline_characters();
    if characters + self::characters(document) > most {
        let noun = kind.noun();
        let message = format!("Maximum policy size of {most} bytes exceeded for {noun} {owner}");
        return Err(errors::limit_exceeded(message));
    }
    INLINE_POLICIES.put(rows, &key(kind, owner, name), &Document(document.to_owned()));
    Ok(())
}

fn find(rows: &mut dyn Reader, kind: Kind, owner: &str, name: &str) -> Result<String, ApiError> {
    kind.check_exists(rows, owner)?;
    let found = INLINE_POLICIES.find(rows, &key(kind, owner, name))?;
    let noun = kind.noun();
    let not_found = || errors::no_such_entity(format!("The {noun} policy with name {name} cannot be found."));
    found.map(|document| document.0).ok_or_else(not_found)
}

fn delete(rows: &mut Tx<'_>, kind: Kind, owner: &str, name: &str) -> Result<(), ApiError> {
    check_changeable(rows, kind, owner)?;
    find(rows, kind, owner, name)?;
    INLINE_POLICIES.delete(rows, &key(kind, owner, name));
    Ok(())
}

fn key(kind: Kind, owner: &str, name: &str) -> (String, String, String) {
    (kind.noun().to_owned(), owner.to_owned(), name.to_owned())
}

macro_rules! inline_policies {
    ($kind:expr, $owner:ident, $put:ident, $get:ident, $list:ident, $delete:ident, $got:ident, $listed:ident) => {
        change! { $put(ctx, rows, input)
            guard $kind.guard(ctx, &input.$owner);
            check check_document(&input.policy_document);
            {
                put(rows, $kind, &input.$owner, &input.policy_name, &input.policy_document)?;
                Ok(Default::default())
            }
        }

        look! { $get(ctx, rows, input)
            guard $kind.guard(ctx, &input.$owner);
            {
                let document = find(rows, $kind, &input.$owner, &input.policy_name)?;
                let policy_document = url_encoded(&document);
                Ok($got { $owner: input.$owner, policy_name: input.policy_name, policy_document })
            }
        }

        look! { $list(ctx, rows, input)
            guard $kind.guard(ctx, &input.$owner);
            {
                $kind.check_exists(rows, &input.$owner)?;
                let policies = $kind.inline_policies(rows, &input.$owner)?;
                let names = policies.into_iter().map(|(name, _)| (name.clone(), name));
                let page = page(names, input.marker.as_deref(), input.max_items);
                Ok($listed { policy_names: page.items, is_truncated: page.is_truncated, marker: page.marker })
            }
        }

        change! { $delete(ctx, rows, input)
            guard $kind.guard(ctx, &input.$owner);
            {
                delete(rows, $kind, &input.$owner, &input.policy_name)?;
                Ok(Default::default())
            }
        }
    };
}

inline_policies!(
    Kind::User,
    user_name,
    PutUserPolicy,
    GetUserPolicy,
    ListUserPolicies,
    DeleteUserPolicy,
    GetUserPolicyOutput,
    ListUserPoliciesOutput
);
inline_policies!(
    Kind::Group,
    group_name,
    PutGroupPolicy,
    GetGroupPolicy,
    ListGroupPolicies,
    DeleteGroupPolicy,
    GetGroupPolicyOutput,
    ListGroupPoliciesOutput
);
inline_policies!(
    Kind::Role,
    role_name,
    PutRolePolicy,
    GetRolePolicy,
    ListRolePolicies,
    DeleteRolePolicy,
    GetRolePolicyOutput,
    ListRolePoliciesOutput
);
