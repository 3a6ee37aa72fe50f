//! What policies may ask about a request: the keys and attributes that it is about ("Using IAM policy conditions for
//! fine-grained access control"). Found out only for callers whose policies could ask.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::{Ctx, Guard};
use identity::Principal;
use shapes::ApiError;

use crate::DynamoDb;
use crate::expression::{Condition, Path, Projection};
use crate::key_schema::KeySchema;
use crate::read::{GetDraft, ReadDraft, Select};
use crate::target::Target;
use crate::value::Value;
use crate::write::{Action, Returns, WriteDraft};

/// The condition keys of one request.
#[derive(Default)]
struct Facts {
    leading_keys: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

impl Facts {
    fn key(&mut self, value: Option<&Value>) {
        self.leading_keys.extend(value.and_then(text));
    }

    fn names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.attributes.extend(names.into_iter().map(str::to_owned));
    }

    fn condition(&mut self, condition: Option<&Condition<'_>>) {
        if let Some(condition) = condition {
            condition.visit_paths(&mut |path: &Path<'_>| {
                self.attributes.insert(path.attribute.to_owned());
            });
        }
    }

    fn projection(&mut self, projection: Option<&Projection<'_>>) {
        let paths = projection.iter().flat_map(|projection| &projection.paths);
        self.attributes.extend(paths.map(|path| path.attribute.to_owned()));
    }

    fn guard(self, mut guard: Guard) -> Guard {
        if !self.leading_keys.is_empty() {
            guard = guard.with("dynamodb:LeadingKeys", self.leading_keys.into_iter().collect());
        }
        if !self.attributes.is_empty() {
            guard = guard.with("dynamodb:Attributes", self.attributes.into_iter().collect());
        }
        guard
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::S(text) => Some(text.clone()),
        Value::N(number) => Some(number.to_string()),
        Value::B(bytes) => Some(STANDARD.encode(bytes)),
        _ => None,
    }
}

/// The owner of an account is asked for nothing but a resource's policy, which seldom has such conditions.
fn may_be_asked(ctx: &Ctx) -> bool {
    !matches!(ctx.principal(), Principal::Root { .. })
}

impl DynamoDb {
    fn keys(&self, ctx: &Ctx, target: &Target, index: Option<&str>) -> Result<Option<KeySchema>, ApiError> {
        let table = self.definitions.find(ctx.store(), target)?;
        Ok(table.map(|table| match index.and_then(|name| table.index(name)) {
            Some(index) => index.keys.clone(),
            None => table.keys().clone(),
        }))
    }

    /// The guard with what `draft` writes.
    pub(crate) fn asked_of_write(
        &self,
        ctx: &Ctx,
        guard: Guard,
        draft: impl FnOnce() -> Result<WriteDraft, ApiError>,
    ) -> Result<Guard, ApiError> {
        if !may_be_asked(ctx) {
            return Ok(guard);
        }
        let draft = draft()?;
        let Some(keys) = self.keys(ctx, &draft.target, None)? else { return Ok(guard) };
        let mut facts = Facts::default();
        let source = draft.action.key_source();
        facts.key(source.get(&keys.hash.name));
        facts.names(source.iter().map(|(name, _)| name));
        let (condition, touched) = draft.bind()?.paths();
        facts.attributes.extend(condition);
        facts.attributes.extend(touched);
        let returns = match draft.returns {
            Returns::None => "NONE",
            Returns::AllOld => "ALL_OLD",
            Returns::UpdatedOld => "UPDATED_OLD",
            Returns::AllNew => "ALL_NEW",
            Returns::UpdatedNew => "UPDATED_NEW",
        };
        let guard = facts.guard(guard).with("dynamodb:ReturnValues", vec![returns.to_owned()]);
        Ok(match draft.action {
            Action::Check(_) => guard,
            _ if draft.is_transactional => {
                guard.with("dynamodb:EnclosingOperation", vec!["TransactWriteItems".to_owned()])
            }
            _ => guard,
        })
    }

    /// The guard with what is got: the given keys, as far as `draft` wants of them.
    pub(crate) fn asked_of_get(
        &self,
        ctx: &Ctx,
        guard: Guard,
        target: &Target,
        keys: impl FnOnce() -> Result<Vec<crate::item::Item>, ApiError>,
        draft: impl FnOnce() -> Result<GetDraft, ApiError>,
    ) -> Result<Guard, ApiError> {
        if !may_be_asked(ctx) {
            return Ok(guard);
        }
        let Some(schema) = self.keys(ctx, target, None)? else { return Ok(guard) };
        let draft = draft()?;
        let mut facts = Facts::default();
        for key in keys()? {
            facts.key(key.get(&schema.hash.name));
            facts.names(key.iter().map(|(name, _)| name));
        }
        let projection = draft.bind()?;
        facts.projection(projection.as_ref());
        let select = if projection.is_some() { Select::SpecificAttributes } else { Select::AllAttributes };
        Ok(facts.guard(guard).with("dynamodb:Select", vec![select.name().to_owned()]))
    }

    /// The guard with what a Query or Scan reads.
    pub(crate) fn asked_of_read(
        &self,
        ctx: &Ctx,
        guard: Guard,
        draft: impl FnOnce() -> Result<ReadDraft, ApiError>,
    ) -> Result<Guard, ApiError> {
        self.asked_of_reads(ctx, guard, || Ok(vec![draft()?]))
    }

    /// The guard with what several reads of one table read.
    pub(crate) fn asked_of_reads(
        &self,
        ctx: &Ctx,
        guard: Guard,
        drafts: impl FnOnce() -> Result<Vec<ReadDraft>, ApiError>,
    ) -> Result<Guard, ApiError> {
        if !may_be_asked(ctx) {
            return Ok(guard);
        }
        let mut facts = Facts::default();
        let mut select = Select::AllAttributes;
        for draft in drafts()? {
            let Some(keys) = self.keys(ctx, &draft.target, draft.index.as_deref())? else { continue };
            select = draft.select;
            draft.with_parts(&keys, |hash, filter, projection| {
                facts.key(hash);
                facts.condition(filter);
                facts.projection(projection);
                if hash.is_some() {
                    facts.names([keys.hash.name.as_str()]);
                }
            })?;
        }
        Ok(facts.guard(guard).with("dynamodb:Select", vec![select.name().to_owned()]))
    }
}
