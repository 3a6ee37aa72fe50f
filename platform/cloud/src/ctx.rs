//! The context of a call: whose it is, where it acts, and the way to everything shared.

use std::sync::Arc;

use identity::{AccountId, Principal, Region};
use shapes::{ApiError, Op, ServiceSchema, Timestamp};
use store::{Scope, Snapshot, Store, StoreError, Tx};

use crate::registry::OperationRef;
use crate::{Actor, Cloud, Guard, Ids, KeptCaller, TraceContext};

/// How deep services may call each other for one request. AWS stops recursive loops of Lambda, SQS and SNS at
/// about 16 (AWS Lambda Developer Guide, "Recursive loop detection").
const MAX_DEPTH: u8 = 24;

/// Who makes a call, and what the policies may ask about it.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Actor,
    pub access_key_id: Option<String>,
    pub source_ip: Option<std::net::IpAddr>,
    pub user_agent: Option<String>,
    pub is_tls: bool,
    /// For a service: the resource it acts for, and that resource's account.
    pub source: Option<(String, AccountId)>,
}

impl Caller {
    pub fn internal(actor: Actor, source_arn: &str, source_account: AccountId) -> Self {
        Self {
            actor,
            access_key_id: None,
            source_ip: None,
            user_agent: None,
            is_tls: false,
            source: Some((source_arn.to_owned(), source_account)),
        }
    }
}

/// Carried by every handler. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    base: Arc<Base>,
    /// Its parent is the span that this context is inside of.
    trace: TraceContext,
    depth: u8,
}

/// What stays the same from call to call of one caller in one tenant.
#[derive(Clone)]
struct Base {
    cloud: Cloud,
    caller: Arc<Caller>,
    account: AccountId,
    region: Region,
    scope: Scope,
    request_id: Arc<str>,
    /// ARN of the resource that the call comes from; `client` when it comes from outside.
    origin: Arc<str>,
    /// The services between the caller and this call, the first one first.
    called_via: Arc<[&'static str]>,
    /// Whether calls are counted, traced and drawn.
    is_observed: bool,
}

impl Ctx {
    pub fn new(
        cloud: Cloud,
        caller: Caller,
        (account, region): (AccountId, Region),
        trace: TraceContext,
        origin: Arc<str>,
        request_id: &str,
    ) -> Self {
        let scope = tenant(account, region);
        let caller = Arc::new(caller);
        let request_id = request_id.into();
        let called_via = Arc::default();
        let is_observed = true;
        let base =
            Base { cloud, caller, account, region, scope, request_id, origin, called_via, is_observed };
        Self { base: Arc::new(base), trace, depth: 0 }
    }

    pub fn now(&self) -> Timestamp {
        self.base.cloud.clock().now()
    }
    pub fn ids(&self) -> &Ids {
        self.base.cloud.ids()
    }
    pub fn cloud(&self) -> &Cloud {
        &self.base.cloud
    }
    pub fn store(&self) -> &Store {
        self.base.cloud.store()
    }
    pub fn caller(&self) -> &Caller {
        &self.base.caller
    }
    pub fn principal(&self) -> &Principal {
        &self.base.caller.actor.principal
    }
    /// The account whose resources a call without an ARN means.
    pub fn account(&self) -> AccountId {
        self.base.account
    }
    pub fn region(&self) -> Region {
        self.base.region
    }
    /// Where the state of this account and region lies.
    pub fn scope(&self) -> &Scope {
        &self.base.scope
    }
    pub fn request_id(&self) -> &str {
        &self.base.request_id
    }
    pub fn trace(&self) -> TraceContext {
        self.trace
    }
    pub fn origin(&self) -> &Arc<str> {
        &self.base.origin
    }
    /// The services between the caller and this call, such as `s3.amazonaws.com`, the first one first. Empty when the
    /// caller makes the call itself.
    pub fn called_via(&self) -> &[&'static str] {
        &self.base.called_via
    }
    /// Whether no service of the region made the call.
    pub(crate) fn is_from_outside(&self) -> bool {
        self.depth == 0
    }
    pub(crate) fn is_too_deep(&self) -> bool {
        self.depth > MAX_DEPTH
    }

    /// A consistent view of this tenant's state.
    pub fn read(&self) -> Result<Snapshot<'_>, StoreError> {
        self.store().read(self.scope())
    }

    /// One transaction on this tenant's state; see [`Store::write`].
    pub async fn write<T, E>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.store().write(self.scope(), work).await
    }

    fn changed(&self, change: impl FnOnce(&mut Base)) -> Self {
        let mut base = (*self.base).clone();
        change(&mut base);
        Self { base: Arc::new(base), ..*self }
    }

    pub(crate) fn inside_span(&self, span: u64) -> Self {
        self.in_trace(self.trace.under(span))
    }

    /// The same caller looking on: its calls are authorised as ever, but not counted, traced or drawn, so that who
    /// looks at an architecture is no part of it.
    #[must_use]
    pub fn unobserved(&self) -> Self {
        self.changed(|base| base.is_observed = false)
    }

    /// Whether calls are counted; see [`Self::unobserved`].
    pub fn is_observed(&self) -> bool {
        self.base.is_observed
    }

    /// The same caller, on another tenant's resources.
    pub fn in_tenant(&self, account: AccountId, region: Region) -> Self {
        if account == self.base.account && region == self.base.region {
            return self.clone();
        }
        self.changed(|base| {
            base.account = account;
            base.region = region;
            base.scope = tenant(account, region);
        })
    }

    /// The same caller with its own permissions, by way of `service` (`s3.amazonaws.com`): a forward access session.
    /// Policies see `aws:CalledVia` and `aws:ViaAWSService`, and those of KMS keys `kms:ViaService`.
    #[must_use]
    pub fn via_service(&self, service: &'static str) -> Self {
        let via = self.base.called_via.iter().copied().chain([service]).collect();
        self.changed(|base| base.called_via = via)
    }

    /// A service acting for its resource `origin`, which lies in this tenant: only what the target's policy says
    /// counts, and it may ask for `aws:SourceArn` and `aws:SourceAccount`.
    pub fn as_service(&self, service: &str, origin: &str) -> Self {
        let actor = Actor::of(Principal::service(service));
        let caller = Caller::internal(actor, origin, self.account());
        self.changed(|base| {
            base.caller = Arc::new(caller);
            base.origin = origin.into();
            base.called_via = Arc::default();
        })
    }

    /// The caller of an earlier request, whose job goes on in its name; see [`KeptCaller`].
    pub fn in_name_of(&self, kept: &KeptCaller) -> Result<Self, ApiError> {
        let caller = Arc::new(kept.caller()?);
        Ok(self.changed(|base| {
            base.caller = caller;
            base.called_via = Arc::default();
        }))
    }

    /// A service acting for its resource `origin` with a role that trusts it.
    pub fn with_role(&self, service: &str, origin: &str, role_arn: &str) -> Result<Self, ApiError> {
        let as_service = self.as_service(service, origin);
        let session_name = service.split('.').next().unwrap_or(service);
        let actor = self.cloud().directory()?.assume_role(&as_service, role_arn, session_name)?;
        let mut caller = Caller::internal(actor, origin, self.account());
        caller.source = None;
        Ok(as_service.changed(|base| base.caller = Arc::new(caller)))
    }

    /// Continues the trace that a stored message or record carries.
    pub fn in_trace(&self, trace: TraceContext) -> Self {
        Self { trace, ..self.clone() }
    }

    pub fn with_request_id(&self, request_id: &str) -> Self {
        self.changed(|base| base.request_id = request_id.into())
    }

    /// Calls another service as a client would: authorised, measured and traced, without the wire.
    pub async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        let registry = self.cloud().registry()?;
        let operation = registry.of::<O>()?;
        let output = registry.call(&self.deeper(), operation, Box::new(input)).await?;
        downcast::<O>(output)
    }

    /// As [`Self::call`], as a part of the transaction `tx`: both are durable at once or not at all. For operations
    /// that are a transaction; others answer an error.
    pub fn call_within<O: Op>(&self, tx: &mut Tx<'_>, input: O::Input) -> Result<O::Output, ApiError> {
        let registry = self.cloud().registry()?;
        let operation: OperationRef = registry.of::<O>()?;
        let output = registry.call_within(&self.deeper(), tx, operation, Box::new(input))?;
        downcast::<O>(output)
    }

    /// Whether the caller may do what `guard` asks for, which names its action. For operations that learn on their way
    /// what they are about to do; an operation's own guard is asked before its handler.
    pub fn authorize(&self, service: &'static ServiceSchema, guard: &Guard) -> Result<(), ApiError> {
        crate::authorize::authorize(self, service, "", guard)
    }

    fn deeper(&self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self.clone() }
    }

    /// Publishes a metric under AWS's name; see [`crate::Metrics::publish`].
    pub fn publish(
        &self,
        namespace: &'static str,
        name: &'static str,
        dimension: (&'static str, &str),
        value: f64,
    ) {
        if !self.is_observed() {
            return;
        }
        self.cloud().metrics().publish(self.now(), namespace, name, dimension, value);
    }
}

/// Where the state of an account in a region lies.
pub fn tenant(account: AccountId, region: Region) -> Scope {
    Scope::named(&[account.digits().as_str(), region.as_str()])
}

fn downcast<O: Op>(output: Box<dyn shapes::Struct>) -> Result<O::Output, ApiError> {
    let output: Box<dyn std::any::Any> = output;
    output.downcast().map(|output| *output).map_err(|_| crate::operation::wrong_type(O::name()))
}
