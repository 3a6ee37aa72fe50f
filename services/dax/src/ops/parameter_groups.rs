//! Parameter groups and their parameters.

use std::sync::Arc;

use cloud::{Ctx, Handle, Transact};
use dax_api as api;
use dax_api::op;
use shapes::ApiError;
use store::{Reader, Tx};

use super::{all, note, page};
use crate::parameter_group::{DEFAULT, ParameterGroup};
use crate::tables::{CLUSTERS, PARAMETER_GROUPS};
use crate::{Dax, errors};

/// Parameters of one request (API Reference, UpdateParameterGroup).
const MAXIMUM_PARAMETERS: usize = 20;

pub(crate) fn find(reader: &mut dyn Reader, name: &str) -> Result<ParameterGroup, ApiError> {
    if name == DEFAULT {
        return Ok(ParameterGroup::standard());
    }
    PARAMETER_GROUPS.find(reader, &name.to_owned())?.ok_or_else(|| errors::parameter_group_not_found(name))
}

/// Groups of running clusters stay as they are (Amazon DynamoDB Developer Guide, "Managing DAX clusters", "Configuring
/// TTL settings").
fn check_unused(reader: &mut dyn Reader, name: &str) -> Result<(), ApiError> {
    if all(reader, &CLUSTERS)?.iter().any(|cluster| cluster.parameter_group == *name) {
        return Err(errors::parameter_group_in_use(name, "is in use by a cluster"));
    }
    Ok(())
}

impl Transact<op::CreateParameterGroup> for Dax {
    type Draft = ParameterGroup;

    fn prepare(&self, _: &Ctx, input: api::CreateParameterGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(ParameterGroup {
            name: input.parameter_group_name,
            description: input.description.unwrap_or_default(),
            ..ParameterGroup::default()
        })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        group: &Self::Draft,
    ) -> Result<api::CreateParameterGroupOutput, ApiError> {
        if group.name == DEFAULT || PARAMETER_GROUPS.contains(tx, &group.name)? {
            return Err(errors::parameter_group_exists(&group.name));
        }
        PARAMETER_GROUPS.put(tx, &group.name, group);
        note(ctx, tx, "PARAMETER_GROUP", &group.name, "Parameter group created.")?;
        Ok(api::CreateParameterGroupOutput { parameter_group: Some(group.describe()) })
    }
}

impl Transact<op::UpdateParameterGroup> for Dax {
    type Draft = api::UpdateParameterGroupInput;

    fn prepare(&self, _: &Ctx, input: api::UpdateParameterGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(input)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        input: &Self::Draft,
    ) -> Result<api::UpdateParameterGroupOutput, ApiError> {
        let mut group = find(tx, &input.parameter_group_name)?;
        if group.name == DEFAULT {
            return Err(errors::parameter_group_in_use(DEFAULT, "is the default one and cannot be changed"));
        }
        check_unused(tx, &group.name)?;
        if input.parameter_name_values.len() > MAXIMUM_PARAMETERS {
            return Err(errors::invalid_value(format!(
                "At most {MAXIMUM_PARAMETERS} parameters can be changed at once"
            )));
        }
        for parameter in &input.parameter_name_values {
            let (Some(name), Some(value)) = (&parameter.parameter_name, &parameter.parameter_value) else {
                return Err(errors::invalid_value("A parameter needs a name and a value"));
            };
            group.set(name, value)?;
        }
        PARAMETER_GROUPS.put(tx, &group.name, &group);
        note(ctx, tx, "PARAMETER_GROUP", &group.name, "Parameter group changed.")?;
        Ok(api::UpdateParameterGroupOutput { parameter_group: Some(group.describe()) })
    }
}

impl Transact<op::DeleteParameterGroup> for Dax {
    type Draft = String;

    fn prepare(&self, _: &Ctx, input: api::DeleteParameterGroupInput) -> Result<Self::Draft, ApiError> {
        Ok(input.parameter_group_name)
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        name: &Self::Draft,
    ) -> Result<api::DeleteParameterGroupOutput, ApiError> {
        find(tx, name)?;
        if name == DEFAULT {
            return Err(errors::parameter_group_in_use(name, "is the default one and cannot be deleted"));
        }
        check_unused(tx, name)?;
        PARAMETER_GROUPS.delete(tx, name);
        note(ctx, tx, "PARAMETER_GROUP", name, "Parameter group deleted.")?;
        let deletion_message = Some(format!("Parameter group {name} has been deleted."));
        Ok(api::DeleteParameterGroupOutput { deletion_message })
    }
}

impl Handle<op::DescribeParameterGroups> for Dax {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeParameterGroupsInput,
    ) -> Result<api::DescribeParameterGroupsOutput, ApiError> {
        let mut snapshot = ctx.read()?;
        let groups = match &input.parameter_group_names {
            Some(names) if !names.is_empty() => {
                names.iter().map(|name| find(&mut snapshot, name)).collect::<Result<Vec<_>, _>>()?
            }
            _ => {
                let own = all(&mut snapshot, &PARAMETER_GROUPS)?;
                std::iter::once(ParameterGroup::standard()).chain(own).collect()
            }
        };
        let (groups, next_token) =
            page(groups, |group| &group.name, input.next_token.as_deref(), input.max_results)?;
        let groups = groups.iter().map(ParameterGroup::describe).collect();
        Ok(api::DescribeParameterGroupsOutput { parameter_groups: Some(groups), next_token })
    }
}

impl Handle<op::DescribeParameters> for Dax {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: api::DescribeParametersInput,
    ) -> Result<api::DescribeParametersOutput, ApiError> {
        let group = find(&mut ctx.read()?, &input.parameter_group_name)?;
        let mut parameters = group.parameters();
        if let Some(source) = &input.source {
            parameters.retain(|parameter| parameter.source.as_ref() == Some(source));
        }
        Ok(api::DescribeParametersOutput { parameters: Some(parameters), next_token: None })
    }
}

impl Handle<op::DescribeDefaultParameters> for Dax {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        _: api::DescribeDefaultParametersInput,
    ) -> Result<api::DescribeDefaultParametersOutput, ApiError> {
        let parameters = ParameterGroup::standard().parameters();
        Ok(api::DescribeDefaultParametersOutput { parameters: Some(parameters), next_token: None })
    }
}
