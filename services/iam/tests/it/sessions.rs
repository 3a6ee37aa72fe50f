//! STS: sessions of roles and of users.

use std::time::Duration;

use iam_api::CreateRoleInput;
use iam_api::op::CreateRole;
use sts_api::op::{AssumeRole, GetFederationToken, GetSessionToken};
use sts_api::{AssumeRoleInput, GetFederationTokenInput, GetSessionTokenInput};

use crate::kit::{Subject, allow};

const ARN: &str = "arn:aws:iam::000000000000:role/guest";

async fn role(subject: &Subject, condition: &str) {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"000000000000"}},
           "Action":"sts:AssumeRole"{condition}}}]}}"#
    );
    let input = CreateRoleInput {
        role_name: "guest".to_owned(),
        assume_role_policy_document: trust,
        ..Default::default()
    };
    subject.region.call::<CreateRole>(input).await.expect("a new role");
}

fn assume() -> AssumeRoleInput {
    AssumeRoleInput { role_arn: ARN.to_owned(), role_session_name: "visit".to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_session_of_a_role_carries_its_policies_and_ends() {
    let subject = Subject::start();
    role(&subject, "").await;
    let input = AssumeRoleInput { policy: Some(allow("sqs:*")), duration_seconds: Some(900), ..assume() };
    let answer = subject.region.call::<AssumeRole>(input).await.expect("the role trusts its account");
    assert!(answer.packed_policy_size.is_some_and(|percent| percent > 0));
    let credentials = answer.credentials.expect("credentials");
    let known = subject.credential(&credentials.access_key_id).expect("a session's key");
    assert_eq!(known.actor.principal.arn(), "arn:aws:sts::000000000000:assumed-role/guest/visit");
    assert_eq!(known.actor.session_policies.len(), 1);
    assert_eq!(known.session_token.as_deref(), Some(credentials.session_token.as_str()));
    subject.region.advance(Duration::from_secs(901)).await;
    let ended = subject.credential(&credentials.access_key_id).expect("remembered as expired");
    assert!(ended.expires.is_some_and(|end| end <= subject.region.clock.now()));
}

#[tokio::test]
async fn an_external_id_is_asked_for() {
    let subject = Subject::start();
    role(&subject, r#","Condition":{"StringEquals":{"sts:ExternalId":"secret"}}"#).await;
    let refused = subject.region.call::<AssumeRole>(assume()).await.expect_err("no external id");
    assert_eq!((refused.code(), refused.status()), ("AccessDenied", 403));
    let input = AssumeRoleInput { external_id: Some("secret".to_owned()), ..assume() };
    subject.region.call::<AssumeRole>(input).await.expect("the right external id");
}

#[tokio::test]
async fn a_session_lasts_no_longer_than_the_role_allows() {
    let subject = Subject::start();
    role(&subject, "").await;
    let input = AssumeRoleInput { duration_seconds: Some(7200), ..assume() };
    let refused = subject.region.call::<AssumeRole>(input).await.expect_err("an hour is the role's limit");
    assert_eq!(refused.code(), "ValidationError");
}

#[tokio::test]
async fn a_users_own_sessions_are_the_users_and_a_guests_only_what_they_are_given() {
    let subject = Subject::start();
    let input = GetSessionTokenInput::default();
    let own = subject.region.call::<GetSessionToken>(input).await.expect("a long-term caller");
    let own = own.credentials.expect("credentials");
    let principal = subject.credential(&own.access_key_id).expect("a session's key").actor.principal.clone();
    assert_eq!(principal.arn(), "arn:aws:iam::000000000000:root");
    let input = GetFederationTokenInput {
        name: "guest".to_owned(),
        policy: Some(allow("sqs:ListQueues")),
        ..Default::default()
    };
    let guest = subject.region.call::<GetFederationToken>(input).await.expect("a long-term caller");
    let user = guest.federated_user.expect("the guest");
    assert_eq!(user.arn, "arn:aws:sts::000000000000:federated-user/guest");
    assert_eq!(user.federated_user_id, "000000000000:guest");
}
