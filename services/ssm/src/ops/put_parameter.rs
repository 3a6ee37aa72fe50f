//! PutParameter: a new parameter, or a new version of one.

use std::collections::BTreeMap;
use std::sync::Arc;

use clock::Jobs;
use cloud::{Ctx, Guard, Handle};
use regex::Regex;
use shapes::ApiError;
use ssm_api::op::PutParameter;
use ssm_api::{PutParameterInput, PutParameterOutput};
use store::{Range, Tx};

use crate::name::{self, Named};
use crate::parameter::{Head, Kind, Parameter, Version};
use crate::value::{OWN_KEY, Value};
use crate::{Ssm, errors, jobs, policies, tables};

/// User Guide, "Managing parameter tiers".
const STANDARD_LENGTH: usize = 4096;
const ADVANCED_LENGTH: usize = 8192;
/// User Guide, "Working with parameter versions".
const MOST_VERSIONS: usize = 100;

impl Handle<PutParameter> for Ssm {
    fn guard(&self, ctx: &Ctx, input: &PutParameterInput) -> Result<Guard, ApiError> {
        let overwrites = input.overwrite == Some(true);
        let mut guard = name::guard(ctx, std::iter::once(&input.name))?;
        guard = guard.with("ssm:overwrite", vec![overwrites.to_string()]);
        if let Some(policies) = &input.policies {
            guard = guard.with("ssm:policies", vec![policies.clone()]);
        }
        let tags = input.tags.as_deref().unwrap_or_default();
        if tags.is_empty() {
            return Ok(guard);
        }
        let names = tags.iter().map(|tag| tag.key.clone()).collect();
        guard = tags.iter().fold(guard.with("aws:tagkeys", names), |guard, tag| {
            guard.with(&format!("aws:requesttag/{}", tag.key), vec![tag.value.clone()])
        });
        let tagging = guard.clone().action("ssm:AddTagsToResource");
        Ok(guard.and(tagging))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutParameterInput,
    ) -> Result<PutParameterOutput, ApiError> {
        let name = Named::parse(ctx, &input.name)?.name;
        name::check(&name)?;
        let overwrites = input.overwrite == Some(true);
        let tags = super::tags::parse(input.tags.clone().unwrap_or_default())?;
        if overwrites && !tags.is_empty() {
            return Err(errors::validation(
                "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please \
                 remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
                 RemoveTagsFromResource.",
            ));
        }
        let existing = tables::PARAMETERS.find(&mut ctx.read()?, &name)?;
        if existing.is_some() && !overwrites {
            return Err(errors::exists());
        }
        let head = head(ctx, existing.as_ref(), &input)?;
        let value = match head.kind {
            Kind::SecureString => {
                let key = (head.key_id.as_deref().unwrap_or(OWN_KEY), head.is_advanced);
                Value::encrypt(ctx, &name, key, &input.value).await?
            }
            Kind::String | Kind::StringList => Value::Plain(input.value),
        };
        let (owned, version) = (ctx.clone(), Version { head, value });
        ctx.write(move |tx| put(&owned, tx, &name, (&version, &tags), overwrites)).await
    }
}

/// The new version, with what it has of the one before.
fn head(ctx: &Ctx, existing: Option<&Parameter>, input: &PutParameterInput) -> Result<Head, ApiError> {
    let before = existing.map(|parameter| &parameter.head);
    let asked = input.r#type.as_deref().map(|name| {
        Kind::parse(name)
            .ok_or_else(|| errors::validation(format!("The parameter type {name} is not supported.")))
    });
    let kind = match (asked.transpose()?, before) {
        (Some(kind), Some(before)) if kind != before.kind => return Err(errors::other_type()),
        (Some(kind), _) => kind,
        (None, Some(before)) => before.kind,
        (None, None) => {
            return Err(errors::validation("A parameter type is required when you create a parameter."));
        }
    };
    if kind != Kind::SecureString && input.key_id.is_some() {
        return Err(errors::validation("KeyId is only for parameters of the type SecureString."));
    }
    let given = input.policies.as_deref().map(|text| policies::parse(text, ctx.now())).transpose()?;
    let kept = || before.map(|before| before.policies.clone()).unwrap_or_default();
    let policies = given.unwrap_or_else(kept);
    let is_long = input.value.len() > STANDARD_LENGTH;
    let was_advanced = before.is_some_and(|before| before.is_advanced);
    let is_advanced = match input.tier.as_deref() {
        Some("Advanced") => true,
        Some("Intelligent-Tiering") => was_advanced || is_long || !policies.is_empty(),
        Some("Standard") if was_advanced => {
            return Err(errors::validation(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the \
                 advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced \
                 parameter and recreate it as a standard parameter.",
            ));
        }
        _ => was_advanced,
    };
    check_value(kind, is_advanced, &input.value)?;
    if !is_advanced && !policies.is_empty() {
        return Err(errors::validation(
            "Parameter policies are supported only for parameters in the advanced-parameter tier.",
        ));
    }
    let allowed_pattern =
        input.allowed_pattern.clone().or_else(|| before.and_then(|before| before.allowed_pattern.clone()));
    if let Some(pattern) = allowed_pattern.as_deref().filter(|pattern| !pattern.is_empty()) {
        let expression =
            Regex::new(&format!("^(?:{pattern})$")).map_err(|_| errors::invalid_pattern(pattern))?;
        if !expression.is_match(&input.value) {
            return Err(errors::pattern_mismatch(pattern));
        }
    }
    let data_type = input.data_type.clone().or_else(|| before.map(|before| before.data_type.clone()));
    let data_type = data_type.unwrap_or_else(|| "text".to_owned());
    if data_type != "text" {
        return Err(errors::validation(format!(
            "The following data type is not supported: {data_type} (Data type names are all lowercase.)"
        )));
    }
    let key = input.key_id.clone().or_else(|| before.and_then(|before| before.key_id.clone()));
    Ok(Head {
        kind,
        modified: ctx.now(),
        modified_by: ctx.principal().arn(),
        description: input
            .description
            .clone()
            .or_else(|| before.and_then(|before| before.description.clone())),
        key_id: (kind == Kind::SecureString).then(|| key.unwrap_or_else(|| OWN_KEY.to_owned())),
        allowed_pattern,
        is_advanced,
        data_type,
        policies,
    })
}

fn check_value(kind: Kind, is_advanced: bool, value: &str) -> Result<(), ApiError> {
    if value.is_empty() {
        return Err(errors::validation("Parameter value must have at least one character."));
    }
    if !is_advanced && value.len() > STANDARD_LENGTH {
        return Err(errors::validation(format!(
            "Standard tier parameters support a maximum parameter value of {STANDARD_LENGTH} characters. To create a \
             larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, \
             see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        )));
    }
    if value.len() > ADVANCED_LENGTH {
        return Err(errors::validation(format!(
            "Advanced tier parameters support a maximum parameter value of {ADVANCED_LENGTH} characters."
        )));
    }
    let has_empty = || value.split(',').any(|item| item.trim().is_empty());
    if kind == Kind::StringList && has_empty() {
        return Err(errors::validation("Parameter StringList values can't have empty items."));
    }
    Ok(())
}

fn put(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    name: &String,
    (version, tags): (&Version, &BTreeMap<String, String>),
    overwrites: bool,
) -> Result<PutParameterOutput, ApiError> {
    let existing = tables::PARAMETERS.find(tx, name)?;
    let operation = if existing.is_some() { "Update" } else { "Create" };
    let mut parameter = match existing {
        Some(_) if !overwrites => return Err(errors::exists()),
        Some(parameter) => parameter,
        None => Parameter {
            name: name.clone(),
            latest: 0,
            tags: tags.clone(),
            jobs: Vec::new(),
            head: version.head.clone(),
            labels: BTreeMap::new(),
        },
    };
    for job in parameter.jobs.drain(..) {
        Jobs::cancel(tx, job);
    }
    parameter.latest += 1;
    parameter.head = version.head.clone();
    let number = parameter.latest;
    for policy in version.head.policies.iter().filter(|policy| policy.due > ctx.now()) {
        parameter.jobs.push(jobs::schedule(ctx, tx, name, number, policy));
    }
    let versions = tables::VERSIONS.list(tx, &Range::prefix(name), MOST_VERSIONS)?;
    if let Some((oldest, _)) = versions.first().filter(|_| versions.len() == MOST_VERSIONS) {
        if !parameter.labels_of(oldest.1).is_empty() {
            return Err(errors::too_many_versions(name, oldest.1));
        }
        tables::VERSIONS.delete(tx, oldest);
    }
    tables::VERSIONS.put(tx, &(name.clone(), number), version);
    tables::PARAMETERS.put(tx, name, &parameter);
    jobs::told(ctx, tx, operation, &parameter)?;
    Ok(PutParameterOutput {
        version: i64::try_from(number).ok(),
        tier: Some(parameter.head.tier().to_owned()),
    })
}
