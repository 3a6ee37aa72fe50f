//! A decision and the words for it.

use super::{NamedPolicy, Statement};
use crate::principal::Principal;

/// Whether a request may go on, and what decided it.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    pub allowed: bool,
    pub reason: Reason<'a>,
    /// The resource the decision is about: of several, the first that is denied.
    pub resource: &'a str,
}

#[derive(Clone, Copy, Debug)]
pub enum Reason<'a> {
    /// A statement says no.
    ExplicitDeny { layer: Layer, statement: StatementRef<'a> },
    /// No statement of this layer says yes.
    ImplicitDeny { layer: Layer },
    /// A statement says yes.
    AllowedBy { layer: Layer, statement: StatementRef<'a> },
    /// The account's owner needs no statement.
    Root,
}

/// The kinds of policies that take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layer {
    Identity,
    Resource,
    /// A role's trust policy, which is the role's resource policy.
    Trust,
    Boundary,
    Session,
    ServiceControl,
}

/// A statement by its place in a policy.
#[derive(Clone, Copy, Debug)]
pub struct StatementRef<'a> {
    pub policy: &'a NamedPolicy,
    /// From 0.
    pub index: usize,
}

impl<'a> StatementRef<'a> {
    pub fn statement(&self) -> Option<&'a Statement> {
        self.policy.policy.statements.get(self.index)
    }

    /// The statement's Sid, or its number from 1 when it has none.
    pub fn label(&self) -> String {
        match self.statement().and_then(|statement| statement.sid.as_deref()) {
            Some(sid) => sid.to_owned(),
            None => (self.index + 1).to_string(),
        }
    }
}

impl Layer {
    /// As "Troubleshoot access denied error messages" in the IAM user guide names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
        }
    }

    fn article(self) -> &'static str {
        match self {
            Self::Identity => "an",
            Self::Trust => "the",
            _ => "a",
        }
    }
}

impl Decision<'_> {
    /// What a denied caller is told, in AWS's words. After an explicit deny come the policy and the statement, where
    /// AWS gives the policy's ARN alone.
    pub fn denial_message(&self, principal: &Principal, action: &str, resource: &str) -> String {
        let mut message = format!(
            "User: {} is not authorized to perform: {action} on resource: {resource}",
            principal.arn()
        );
        match self.reason {
            Reason::ExplicitDeny { layer, statement } => {
                let (article, noun) = (layer.article(), layer.noun());
                let (policy, label) = (&statement.policy.name, statement.label());
                message.push_str(&format!(
                    " with an explicit deny in {article} {noun}: {policy}, statement {label}"
                ));
            }
            Reason::ImplicitDeny { layer } => {
                message.push_str(&format!(" because no {} allows the {action} action", layer.noun()));
            }
            Reason::AllowedBy { .. } | Reason::Root => {}
        }
        message
    }
}
