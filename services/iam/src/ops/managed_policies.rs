//! CreatePolicy, GetPolicy, ListPolicies, DeletePolicy, their versions and tags.

use cloud::{Ctx, Guard};
use iam_api::{
    CreatePolicyOutput, CreatePolicyVersionOutput, GetPolicyOutput, GetPolicyVersionOutput,
    ListPoliciesOutput, ListPolicyTagsOutput, ListPolicyVersionsOutput,
};
use identity::credentials::{IdKind, new_id};
use shapes::{ApiError, Timestamp};
use store::{Range, Reader, Tx};

use super::form::{change, look, page, tagging};
use super::inline_policies::check_document;
use super::users::new_path;
use crate::errors;
use crate::managed_policy::{
    AwsPolicy, FIRST_POLICIES, ManagedPolicy, PolicyVersion, own_name, parse_version, version_id,
};
use crate::names::POLICY_NAMES;
use crate::role::url_encoded;
use crate::tables::{ATTACHED_TO, BOUNDED, POLICIES, POLICY_VERSIONS, account_scope};
use crate::tags::{asked, tags_of};

/// Versions of one policy at most.
const MOST_VERSIONS: usize = 5;

/// Characters of a managed policy, white space aside, at most ("IAM and AWS STS quotas").
const MOST_CHARACTERS: usize = 6144;

/// Refuses a document that is no policy, or too long for a managed one.
fn check_managed(document: &str) -> Result<(), ApiError> {
    check_document(document)?;
    if document.chars().filter(|letter| !letter.is_whitespace()).count() > MOST_CHARACTERS {
        return Err(errors::limit_exceeded(format!("Cannot exceed quota for PolicySize: {MOST_CHARACTERS}")));
    }
    Ok(())
}

/// One of the account's own policies, for a change: AWS's are AWS's to change.
fn find_own(ctx: &Ctx, rows: &mut dyn Reader, arn: &str, action: &str) -> Result<ManagedPolicy, ApiError> {
    if AwsPolicy::find(arn).is_some() {
        return Err(errors::may_not(&ctx.principal().arn(), action, &format!("policy {arn}")));
    }
    find(ctx, rows, arn)
}

/// One of the account's own policies.
fn find(ctx: &Ctx, rows: &mut dyn Reader, arn: &str) -> Result<ManagedPolicy, ApiError> {
    let name = own_name(arn, ctx.account()).ok_or_else(|| errors::no_such_policy(arn))?;
    let policy = POLICIES.find(rows, &name)?.filter(|policy| policy.arn(ctx.account()) == arn);
    policy.ok_or_else(|| errors::no_such_policy(arn))
}

pub(super) fn version_to_api(
    number: u64,
    version: &PolicyVersion,
    is_default: bool,
) -> iam_api::PolicyVersion {
    iam_api::PolicyVersion {
        document: Some(url_encoded(&version.document)),
        version_id: Some(version_id(number)),
        is_default_version: Some(is_default),
        create_date: Some(version.created),
    }
}

fn no_such_version(id: &str) -> ApiError {
    errors::no_such_entity(format!("Policy version {id} does not exist or is not attachable."))
}

change! { CreatePolicy(ctx, rows, input)
    guard {
        let path = input.path.as_deref().unwrap_or("/");
        let arn = format!("arn:aws:iam::{}:policy{path}{}", ctx.account(), input.policy_name);
        Ok(asked(Guard::resource(arn), input.tags.as_ref()))
    };
    check check_managed(&input.policy_document);
    {
        if POLICIES.contains(rows, &input.policy_name)? {
            return Err(errors::policy_exists(&input.policy_name));
        }
        POLICY_NAMES.take(rows, &input.policy_name)?;
        let policy = ManagedPolicy {
            name: input.policy_name.clone(),
            id: new_id(IdKind::ManagedPolicy, ctx.ids().bytes()),
            path: new_path(input.path.as_ref()),
            description: input.description.clone(),
            created: ctx.now(),
            updated: ctx.now(),
            default_version: 1,
            last_version: 1,
            tags: tags_of(input.tags.as_ref())?,
        };
        let version = PolicyVersion { document: input.policy_document.clone(), created: ctx.now() };
        POLICIES.put(rows, &policy.name, &policy);
        POLICY_VERSIONS.put(rows, &(policy.name.clone(), 1), &version);
        Ok(CreatePolicyOutput { policy: Some(policy.to_api(ctx.account(), rows)?) })
    }
}

look! { GetPolicy(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let policy = match AwsPolicy::find(&input.policy_arn) {
            Some((name, policy)) => policy.to_api(name, rows)?,
            None => find(ctx, rows, &input.policy_arn)?.to_api(ctx.account(), rows)?,
        };
        Ok(GetPolicyOutput { policy: Some(policy) })
    }
}

look! { ListPolicies(ctx, rows, input)
    guard Ok(Guard::resource(format!("arn:aws:iam::{}:policy/", ctx.account())));
    {
        let prefix = input.path_prefix.unwrap_or_default();
        let scope = input.scope.unwrap_or_default();
        let mut policies = Vec::new();
        if scope != "AWS" {
            for (_, policy) in POLICIES.list(rows, &Range::all(), usize::MAX)? {
                policies.push(policy.to_api(ctx.account(), rows)?);
            }
        }
        if scope != "Local" {
            for (name, policy) in AwsPolicy::all() {
                policies.push(policy.to_api(name, rows)?);
            }
        }
        policies.retain(|policy| policy.path.as_deref().unwrap_or("/").starts_with(&prefix));
        let usage = input.policy_usage_filter.as_deref();
        let is_used = |policy: &iam_api::Policy| match usage {
            Some("PermissionsBoundary") => policy.permissions_boundary_usage_count > Some(0),
            Some(_) => policy.attachment_count > Some(0),
            None => policy.attachment_count > Some(0) || policy.permissions_boundary_usage_count > Some(0),
        };
        if input.only_attached == Some(true) || usage.is_some() {
            policies.retain(is_used);
        }
        let mut policies: Vec<_> =
            policies.into_iter().map(|policy| (policy.arn.clone().unwrap_or_default(), policy)).collect();
        policies.sort_by(|(a, _), (b, _)| a.cmp(b));
        let page = page(policies, input.marker.as_deref(), input.max_items);
        Ok(ListPoliciesOutput {
            policies: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

change! { DeletePolicy(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let policy = find_own(ctx, rows, &input.policy_arn, "iam:DeletePolicy")?;
        let of_policy = Range::prefix(&input.policy_arn);
        if !ATTACHED_TO.list(rows, &of_policy, 1)?.is_empty() || !BOUNDED.list(rows, &of_policy, 1)?.is_empty() {
            return Err(errors::delete_conflict("Cannot delete a policy attached to entities."));
        }
        let versions = POLICY_VERSIONS.list(rows, &Range::prefix(&policy.name), usize::MAX)?;
        if versions.len() > 1 {
            return Err(errors::delete_conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        for (key, _) in versions {
            POLICY_VERSIONS.delete(rows, &key);
        }
        POLICY_NAMES.free(rows, &policy.name)?;
        POLICIES.delete(rows, &policy.name);
        Ok(Default::default())
    }
}

change! { CreatePolicyVersion(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    check check_managed(&input.policy_document);
    {
        let mut policy = find_own(ctx, rows, &input.policy_arn, "iam:CreatePolicyVersion")?;
        if POLICY_VERSIONS.list(rows, &Range::prefix(&policy.name), MOST_VERSIONS)?.len() >= MOST_VERSIONS {
            return Err(errors::limit_exceeded(
                "A managed policy can have up to 5 versions. Before you create a new version, you must delete an \
                 existing version.",
            ));
        }
        policy.last_version += 1;
        policy.updated = ctx.now();
        let is_default = input.set_as_default == Some(true);
        if is_default {
            policy.default_version = policy.last_version;
        }
        let version = PolicyVersion { document: input.policy_document.clone(), created: ctx.now() };
        POLICY_VERSIONS.put(rows, &(policy.name.clone(), policy.last_version), &version);
        POLICIES.put(rows, &policy.name, &policy);
        let mut told = version_to_api(policy.last_version, &version, is_default);
        told.document = None;
        Ok(CreatePolicyVersionOutput { policy_version: Some(told) })
    }
}

look! { GetPolicyVersion(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let told = match AwsPolicy::find(&input.policy_arn) {
            Some((_, policy)) if input.version_id == "v1" => {
                let created = Timestamp::from_seconds(FIRST_POLICIES);
                version_to_api(1, &PolicyVersion { document: policy.document.to_string(), created }, true)
            }
            Some(_) => return Err(no_such_version(&input.version_id)),
            None => {
                let policy = find(ctx, rows, &input.policy_arn)?;
                let number = parse_version(&input.version_id).ok_or_else(|| no_such_version(&input.version_id))?;
                let version = POLICY_VERSIONS.find(rows, &(policy.name.clone(), number))?;
                let version = version.ok_or_else(|| no_such_version(&input.version_id))?;
                version_to_api(number, &version, number == policy.default_version)
            }
        };
        Ok(GetPolicyVersionOutput { policy_version: Some(told) })
    }
}

look! { ListPolicyVersions(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let versions = match AwsPolicy::find(&input.policy_arn) {
            Some((_, policy)) => {
                let created = Timestamp::from_seconds(FIRST_POLICIES);
                vec![version_to_api(1, &PolicyVersion { document: policy.document.to_string(), created }, true)]
            }
            None => {
                let policy = find(ctx, rows, &input.policy_arn)?;
                let versions = POLICY_VERSIONS.list(rows, &Range::prefix(&policy.name), usize::MAX)?;
                let told = versions.into_iter().rev().map(|((_, number), version)| {
                    let told = version_to_api(number, &version, number == policy.default_version);
                    iam_api::PolicyVersion { document: None, ..told }
                });
                told.collect()
            }
        };
        // The latest comes first, so places in the list are what pages go by.
        let versions = versions.into_iter().enumerate().map(|(place, version)| (format!("{place:04}"), version));
        let page = page(versions, input.marker.as_deref(), input.max_items);
        Ok(ListPolicyVersionsOutput {
            versions: Some(page.items),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

change! { DeletePolicyVersion(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let policy = find_own(ctx, rows, &input.policy_arn, "iam:DeletePolicyVersion")?;
        let number = parse_version(&input.version_id).ok_or_else(|| no_such_version(&input.version_id))?;
        if number == policy.default_version {
            return Err(errors::delete_conflict("Cannot delete the default version of a policy."));
        }
        let key = (policy.name, number);
        POLICY_VERSIONS.find(rows, &key)?.ok_or_else(|| no_such_version(&input.version_id))?;
        POLICY_VERSIONS.delete(rows, &key);
        Ok(Default::default())
    }
}

change! { SetDefaultPolicyVersion(ctx, rows, input)
    guard guard(ctx, &input.policy_arn);
    {
        let mut policy = find_own(ctx, rows, &input.policy_arn, "iam:SetDefaultPolicyVersion")?;
        let number = parse_version(&input.version_id).ok_or_else(|| no_such_version(&input.version_id))?;
        let version = POLICY_VERSIONS.find(rows, &(policy.name.clone(), number))?;
        version.ok_or_else(|| no_such_version(&input.version_id))?;
        policy.default_version = number;
        policy.updated = ctx.now();
        POLICIES.put(rows, &policy.name, &policy);
        Ok(Default::default())
    }
}

fn guard(ctx: &Ctx, arn: &str) -> Result<Guard, ApiError> {
    let name = own_name(arn, ctx.account()).unwrap_or_default();
    let mut rows = ctx.store().read(&account_scope(ctx.account()))?;
    let tags = POLICIES.find(&mut rows, &name)?.map(|policy| policy.tags).unwrap_or_default();
    let tagged = tags.into_iter().fold(Guard::resource(arn), |guard, (key, value)| {
        guard.with(&format!("aws:ResourceTag/{key}"), vec![value])
    });
    Ok(tagged)
}

fn put(rows: &mut Tx<'_>, policy: &ManagedPolicy) {
    POLICIES.put(rows, &policy.name, policy);
}

tagging!(TagPolicy, UntagPolicy, ListPolicyTags -> ListPolicyTagsOutput, policy_arn, guard guard, find find, put put);
