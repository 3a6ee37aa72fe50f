//! What a call must be allowed to do.

use std::borrow::Cow;
use std::sync::Arc;

use identity::AccountId;
use identity::policy::NamedPolicy;

/// The action, the resources and the circumstances that the policies of a call are asked about.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    /// `None`: the operation's own action, `sqs:SendMessage`.
    pub action: Option<Cow<'static, str>>,
    /// ARNs; empty means `*`.
    pub resources: Vec<String>,
    /// The policy attached to the resource.
    pub resource_policy: Option<Arc<NamedPolicy>>,
    /// Nobody may use the resource without its own policy's consent: roles to assume.
    pub resource_must_allow: bool,
    /// The resource policy is a role's trust policy.
    pub is_trust: bool,
    /// Condition keys of the service itself, beside the global ones.
    pub context: Vec<(String, Vec<String>)>,
    /// The caller need not be allowed anything: GetCallerIdentity.
    pub is_open: bool,
    /// Who owns the resource, where its ARN does not say.
    pub owner: Option<AccountId>,
    /// What the caller must be allowed as well: requests that do several things, each under its own action and policy.
    pub also: Vec<Guard>,
}

impl Guard {
    /// The operation's own action on `*`.
    pub fn any() -> Self {
        Self::default()
    }

    /// Nobody is refused.
    pub fn open() -> Self {
        Self { is_open: true, ..Self::default() }
    }

    /// The operation's own action on one resource.
    pub fn resource(arn: impl Into<String>) -> Self {
        Self { resources: vec![arn.into()], ..Self::default() }
    }

    /// Several operations share one action: SendMessageBatch asks for `sqs:SendMessage`.
    #[must_use]
    pub fn action(mut self, action: impl Into<Cow<'static, str>>) -> Self {
        self.action = Some(action.into());
        self
    }

    #[must_use]
    pub fn policy(mut self, policy: Option<Arc<NamedPolicy>>) -> Self {
        self.resource_policy = policy;
        self
    }

    /// See [`Self::owner`].
    #[must_use]
    pub fn owned_by(mut self, owner: AccountId) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Asks for `other` as well. One that names no action asks for the action of the operation.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.also.push(other);
        self
    }

    #[must_use]
    pub fn with(mut self, key: &str, values: Vec<String>) -> Self {
        self.context.push((key.to_ascii_lowercase(), values));
        self
    }
}
