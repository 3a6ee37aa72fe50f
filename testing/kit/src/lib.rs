//! A region inside a test: services over the reference store, on a clock that the test steps, called through the
//! typed client. No sockets, no files, no waiting.

use std::sync::Arc;
use std::time::Duration;

use clock::{Clock, JobKind, Runner};
use cloud::{
    Actor, Caller, Cloud, Credential, Ctx, Directory, Ids, PrincipalPolicies, Service, Settings, TraceContext,
};
use identity::policy::{NamedPolicy, PolicyKind};
use identity::{AccountId, Principal, Region};
use shapes::{ApiError, Op, Timestamp};
use store::Store;

/// When every test begins: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// A region under test. Calls are the default account's root's in us-east-1 unless said otherwise.
pub struct TestRegion {
    pub cloud: Cloud,
    pub clock: Clock,
    jobs: Option<tokio::task::JoinHandle<()>>,
}

impl TestRegion {
    /// A region with the services that `services` makes; every role exists and may do anything.
    pub fn start(services: impl FnOnce(&Cloud) -> Vec<Service>) -> Self {
        Self::with_jobs(|cloud| (services(cloud), Vec::new()))
    }

    /// As [`Self::start`], with kinds of jobs that run as they fall due.
    pub fn with_jobs(services: impl FnOnce(&Cloud) -> (Vec<Service>, Vec<JobKind>)) -> Self {
        let store = Store::new(Arc::new(kv::MemoryEngine::default()));
        Self::over(store, Clock::stepped(START), 1, services)
    }

    /// The same region after a restart: what was stored is there, and nothing else.
    #[must_use]
    pub fn restarted(self, services: impl FnOnce(&Cloud) -> (Vec<Service>, Vec<JobKind>)) -> Self {
        let seed = u64::from_le_bytes(self.cloud.ids().bytes());
        Self::over(self.cloud.store().clone(), self.clock.clone(), seed, services)
    }

    /// A region over a store of the test's own, which may hold what an earlier process left; `seed` is to be another one
    /// each time, for identifiers must not come again.
    pub fn over_store(
        store: Store,
        seed: u64,
        services: impl FnOnce(&Cloud) -> (Vec<Service>, Vec<JobKind>),
    ) -> Self {
        Self::over(store, Clock::stepped(START), seed, services)
    }

    fn over(
        store: Store,
        clock: Clock,
        seed: u64,
        services: impl FnOnce(&Cloud) -> (Vec<Service>, Vec<JobKind>),
    ) -> Self {
        let settings = Settings {
            default_region: Region::US_EAST_1,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            is_strict: false,
        };
        let cloud = Cloud::new(settings, store.clone(), clock.clone(), Ids::seeded(seed));
        let (services, kinds) = services(&cloud);
        cloud.open(services, Arc::new(Everyone));
        let jobs = (!kinds.is_empty() && tokio::runtime::Handle::try_current().is_ok())
            .then(|| tokio::spawn(Runner::new(store, clock.clone(), kinds).run()));
        Self { cloud, clock, jobs }
    }

    /// The context of the root of an account.
    pub fn as_account(&self, account: &str) -> Ctx {
        let account = AccountId::parse(account).expect("a test's account has twelve digits");
        self.context(Principal::root(account), account)
    }

    pub fn context(&self, principal: Principal, account: AccountId) -> Ctx {
        let caller = Caller {
            actor: Actor::of(principal),
            access_key_id: None,
            source_ip: None,
            user_agent: None,
            is_tls: false,
            source: None,
        };
        let trace = TraceContext::begin(self.cloud.ids(), self.clock.now());
        let tenant = (account, Region::US_EAST_1);
        let request_id = self.cloud.ids().uuid();
        Ctx::new(self.cloud.clone(), caller, tenant, trace, "client".into(), &request_id)
    }

    /// The default account's root.
    pub fn ctx(&self) -> Ctx {
        self.as_account("000000000000")
    }

    /// Calls an operation as the default account's root.
    pub async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        self.ctx().call::<O>(input).await
    }

    /// Steps the clock and lets what fell due happen.
    pub async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.settle().await;
    }

    /// Lets tasks that are ready run.
    pub async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for TestRegion {
    fn drop(&mut self) {
        if let Some(jobs) = &self.jobs {
            jobs.abort();
        }
    }
}

/// A directory in which every role exists, trusts everybody and may do anything.
struct Everyone;

impl Directory for Everyone {
    fn credential(&self, _: &str) -> Result<Option<Arc<Credential>>, ApiError> {
        Ok(None)
    }

    fn policies_of(&self, principal: &Principal) -> Result<Arc<PrincipalPolicies>, ApiError> {
        let mut policies = PrincipalPolicies::default();
        if let Principal::AssumedRole { .. } = principal {
            let document =
                r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
            let policy = NamedPolicy::parse("everything", document, PolicyKind::Identity);
            policies.identity.push(Arc::new(policy.map_err(ApiError::internal)?));
        }
        Ok(Arc::new(policies))
    }

    fn assume_role(&self, _: &Ctx, role_arn: &str, session_name: &str) -> Result<Actor, ApiError> {
        let parts = identity::arn::split(role_arn)
            .ok_or_else(|| ApiError::sender("ValidationError", format!("{role_arn} is not a role's ARN")))?;
        let account = parts.account_id().unwrap_or(AccountId::DEFAULT);
        let name = parts.resource.rsplit('/').next().unwrap_or_default();
        Ok(Actor::of(Principal::assumed_role(account, "/", name, "AROATEST", session_name)))
    }
}
