//! CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed.

use cloud::{Ctx, Guard};
use iam_api::{
    AccessKeyLastUsed, AccessKeyMetadata, CreateAccessKeyOutput, GetAccessKeyLastUsedOutput,
    ListAccessKeysOutput,
};
use identity::credentials::{IdKind, new_id, new_secret};
use identity::{AccountId, Principal};
use shapes::ApiError;
use store::{Range, Reader, Scope, Tx};

use super::form::{change, look, page};
use super::users::{find, named_or_own};
use crate::directory::announce_keys;
use crate::errors;
use crate::owner::Kind;
use crate::tables::{ACCESS_KEYS, AccessKey, KEY_USES, KEYS_OF_USERS, KeyStatus, Mark};
use crate::user::User;

/// Keys of one user at most ("IAM and AWS STS quotas").
const MOST: usize = 2;

fn principal(account: AccountId, user: &User) -> Principal {
    Principal::user(account, &user.path, &user.name, &user.id)
}

fn guard(ctx: &Ctx, name: Option<&str>) -> Result<Guard, ApiError> {
    Kind::User.guard(ctx, &named_or_own(ctx, name)?)
}

fn keys_of(rows: &mut dyn Reader, user: &str) -> Result<Vec<String>, ApiError> {
    let keys = KEYS_OF_USERS.list(rows, &Range::prefix(&user.to_owned()), usize::MAX)?;
    Ok(keys.into_iter().map(|((_, id), _)| id).collect())
}

/// Changes one of the user's keys.
fn alter(
    rows: &mut Tx<'_>,
    user: &str,
    id: &String,
    change: impl FnOnce(&mut AccessKey),
) -> Result<(), ApiError> {
    let not_found = || errors::no_such_entity(format!("The Access Key with id {id} cannot be found."));
    if !KEYS_OF_USERS.contains(rows, &(user.to_owned(), id.clone()))? {
        return Err(not_found());
    }
    announce_keys(rows);
    rows.with_scope(&Scope::global(), |rows| {
        let mut key = ACCESS_KEYS.find(rows, id)?.ok_or_else(not_found)?;
        change(&mut key);
        ACCESS_KEYS.put(rows, id, &key);
        Ok(())
    })
}

/// Lets the keys of a user that got another name or path stand for it still.
pub(super) fn rename(
    rows: &mut Tx<'_>,
    account: AccountId,
    old_name: &str,
    user: &User,
) -> Result<(), ApiError> {
    for id in keys_of(rows, old_name)? {
        alter(rows, old_name, &id, |key| key.principal = principal(account, user))?;
        KEYS_OF_USERS.delete(rows, &(old_name.to_owned(), id.clone()));
        KEYS_OF_USERS.put(rows, &(user.name.clone(), id), &Mark);
    }
    Ok(())
}

fn status_text(status: KeyStatus) -> String {
    if status == KeyStatus::Active { "Active" } else { "Inactive" }.to_owned()
}

change! { CreateAccessKey(ctx, rows, input)
    guard guard(ctx, input.user_name.as_deref());
    {
        let user = find(rows, &named_or_own(ctx, input.user_name.as_deref())?)?;
        if keys_of(rows, &user.name)?.len() >= MOST {
            return Err(errors::limit_exceeded(format!("Cannot exceed quota for AccessKeysPerUser: {MOST}")));
        }
        let id = new_id(IdKind::AccessKey, ctx.ids().bytes());
        let key = AccessKey {
            secret: new_secret(ctx.ids().bytes()),
            principal: principal(ctx.account(), &user),
            created: ctx.now(),
            status: KeyStatus::Active,
            session: None,
        };
        KEYS_OF_USERS.put(rows, &(user.name.clone(), id.clone()), &Mark);
        rows.with_scope(&Scope::global(), |rows| ACCESS_KEYS.put(rows, &id, &key));
        Ok(CreateAccessKeyOutput {
            access_key: iam_api::AccessKey {
                user_name: user.name,
                access_key_id: id,
                status: status_text(key.status),
                secret_access_key: key.secret,
                create_date: Some(key.created),
            },
        })
    }
}

look! { ListAccessKeys(ctx, rows, input)
    guard guard(ctx, input.user_name.as_deref());
    {
        let user = find(rows, &named_or_own(ctx, input.user_name.as_deref())?)?;
        let ids = keys_of(rows, &user.name)?;
        rows.set_scope(&Scope::global());
        let mut keys = Vec::new();
        for id in ids {
            let Some(key) = ACCESS_KEYS.find(rows, &id)? else { continue };
            let metadata = AccessKeyMetadata {
                user_name: Some(user.name.clone()),
                access_key_id: Some(id.clone()),
                status: Some(status_text(key.status)),
                create_date: Some(key.created),
            };
            keys.push((id, metadata));
        }
        let page = page(keys, input.marker.as_deref(), input.max_items);
        Ok(ListAccessKeysOutput {
            access_key_metadata: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

change! { UpdateAccessKey(ctx, rows, input)
    guard guard(ctx, input.user_name.as_deref());
    {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        let status = match input.status.as_str() {
            "Active" => KeyStatus::Active,
            "Inactive" => KeyStatus::Inactive,
            other => return Err(errors::invalid(format!("Status must be Active or Inactive, not {other}"))),
        };
        alter(rows, &user, &input.access_key_id, |key| key.status = status)?;
        Ok(Default::default())
    }
}

change! { DeleteAccessKey(ctx, rows, input)
    guard guard(ctx, input.user_name.as_deref());
    {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        alter(rows, &user, &input.access_key_id, |key| key.status = KeyStatus::Deleted)?;
        KEYS_OF_USERS.delete(rows, &(user, input.access_key_id.clone()));
        Ok(Default::default())
    }
}

look! { GetAccessKeyLastUsed(ctx, rows, input)
    guard Ok(Guard::any());
    {
        rows.set_scope(&Scope::global());
        let key = ACCESS_KEYS.find(rows, &input.access_key_id)?;
        let own = key.filter(|key| key.principal.account() == Some(ctx.account()));
        let Some(AccessKey { principal: Principal::User { name, .. }, .. }) = own else {
            let message = format!("The Access Key with id {} cannot be found.", input.access_key_id);
            return Err(errors::no_such_entity(message));
        };
        // AWS answers so for a key that was never used.
        let mut last_used = AccessKeyLastUsed {
            service_name: "N/A".to_owned(),
            region: "N/A".to_owned(),
            ..Default::default()
        };
        if let Some(last) = KEY_USES.find(rows, &input.access_key_id)? {
            last_used = AccessKeyLastUsed {
                last_used_date: Some(last.at),
                service_name: last.service,
                region: last.region,
            };
        }
        Ok(GetAccessKeyLastUsedOutput { user_name: Some(name.to_string()), access_key_last_used: Some(last_used) })
    }
}
