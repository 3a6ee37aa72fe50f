//! PutRule, DescribeRule, ListRules, EnableRule, DisableRule and DeleteRule.

use std::ops::ControlFlow;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use events_api::op::{DeleteRule, DescribeRule, DisableRule, EnableRule, ListRules, PutRule};
use events_api::{
    DeleteRuleInput, DeleteRuleOutput, DescribeRuleInput, DescribeRuleOutput, DisableRuleInput,
    DisableRuleOutput, EnableRuleInput, EnableRuleOutput, ListRulesInput, ListRulesOutput, PutRuleInput,
    PutRuleOutput, Rule as ApiRule,
};
use shapes::ApiError;
use store::{Order, Range, Tx};

use super::{page_size, paged};
use crate::bus::{BusArn, DEFAULT};
use crate::rule::{Rule, RuleArn, parse_pattern};
use crate::{Events, call_listeners, errors, matching, tables, tags, timer};

impl RuleArn {
    fn of(ctx: &Ctx, bus: Option<&str>, name: &str) -> Result<Self, ApiError> {
        Ok(Self { bus: BusArn::of(ctx, bus)?, name: name.to_owned() })
    }
}

impl Transact<PutRule> for Events {
    type Draft = (RuleArn, Rule);

    fn guard(&self, ctx: &Ctx, input: &PutRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?)
    }

    fn prepare(&self, ctx: &Ctx, input: PutRuleInput) -> Result<Self::Draft, ApiError> {
        let arn = RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?;
        let pattern = input.event_pattern.filter(|pattern| !pattern.is_empty());
        let schedule = input.schedule_expression.filter(|schedule| !schedule.is_empty());
        if pattern.is_none() && schedule.is_none() {
            return Err(errors::validation(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.",
            ));
        }
        if let Some(pattern) = &pattern {
            parse_pattern(pattern)?;
        }
        if let Some(schedule) = &schedule {
            timer::parse(schedule)?;
            if arn.bus.name != DEFAULT {
                return Err(errors::validation(
                    "ScheduleExpression is supported only on the default event bus.",
                ));
            }
        }
        let rule = Rule {
            name: input.name,
            pattern,
            schedule,
            state: input.state.unwrap_or_else(|| "ENABLED".to_owned()),
            description: input.description,
            role_arn: input.role_arn,
            created_by: ctx.account().to_string(),
            tags: tags::parse(input.tags)?,
            timer: None,
        };
        Ok((arn, rule))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, rule): &Self::Draft,
    ) -> Result<PutRuleOutput, ApiError> {
        tx.with_scope(&arn.bus.scope(), |tx| {
            arn.bus.get(tx)?;
            let mut rule = rule.clone();
            // An update replaces all but the tags.
            if let Some(earlier) = arn.find(tx)? {
                rule.tags = earlier.tags;
                rule.created_by = earlier.created_by;
                rule.timer = earlier.timer;
            }
            timer::set(ctx, tx, arn, &mut rule)?;
            tables::RULES.put(tx, &arn.key(), &rule);
            call_listeners::note_rule(tx, &arn.bus.name, &rule);
            matching::changed(ctx, tx, &arn.bus.name);
            Ok(PutRuleOutput { rule_arn: Some(arn.to_string()) })
        })
    }
}

impl Events {
    fn set_state(&self, ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn, state: &str) -> Result<(), ApiError> {
        tx.with_scope(&arn.bus.scope(), |tx| {
            let mut rule = arn.get(tx)?;
            if rule.is_enabled() == (state == "ENABLED") {
                return Ok(());
            }
            state.clone_into(&mut rule.state);
            timer::set(ctx, tx, arn, &mut rule)?;
            tables::RULES.put(tx, &arn.key(), &rule);
            call_listeners::note_rule(tx, &arn.bus.name, &rule);
            matching::changed(ctx, tx, &arn.bus.name);
            Ok(())
        })
    }
}

impl Transact<EnableRule> for Events {
    type Draft = RuleArn;

    fn guard(&self, ctx: &Ctx, input: &EnableRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?)
    }

    fn prepare(&self, ctx: &Ctx, input: EnableRuleInput) -> Result<RuleArn, ApiError> {
        RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn) -> Result<EnableRuleOutput, ApiError> {
        self.set_state(ctx, tx, arn, "ENABLED")?;
        Ok(EnableRuleOutput {})
    }
}

impl Transact<DisableRule> for Events {
    type Draft = RuleArn;

    fn guard(&self, ctx: &Ctx, input: &DisableRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?)
    }

    fn prepare(&self, ctx: &Ctx, input: DisableRuleInput) -> Result<RuleArn, ApiError> {
        RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)
    }

    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn) -> Result<DisableRuleOutput, ApiError> {
        self.set_state(ctx, tx, arn, "DISABLED")?;
        Ok(DisableRuleOutput {})
    }
}

impl Transact<DeleteRule> for Events {
    type Draft = RuleArn;

    fn guard(&self, ctx: &Ctx, input: &DeleteRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteRuleInput) -> Result<RuleArn, ApiError> {
        RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)
    }

    /// A rule that is gone is no error; a bus that is gone is one.
    fn apply(&self, ctx: &Ctx, tx: &mut Tx<'_>, arn: &RuleArn) -> Result<DeleteRuleOutput, ApiError> {
        tx.with_scope(&arn.bus.scope(), |tx| {
            arn.bus.get(tx)?;
            let Some(mut rule) = arn.find(tx)? else { return Ok(DeleteRuleOutput {}) };
            if !tables::TARGETS.list(tx, &Range::prefix(&arn.key()), 1)?.is_empty() {
                return Err(errors::rule_has_targets());
            }
            timer::stop(tx, &mut rule);
            tables::RULES.delete(tx, &arn.key());
            call_listeners::forget_rule(tx, &arn.bus.name, &arn.name);
            matching::changed(ctx, tx, &arn.bus.name);
            Ok(DeleteRuleOutput {})
        })
    }
}

impl Handle<DescribeRule> for Events {
    fn guard(&self, ctx: &Ctx, input: &DescribeRuleInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeRuleInput,
    ) -> Result<DescribeRuleOutput, ApiError> {
        let arn = RuleArn::of(ctx, input.event_bus_name.as_deref(), &input.name)?;
        let rule = arn.get(&mut ctx.store().read(&arn.bus.scope())?)?;
        Ok(DescribeRuleOutput {
            arn: Some(arn.to_string()),
            name: Some(rule.name),
            event_pattern: rule.pattern,
            schedule_expression: rule.schedule,
            state: Some(rule.state),
            description: rule.description,
            role_arn: rule.role_arn,
            managed_by: None,
            event_bus_name: Some(arn.bus.name),
            created_by: Some(rule.created_by),
        })
    }
}

impl Handle<ListRules> for Events {
    fn guard(&self, ctx: &Ctx, input: &ListRulesInput) -> Result<Guard, ApiError> {
        self.rule_guard(&RuleArn::of(ctx, input.event_bus_name.as_deref(), "*")?)
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: ListRulesInput) -> Result<ListRulesOutput, ApiError> {
        let bus = BusArn::of(ctx, input.event_bus_name.as_deref())?;
        let mut reader = ctx.store().read(&bus.scope())?;
        bus.get(&mut reader)?;
        let size = page_size(input.limit);
        let prefix = input.name_prefix.unwrap_or_default();
        let from = input.next_token.unwrap_or_default().max(prefix.clone());
        let mut rules = Vec::new();
        let range = Range::prefix(&bus.name).starting_at(&(bus.name.clone(), from.clone()));
        let is_later_page = !from.is_empty() && from != prefix;
        tables::RULES.visit(&mut reader, &range, Order::Ascending, |(_, name), rule| {
            if is_later_page && name == from {
                return ControlFlow::Continue(());
            }
            if !name.starts_with(&prefix) {
                return ControlFlow::Break(());
            }
            rules.push(rule);
            if rules.len() > size { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let (rules, next_token) = paged(rules, size, |rule| rule.name.clone());
        let rules = rules
            .into_iter()
            .map(|rule| ApiRule {
                arn: Some(RuleArn { bus: bus.clone(), name: rule.name.clone() }.to_string()),
                name: Some(rule.name),
                event_pattern: rule.pattern,
                state: Some(rule.state),
                description: rule.description,
                schedule_expression: rule.schedule,
                role_arn: rule.role_arn,
                managed_by: None,
                event_bus_name: Some(bus.name.clone()),
            })
            .collect();
        Ok(ListRulesOutput { rules: Some(rules), next_token })
    }
}
