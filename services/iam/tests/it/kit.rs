//! A region with IAM, STS and the directory that every call asks.

use std::sync::Arc;

use ::kit::TestRegion;
use cloud::{Credential, Directory};
use iam_api::op::{CreateAccessKey, CreateUser};
use iam_api::{AccessKey, CreateAccessKeyInput, CreateUserInput};
use identity::Principal;
use shapes::ApiError;

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

    pub(crate) fn credential(&self, id: &str) -> Option<Arc<Credential>> {
        self.directory.credential(id).expect("a readable store")
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
