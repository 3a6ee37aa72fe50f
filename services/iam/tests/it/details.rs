//! What is told of an account's identities as a whole, and of single decisions.

use cloud::Denial;
use iam_api::op::{
    AttachUserPolicy, CreateGroup, CreateInstanceProfile, CreatePolicy, CreatePolicyVersion, DeletePolicy,
    GetAccountAuthorizationDetails, GetAccountSummary, ListEntitiesForPolicy, ListInstanceProfileTags,
    ListPoliciesGrantingServiceAccess, PutUserPermissionsBoundary, PutUserPolicy, SimulateCustomPolicy,
    TagInstanceProfile, TagUser,
};
use iam_api::{
    AttachUserPolicyInput, CreateGroupInput, CreateInstanceProfileInput, CreatePolicyInput,
    CreatePolicyVersionInput, DeletePolicyInput, GetAccountAuthorizationDetailsInput, GetAccountSummaryInput,
    ListEntitiesForPolicyInput, ListInstanceProfileTagsInput, ListPoliciesGrantingServiceAccessInput,
    PutUserPermissionsBoundaryInput, PutUserPolicyInput, SimulateCustomPolicyInput, Tag,
    TagInstanceProfileInput, TagUserInput,
};
use identity::policy::{ContextKeys, Decision, Layer, Reason};
use identity::{AccountId, Principal};
use sts_api::DecodeAuthorizationMessageInput;
use sts_api::op::DecodeAuthorizationMessage;

use crate::kit::{Subject, allow, trust};

const OWN: &str = "arn:aws:iam::000000000000:policy/own";
const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

async fn create_policy(subject: &Subject) {
    let input = CreatePolicyInput {
        policy_name: "own".to_owned(),
        policy_document: allow("sqs:*"),
        ..Default::default()
    };
    subject.call::<CreatePolicy>(input).await.expect("a new policy");
}

async fn attach(subject: &Subject, arn: &str) {
    let input = AttachUserPolicyInput { user_name: "ada".to_owned(), policy_arn: arn.to_owned() };
    subject.call::<AttachUserPolicy>(input).await.expect("a known policy");
}

async fn populated() -> Subject {
    let subject = Subject::start();
    subject.user("ada").await;
    subject.user("bob").await;
    let input = CreateGroupInput { group_name: "crew".to_owned(), ..Default::default() };
    subject.call::<CreateGroup>(input).await.expect("a new group");
    subject.role("web", &trust(r#"{"Service":"ec2.amazonaws.com"}"#)).await.expect("a new role");
    create_policy(&subject).await;
    attach(&subject, OWN).await;
    attach(&subject, READ_ONLY).await;
    subject.user_policy("ada", "inline", &allow("sns:*")).await;
    subject
}

#[tokio::test]
async fn all_identities_are_told_in_pages() {
    let subject = populated().await;
    let (mut told, mut marker) = (Vec::new(), None);
    loop {
        let input = GetAccountAuthorizationDetailsInput { max_items: Some(2), marker, ..Default::default() };
        let page = subject.call::<GetAccountAuthorizationDetails>(input).await.expect("a page");
        let before = told.len();
        for user in page.user_detail_list.unwrap_or_default() {
            if user.user_name.as_deref() == Some("ada") {
                assert_eq!(user.user_policy_list.unwrap_or_default().len(), 1);
                assert_eq!(user.attached_managed_policies.unwrap_or_default().len(), 2);
            }
            told.extend(user.arn);
        }
        told.extend(page.group_detail_list.unwrap_or_default().into_iter().filter_map(|group| group.arn));
        told.extend(page.role_detail_list.unwrap_or_default().into_iter().filter_map(|role| role.arn));
        told.extend(page.policies.unwrap_or_default().into_iter().filter_map(|policy| policy.arn));
        assert!(told.len() - before <= 2);
        marker = page.marker;
        if page.is_truncated != Some(true) {
            break;
        }
    }
    let own = |rest: &str| format!("arn:aws:iam::000000000000:{rest}");
    assert_eq!(
        told,
        [
            own("user/ada"),
            own("user/bob"),
            own("group/crew"),
            own("role/web"),
            OWN.to_owned(),
            READ_ONLY.to_owned()
        ]
    );
    let input =
        GetAccountAuthorizationDetailsInput { filter: Some(vec!["Role".to_owned()]), ..Default::default() };
    let roles = subject.call::<GetAccountAuthorizationDetails>(input).await.expect("the roles");
    assert_eq!(roles.role_detail_list.unwrap_or_default().len(), 1);
    assert!(roles.user_detail_list.unwrap_or_default().is_empty());
    let summary = subject.call::<GetAccountSummary>(GetAccountSummaryInput {}).await.expect("a summary");
    let summary = summary.summary_map.unwrap_or_default();
    let count = |name: &str| summary.iter().find(|(key, _)| *key == name).map(|(_, count)| *count);
    assert_eq!((count("Users"), count("Roles"), count("Policies")), (Some(2), Some(1), Some(1)));
}

#[tokio::test]
async fn a_policy_tells_whom_it_binds_and_stays_while_it_bounds_anybody() {
    let subject = Subject::start();
    subject.user("ada").await;
    create_policy(&subject).await;
    let input =
        PutUserPermissionsBoundaryInput { user_name: "ada".to_owned(), permissions_boundary: OWN.to_owned() };
    subject.call::<PutUserPermissionsBoundary>(input).await.expect("a known policy");
    let users = async |usage: Option<&str>| {
        let input = ListEntitiesForPolicyInput {
            policy_arn: OWN.to_owned(),
            policy_usage_filter: usage.map(str::to_owned),
            ..Default::default()
        };
        let entities = subject.call::<ListEntitiesForPolicy>(input).await.expect("a known policy");
        entities.policy_users.unwrap_or_default().len()
    };
    assert_eq!(users(None).await, 1);
    assert_eq!(users(Some("PermissionsPolicy")).await, 0);
    assert_eq!(users(Some("PermissionsBoundary")).await, 1);
    let (code, message) =
        subject.refused::<DeletePolicy>(DeletePolicyInput { policy_arn: OWN.to_owned() }).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("DeleteConflict", "Cannot delete a policy attached to entities.")
    );
}

#[tokio::test]
async fn policies_of_aws_are_not_for_others_to_change() {
    let subject = Subject::start();
    let input = CreatePolicyVersionInput {
        policy_arn: READ_ONLY.to_owned(),
        policy_document: allow("*"),
        set_as_default: Some(true),
    };
    assert_eq!(subject.refused::<CreatePolicyVersion>(input).await.0, "AccessDenied");
}

#[tokio::test]
async fn inline_policies_have_so_much_room_together() {
    let subject = Subject::start();
    subject.user("ada").await;
    let document = allow(&format!("sqs:{}", "a".repeat(1000)));
    let put = |name: &str| PutUserPolicyInput {
        user_name: "ada".to_owned(),
        policy_name: name.to_owned(),
        policy_document: document.clone(),
    };
    subject.call::<PutUserPolicy>(put("one")).await.expect("there is room");
    subject.call::<PutUserPolicy>(put("one")).await.expect("it takes its own place");
    let (code, message) = subject.refused::<PutUserPolicy>(put("two")).await;
    assert_eq!(code, "LimitExceeded");
    assert_eq!(message, "Maximum policy size of 2048 bytes exceeded for user ada");
}

#[tokio::test]
async fn policies_that_allow_anything_of_a_service_are_listed() {
    let subject = populated().await;
    let input = ListPoliciesGrantingServiceAccessInput {
        arn: "arn:aws:iam::000000000000:user/ada".to_owned(),
        service_namespaces: vec!["sns".to_owned(), "sqs".to_owned(), "organizations".to_owned()],
        ..Default::default()
    };
    let listed = subject.call::<ListPoliciesGrantingServiceAccess>(input).await.expect("a known user");
    let names: Vec<Vec<String>> = listed
        .policies_granting_service_access
        .into_iter()
        .map(|entry| {
            entry.policies.unwrap_or_default().into_iter().map(|policy| policy.policy_name).collect()
        })
        .collect();
    assert_eq!(names[0][0], "inline");
    assert!(names[1].contains(&"own".to_owned()), "{names:?}");
    assert!(!names[1].contains(&"inline".to_owned()), "{names:?}");
}

#[tokio::test]
async fn a_simulation_tells_which_statement_decided_and_what_it_did_not_know() {
    let subject = Subject::start();
    let document = r#"{"Version":"2012-10-17","Statement":[
 {"Effect":"Allow","Action":"sqs:*","Resource":"*"},
 {"Effect":"Deny","Action":"sqs:DeleteQueue","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}"#;
    let input = || SimulateCustomPolicyInput {
        policy_input_list: vec![document.to_owned()],
        action_names: vec!["sqs:DeleteQueue".to_owned()],
        ..Default::default()
    };
    let answer = subject.call::<SimulateCustomPolicy>(input()).await.expect("a good document");
    let result = answer.evaluation_results.unwrap_or_default().remove(0);
    assert_eq!(result.eval_decision, "allowed");
    assert_eq!(result.missing_context_values, Some(vec!["aws:SecureTransport".to_owned()]));
    let matched = result.matched_statements.unwrap_or_default().remove(0);
    assert_eq!(matched.source_policy_id.as_deref(), Some("PolicyInputList.1"));
    let line = |position: Option<iam_api::Position>| position.and_then(|position| position.line);
    assert_eq!((line(matched.start_position), line(matched.end_position)), (Some(2), Some(2)));
    let input = SimulateCustomPolicyInput { action_names: vec!["sqs:*".to_owned()], ..input() };
    assert_eq!(subject.refused::<SimulateCustomPolicy>(input).await.0, "InvalidInput");
}

#[tokio::test]
async fn a_resource_has_fifty_tags_and_keys_count_without_case() {
    let subject = Subject::start();
    subject.user("ada").await;
    let input = CreateInstanceProfileInput { instance_profile_name: "web".to_owned(), ..Default::default() };
    subject.call::<CreateInstanceProfile>(input).await.expect("a new profile");
    let tag = |key: &str, value: &str| Tag { key: key.to_owned(), value: value.to_owned() };
    for (key, value) in [("Team", "blue"), ("team", "red")] {
        let input =
            TagInstanceProfileInput { instance_profile_name: "web".to_owned(), tags: vec![tag(key, value)] };
        subject.call::<TagInstanceProfile>(input).await.expect("room for a tag");
    }
    let input =
        ListInstanceProfileTagsInput { instance_profile_name: "web".to_owned(), ..Default::default() };
    let tags = subject.call::<ListInstanceProfileTags>(input).await.expect("a known profile").tags;
    assert_eq!(tags, [tag("team", "red")]);
    let many = |from: usize, to: usize| TagUserInput {
        user_name: "ada".to_owned(),
        tags: (from..to).map(|number| tag(&format!("key-{number}"), "")).collect(),
    };
    subject.call::<TagUser>(many(0, 50)).await.expect("fifty");
    let (code, message) = subject.refused::<TagUser>(many(50, 51)).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("LimitExceeded", "Cannot exceed quota for TagsPerResource: 50")
    );
}

#[tokio::test]
async fn a_sealed_denial_is_read_by_its_own_account_alone() {
    let subject = Subject::start();
    subject.region.settle().await;
    let account = AccountId::DEFAULT;
    let principal = Principal::user(account, "/", "ada", "AIDAADAADAADAADAADAAD");
    let reason = Reason::ImplicitDeny { layer: Layer::Identity };
    let decision =
        Decision { allowed: false, reason, resource: "arn:aws:ec2:us-east-1:000000000000:instance/i-1" };
    let mut context = ContextKeys::default();
    context.set("aws:RequestedRegion", "us-east-1");
    let denial =
        Denial { principal: &principal, action: "ec2:StopInstances", context: &context, decision: &decision };
    let sealed = subject.directory.sealed_denial(account, &denial).expect("a key").expect("a message");
    let input = || DecodeAuthorizationMessageInput { encoded_message: sealed.clone() };
    let decoded = subject.call::<DecodeAuthorizationMessage>(input()).await.expect("a message of its own");
    let decoded: serde_json::Value =
        serde_json::from_str(&decoded.decoded_message.unwrap_or_default()).expect("a document");
    assert_eq!((&decoded["allowed"], &decoded["explicitDeny"]), (&false.into(), &false.into()));
    assert_eq!(decoded["context"]["action"], "ec2:StopInstances");
    assert_eq!(decoded["context"]["principal"]["name"], "ada");
    assert_eq!(decoded["context"]["conditions"]["items"][0]["key"], "aws:requestedregion");
    let other = subject.region.as_account("111111111111");
    let refused = other.call::<DecodeAuthorizationMessage>(input()).await.expect_err("another account's");
    assert_eq!(refused.code(), "InvalidAuthorizationMessageException");
    let input = DecodeAuthorizationMessageInput { encoded_message: format!("{sealed}A") };
    assert_eq!(
        subject.refused::<DecodeAuthorizationMessage>(input).await.0,
        "InvalidAuthorizationMessageException"
    );
}
