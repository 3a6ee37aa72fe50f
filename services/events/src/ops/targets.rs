//! PutTargets, RemoveTargets, ListTargetsByRule and ListRuleNamesByTarget.

use std::collections::BTreeSet;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{ListRuleNamesByTarget, ListTargetsByRule, PutTargets, RemoveTargets};
use events_api::{
    ListRuleNamesByTargetInput, ListRuleNamesByTargetOutput, ListTargetsByRuleInput, ListTargetsByRuleOutput,
    PutTargetsInput, PutTargetsOutput, RemoveTargetsInput, RemoveTargetsOutput, RemoveTargetsResultEntry,
};
use shapes::ApiError;
use store::{Range, Tx};

use super::{page_size, paged};
use crate::bus::BusArn;
use crate::rule::RuleArn;
use crate::rule_target::{MOST_PER_RULE, RuleTarget};
use crate::{Events, errors, matching, tables};

/// API Reference, PutTargets and RemoveTargets.
const MOST_ENTRIES: usize = 10;

fn rule_arn(ctx: &Ctx, bus: Option<&str>, rule: &str) -> Result<RuleArn, ApiError> {
    Ok(RuleArn { bus: BusArn::of(ctx, bus)?, name: rule.to_owned() })
}

fn targets_of(tx: &mut Tx<'_>, rule: &RuleArn) -> Result<Vec<RuleTarget>, ApiError> {
    let rows = tables::TARGETS.list(tx, &Range::prefix(&rule.key()), MOST_PER_RULE + MOST_ENTRIES)?;
    Ok(rows.into_iter().map(|(_, target)| target).collect())
}

/// Stores what has become of a rule's targets. `tx` is in the rule's scope.
fn replace(ctx: &Ctx, tx: &mut Tx<'_>, rule: &RuleArn, before: &[RuleTarget], after: &[RuleTarget]) {
    let (bus, name) = rule.key();
    let arns = |targets: &[RuleTarget]| {
        targets.iter().map(|target| target.target.arn.clone()).collect::<BTreeSet<_>>()
    };
    let (arns_before, arns_after) = (arns(before), arns(after));
    for arn in arns_before.difference(&arns_after) {
        tables::RULES_BY_TARGET.delete(tx, &(bus.clone(), arn.clone(), name.clone()));
    }
    for arn in arns_after.difference(&arns_before) {
        tables::RULES_BY_TARGET.put(tx, &(bus.clone(), arn.clone(), name.clone()), &());
    }
    for target in before {
        tables::TARGETS.delete(tx, &(bus.clone(), name.clone(), target.id.clone()));
    }
    for target in after {
        tables::TARGETS.put(tx, &(bus.clone(), name.clone(), target.id.clone()), target);
    }
    matching::changed(ctx, tx, &bus);
}

impl Transact<PutTargets> for Events {
    type Draft = (RuleArn, Vec<RuleTarget>);

    fn guard(&self, ctx: &Ctx, input: &PutTargetsInput) -> Result<Guard, ApiError> {
        self.rule_guard(&rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?)
    }

    fn prepare(&self, ctx: &Ctx, input: PutTargetsInput) -> Result<Self::Draft, ApiError> {
        if input.targets.len() > MOST_ENTRIES {
            return Err(errors::validation(format!(
                "1 validation error detected: Value at 'targets' failed to satisfy constraint: Member must have length \
                 less than or equal to {MOST_ENTRIES}"
            )));
        }
        let targets = input.targets.into_iter().map(RuleTarget::parse).collect::<Result<_, _>>()?;
        Ok((rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?, targets))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (rule, targets): &Self::Draft,
    ) -> Result<PutTargetsOutput, ApiError> {
        tx.with_scope(&rule.bus.scope(), |tx| {
            rule.get(tx)?;
            let before = targets_of(tx, rule)?;
            let mut after = before.clone();
            for target in targets {
                after.retain(|other| other.id != target.id);
                after.push(target.clone());
            }
            if after.len() > MOST_PER_RULE {
                return Err(errors::limit_exceeded());
            }
            replace(ctx, tx, rule, &before, &after);
            Ok(PutTargetsOutput { failed_entry_count: Some(0), failed_entries: Some(Vec::new()) })
        })
    }
}

impl Transact<RemoveTargets> for Events {
    type Draft = (RuleArn, Vec<String>);

    fn guard(&self, ctx: &Ctx, input: &RemoveTargetsInput) -> Result<Guard, ApiError> {
        self.rule_guard(&rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?)
    }

    fn prepare(&self, ctx: &Ctx, input: RemoveTargetsInput) -> Result<Self::Draft, ApiError> {
        Ok((rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?, input.ids))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (rule, ids): &Self::Draft,
    ) -> Result<RemoveTargetsOutput, ApiError> {
        tx.with_scope(&rule.bus.scope(), |tx| {
            rule.get(tx)?;
            let before = targets_of(tx, rule)?;
            let after: Vec<_> = before.iter().filter(|target| !ids.contains(&target.id)).cloned().collect();
            replace(ctx, tx, rule, &before, &after);
            let is_missing = |id: &&String| before.iter().all(|target| target.id != **id);
            let failed: Vec<_> = ids
                .iter()
                .filter(is_missing)
                .map(|id| RemoveTargetsResultEntry {
                    target_id: Some(id.clone()),
                    error_code: Some("ResourceNotFoundException".to_owned()),
                    error_message: Some(format!(
                        "Rule {} does not have a target with the Id {id}.",
                        rule.name
                    )),
                })
                .collect();
            Ok(RemoveTargetsOutput {
                failed_entry_count: Some(i32::try_from(failed.len()).unwrap_or(i32::MAX)),
                failed_entries: Some(failed),
            })
        })
    }
}

impl Handle<ListTargetsByRule> for Events {
    fn guard(&self, ctx: &Ctx, input: &ListTargetsByRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListTargetsByRuleInput,
    ) -> Result<ListTargetsByRuleOutput, ApiError> {
        let rule = rule_arn(ctx, input.event_bus_name.as_deref(), &input.rule)?;
        let mut reader = ctx.store().read(&rule.bus.scope())?;
        rule.get(&mut reader)?;
        let (bus, name) = rule.key();
        let range = match input.next_token {
            Some(last) => Range::prefix(&rule.key()).after(&(bus, name, last)),
            None => Range::prefix(&rule.key()),
        };
        let size = page_size(input.limit);
        let rows = tables::TARGETS.list(&mut reader, &range, size + 1)?;
        let (rows, next_token) = paged(rows, size, |((_, _, id), _)| id.clone());
        let targets = rows.into_iter().map(|(_, target)| target.to_api()).collect();
        Ok(ListTargetsByRuleOutput { targets: Some(targets), next_token })
    }
}

impl Handle<ListRuleNamesByTarget> for Events {
    fn guard(&self, ctx: &Ctx, input: &ListRuleNamesByTargetInput) -> Result<Guard, ApiError> {
        self.rule_guard(&rule_arn(ctx, input.event_bus_name.as_deref(), "*")?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListRuleNamesByTargetInput,
    ) -> Result<ListRuleNamesByTargetOutput, ApiError> {
        let bus = BusArn::of(ctx, input.event_bus_name.as_deref())?;
        let mut reader = ctx.store().read(&bus.scope())?;
        bus.get(&mut reader)?;
        let prefix = (bus.name.clone(), input.target_arn.clone());
        let range = match input.next_token {
            Some(last) => Range::prefix(&prefix).after(&(bus.name, input.target_arn, last)),
            None => Range::prefix(&prefix),
        };
        let size = page_size(input.limit);
        let rows = tables::RULES_BY_TARGET.list(&mut reader, &range, size + 1)?;
        let (rows, next_token) = paged(rows, size, |((_, _, rule), ())| rule.clone());
        let names = rows.into_iter().map(|((_, _, rule), ())| rule).collect();
        Ok(ListRuleNamesByTargetOutput { rule_names: Some(names), next_token })
    }
}
