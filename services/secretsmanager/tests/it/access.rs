//! Policies of secrets, and of the keys that seal them.

use identity::{AccountId, Principal};
use secretsmanager_api::op::{PutResourcePolicy, ValidateResourcePolicy};
use secretsmanager_api::{PutResourcePolicyInput, ValidateResourcePolicyInput};

use crate::kit::{Secrets, name};

fn policy(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},
            "Action":"secretsmanager:GetSecretValue","Resource":"*",
            "Condition":{{"StringEquals":{{"secretsmanager:VersionStage":"AWSCURRENT"}}}}}}]}}"#
    )
}

#[tokio::test]
async fn a_secrets_policy_lets_others_in() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    secrets.put("s", "two", None).await.unwrap();
    let account = AccountId::DEFAULT;
    let ann = secrets.region.context(Principal::user(account, "/", "ann", "AIDATEST"), account);
    assert_eq!(name(secrets.get_at(&ann, "s", None).await), "AccessDeniedException");
    let input = PutResourcePolicyInput {
        secret_id: "s".to_owned(),
        resource_policy: policy("arn:aws:iam::000000000000:user/ann"),
        block_public_policy: Some(true),
    };
    secrets.ctx().call::<PutResourcePolicy>(input).await.unwrap();
    assert_eq!(secrets.get_at(&ann, "s", None).await.unwrap(), "two");
    assert_eq!(name(secrets.get_at(&ann, "s", Some("AWSPREVIOUS")).await), "AccessDeniedException");
}

#[tokio::test]
async fn policies_for_everybody_are_blocked_when_asked() {
    let secrets = Secrets::start();
    secrets.create("s", "one").await;
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",
        "Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
    let put = async |text: &str, blocks: bool| {
        let input = PutResourcePolicyInput {
            secret_id: "s".to_owned(),
            resource_policy: text.to_owned(),
            block_public_policy: Some(blocks),
        };
        name(secrets.ctx().call::<PutResourcePolicy>(input).await)
    };
    assert_eq!(put(public, true).await, "PublicPolicyException");
    assert_eq!(put(public, false).await, "fine");
    assert_eq!(put("{}", false).await, "MalformedPolicyDocumentException");
    let input = ValidateResourcePolicyInput { secret_id: None, resource_policy: public.to_owned() };
    let validated = secrets.ctx().call::<ValidateResourcePolicy>(input).await.unwrap();
    assert_eq!(validated.policy_validation_passed, Some(false));
}
