//! Users, their keys, groups and profiles.

use iam_api::op::{
    AddRoleToInstanceProfile, AddUserToGroup, CreateGroup, CreateInstanceProfile, CreateRole, CreateUser,
    DeleteAccessKey, DeleteRole, DeleteUser, GetGroup, GetInstanceProfile, ListAccessKeys, ListUsers,
    UpdateAccessKey, UpdateUser,
};
use iam_api::{
    AddRoleToInstanceProfileInput, AddUserToGroupInput, CreateGroupInput, CreateInstanceProfileInput,
    CreateRoleInput, CreateUserInput, DeleteAccessKeyInput, DeleteRoleInput, DeleteUserInput, GetGroupInput,
    GetInstanceProfileInput, ListAccessKeysInput, ListUsersInput, UpdateAccessKeyInput, UpdateUserInput,
};

use crate::kit::Subject;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},
    "Action":"sts:AssumeRole"}]}"#;

#[tokio::test]
async fn a_user_has_two_keys_at_most_and_each_can_be_switched_off() {
    let subject = Subject::start();
    let first = subject.user("ada").await;
    subject.key("ada").await.expect("a second key");
    assert_eq!(subject.key("ada").await.expect_err("a third key").code(), "LimitExceeded");
    assert!(subject.credential(&first.access_key_id).is_some_and(|key| key.is_active));
    let input = UpdateAccessKeyInput {
        user_name: Some("ada".to_owned()),
        access_key_id: first.access_key_id.clone(),
        status: "Inactive".to_owned(),
    };
    subject.region.call::<UpdateAccessKey>(input).await.expect("a known key");
    assert!(subject.credential(&first.access_key_id).is_some_and(|key| !key.is_active));
    let input = DeleteAccessKeyInput {
        user_name: Some("ada".to_owned()),
        access_key_id: first.access_key_id.clone(),
    };
    subject.region.call::<DeleteAccessKey>(input).await.expect("a known key");
    assert!(subject.credential(&first.access_key_id).is_some_and(|key| !key.is_active), "it stays refused");
    let input = ListAccessKeysInput { user_name: Some("ada".to_owned()), ..Default::default() };
    let left = subject.region.call::<ListAccessKeys>(input).await.expect("a known user");
    assert_eq!(left.access_key_metadata.len(), 1);
}

#[tokio::test]
async fn a_user_is_deleted_once_nothing_is_left_of_it() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let delete = || subject.region.call::<DeleteUser>(DeleteUserInput { user_name: "ada".to_owned() });
    assert_eq!(delete().await.expect_err("it has a key").code(), "DeleteConflict");
    let input = DeleteAccessKeyInput { user_name: Some("ada".to_owned()), access_key_id: key.access_key_id };
    subject.region.call::<DeleteAccessKey>(input).await.expect("a known key");
    delete().await.expect("nothing is left");
    assert_eq!(delete().await.expect_err("it is gone").code(), "NoSuchEntity");
}

#[tokio::test]
async fn a_renamed_user_keeps_its_groups_and_keys() {
    let subject = Subject::start();
    let key = subject.user("ada").await;
    let group = || "crew".to_owned();
    let input = CreateGroupInput { group_name: group(), ..Default::default() };
    subject.region.call::<CreateGroup>(input).await.expect("a new group");
    let input = AddUserToGroupInput { group_name: group(), user_name: "ada".to_owned() };
    subject.region.call::<AddUserToGroup>(input).await.expect("both are there");
    let input = UpdateUserInput {
        user_name: "ada".to_owned(),
        new_user_name: Some("lovelace".to_owned()),
        ..Default::default()
    };
    subject.region.call::<UpdateUser>(input).await.expect("a free name");
    let input = GetGroupInput { group_name: group(), ..Default::default() };
    let members = subject.region.call::<GetGroup>(input).await.expect("a known group").users;
    assert_eq!(members.iter().map(|user| user.user_name.as_str()).collect::<Vec<_>>(), ["lovelace"]);
    let credential = subject.credential(&key.access_key_id).expect("a known key");
    assert_eq!(credential.actor.principal.arn(), "arn:aws:iam::000000000000:user/lovelace");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let subject = Subject::start();
    for number in 0..5 {
        let input = CreateUserInput {
            user_name: format!("user-{number}"),
            path: Some(if number == 2 { "/other/" } else { "/team/" }.to_owned()),
            ..Default::default()
        };
        subject.region.call::<CreateUser>(input).await.expect("a new user");
    }
    let (mut names, mut marker) = (Vec::new(), None);
    loop {
        let input = ListUsersInput { path_prefix: Some("/team/".to_owned()), max_items: Some(2), marker };
        let page = subject.region.call::<ListUsers>(input).await.expect("a page");
        names.extend(page.users.into_iter().map(|user| user.user_name));
        marker = page.marker;
        if page.is_truncated != Some(true) {
            break;
        }
    }
    assert_eq!(names, ["user-0", "user-1", "user-3", "user-4"]);
}

#[tokio::test]
async fn a_profile_carries_one_role_which_cannot_go_meanwhile() {
    let subject = Subject::start();
    let role = || "web".to_owned();
    let input = CreateRoleInput {
        role_name: role(),
        assume_role_policy_document: TRUST.to_owned(),
        ..Default::default()
    };
    subject.region.call::<CreateRole>(input).await.expect("a new role");
    let input = CreateInstanceProfileInput { instance_profile_name: role(), ..Default::default() };
    subject.region.call::<CreateInstanceProfile>(input).await.expect("a new profile");
    let add = || {
        let input = AddRoleToInstanceProfileInput { instance_profile_name: role(), role_name: role() };
        subject.region.call::<AddRoleToInstanceProfile>(input)
    };
    add().await.expect("an empty profile");
    assert_eq!(add().await.expect_err("it has one").code(), "LimitExceeded");
    let input = GetInstanceProfileInput { instance_profile_name: role() };
    let profile = subject.region.call::<GetInstanceProfile>(input).await.expect("a known profile");
    assert_eq!(profile.instance_profile.roles[0].role_name, "web");
    let refused = subject.region.call::<DeleteRole>(DeleteRoleInput { role_name: role() }).await;
    assert_eq!(refused.expect_err("it is in use").code(), "DeleteConflict");
}
