//! The IAM policy language: reading documents, deciding requests, saying why.
//!
//! [`Policy::parse`] checks and compiles a document once; [`evaluate`] decides a request under all policies that
//! apply to it, without I/O and mostly without allocating. The rules are those of "IAM JSON policy elements" and
//! "Policy evaluation logic" in the IAM user guide.

mod conditions;
mod context;
mod decision;
mod evaluate;
mod network;
mod parse;
mod pattern;
mod position;
mod principals;
mod simulate;
mod statement;
#[cfg(test)]
mod tests;

pub use context::{ContextKeys, RequestFacts, global_keys};
pub use decision::{Decision, Layer, Reason, StatementRef};
pub use evaluate::{Policies, Request, evaluate};
pub use parse::{LONGEST_DOCUMENT, MalformedPolicy, PolicyKind};
pub use pattern::{glob_matches, resource_matches};
pub use position::{Position, Span};
pub use principals::Grant;
pub use simulate::{Simulation, Verdict, simulate};
pub use statement::{Effect, Policy, Statement, Version};

/// A policy under the name by which denials and simulations mention it: an ARN for managed policies, the plain name
/// for inline ones.
#[derive(Clone, Debug)]
pub struct NamedPolicy {
    pub name: String,
    pub policy: Policy,
    /// As it was written: for those who must keep it.
    pub document: Box<str>,
}

impl NamedPolicy {
    pub fn parse(name: impl Into<String>, document: &str, kind: PolicyKind) -> Result<Self, MalformedPolicy> {
        Ok(Self { name: name.into(), policy: Policy::parse(document, kind)?, document: document.into() })
    }
}
