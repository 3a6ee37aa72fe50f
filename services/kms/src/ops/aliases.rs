//! CreateAlias, UpdateAlias, DeleteAlias and ListAliases.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use kms_api::op::{CreateAlias, DeleteAlias, ListAliases, UpdateAlias};
use kms_api::{
    AliasListEntry, CreateAliasInput, CreateAliasOutput, DeleteAliasInput, DeleteAliasOutput,
    ListAliasesInput, ListAliasesOutput, UpdateAliasInput, UpdateAliasOutput,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{Page, limit};
use crate::key_id::{KeyId, Name};
use crate::lookup::Use;
use crate::tables::{ALIASES, Alias};
use crate::{Kms, errors, key, lookup};

/// Developer Guide, "Resource quotas".
const MOST_OF_A_KEY: usize = 50;

/// An alias and the key it is to have.
pub(crate) struct Draft {
    name: String,
    target: KeyId,
}

impl Transact<CreateAlias> for Kms {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &CreateAliasInput) -> Result<Guard, ApiError> {
        let target = target(ctx, &input.target_key_id)?;
        let key = self.guard_of(ctx, &self.locate(ctx, &target)?, Use::default())?;
        Ok(alias_guard(ctx, &input.alias_name).and(key))
    }

    fn prepare(&self, ctx: &Ctx, input: CreateAliasInput) -> Result<Draft, ApiError> {
        check_name(&input.alias_name)?;
        Ok(Draft { target: target(ctx, &input.target_key_id)?, name: input.alias_name })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<CreateAliasOutput, ApiError> {
        if ALIASES.contains(tx, &draft.name)? {
            let arn = key::alias_arn(ctx.account(), ctx.region(), &draft.name);
            return Err(errors::alias_exists(&arn));
        }
        lookup::change(ctx, tx, &draft.target, |tx, located, key| {
            located.check_not_going()?;
            give(&mut key.aliases, &draft.name)?;
            let now = ctx.now();
            ALIASES.put(tx, &draft.name, &Alias { key_id: key.id.clone(), created: now, updated: now });
            Ok(CreateAliasOutput {})
        })
    }
}

impl Transact<UpdateAlias> for Kms {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &UpdateAliasInput) -> Result<Guard, ApiError> {
        let target = target(ctx, &input.target_key_id)?;
        let key = self.guard_of(ctx, &self.locate(ctx, &target)?, Use::default())?;
        let current =
            self.guard_of(ctx, &self.locate(ctx, &alias(ctx, &input.alias_name))?, Use::default())?;
        Ok(alias_guard(ctx, &input.alias_name).and(key).and(current))
    }

    fn prepare(&self, ctx: &Ctx, input: UpdateAliasInput) -> Result<Draft, ApiError> {
        check_name(&input.alias_name)?;
        Ok(Draft { target: target(ctx, &input.target_key_id)?, name: input.alias_name })
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, draft: &Draft) -> Result<UpdateAliasOutput, ApiError> {
        let Draft { name, target } = draft;
        let arn = || key::alias_arn(ctx.account(), ctx.region(), name);
        let mut row = ALIASES.find(tx, name)?.ok_or_else(|| errors::no_such_alias(&arn()))?;
        let (spec, usage) = lookup::change(ctx, tx, &alias(ctx, name), |_, _, key| {
            key.aliases.retain(|other| other != name);
            Ok((key.spec, key.usage))
        })?;
        lookup::change(ctx, tx, target, |tx, located, key| {
            located.check_not_going()?;
            if key.spec.family() != spec.family() || key.usage != usage {
                return Err(errors::alias_to_other_kind());
            }
            give(&mut key.aliases, name)?;
            row.key_id.clone_from(&key.id);
            row.updated = ctx.now();
            ALIASES.put(tx, name, &row);
            Ok(UpdateAliasOutput {})
        })
    }
}

impl Transact<DeleteAlias> for Kms {
    type Draft = String;

    fn guard(&self, ctx: &Ctx, input: &DeleteAliasInput) -> Result<Guard, ApiError> {
        let located = self.locate(ctx, &alias(ctx, &input.alias_name))?;
        let key = self.guard_of(ctx, &located, Use::default())?;
        Ok(alias_guard(ctx, &input.alias_name).and(key))
    }

    fn prepare(&self, _: &Ctx, input: DeleteAliasInput) -> Result<String, ApiError> {
        check_name(&input.alias_name)?;
        Ok(input.alias_name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, name: &String) -> Result<DeleteAliasOutput, ApiError> {
        lookup::change(ctx, tx, &alias(ctx, name), |tx, _, key| {
            key.aliases.retain(|other| other != name);
            ALIASES.delete(tx, name);
            Ok(DeleteAliasOutput {})
        })
    }
}

impl Handle<ListAliases> for Kms {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListAliasesInput,
    ) -> Result<ListAliasesOutput, ApiError> {
        let limit = limit(input.limit, 50);
        let mut reader = ctx.read()?;
        let entry = |name: String, row: Alias| AliasListEntry {
            alias_arn: Some(key::alias_arn(ctx.account(), ctx.region(), &name)),
            alias_name: Some(name),
            target_key_id: Some(row.key_id),
            creation_date: Some(row.created),
            last_updated_date: Some(row.updated),
        };
        let marker = input.marker;
        let entries: Vec<AliasListEntry> = match &input.key_id {
            Some(text) => {
                let located = self.locate_by_id(ctx, text)?;
                let mut names = located.key.aliases.clone();
                names.sort_unstable();
                names.retain(|name| marker.as_ref().is_none_or(|last| name > last));
                let mut entries = Vec::new();
                for name in names {
                    entries.extend(ALIASES.find(&mut reader, &name)?.map(|row| entry(name, row)));
                }
                entries
            }
            None => {
                let range = marker.map_or(Range::all(), |last| Range::all().after(&last));
                let rows = ALIASES.list(&mut reader, &range, limit + 1)?;
                rows.into_iter().map(|(name, row)| entry(name, row)).collect()
            }
        };
        let page = Page::cut(entries, limit, |entry| entry.alias_name.clone().unwrap_or_default());
        Ok(ListAliasesOutput {
            aliases: Some(page.items),
            truncated: Some(page.next_marker.is_some()),
            next_marker: page.next_marker,
        })
    }
}

fn give(aliases: &mut Vec<String>, name: &str) -> Result<(), ApiError> {
    if aliases.len() >= MOST_OF_A_KEY {
        return Err(errors::limit_exceeded(format!("A key can have {MOST_OF_A_KEY} aliases at most.")));
    }
    aliases.push(name.to_owned());
    Ok(())
}

fn target(ctx: &Ctx, text: &str) -> Result<KeyId, ApiError> {
    let id = KeyId::parse(ctx, text)?;
    if id.alias().is_some() {
        return Err(errors::alias_to_alias());
    }
    // An alias and its key are in one account.
    if id.account != ctx.account() { Err(errors::no_such_key(text)) } else { Ok(id) }
}

fn alias(ctx: &Ctx, name: &str) -> KeyId {
    KeyId { account: ctx.account(), name: Name::Alias(name.to_owned()) }
}

fn alias_guard(ctx: &Ctx, name: &str) -> Guard {
    Guard::resource(key::alias_arn(ctx.account(), ctx.region(), name))
}

fn check_name(name: &str) -> Result<(), ApiError> {
    if name.starts_with("alias/aws/") {
        return Err(errors::reserved_alias());
    }
    let is_named = name.strip_prefix("alias/").is_some_and(|rest| !rest.is_empty());
    if is_named { Ok(()) } else { Err(errors::invalid_alias_name(name)) }
}
