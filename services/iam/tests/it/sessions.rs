//! STS: sessions of roles and of users.

use std::time::Duration;

use iam_api::op::{CreateRole, UpdateAssumeRolePolicy};
use iam_api::{CreateRoleInput, UpdateAssumeRolePolicyInput};
use sts_api::op::{AssumeRole, GetFederationToken, GetSessionToken};
use sts_api::{AssumeRoleInput, GetFederationTokenInput, GetSessionTokenInput, Tag};

use crate::kit::{Subject, allow, trust, trust_if};

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

const ANYBODY: &str = r#"{"AWS":"000000000000"}"#;

#[tokio::test]
async fn transitive_tags_and_a_source_identity_follow_a_session_from_role_to_role() {
    let subject = Subject::start();
    let all = r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#;
    for name in ["first", "second"] {
        subject.role(name, &trust_if(ANYBODY, all, "{}")).await.expect("a new role");
    }
    let tag = |key: &str| Tag { key: key.to_owned(), value: "yes".to_owned() };
    let input = AssumeRoleInput {
        role_arn: "arn:aws:iam::000000000000:role/first".to_owned(),
        role_session_name: "visit".to_owned(),
        tags: Some(vec![tag("goes-on"), tag("stays")]),
        transitive_tag_keys: Some(vec!["goes-on".to_owned()]),
        source_identity: Some("ada".to_owned()),
        ..Default::default()
    };
    let first = subject.call::<AssumeRole>(input).await.expect("the role trusts its account");
    let id = first.credentials.expect("credentials").access_key_id;
    let next = || AssumeRoleInput {
        role_arn: "arn:aws:iam::000000000000:role/second".to_owned(),
        role_session_name: "visit".to_owned(),
        ..Default::default()
    };
    let second = subject.as_key(&id).call::<AssumeRole>(next()).await.expect("a role may assume another");
    assert_eq!(second.source_identity.as_deref(), Some("ada"));
    let second = second.credentials.expect("credentials").access_key_id;
    let session = subject.credential(&second).expect("a session's key");
    assert_eq!(session.actor.session.tags, [("goes-on".into(), "yes".into())]);
    let again = AssumeRoleInput { tags: Some(vec![tag("Goes-On")]), ..next() };
    let refused = subject.as_key(&id).call::<AssumeRole>(again).await.expect_err("the tag is taken");
    assert_eq!(refused.code(), "InvalidParameterValue");
    let other = AssumeRoleInput { source_identity: Some("bob".to_owned()), ..next() };
    let refused = subject.as_key(&id).call::<AssumeRole>(other).await.expect_err("it is ada");
    assert_eq!(refused.code(), "AccessDenied");
    let long = AssumeRoleInput { duration_seconds: Some(3601), ..next() };
    let refused = subject.as_key(&id).call::<AssumeRole>(long).await.expect_err("roles allow an hour");
    assert_eq!(refused.code(), "ValidationError");
}

#[tokio::test]
async fn tags_and_a_source_identity_want_permissions_of_their_own() {
    let subject = Subject::start();
    subject.role("guest", &trust(ANYBODY)).await.expect("a new role");
    subject.call::<AssumeRole>(assume()).await.expect("without them");
    let tags = Some(vec![Tag { key: "team".to_owned(), value: "blue".to_owned() }]);
    let input = AssumeRoleInput { tags: tags.clone(), ..assume() };
    let (code, message) = subject.refused::<AssumeRole>(input).await;
    assert!(code == "AccessDenied" && message.contains("sts:TagSession"), "{code} {message}");
    let input = AssumeRoleInput { source_identity: Some("ada".to_owned()), ..assume() };
    let (code, message) = subject.refused::<AssumeRole>(input).await;
    assert!(code == "AccessDenied" && message.contains("sts:SetSourceIdentity"), "{code} {message}");
    let input = AssumeRoleInput { tags, transitive_tag_keys: Some(vec!["other".to_owned()]), ..assume() };
    assert_eq!(subject.refused::<AssumeRole>(input).await.0, "InvalidParameterValue");
}

#[tokio::test]
async fn too_much_for_a_session_is_refused_with_how_much_it_is() {
    let subject = Subject::start();
    subject
        .role("guest", &trust_if(ANYBODY, r#"["sts:AssumeRole","sts:TagSession"]"#, "{}"))
        .await
        .expect("a role");
    let tags = (0..50).map(|number| Tag { key: format!("{number:0>128}"), value: "v".repeat(256) }).collect();
    let input = AssumeRoleInput {
        tags: Some(tags),
        policy: Some(allow(&format!("sqs:{}", "a".repeat(1900)))),
        ..assume()
    };
    let (code, message) = subject.refused::<AssumeRole>(input).await;
    assert_eq!(code, "PackedPolicyTooLarge");
    assert!(message.ends_with("% of allotted space."), "{message}");
}

#[tokio::test]
async fn a_change_of_trust_counts_for_services_at_once() {
    let subject = Subject::start();
    let role =
        subject.role("worker", &trust(r#"{"Service":"lambda.amazonaws.com"}"#)).await.expect("a new role");
    let ctx = subject
        .region
        .ctx()
        .as_service("lambda.amazonaws.com", "arn:aws:lambda:us-east-1:000000000000:function:f");
    subject.directory.assume_role(&ctx, &role.arn, "lambda").expect("it trusts the service");
    let input = UpdateAssumeRolePolicyInput {
        role_name: "worker".to_owned(),
        policy_document: trust(r#"{"Service":"sns.amazonaws.com"}"#),
    };
    subject.call::<UpdateAssumeRolePolicy>(input).await.expect("a good document");
    let refused = subject.directory.assume_role(&ctx, &role.arn, "lambda").expect_err("it trusts another");
    assert_eq!(refused.code(), "AccessDenied");
}
