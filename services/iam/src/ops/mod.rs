//! The operation table.

mod access_keys;
mod account;
mod attached_policies;
mod form;
mod groups;
mod inline_policies;
mod instance_profiles;
mod managed_policies;
mod providers;
mod roles;
mod simulation;
mod users;

use cloud::Operation;
use iam_api::op;

use crate::Iam;

pub(crate) static OPERATIONS: &[Operation<Iam>] = &[
    Operation::transaction::<op::AddClientIDToOpenIDConnectProvider>(),
    Operation::transaction::<op::AddRoleToInstanceProfile>(),
    Operation::transaction::<op::AddUserToGroup>(),
    Operation::transaction::<op::AttachGroupPolicy>(),
    Operation::transaction::<op::AttachRolePolicy>(),
    Operation::transaction::<op::AttachUserPolicy>(),
    Operation::transaction::<op::CreateAccessKey>(),
    Operation::transaction::<op::CreateAccountAlias>(),
    Operation::transaction::<op::CreateGroup>(),
    Operation::transaction::<op::CreateInstanceProfile>(),
    Operation::transaction::<op::CreateOpenIDConnectProvider>(),
    Operation::transaction::<op::CreatePolicy>(),
    Operation::transaction::<op::CreatePolicyVersion>(),
    Operation::transaction::<op::CreateRole>(),
    Operation::transaction::<op::CreateUser>(),
    Operation::transaction::<op::DeleteAccessKey>(),
    Operation::transaction::<op::DeleteAccountAlias>(),
    Operation::transaction::<op::DeleteGroup>(),
    Operation::transaction::<op::DeleteGroupPolicy>(),
    Operation::transaction::<op::DeleteInstanceProfile>(),
    Operation::transaction::<op::DeleteOpenIDConnectProvider>(),
    Operation::transaction::<op::DeletePolicy>(),
    Operation::transaction::<op::DeletePolicyVersion>(),
    Operation::transaction::<op::DeleteRole>(),
    Operation::transaction::<op::DeleteRolePermissionsBoundary>(),
    Operation::transaction::<op::DeleteRolePolicy>(),
    Operation::transaction::<op::DeleteUser>(),
    Operation::transaction::<op::DeleteUserPermissionsBoundary>(),
    Operation::transaction::<op::DeleteUserPolicy>(),
    Operation::transaction::<op::DetachGroupPolicy>(),
    Operation::transaction::<op::DetachRolePolicy>(),
    Operation::transaction::<op::DetachUserPolicy>(),
    Operation::of::<op::GetAccessKeyLastUsed>(),
    Operation::of::<op::GetAccountSummary>(),
    Operation::of::<op::GetContextKeysForCustomPolicy>(),
    Operation::of::<op::GetContextKeysForPrincipalPolicy>(),
    Operation::of::<op::GetGroup>(),
    Operation::of::<op::GetGroupPolicy>(),
    Operation::of::<op::GetInstanceProfile>(),
    Operation::of::<op::GetOpenIDConnectProvider>(),
    Operation::of::<op::GetPolicy>(),
    Operation::of::<op::GetPolicyVersion>(),
    Operation::of::<op::GetRole>(),
    Operation::of::<op::GetRolePolicy>(),
    Operation::of::<op::GetUser>(),
    Operation::of::<op::GetUserPolicy>(),
    Operation::of::<op::ListAccessKeys>(),
    Operation::of::<op::ListAccountAliases>(),
    Operation::of::<op::ListAttachedGroupPolicies>(),
    Operation::of::<op::ListAttachedRolePolicies>(),
    Operation::of::<op::ListAttachedUserPolicies>(),
    Operation::of::<op::ListEntitiesForPolicy>(),
    Operation::of::<op::ListGroupPolicies>(),
    Operation::of::<op::ListGroups>(),
    Operation::of::<op::ListGroupsForUser>(),
    Operation::of::<op::ListInstanceProfiles>(),
    Operation::of::<op::ListInstanceProfilesForRole>(),
    Operation::of::<op::ListOpenIDConnectProviders>(),
    Operation::of::<op::ListPolicies>(),
    Operation::of::<op::ListPolicyTags>(),
    Operation::of::<op::ListPolicyVersions>(),
    Operation::of::<op::ListRolePolicies>(),
    Operation::of::<op::ListRoleTags>(),
    Operation::of::<op::ListRoles>(),
    Operation::of::<op::ListUserPolicies>(),
    Operation::of::<op::ListUserTags>(),
    Operation::of::<op::ListUsers>(),
    Operation::transaction::<op::PutGroupPolicy>(),
    Operation::transaction::<op::PutRolePermissionsBoundary>(),
    Operation::transaction::<op::PutRolePolicy>(),
    Operation::transaction::<op::PutUserPermissionsBoundary>(),
    Operation::transaction::<op::PutUserPolicy>(),
    Operation::transaction::<op::RemoveClientIDFromOpenIDConnectProvider>(),
    Operation::transaction::<op::RemoveRoleFromInstanceProfile>(),
    Operation::transaction::<op::RemoveUserFromGroup>(),
    Operation::transaction::<op::SetDefaultPolicyVersion>(),
    Operation::of::<op::SimulateCustomPolicy>(),
    Operation::of::<op::SimulatePrincipalPolicy>(),
    Operation::transaction::<op::TagPolicy>(),
    Operation::transaction::<op::TagRole>(),
    Operation::transaction::<op::TagUser>(),
    Operation::transaction::<op::UntagPolicy>(),
    Operation::transaction::<op::UntagRole>(),
    Operation::transaction::<op::UntagUser>(),
    Operation::transaction::<op::UpdateAccessKey>(),
    Operation::transaction::<op::UpdateAssumeRolePolicy>(),
    Operation::transaction::<op::UpdateGroup>(),
    Operation::transaction::<op::UpdateOpenIDConnectProviderThumbprint>(),
    Operation::transaction::<op::UpdateRole>(),
    Operation::transaction::<op::UpdateRoleDescription>(),
    Operation::transaction::<op::UpdateUser>(),
];
