//! LabelParameterVersion and UnlabelParameterVersion.

use cloud::{Ctx, Guard, Transact};
use shapes::ApiError;
use ssm_api::op::{LabelParameterVersion, UnlabelParameterVersion};
use ssm_api::{
    LabelParameterVersionInput, LabelParameterVersionOutput, UnlabelParameterVersionInput,
    UnlabelParameterVersionOutput,
};
use store::Tx;

use crate::name::Named;
use crate::{Ssm, errors, jobs, tables};

/// User Guide, "Working with parameter labels".
const MOST_OF_A_VERSION: usize = 10;

/// A parameter, its version if one is named, and labels.
pub(crate) struct Draft {
    name: String,
    version: Option<u64>,
    labels: Vec<String>,
}

impl Transact<LabelParameterVersion> for Ssm {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &LabelParameterVersionInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.name)
    }

    fn prepare(&self, ctx: &Ctx, input: LabelParameterVersionInput) -> Result<Draft, ApiError> {
        let version = input.parameter_version.and_then(|version| u64::try_from(version).ok());
        Ok(Draft { name: Named::parse(ctx, &input.name)?.name, version, labels: input.labels })
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Draft,
    ) -> Result<LabelParameterVersionOutput, ApiError> {
        let Draft { name, version, labels } = draft;
        let mut parameter = tables::PARAMETERS.find(tx, name)?.ok_or_else(|| errors::not_found(name))?;
        let version = version.unwrap_or(parameter.latest);
        if !tables::VERSIONS.contains(tx, &(name.clone(), version))? {
            return Err(errors::no_such_version(name, &version.to_string()));
        }
        let (valid, invalid): (Vec<String>, Vec<String>) =
            labels.iter().cloned().partition(|label| is_label(label));
        // A label that another version has moves here.
        for label in valid {
            parameter.labels.insert(label, version);
        }
        if parameter.labels_of(version).len() > MOST_OF_A_VERSION {
            return Err(errors::too_many_labels());
        }
        tables::PARAMETERS.put(tx, name, &parameter);
        jobs::told(ctx, tx, "LabelParameterVersion", &parameter)?;
        Ok(LabelParameterVersionOutput {
            invalid_labels: Some(invalid),
            parameter_version: i64::try_from(version).ok(),
        })
    }
}

impl Transact<UnlabelParameterVersion> for Ssm {
    type Draft = Draft;

    fn guard(&self, ctx: &Ctx, input: &UnlabelParameterVersionInput) -> Result<Guard, ApiError> {
        self.tagged_guard(ctx, &input.name)
    }

    fn prepare(&self, ctx: &Ctx, input: UnlabelParameterVersionInput) -> Result<Draft, ApiError> {
        let version = u64::try_from(input.parameter_version).ok();
        Ok(Draft { name: Named::parse(ctx, &input.name)?.name, version, labels: input.labels })
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        draft: &Draft,
    ) -> Result<UnlabelParameterVersionOutput, ApiError> {
        let Draft { name, version, labels } = draft;
        let mut parameter = tables::PARAMETERS.find(tx, name)?.ok_or_else(|| errors::not_found(name))?;
        let version = version.unwrap_or_default();
        if !tables::VERSIONS.contains(tx, &(name.clone(), version))? {
            return Err(errors::no_such_version(name, &version.to_string()));
        }
        let (removed, invalid): (Vec<String>, Vec<String>) =
            labels.iter().cloned().partition(|label| parameter.labels.get(label) == Some(&version));
        parameter.labels.retain(|label, _| !removed.contains(label));
        tables::PARAMETERS.put(tx, name, &parameter);
        Ok(UnlabelParameterVersionOutput { removed_labels: Some(removed), invalid_labels: Some(invalid) })
    }
}

fn is_label(label: &str) -> bool {
    let lower = label.to_ascii_lowercase();
    let is_reserved = lower.starts_with("aws") || lower.starts_with("ssm");
    let begins_well = !label.starts_with(|first: char| first.is_ascii_digit());
    let is_allowed = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    !label.is_empty() && !is_reserved && begins_well && is_allowed
}
