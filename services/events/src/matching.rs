//! What a bus does with events, compiled from its rules.
//!
//! Each change of a bus's rules, targets or archives writes a new generation in the same transaction. What was compiled
//! is good for the generation that it was read at, so a look at one small row tells whether it still holds.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use cloud::{API_CALL, Ctx};
use event_pattern::{EventPattern, PatternSet};
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Order, Range, Reader, Scope, Tx};

use crate::bus::BusArn;
use crate::input::CompiledInput;
use crate::rule::{Rule, RuleArn};
use crate::rule_target::RuleTarget;
use crate::{Events, tables};

/// Buses kept compiled; past it all are forgotten.
const KEPT: usize = 1024;

/// A random number that is another one after each change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Generation(pub u64);

store::row!(Generation, 1);

/// Compiled buses.
#[derive(Default)]
pub(crate) struct Buses(RwLock<HashMap<(Scope, String), Arc<CompiledBus>>>);

pub(crate) struct CompiledBus {
    generation: Generation,
    rules: Vec<Arc<CompiledRule>>,
    /// Names of archives with a pattern.
    archives: Vec<String>,
    /// Names of archives that keep everything.
    archives_of_all: Vec<String>,
    /// The patterns of all rules, in their order, then those of the archives.
    patterns: PatternSet,
}

/// What an event sets off.
pub(crate) struct Found {
    pub rules: Vec<Arc<CompiledRule>>,
    pub archives: Vec<String>,
}

pub(crate) struct CompiledRule {
    pub arn: RuleArn,
    pub text: String,
    pub targets: Vec<CompiledTarget>,
    hears_reads: bool,
}

pub(crate) struct CompiledTarget {
    pub target: RuleTarget,
    pub input: CompiledInput,
}

impl CompiledBus {
    pub(crate) fn matches(&self, event: &serde_json::Value) -> Found {
        let is_read = is_read_call(event);
        let mut found = Found { rules: Vec::new(), archives: self.archives_of_all.clone() };
        for index in self.patterns.matches(event) {
            match index.checked_sub(self.rules.len()) {
                None if is_read && !self.rules[index].hears_reads => {}
                None => found.rules.push(Arc::clone(&self.rules[index])),
                Some(index) => found.archives.push(self.archives[index].clone()),
            }
        }
        found
    }
}

/// Whether an event tells of a call that only read.
fn is_read_call(event: &serde_json::Value) -> bool {
    event["detail-type"] == API_CALL
        && event["detail"]["readOnly"] == true
        && event["source"].as_str().is_some_and(|source| source.starts_with("aws."))
}

impl CompiledRule {
    pub(crate) fn read(reader: &mut dyn Reader, arn: RuleArn, rule: &Rule) -> Result<Self, ApiError> {
        let mut targets = Vec::new();
        for (_, target) in tables::TARGETS.list(reader, &Range::prefix(&arn.key()), usize::MAX)? {
            targets.push(CompiledTarget { input: target.compiled_input()?, target });
        }
        Ok(Self { text: arn.to_string(), arn, targets, hears_reads: rule.hears_reads() })
    }
}

/// Makes known that a bus does other things with events than before. `tx` is in the bus's scope.
pub(crate) fn changed(ctx: &Ctx, tx: &mut Tx<'_>, bus: &str) {
    tables::GENERATIONS.put(tx, &bus.to_owned(), &Generation(ctx.ids().number() as u64));
}

impl Events {
    /// What a bus does with events, as the reader sees it. The reader is in the bus's scope.
    pub(crate) fn compiled(
        &self,
        reader: &mut dyn Reader,
        bus: &BusArn,
    ) -> Result<Arc<CompiledBus>, ApiError> {
        let generation = tables::GENERATIONS.find(reader, &bus.name)?.unwrap_or_default();
        let key = (reader.scope().clone(), bus.name.clone());
        let kept = self.buses.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(compiled) = kept.filter(|compiled| compiled.generation == generation) {
            return Ok(compiled);
        }
        let compiled = Arc::new(compile(reader, bus, generation)?);
        let mut buses = self.buses.0.write().unwrap_or_else(PoisonError::into_inner);
        if buses.len() >= KEPT {
            buses.clear();
        }
        buses.insert(key, Arc::clone(&compiled));
        Ok(compiled)
    }
}

fn compile(reader: &mut dyn Reader, bus: &BusArn, generation: Generation) -> Result<CompiledBus, ApiError> {
    let mut enabled: Vec<(Rule, EventPattern)> = Vec::new();
    let mut failure = None;
    tables::RULES.visit(reader, &Range::prefix(&bus.name), Order::Ascending, |_, rule| {
        let pattern = rule.pattern.as_deref().filter(|_| rule.is_enabled());
        match pattern.map(EventPattern::parse) {
            None => {}
            Some(Ok(pattern)) => enabled.push((rule, pattern)),
            // It was checked when it was stored.
            Some(Err(invalid)) => failure = Some(ApiError::internal(invalid)),
        }
        ControlFlow::Continue(())
    })?;
    if let Some(failure) = failure {
        return Err(failure);
    }
    let mut rules = Vec::with_capacity(enabled.len());
    let mut patterns = Vec::with_capacity(enabled.len());
    for (rule, pattern) in enabled {
        let arn = RuleArn { bus: bus.clone(), name: rule.name.clone() };
        rules.push(Arc::new(CompiledRule::read(reader, arn, &rule)?));
        patterns.push(pattern);
    }
    let (mut archives, mut archives_of_all) = (Vec::new(), Vec::new());
    for (name, archive) in tables::ARCHIVES.list(reader, &Range::all(), usize::MAX)? {
        match archive.pattern.filter(|_| archive.bus == bus.name) {
            Some(pattern) => {
                patterns.push(EventPattern::parse(&pattern).map_err(ApiError::internal)?);
                archives.push(name);
            }
            None if archive.bus == bus.name => archives_of_all.push(name),
            None => {}
        }
    }
    let patterns = PatternSet::new(patterns);
    Ok(CompiledBus { generation, rules, archives, archives_of_all, patterns })
}
