//! The policy simulator: a decision with everything that led to it.

use super::decision::{Decision, Layer, Reason, StatementRef};
use super::evaluate::{Policies, Question, Request, evaluate};
use super::principals::Caller;
use super::statement::{Effect, Policy};

/// `EvalDecision` of `SimulatePrincipalPolicy` and `SimulateCustomPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    ExplicitDeny,
    ImplicitDeny,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitDeny => "explicitDeny",
            Self::ImplicitDeny => "implicitDeny",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    pub verdict: Verdict,
    pub decision: Decision<'a>,
    /// The statements that decided: the denies of an explicit deny, otherwise the allows.
    pub matched: Vec<(Layer, StatementRef<'a>)>,
    /// Condition keys that the policies refer to and the context does not have.
    pub missing_context: Vec<String>,
}

/// Decides about one resource at a time, as the simulator does: the first of the request's resources that is denied,
/// or the last.
pub fn simulate<'a>(request: &Request<'a>, policies: &Policies<'a>) -> Simulation<'a> {
    let decision = evaluate(request, policies);
    let verdict = match decision.reason {
        Reason::ExplicitDeny { .. } => Verdict::ExplicitDeny,
        Reason::ImplicitDeny { .. } => Verdict::ImplicitDeny,
        Reason::AllowedBy { .. } | Reason::Root => Verdict::Allowed,
    };
    let caller = Caller::new(request.principal);
    let question = Question { request, policies, caller: &caller, resource: decision.resource };
    let effect = if verdict == Verdict::ExplicitDeny { Effect::Deny } else { Effect::Allow };
    let matched = question.matching(effect).collect();
    Simulation { verdict, decision, matched, missing_context: missing_context(request, policies) }
}

fn missing_context(request: &Request<'_>, policies: &Policies<'_>) -> Vec<String> {
    let listed = [policies.control, policies.identity, policies.session].into_iter().flatten().map(|p| &**p);
    let all = listed.chain(policies.boundary).chain(policies.resource);
    let mut missing: Vec<String> = all.flat_map(|named| Policy::context_keys(&named.policy)).collect();
    missing.retain(|key| request.context.get(&key.to_ascii_lowercase()).is_none());
    missing.sort_unstable();
    missing.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    missing
}
