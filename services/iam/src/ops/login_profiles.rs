//! CreateLoginProfile, GetLoginProfile, UpdateLoginProfile, DeleteLoginProfile, ChangePassword and the account's
//! password policy.

use cloud::{Ctx, Guard, Transact};
use iam_api::op::{ChangePassword, CreateLoginProfile, UpdateLoginProfile};
use iam_api::{
    ChangePasswordInput, CreateLoginProfileInput, CreateLoginProfileOutput, GetAccountPasswordPolicyOutput,
    GetLoginProfileOutput, LoginProfile, UpdateLoginProfileInput,
};
use identity::Principal;
use shapes::ApiError;
use store::{Reader, Tx};

use super::form::{change, check_session, look};
use super::users::named_or_own;
use crate::credentials::{Login, PasswordPolicy, check_by_default, hash_password};
use crate::owner::Kind;
use crate::tables::{LOGINS, PASSWORD_POLICIES, account_scope};
use crate::{Iam, errors};

/// An account has one password policy, under this key.
const OWN: String = String::new();

fn find(rows: &mut dyn Reader, user: &str) -> Result<Login, ApiError> {
    let not_found = || errors::no_such_entity(format!("Login Profile for User {user} cannot be found."));
    LOGINS.find(rows, &user.to_owned())?.ok_or_else(not_found)
}

fn to_api(user: &str, login: &Login) -> LoginProfile {
    LoginProfile {
        user_name: user.to_owned(),
        create_date: login.created,
        password_reset_required: Some(login.must_reset),
    }
}

/// Moves the password of a user that gets another name.
pub(super) fn rename(rows: &mut Tx<'_>, from: &str, to: &str) -> Result<(), ApiError> {
    if let Some(login) = LOGINS.find(rows, &from.to_owned())? {
        LOGINS.delete(rows, &from.to_owned());
        LOGINS.put(rows, &to.to_owned(), &login);
    }
    Ok(())
}

/// A password that was checked and hashed outside the transaction, which is slow on purpose.
pub(crate) struct Hashed {
    user: String,
    salt: [u8; 16],
    hash: Option<[u8; 32]>,
    /// Hash of the password that the caller says is the present one.
    old: Option<[u8; 32]>,
    must_reset: Option<bool>,
}

impl Iam {
    fn hashed(
        &self,
        ctx: &Ctx,
        user: String,
        password: Option<&str>,
        old: Option<&str>,
    ) -> Result<Hashed, ApiError> {
        let mut rows = self.cloud.store().read(&account_scope(ctx.account()))?;
        if let Some(password) = password {
            match PASSWORD_POLICIES.find(&mut rows, &OWN)? {
                Some(policy) => policy.check(password)?,
                None => check_by_default(password)?,
            }
        }
        let salt = LOGINS.find(&mut rows, &user)?.map_or_else(|| ctx.ids().bytes(), |login| login.salt);
        let hash = |password: &str| hash_password(&salt, password);
        Ok(Hashed { salt, hash: password.map(hash), old: old.map(hash), must_reset: None, user })
    }
}

fn take_password(ctx: &Ctx, rows: &mut Tx<'_>, draft: &Hashed) -> Result<(), ApiError> {
    let mut login = find(rows, &draft.user)?;
    if login.salt != draft.salt {
        // The profile was made anew meanwhile.
        return Err(errors::temporarily_unmodifiable(&draft.user));
    }
    if draft.old.is_some_and(|old| old != login.hash) {
        return Err(ApiError::with_status(403, "AccessDenied", "The old password was incorrect."));
    }
    if let Some(hash) = draft.hash {
        let policy = PASSWORD_POLICIES.find(rows, &OWN)?.unwrap_or_else(usual_policy);
        login.change(hash, &policy, ctx.now())?;
    }
    login.must_reset = draft.must_reset.unwrap_or(login.must_reset);
    LOGINS.put(rows, &draft.user, &login);
    Ok(())
}

impl Transact<CreateLoginProfile> for Iam {
    type Draft = Hashed;

    fn guard(&self, ctx: &Ctx, input: &CreateLoginProfileInput) -> Result<Guard, ApiError> {
        check_session(ctx)?;
        Kind::User.guard(ctx, &named_or_own(ctx, input.user_name.as_deref())?)
    }

    fn prepare(&self, ctx: &Ctx, input: CreateLoginProfileInput) -> Result<Hashed, ApiError> {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        let password = input.password.ok_or_else(|| errors::invalid("Must specify a password"))?;
        let hashed = self.hashed(ctx, user, Some(&password), None)?;
        Ok(Hashed { must_reset: input.password_reset_required, ..hashed })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Hashed,
    ) -> Result<CreateLoginProfileOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |rows| {
            Kind::User.check_exists(rows, &draft.user)?;
            if LOGINS.contains(rows, &draft.user)? {
                let user = &draft.user;
                return Err(errors::already_there(format!("Login Profile for user {user} already exists.")));
            }
            let login = Login {
                created: ctx.now(),
                must_reset: draft.must_reset.unwrap_or(false),
                salt: draft.salt,
                hash: draft.hash.unwrap_or_default(),
                changed: ctx.now(),
                former: Vec::new(),
            };
            LOGINS.put(rows, &draft.user, &login);
            Ok(CreateLoginProfileOutput { login_profile: to_api(&draft.user, &login) })
        })
    }
}

impl Transact<UpdateLoginProfile> for Iam {
    type Draft = Hashed;

    fn guard(&self, ctx: &Ctx, input: &UpdateLoginProfileInput) -> Result<Guard, ApiError> {
        check_session(ctx)?;
        Kind::User.guard(ctx, &input.user_name)
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateLoginProfileInput) -> Result<Hashed, ApiError> {
        let hashed = self.hashed(ctx, input.user_name, input.password.as_deref(), None)?;
        Ok(Hashed { must_reset: input.password_reset_required, ..hashed })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Hashed,
    ) -> Result<iam_api::UpdateLoginProfileOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |rows| {
            Kind::User.check_exists(rows, &draft.user)?;
            take_password(ctx, rows, draft)
        })?;
        Ok(Default::default())
    }
}

impl Transact<ChangePassword> for Iam {
    type Draft = Hashed;

    /// The account's password policy can let every user change the password ("Permit IAM users to change their own
    /// passwords").
    fn guard(&self, ctx: &Ctx, _: &ChangePasswordInput) -> Result<Guard, ApiError> {
        let Principal::User { name, .. } = ctx.principal() else { return Ok(Guard::any()) };
        let mut rows = self.cloud.store().read(&account_scope(ctx.account()))?;
        if PASSWORD_POLICIES.find(&mut rows, &OWN)?.is_some_and(|policy| policy.allow_change) {
            return Ok(Guard::open());
        }
        Kind::User.guard(ctx, name)
    }

    fn prepare(&self, ctx: &Ctx, input: ChangePasswordInput) -> Result<Hashed, ApiError> {
        let Principal::User { name, .. } = ctx.principal() else {
            let message = "Only IAM Users can change their own password";
            return Err(ApiError::sender("InvalidUserType", message));
        };
        let hashed =
            self.hashed(ctx, name.to_string(), Some(&input.new_password), Some(&input.old_password))?;
        Ok(Hashed { must_reset: Some(false), ..hashed })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Hashed,
    ) -> Result<iam_api::ChangePasswordOutput, ApiError> {
        tx.with_scope(&account_scope(ctx.account()), |rows| take_password(ctx, rows, draft))?;
        Ok(Default::default())
    }
}

look! { GetLoginProfile(ctx, rows, input)
    guard Kind::User.guard(ctx, &named_or_own(ctx, input.user_name.as_deref())?);
    {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        let login = find(rows, &user)?;
        Ok(GetLoginProfileOutput { login_profile: to_api(&user, &login) })
    }
}

change! { DeleteLoginProfile(ctx, rows, input)
    guard Kind::User.guard(ctx, &named_or_own(ctx, input.user_name.as_deref())?);
    {
        let user = named_or_own(ctx, input.user_name.as_deref())?;
        find(rows, &user)?;
        LOGINS.delete(rows, &user);
        Ok(Default::default())
    }
}

/// What UpdateAccountPasswordPolicy sets where it is told nothing.
fn usual_policy() -> PasswordPolicy {
    PasswordPolicy {
        minimum_length: 6,
        require_symbols: false,
        require_numbers: false,
        require_uppercase: false,
        require_lowercase: false,
        allow_change: false,
        max_age_days: None,
        reuse_prevention: None,
        hard_expiry: None,
    }
}

fn no_policy(ctx: &Ctx) -> ApiError {
    let account = ctx.account();
    errors::no_such_entity(format!("The Password Policy with domain name {account} cannot be found."))
}

change! { UpdateAccountPasswordPolicy(ctx, rows, input)
    guard Ok(Guard::any());
    {
        let usual = usual_policy();
        let policy = PasswordPolicy {
            minimum_length: input.minimum_password_length.unwrap_or(usual.minimum_length),
            require_symbols: input.require_symbols == Some(true),
            require_numbers: input.require_numbers == Some(true),
            require_uppercase: input.require_uppercase_characters == Some(true),
            require_lowercase: input.require_lowercase_characters == Some(true),
            allow_change: input.allow_users_to_change_password == Some(true),
            max_age_days: input.max_password_age,
            reuse_prevention: input.password_reuse_prevention,
            hard_expiry: input.hard_expiry,
        };
        PASSWORD_POLICIES.put(rows, &OWN, &policy);
        Ok(Default::default())
    }
}

look! { GetAccountPasswordPolicy(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        let policy = PASSWORD_POLICIES.find(rows, &OWN)?.ok_or_else(|| no_policy(ctx))?;
        Ok(GetAccountPasswordPolicyOutput {
            password_policy: iam_api::PasswordPolicy {
                minimum_password_length: Some(policy.minimum_length),
                require_symbols: Some(policy.require_symbols),
                require_numbers: Some(policy.require_numbers),
                require_uppercase_characters: Some(policy.require_uppercase),
                require_lowercase_characters: Some(policy.require_lowercase),
                allow_users_to_change_password: Some(policy.allow_change),
                expire_passwords: Some(policy.max_age_days.is_some()),
                max_password_age: policy.max_age_days,
                password_reuse_prevention: policy.reuse_prevention,
                hard_expiry: policy.hard_expiry,
            },
        })
    }
}

change! { DeleteAccountPasswordPolicy(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        PASSWORD_POLICIES.find(rows, &OWN)?.ok_or_else(|| no_policy(ctx))?;
        PASSWORD_POLICIES.delete(rows, &OWN);
        Ok(Default::default())
    }
}
