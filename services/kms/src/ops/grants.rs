//! CreateGrant, RetireGrant, RevokeGrant, ListGrants and ListRetirableGrants.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact, tenant};
use identity::arn;
use kms_api::op::{CreateGrant, ListGrants, ListRetirableGrants, RetireGrant, RevokeGrant};
use kms_api::{
    CreateGrantInput, CreateGrantOutput, GrantListEntry, ListGrantsInput, ListGrantsOutput,
    ListRetirableGrantsInput, ListRetirableGrantsOutput, RetireGrantInput, RetireGrantOutput,
    RevokeGrantInput, RevokeGrantOutput,
};
use shapes::ApiError;
use store::{Order, Range, Reader, Tx};

use super::{Page, check_dry_run, limit};
use crate::grant::{Constraint, Grant, Token};
use crate::key::{self, State};
use crate::key_id::{KeyId, Name};
use crate::lookup::Use;
use crate::spec::{Family, KeyUsage};
use crate::tables::GRANTS;
use crate::{Kms, errors, lookup};

/// Developer Guide, "Resource quotas".
const MOST_OF_A_KEY: usize = 50_000;

pub(crate) struct Draft {
    key: KeyId,
    grant: Grant,
    is_dry_run: bool,
}

impl Transact<CreateGrant> for Kms {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &CreateGrantInput) -> Result<Guard, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        // A grantee can give away what it was granted itself, and nothing more.
        let may_pass_on = self.passes_on(ctx, &located, input)?;
        let operation = if may_pass_on { "CreateGrant" } else { "" };
        let constraint = constraint(input);
        let mut guard = self
            .guard_of(ctx, &located, Use::of(operation))?
            .with("kms:grantoperations", input.operations.clone())
            .with("kms:granteeprincipal", vec![input.grantee_principal.clone()])
            .with("kms:grantisforawsresource", vec![(!ctx.called_via().is_empty()).to_string()]);
        if let Some(retiring) = &input.retiring_principal {
            guard = guard.with("kms:retiringprincipal", vec![retiring.clone()]);
        }
        let kind = match (&constraint.equals, &constraint.subset) {
            (Some(_), _) => Some("EncryptionContextEquals"),
            (None, Some(_)) => Some("EncryptionContextSubset"),
            (None, None) => None,
        };
        for (name, value) in constraint.equals.iter().chain(&constraint.subset).flatten() {
            guard = guard.with(&format!("kms:encryptioncontext:{name}"), vec![value.clone()]);
        }
        Ok(match kind {
            Some(kind) => guard.with("kms:grantconstrainttype", vec![kind.to_owned()]),
            None => guard,
        })
    }

    fn prepare(&self, ctx: &Ctx, input: CreateGrantInput) -> Result<Draft, ApiError> {
        check_principal(&input.grantee_principal)?;
        input.retiring_principal.as_deref().map_or(Ok(()), check_principal)?;
        if input.operations.is_empty() {
            return Err(errors::validation("Operations must have at least one entry"));
        }
        let grant = Grant {
            id: ctx.ids().hex(64),
            constraint: constraint(&input),
            name: input.name,
            created: ctx.now(),
            grantee: input.grantee_principal,
            retiring: input.retiring_principal,
            issuer: ctx.principal().account().unwrap_or(ctx.account()),
            operations: input.operations,
            proof: ctx.ids().hex(32),
        };
        Ok(Draft {
            key: KeyId::parse_id(ctx, &input.key_id)?,
            grant,
            is_dry_run: input.dry_run == Some(true),
        })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<CreateGrantOutput, ApiError> {
        let Draft { key, grant, is_dry_run } = draft;
        lookup::change(ctx, tx, key, |tx, located, key| {
            if key.state() != State::Enabled {
                located.check_enabled()?;
            }
            check_operations(located.key.usage, located.key.spec.family(), grant)?;
            let mut same = None;
            let mut count = 0;
            GRANTS.visit(tx, &Range::prefix(&key.id), Order::Ascending, |_, other: Grant| {
                count += 1;
                if grant.name.is_some() && is_same(&other, grant) {
                    same = Some(other);
                }
                ControlFlow::Continue(())
            })?;
            let made = match same {
                Some(other) => other,
                None if count >= MOST_OF_A_KEY => {
                    return Err(errors::limit_exceeded(format!("{} has too many grants.", located.arn())));
                }
                None => grant.clone(),
            };
            check_dry_run(Some(*is_dry_run))?;
            GRANTS.put(tx, &(key.id.clone(), made.id.clone()), &made);
            Ok(CreateGrantOutput {
                grant_token: Some(made.token(located.account, &key.id)),
                grant_id: Some(made.id),
            })
        })
    }
}

impl Kms {
    /// Whether the caller holds a grant that covers the one it is about to make.
    fn passes_on(
        &self,
        ctx: &Ctx,
        located: &key::Located,
        input: &CreateGrantInput,
    ) -> Result<bool, ApiError> {
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        let constraint = constraint(input);
        let mut covers = false;
        GRANTS.visit(&mut reader, &Range::prefix(&located.key.id), Order::Ascending, |_, grant: Grant| {
            let has_all = input.operations.iter().all(|operation| grant.operations.contains(operation));
            let is_as_narrow = grant.constraint.is_empty() || grant.constraint == constraint;
            covers |= has_all && is_as_narrow && grant.allows(ctx.principal(), "CreateGrant", None);
            ControlFlow::Continue(())
        })?;
        Ok(covers)
    }
}

impl Transact<RevokeGrant> for Kms {
    type Draft = (KeyId, String, bool);

    fn guard(&self, ctx: &Ctx, input: &RevokeGrantInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard.with("kms:grantisforawsresource", vec![(!ctx.called_via().is_empty()).to_string()]))
    }

    fn prepare(&self, ctx: &Ctx, input: RevokeGrantInput) -> Result<Self::Draft, ApiError> {
        Ok((KeyId::parse_id(ctx, &input.key_id)?, input.grant_id, input.dry_run == Some(true)))
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Self::Draft) -> Result<RevokeGrantOutput, ApiError> {
        let (id, grant_id, is_dry_run) = draft;
        lookup::change(ctx, tx, id, |tx, _, key| {
            let place = (key.id.clone(), grant_id.clone());
            if !GRANTS.contains(tx, &place)? {
                return Err(errors::no_such_grant(grant_id));
            }
            check_dry_run(Some(*is_dry_run))?;
            GRANTS.delete(tx, &place);
            Ok(RevokeGrantOutput {})
        })
    }
}

impl Transact<RetireGrant> for Kms {
    type Draft = (KeyId, String, bool);

    /// The grant itself says who may retire it, and IAM policies may say no; see the handler.
    fn guard(&self, ctx: &Ctx, input: &RetireGrantInput) -> Result<Guard, ApiError> {
        let (key, grant_id, proof) = named_grant(ctx, input)?;
        let located = self.locate(ctx, &key)?;
        let mut reader = ctx.store().read(&key.scope(ctx))?;
        let grant = GRANTS.find(&mut reader, &(located.key.id.clone(), grant_id.clone()))?;
        let grant = grant.ok_or_else(|| errors::no_such_grant(&grant_id))?;
        if proof.is_some_and(|proof| proof != grant.proof) {
            return Err(errors::invalid_grant_token());
        }
        if grant.may_be_retired_by(ctx.principal()) {
            return Ok(Guard::open());
        }
        self.guard_of(ctx, &located, Use::of("RetireGrant"))
    }

    fn prepare(&self, ctx: &Ctx, input: RetireGrantInput) -> Result<Self::Draft, ApiError> {
        let (key, grant_id, _) = named_grant(ctx, &input)?;
        Ok((key, grant_id, input.dry_run == Some(true)))
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Self::Draft) -> Result<RetireGrantOutput, ApiError> {
        let (id, grant_id, is_dry_run) = draft;
        lookup::change(ctx, tx, id, |tx, _, key| {
            check_dry_run(Some(*is_dry_run))?;
            GRANTS.delete(tx, &(key.id.clone(), grant_id.clone()));
            Ok(RetireGrantOutput {})
        })
    }
}

impl Handle<ListGrants> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ListGrantsInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard.with("kms:grantisforawsresource", vec![(!ctx.called_via().is_empty()).to_string()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListGrantsInput,
    ) -> Result<ListGrantsOutput, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        let limit = limit(input.limit, 50);
        let key_id = located.key.id.clone();
        let mut range = Range::prefix(&key_id);
        if let Some(marker) = input.marker {
            range = range.after(&(key_id, marker));
        }
        let mut grants = Vec::new();
        let mut reader = ctx.store().read(&tenant(located.account, located.region))?;
        GRANTS.visit(&mut reader, &range, Order::Ascending, |_, grant: Grant| {
            let is_asked = input.grant_id.as_ref().is_none_or(|id| *id == grant.id)
                && input.grantee_principal.as_ref().is_none_or(|grantee| *grantee == grant.grantee);
            if is_asked {
                grants.push(grant);
            }
            if grants.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if grants.is_empty()
            && let Some(id) = &input.grant_id
        {
            return Err(errors::no_such_grant(id));
        }
        let page = Page::cut(grants, limit, |grant| grant.id.clone());
        let arn = located.arn();
        Ok(ListGrantsOutput {
            grants: Some(page.items.iter().map(|grant| grant.entry(&arn)).collect()),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}

impl Handle<ListRetirableGrants> for Kms {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListRetirableGrantsInput,
    ) -> Result<ListRetirableGrantsOutput, ApiError> {
        let limit = limit(input.limit, 50);
        let mut range = Range::all();
        if let Some((key, grant)) = input.marker.as_deref().and_then(|marker| marker.split_once('/')) {
            range = range.after(&(key.to_owned(), grant.to_owned()));
        }
        let (account, region) = (ctx.account(), ctx.region());
        let mut entries: Vec<(String, GrantListEntry)> = Vec::new();
        let mut reader = ctx.read()?;
        let reader: &mut dyn Reader = &mut reader;
        GRANTS.visit(reader, &range, Order::Ascending, |(key_id, id), grant: Grant| {
            if grant.retiring.as_deref() == Some(&input.retiring_principal) {
                entries.push((format!("{key_id}/{id}"), grant.entry(&key::arn(account, region, &key_id))));
            }
            if entries.len() > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let page = Page::cut(entries, limit, |(marker, _)| marker.clone());
        Ok(ListRetirableGrantsOutput {
            grants: Some(page.items.into_iter().map(|(_, entry)| entry).collect()),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}

fn constraint(input: &CreateGrantInput) -> Constraint {
    let given = input.constraints.clone().unwrap_or_default();
    Constraint { equals: given.encryption_context_equals, subset: given.encryption_context_subset }
}

fn is_same(one: &Grant, other: &Grant) -> bool {
    one.name == other.name
        && one.grantee == other.grantee
        && one.retiring == other.retiring
        && one.operations == other.operations
        && one.constraint == other.constraint
}

/// The grant that a request names by its token, or by key and id. With a token comes its proof.
fn named_grant(ctx: &Ctx, input: &RetireGrantInput) -> Result<(KeyId, String, Option<String>), ApiError> {
    match (&input.grant_token, &input.key_id, &input.grant_id) {
        (Some(token), None, None) => {
            let token = Token::parse(token).ok_or_else(errors::invalid_grant_token)?;
            Ok((
                KeyId { account: token.account, name: Name::Id(token.key_id) },
                token.grant_id,
                Some(token.proof),
            ))
        }
        (None, Some(key), Some(grant)) => Ok((KeyId::parse_id(ctx, key)?, grant.clone(), None)),
        _ => Err(errors::validation("Either a grant token, or a grant ID and a key ID must be specified")),
    }
}

/// A grantee is a principal by its ARN, or a service by its name.
fn check_principal(text: &str) -> Result<(), ApiError> {
    let is_identity = arn::split(text).is_some_and(|parts| {
        let kind = parts.resource.split('/').next().unwrap_or_default();
        parts.account_id().is_some()
            && matches!(
                (parts.service, kind),
                ("iam", "root" | "user" | "role") | ("sts", "assumed-role" | "federated-user")
            )
    });
    if is_identity || text.ends_with(".amazonaws.com") { Ok(()) } else { Err(errors::invalid_arn(text)) }
}

/// A grant gives only what the key can do.
fn check_operations(usage: KeyUsage, family: Family, grant: &Grant) -> Result<(), ApiError> {
    let can = |operation: &str| match operation {
        "CreateGrant" | "RetireGrant" | "DescribeKey" => true,
        "Encrypt" | "Decrypt" | "ReEncryptFrom" | "ReEncryptTo" => usage == KeyUsage::EncryptDecrypt,
        "Sign" | "Verify" => usage == KeyUsage::SignVerify,
        "GenerateMac" | "VerifyMac" => usage == KeyUsage::GenerateVerifyMac,
        "DeriveSharedSecret" => usage == KeyUsage::KeyAgreement,
        "GetPublicKey" => matches!(family, Family::Rsa | Family::Ecc),
        _ => family == Family::Symmetric,
    };
    if !grant.constraint.is_empty() && family != Family::Symmetric {
        return Err(errors::validation(
            "Grant constraints are supported for symmetric encryption KMS keys only.",
        ));
    }
    match grant.operations.iter().find(|operation| !can(operation)) {
        Some(operation) => Err(errors::validation(format!(
            "Grant operation {operation} is not supported by the key usage of the key."
        ))),
        None => Ok(()),
    }
}
