//! CreateServiceLinkedRole, DeleteServiceLinkedRole, GetServiceLinkedRoleDeletionStatus.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cloud::{Ctx, Guard};
use iam_api::{
    CreateServiceLinkedRoleOutput, DeleteServiceLinkedRoleOutput, GetServiceLinkedRoleDeletionStatusOutput,
};
use identity::credentials::{IdKind, new_id};
use serde::Deserialize;
use shapes::ApiError;
use store::{Range, Tx};

use super::form::{change, look};
use super::roles;
use crate::errors;
use crate::names::ROLE_NAMES;
use crate::owner::Kind;
use crate::role::Role;
use crate::tables::{Document, ROLE_DELETIONS, ROLES, Tags};

/// Deletions that are remembered at most; past it they are forgotten, as AWS forgets them after a while.
const MOST_DELETIONS: usize = 1000;

/// The role that a service keeps for itself.
#[derive(Deserialize)]
struct Linked {
    role: String,
    policy: String,
    takes_suffix: bool,
}

/// By the service's principal ("AWS services that work with IAM").
static LINKED: LazyLock<BTreeMap<String, Linked>> = LazyLock::new(|| {
    // Part of the binary; a test reads each.
    serde_json::from_str(include_str!("../service_linked_roles.json")).unwrap_or_default()
});

fn place(service: &str, role: &str) -> String {
    format!("aws-service-role/{service}/{role}")
}

/// The role's name, with the suffix where the service takes one.
fn role_name(service: &str, suffix: Option<&String>) -> Result<String, ApiError> {
    let linked = LINKED.get(service).ok_or_else(|| {
        errors::invalid_input(format!("Invalid AWSServiceName: {service} has no service-linked role"))
    })?;
    match suffix {
        Some(_) if !linked.takes_suffix => {
            Err(errors::invalid_input(format!("Custom suffix is not allowed for {service}")))
        }
        Some(suffix) => Ok(format!("{}_{suffix}", linked.role)),
        None => Ok(linked.role.clone()),
    }
}

change! { CreateServiceLinkedRole(ctx, rows, input)
    guard {
        let service = &input.aws_service_name;
        let linked = LINKED.get(service).map_or("*", |linked| linked.role.as_str());
        let arn = format!("arn:aws:iam::{}:role/{}", ctx.account(), place(service, linked));
        Ok(Guard::resource(arn).with("iam:AWSServiceName", vec![service.clone()]))
    };
    {
        let service = &input.aws_service_name;
        let name = role_name(service, input.custom_suffix.as_ref())?;
        if ROLES.contains(rows, &name)? {
            return Err(errors::invalid_input(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        ROLE_NAMES.take(rows, &name)?;
        let trust = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":["{service}"]}},"Action":["sts:AssumeRole"]}}]}}"#
        );
        let role = Role {
            id: new_id(IdKind::Role, ctx.ids().bytes()),
            path: format!("/aws-service-role/{service}/"),
            trust,
            description: input.description.clone(),
            max_session_seconds: 3600,
            created: ctx.now(),
            tags: Tags::new(),
            boundary: None,
            name,
        };
        Kind::Role.put_id(rows, &role.id, &role.name);
        if let Some(linked) = LINKED.get(service) {
            let arn = format!("arn:aws:iam::aws:policy/aws-service-role/{}", linked.policy);
            Kind::Role.attach(rows, &role.name, &arn);
        }
        ROLES.put(rows, &role.name, &role);
        Ok(CreateServiceLinkedRoleOutput { role: Some(role.to_api(ctx.account(), &role.trust)) })
    }
}

change! { DeleteServiceLinkedRole(ctx, rows, input)
    guard Kind::Role.guard(ctx, &input.role_name);
    {
        let role = roles::find(rows, &input.role_name)?;
        let Some(service) = role.path.strip_prefix("/aws-service-role/") else {
            return Err(errors::no_such_entity(format!(
                "The role with name {} is not a service-linked role.",
                role.name
            )));
        };
        let id = format!("task/{}/{}", place(service.trim_end_matches('/'), &role.name), ctx.ids().uuid());
        forget(rows)?;
        for arn in Kind::Role.attached_policies(rows, &role.name)? {
            Kind::Role.detach(rows, &role.name, &arn);
        }
        roles::remove(ctx, rows, &role)?;
        ROLE_DELETIONS.put(rows, &id, &Document("SUCCEEDED".to_owned()));
        Ok(DeleteServiceLinkedRoleOutput { deletion_task_id: id })
    }
}

fn forget(rows: &mut Tx<'_>) -> Result<(), ApiError> {
    let deletions = ROLE_DELETIONS.list(rows, &Range::all(), MOST_DELETIONS)?;
    if deletions.len() >= MOST_DELETIONS {
        for (id, _) in deletions {
            ROLE_DELETIONS.delete(rows, &id);
        }
    }
    Ok(())
}

fn status_guard(ctx: &Ctx, task: &str) -> Guard {
    let place = task.strip_prefix("task/").and_then(|rest| rest.rsplit_once('/')).map(|(place, _)| place);
    Guard::resource(format!("arn:aws:iam::{}:role/{}", ctx.account(), place.unwrap_or("*")))
}

look! { GetServiceLinkedRoleDeletionStatus(ctx, rows, input)
    guard Ok(status_guard(ctx, &input.deletion_task_id));
    {
        let task = ROLE_DELETIONS.find(rows, &input.deletion_task_id)?;
        let not_found =
            || errors::no_such_entity(format!("Deletion task {} cannot be found.", input.deletion_task_id));
        let status = task.ok_or_else(not_found)?.0;
        Ok(GetServiceLinkedRoleDeletionStatusOutput { status, reason: None })
    }
}

#[cfg(test)]
mod tests {
    use super::LINKED;
    use crate::managed_policy::AwsPolicy;

    #[test]
    fn every_service_linked_role_has_its_policy() {
        assert!(LINKED.len() > 20);
        for (service, linked) in LINKED.iter() {
            let arn = format!("arn:aws:iam::aws:policy/aws-service-role/{}", linked.policy);
            assert!(AwsPolicy::find(&arn).is_some(), "{service}: {arn}");
            assert!(linked.role.starts_with("AWSServiceRoleFor"), "{service}");
        }
    }
}
