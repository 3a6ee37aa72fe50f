//! A region with IAM, STS and the directory that every call asks.

use std::sync::Arc;

use ::kit::TestRegion;
use cloud::{Credential, Ctx, Directory};
use iam_api::op::{CreateAccessKey, CreateRole, CreateUser, PutUserPolicy};
use iam_api::{AccessKey, CreateAccessKeyInput, CreateRoleInput, CreateUserInput, PutUserPolicyInput};
use identity::{AccountId, Principal};
use shapes::{ApiError, Op};

pub(crate) struct Subject {
    pub region: TestRegion,
    pub directory: Arc<dyn Directory>,
}

impl Subject {
    pub(crate) fn start() -> Self {
        let region =
            TestRegion::start(|cloud| vec![iam::service(cloud.clone()), iam::sts_service(cloud.clone())]);
        let directory = iam::directory(region.cloud.clone());
        Self { region, directory }
    }

    pub(crate) async fn call<O: Op>(&self, input: O::Input) -> Result<O::Output, ApiError> {
        self.region.call::<O>(input).await
    }

    /// The code and message that a call is refused with.
    pub(crate) async fn refused<O: Op>(&self, input: O::Input) -> (String, String) {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} should have been refused", O::name()),
            Err(error) => (error.code().to_owned(), error.message().to_owned()),
        }
    }

    /// Makes a user with a key.
    pub(crate) async fn user(&self, name: &str) -> AccessKey {
        let input = CreateUserInput { user_name: name.to_owned(), ..Default::default() };
        self.region.call::<CreateUser>(input).await.expect("the user is new");
        self.key(name).await.expect("a first key")
    }

    pub(crate) async fn key(&self, user: &str) -> Result<AccessKey, ApiError> {
        let input = CreateAccessKeyInput { user_name: Some(user.to_owned()) };
        Ok(self.region.call::<CreateAccessKey>(input).await?.access_key)
    }

    pub(crate) async fn user_policy(&self, user: &str, name: &str, document: &str) {
        let input = PutUserPolicyInput {
            user_name: user.to_owned(),
            policy_name: name.to_owned(),
            policy_document: document.to_owned(),
        };
        self.call::<PutUserPolicy>(input).await.expect("a good document");
    }

    pub(crate) async fn role(&self, name: &str, trust: &str) -> Result<iam_api::Role, ApiError> {
        let input = CreateRoleInput {
            role_name: name.to_owned(),
            assume_role_policy_document: trust.to_owned(),
            ..Default::default()
        };
        Ok(self.call::<CreateRole>(input).await?.role)
    }

    pub(crate) fn credential(&self, id: &str) -> Option<Arc<Credential>> {
        self.directory.credential(id).expect("a readable store")
    }

    /// A context of whom a key stands for.
    pub(crate) fn as_key(&self, id: &str) -> Ctx {
        let credential = self.credential(id).expect("a known key");
        let account = credential.actor.principal.account().unwrap_or(AccountId::DEFAULT);
        let ctx = self.region.context(credential.actor.principal.clone(), account);
        let caller = cloud::Caller {
            actor: credential.actor.clone(),
            access_key_id: Some(id.to_owned()),
            ..ctx.caller().clone()
        };
        let tenant = (account, ctx.region());
        Ctx::new(ctx.cloud().clone(), caller, tenant, ctx.trace(), "client".into(), ctx.request_id())
    }

    /// Names of the policies that bind whom a key stands for.
    pub(crate) fn policies(&self, principal: &Principal) -> Vec<String> {
        let policies = self.directory.policies_of(principal).expect("a readable store");
        policies.identity.iter().map(|policy| policy.name.to_string()).collect()
    }
}

pub(crate) fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

/// A trust policy for a principal as JSON has it: `{"AWS":"..."}`.
pub(crate) fn trust(principal: &str) -> String {
    trust_if(principal, "\"sts:AssumeRole\"", "{}")
}

pub(crate) fn trust_if(principal: &str, actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":{actions},
           "Condition":{condition}}}]}}"#
    )
}
