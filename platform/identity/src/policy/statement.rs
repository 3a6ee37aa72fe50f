//! A compiled policy: its statements and what each applies to.

use std::collections::BTreeMap;

use super::conditions::Condition;
use super::context::ContextKeys;
use super::pattern::Pattern;
use super::position::Span;
use super::principals::PrincipalClause;

/// A document, checked and ready to decide.
#[derive(Clone, Debug)]
pub struct Policy {
    pub version: Version,
    pub id: Option<Box<str>>,
    pub statements: Vec<Statement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Without policy variables; also the version of documents that give none.
    V2008,
    V2012,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub sid: Option<Box<str>>,
    pub effect: Effect,
    /// Where it stands in the document.
    pub span: Span,
    /// Of resource and trust policies.
    pub(super) principals: Option<PrincipalClause>,
    pub(super) actions: Clause,
    /// Nothing in trust policies, whose resource is the role that has them.
    pub(super) resources: Option<Clause>,
    pub(super) conditions: Vec<Condition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub negated: bool,
    pub patterns: Vec<Pattern>,
}

impl Statement {
    /// Whether action, resource and conditions fit; the principal is another question.
    pub(super) fn applies(&self, action: &str, resource: &str, context: &ContextKeys) -> bool {
        let names = self.actions.patterns.iter().any(|pattern| pattern.matches(action, context));
        if names == self.actions.negated {
            return false;
        }
        if let Some(resources) = &self.resources {
            let names = resources.patterns.iter().any(|pattern| pattern.matches_resource(resource, context));
            if names == resources.negated {
                return false;
            }
        }
        self.conditions.iter().all(|condition| condition.holds(context))
    }

    fn variables(&self) -> impl Iterator<Item = &str> {
        let resources = self.resources.iter().flat_map(|clause| &clause.patterns);
        resources.flat_map(Pattern::variables).chain(self.conditions.iter().flat_map(Condition::variables))
    }
}

impl Policy {
    /// Whether any statement looks at the context: when none of a request's policies does, it need not be gathered.
    pub fn uses_context(&self) -> bool {
        self.statements.iter().any(|s| !s.conditions.is_empty() || s.variables().next().is_some())
    }

    /// The condition keys that the policy refers to, as `GetContextKeysForCustomPolicy` lists them: sorted, in the
    /// spelling of the document where a condition names them.
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys = BTreeMap::new();
        for statement in &self.statements {
            for variable in statement.variables() {
                keys.entry(variable.to_owned()).or_insert_with(|| variable.to_owned());
            }
            for condition in &statement.conditions {
                keys.insert(condition.key.to_string(), condition.spelling.to_string());
            }
        }
        keys.into_values().collect()
    }
}
