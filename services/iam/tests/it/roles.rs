//! Roles: whom they trust, those of services, and when they were used.

use std::sync::Arc;

use iam_api::op::{
    AddRoleToInstanceProfile, CreateServiceLinkedRole, CreateUser, DeleteAccessKey, DeleteServiceLinkedRole,
    DeleteUser, GetAccessKeyLastUsed, GetRole, GetServiceLinkedRoleDeletionStatus, ListAttachedRolePolicies,
    PutRolePolicy, UpdateRole, UpdateUser,
};
use iam_api::{
    AddRoleToInstanceProfileInput, CreateServiceLinkedRoleInput, CreateUserInput, DeleteAccessKeyInput,
    DeleteServiceLinkedRoleInput, DeleteUserInput, GetAccessKeyLastUsedInput, GetRoleInput,
    GetServiceLinkedRoleDeletionStatusInput, ListAttachedRolePoliciesInput, PutRolePolicyInput,
    UpdateRoleInput, UpdateUserInput,
};

use crate::kit::{Subject, allow, trust};

const ADA: &str = r#"{"AWS":"arn:aws:iam::000000000000:user/ada"}"#;

async fn document(subject: &Subject) -> String {
    let role = subject.call::<GetRole>(GetRoleInput { role_name: "guest".to_owned() }).await;
    let document = role.expect("a known role").role.assume_role_policy_document.unwrap_or_default();
    document.replace("%3A", ":").replace("%2F", "/")
}

#[tokio::test]
async fn a_role_trusts_whom_a_name_stood_for_and_nobody_who_takes_the_name_later() {
    let subject = Subject::start();
    let refused = subject.role("guest", &trust(ADA)).await.expect_err("there is no ada");
    assert_eq!(refused.code(), "MalformedPolicyDocument");
    assert_eq!(
        refused.message(),
        r#"Invalid principal in policy: "AWS":"arn:aws:iam::000000000000:user/ada""#
    );
    let key = subject.user("ada").await;
    let id = subject.credential(&key.access_key_id).expect("a known key").actor.principal.userid();
    subject.role("guest", &trust(ADA)).await.expect("ada is there");
    assert!(document(&subject).await.contains("user/ada"));
    let input = UpdateUserInput {
        user_name: "ada".to_owned(),
        new_user_name: Some("lovelace".to_owned()),
        new_path: Some("/team/".to_owned()),
    };
    subject.call::<UpdateUser>(input).await.expect("a free name");
    assert!(document(&subject).await.contains("user/team/lovelace"));
    let input =
        DeleteAccessKeyInput { user_name: Some("lovelace".to_owned()), access_key_id: key.access_key_id };
    subject.call::<DeleteAccessKey>(input).await.expect("a known key");
    let input = DeleteUserInput { user_name: "lovelace".to_owned() };
    subject.call::<DeleteUser>(input).await.expect("nothing is left");
    subject.user("ada").await;
    let told = document(&subject).await;
    assert!(told.contains(&id) && !told.contains("user/ada"), "{told}");
}

#[tokio::test]
async fn a_service_keeps_its_role_for_itself() {
    let subject = Subject::start();
    let input = || CreateServiceLinkedRoleInput {
        aws_service_name: "ecs.amazonaws.com".to_owned(),
        ..Default::default()
    };
    let role = subject.call::<CreateServiceLinkedRole>(input()).await.expect("a known service").role;
    let role = role.expect("the role");
    let arn = "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
    assert_eq!(role.arn, arn);
    let (code, message) = subject.refused::<CreateServiceLinkedRole>(input()).await;
    assert_eq!(code, "InvalidInput");
    assert!(message.starts_with("Service role name AWSServiceRoleForECS has been taken"), "{message}");
    let name = || "AWSServiceRoleForECS".to_owned();
    let put =
        PutRolePolicyInput { role_name: name(), policy_name: "more".to_owned(), policy_document: allow("*") };
    assert_eq!(subject.refused::<PutRolePolicy>(put).await.0, "UnmodifiableEntity");
    let update = UpdateRoleInput { role_name: name(), ..Default::default() };
    assert_eq!(subject.refused::<UpdateRole>(update).await.0, "UnmodifiableEntity");
    let input = ListAttachedRolePoliciesInput { role_name: name(), ..Default::default() };
    let attached = subject.call::<ListAttachedRolePolicies>(input).await.expect("a known role");
    let attached = attached.attached_policies.unwrap_or_default();
    assert_eq!(attached[0].policy_name.as_deref(), Some("AmazonECSServiceRolePolicy"));
    let input = DeleteServiceLinkedRoleInput { role_name: name() };
    let task = subject.call::<DeleteServiceLinkedRole>(input).await.expect("it is one").deletion_task_id;
    let input = GetServiceLinkedRoleDeletionStatusInput { deletion_task_id: task };
    let status = subject.call::<GetServiceLinkedRoleDeletionStatus>(input).await.expect("a known task");
    assert_eq!(status.status, "SUCCEEDED");
    assert_eq!(subject.refused::<GetRole>(GetRoleInput { role_name: name() }).await.0, "NoSuchEntity");
}

#[tokio::test]
async fn names_that_differ_in_case_alone_are_one_name() {
    let subject = Subject::start();
    subject.user("ada").await;
    let input = CreateUserInput { user_name: "ADA".to_owned(), ..Default::default() };
    let (code, message) = subject.refused::<CreateUser>(input).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("EntityAlreadyExists", "User with name ADA already exists.")
    );
    let input = UpdateUserInput {
        user_name: "ada".to_owned(),
        new_user_name: Some("Ada".to_owned()),
        ..Default::default()
    };
    subject.call::<UpdateUser>(input).await.expect("it is its own name");
}

#[tokio::test]
async fn uses_of_keys_and_roles_are_told() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let last = async || {
        let input = GetAccessKeyLastUsedInput { access_key_id: key.access_key_id.clone() };
        subject.call::<GetAccessKeyLastUsed>(input).await.expect("a known key").access_key_last_used
    };
    assert_eq!(last().await.map(|last| last.service_name).as_deref(), Some("N/A"));
    subject.directory.note_use(&subject.as_key(&key.access_key_id), &iam_api::SERVICE);
    subject.region.settle().await;
    let told = last().await.expect("a use");
    assert_eq!((told.service_name.as_str(), told.region.as_str()), ("iam", "us-east-1"));
    assert_eq!(told.last_used_date, Some(::kit::START));
    let role = subject.role("guest", &trust(r#"{"Service":"ec2.amazonaws.com"}"#)).await.expect("a new role");
    let principal = identity::Principal::assumed_role(
        identity::AccountId::DEFAULT,
        "/",
        "guest",
        &role.role_id,
        "session",
    );
    let ctx = subject.region.context(principal, identity::AccountId::DEFAULT);
    subject.directory.note_use(&ctx, &sts_api::SERVICE);
    subject.region.settle().await;
    let role =
        subject.call::<GetRole>(GetRoleInput { role_name: "guest".to_owned() }).await.expect("the role");
    let last = role.role.role_last_used.expect("uses are told");
    assert_eq!((last.last_used_date, last.region.as_deref()), (Some(::kit::START), Some("us-east-1")));
}

#[tokio::test]
async fn a_user_of_the_same_name_has_nothing_of_the_one_before() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let before = Arc::clone(&subject.credential(&key.access_key_id).expect("a known key"));
    let principal = &before.actor.principal;
    subject.user_policy("ada", "own", &allow("sqs:*")).await;
    assert_eq!(subject.policies(principal), ["own"]);
    let input = UpdateUserInput {
        user_name: "ada".to_owned(),
        new_user_name: Some("lovelace".to_owned()),
        ..Default::default()
    };
    subject.call::<UpdateUser>(input).await.expect("a free name");
    subject.user("ada").await;
    subject.user_policy("ada", "other", &allow("sns:*")).await;
    assert_eq!(subject.policies(principal), ["own"], "a session of before is still lovelace's");
}

#[tokio::test]
async fn a_missing_role_is_not_put_in_a_profile() {
    let subject = Subject::start();
    let input = AddRoleToInstanceProfileInput {
        instance_profile_name: "web".to_owned(),
        role_name: "nobody".to_owned(),
    };
    let (code, message) = subject.refused::<AddRoleToInstanceProfile>(input).await;
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(message, "The role with name nobody cannot be found.");
}
