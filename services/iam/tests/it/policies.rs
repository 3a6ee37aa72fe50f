//! Policies: inline, managed, of groups, as boundaries, and what is known of them at once.

use iam_api::op::{
    AddUserToGroup, AttachGroupPolicy, AttachUserPolicy, CreateGroup, CreatePolicy, CreatePolicyVersion,
    DeletePolicy, DetachUserPolicy, GetPolicy, PutUserPermissionsBoundary, PutUserPolicy,
    SimulatePrincipalPolicy,
};
use iam_api::{
    AddUserToGroupInput, AttachGroupPolicyInput, AttachUserPolicyInput, CreateGroupInput, CreatePolicyInput,
    CreatePolicyVersionInput, DeletePolicyInput, DetachUserPolicyInput, GetPolicyInput,
    PutUserPermissionsBoundaryInput, PutUserPolicyInput, SimulatePrincipalPolicyInput,
};

use crate::kit::{Subject, allow};

const OWN: &str = "arn:aws:iam::000000000000:policy/own";

async fn create_policy(subject: &Subject) {
    let input = CreatePolicyInput {
        policy_name: "own".to_owned(),
        policy_document: allow("sqs:*"),
        ..Default::default()
    };
    subject.region.call::<CreatePolicy>(input).await.expect("a new policy");
}

fn attach(arn: &str) -> AttachUserPolicyInput {
    AttachUserPolicyInput { user_name: "ada".to_owned(), policy_arn: arn.to_owned() }
}

#[tokio::test]
async fn what_binds_a_user_is_known_at_once() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let principal = subject.credential(&key.access_key_id).expect("a known key").actor.principal.clone();
    assert!(subject.policies(&principal).is_empty());
    create_policy(&subject).await;
    subject.region.call::<AttachUserPolicy>(attach(OWN)).await.expect("a known policy");
    assert_eq!(subject.policies(&principal), [OWN]);
    let input = PutUserPolicyInput {
        user_name: "ada".to_owned(),
        policy_name: "inline".to_owned(),
        policy_document: allow("sns:*"),
    };
    subject.region.call::<PutUserPolicy>(input).await.expect("a good document");
    assert_eq!(subject.policies(&principal), ["inline", OWN]);
    let input = DetachUserPolicyInput { user_name: "ada".to_owned(), policy_arn: OWN.to_owned() };
    subject.region.call::<DetachUserPolicy>(input).await.expect("it is attached");
    let input = CreateGroupInput { group_name: "crew".to_owned(), ..Default::default() };
    subject.region.call::<CreateGroup>(input).await.expect("a new group");
    let of_aws = "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned();
    let input = AttachGroupPolicyInput { group_name: "crew".to_owned(), policy_arn: of_aws.clone() };
    subject.region.call::<AttachGroupPolicy>(input).await.expect("a policy of AWS");
    let input = AddUserToGroupInput { group_name: "crew".to_owned(), user_name: "ada".to_owned() };
    subject.region.call::<AddUserToGroup>(input).await.expect("both are there");
    assert_eq!(subject.policies(&principal), ["inline".to_owned(), of_aws]);
}

#[tokio::test]
async fn an_attached_policy_is_not_deleted_and_one_that_is_not_there_not_attached() {
    let subject = Subject::start();
    subject.user("ada").await;
    let refused = subject.region.call::<AttachUserPolicy>(attach(OWN)).await.expect_err("no such policy");
    assert_eq!(refused.code(), "NoSuchEntity");
    assert_eq!(refused.message(), format!("Policy {OWN} does not exist or is not attachable."));
    create_policy(&subject).await;
    subject.region.call::<AttachUserPolicy>(attach(OWN)).await.expect("a known policy");
    let delete = || subject.region.call::<DeletePolicy>(DeletePolicyInput { policy_arn: OWN.to_owned() });
    assert_eq!(delete().await.expect_err("it is attached").code(), "DeleteConflict");
    let input = DetachUserPolicyInput { user_name: "ada".to_owned(), policy_arn: OWN.to_owned() };
    subject.region.call::<DetachUserPolicy>(input).await.expect("it is attached");
    delete().await.expect("nobody has it");
}

#[tokio::test]
async fn a_policy_has_five_versions_at_most() {
    let subject = Subject::start();
    create_policy(&subject).await;
    let add = |is_default: bool| {
        let input = CreatePolicyVersionInput {
            policy_arn: OWN.to_owned(),
            policy_document: allow("sns:*"),
            set_as_default: Some(is_default),
        };
        subject.region.call::<CreatePolicyVersion>(input)
    };
    for _ in 0..4 {
        add(true).await.expect("room for another");
    }
    assert_eq!(add(false).await.expect_err("there are five").code(), "LimitExceeded");
    let policy = subject.region.call::<GetPolicy>(GetPolicyInput { policy_arn: OWN.to_owned() }).await;
    let policy = policy.expect("a known policy").policy.expect("the policy");
    assert_eq!(policy.default_version_id.as_deref(), Some("v5"));
}

#[tokio::test]
async fn a_boundary_limits_what_a_simulation_allows() {
    let subject = Subject::start();
    subject.user("ada").await;
    create_policy(&subject).await;
    let input = PutUserPolicyInput {
        user_name: "ada".to_owned(),
        policy_name: "inline".to_owned(),
        policy_document: allow("*"),
    };
    subject.region.call::<PutUserPolicy>(input).await.expect("a good document");
    let input =
        PutUserPermissionsBoundaryInput { user_name: "ada".to_owned(), permissions_boundary: OWN.to_owned() };
    subject.region.call::<PutUserPermissionsBoundary>(input).await.expect("a known policy");
    let input = SimulatePrincipalPolicyInput {
        policy_source_arn: "arn:aws:iam::000000000000:user/ada".to_owned(),
        action_names: vec!["sqs:SendMessage".to_owned(), "sns:Publish".to_owned()],
        ..Default::default()
    };
    let simulated = subject.region.call::<SimulatePrincipalPolicy>(input).await.expect("a known user");
    let decided: Vec<_> = simulated
        .evaluation_results
        .unwrap_or_default()
        .into_iter()
        .map(|result| result.eval_decision)
        .collect();
    assert_eq!(decided, ["allowed", "implicitDeny"]);
}
