//! The parameters from before expressions, as requests give them: owned, and ready to become the trees of
//! [`crate::legacy`].

use dynamodb_api::{AttributeValueUpdate, Condition as ApiCondition, ExpectedAttributeValue};
use shapes::{ApiError, Map};

use crate::attribute::from_api;
use crate::errors::validation;
use crate::expression::{Condition, Update};
use crate::legacy::{
    AttributeCondition, AttributeUpdate, ComparisonOperator, ConditionalOperator, ExpectedAttribute,
    UpdateAction, attribute_updates, conditions, expected,
};
use crate::value::Value;

/// Expected with its ConditionalOperator.
#[derive(Debug)]
pub(crate) struct Expected {
    attributes: Vec<OwnedExpected>,
    operator: ConditionalOperator,
}

#[derive(Debug)]
struct OwnedExpected {
    attribute: String,
    exists: Option<bool>,
    value: Option<Value>,
    operator: Option<ComparisonOperator>,
    values: Option<Vec<Value>>,
}

impl Expected {
    /// `None` when there is nothing to expect.
    pub(crate) fn parse(
        given: Option<Map<ExpectedAttributeValue>>,
        operator: Option<&str>,
    ) -> Result<Option<Self>, ApiError> {
        let operator = conditional_operator(operator, given.as_ref().map(Map::len))?;
        let Some(given) = given.filter(|given| !given.is_empty()) else { return Ok(None) };
        let attributes = given.into_iter().map(|(attribute, expected)| {
            Ok(OwnedExpected {
                attribute,
                exists: expected.exists,
                value: expected.value.map(from_api).transpose()?,
                operator: expected.comparison_operator.as_deref().map(comparison_operator).transpose()?,
                values: expected.attribute_value_list.map(values).transpose()?,
            })
        });
        let expected = Self { attributes: attributes.collect::<Result<_, ApiError>>()?, operator };
        // What is wrong with it is told before the table is looked for.
        expected.condition()?;
        Ok(Some(expected))
    }

    pub(crate) fn condition(&self) -> Result<Condition<'_>, ApiError> {
        let attributes: Vec<_> = self
            .attributes
            .iter()
            .map(|owned| ExpectedAttribute {
                attribute: &owned.attribute,
                exists: owned.exists,
                value: owned.value.as_ref(),
                operator: owned.operator,
                values: owned.values.as_ref().map(|values| values.iter().collect()),
            })
            .collect();
        expected(&attributes, self.operator).map_err(validation)
    }
}

/// AttributeUpdates.
#[derive(Debug)]
pub(crate) struct Updates(Vec<(String, UpdateAction, Option<Value>)>);

impl Updates {
    pub(crate) fn parse(given: Map<AttributeValueUpdate>) -> Result<Self, ApiError> {
        let updates = given.into_iter().map(|(attribute, update)| {
            let action = match update.action.as_deref() {
                Some("ADD") => UpdateAction::Add,
                Some("DELETE") => UpdateAction::Delete,
                _ => UpdateAction::Put,
            };
            Ok((attribute, action, update.value.map(from_api).transpose()?))
        });
        let updates = Self(updates.collect::<Result<_, ApiError>>()?);
        updates.update()?;
        Ok(updates)
    }

    pub(crate) fn update(&self) -> Result<Update<'_>, ApiError> {
        let updates: Vec<_> = self
            .0
            .iter()
            .map(|(attribute, action, value)| AttributeUpdate {
                attribute,
                action: *action,
                value: value.as_ref(),
            })
            .collect();
        attribute_updates(&updates).map_err(validation)
    }

    pub(crate) fn only_delete(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, action, _)| *action == UpdateAction::Delete)
    }
}

/// QueryFilter, ScanFilter or KeyConditions.
#[derive(Debug)]
pub(crate) struct Conditions {
    attributes: Vec<(String, ComparisonOperator, Vec<Value>)>,
    operator: ConditionalOperator,
}

impl Conditions {
    pub(crate) fn parse(given: Map<ApiCondition>, operator: ConditionalOperator) -> Result<Self, ApiError> {
        let attributes = given.into_iter().map(|(attribute, condition)| {
            let operator = comparison_operator(&condition.comparison_operator)?;
            Ok((attribute, operator, values(condition.attribute_value_list.unwrap_or_default())?))
        });
        Ok(Self { attributes: attributes.collect::<Result<_, ApiError>>()?, operator })
    }

    pub(crate) fn attributes(&self) -> Vec<AttributeCondition<'_>> {
        let attributes = self.attributes.iter();
        attributes
            .map(|(attribute, operator, values)| AttributeCondition {
                attribute,
                operator: *operator,
                values: values.iter().collect(),
            })
            .collect()
    }

    /// The filter; `None` when there are no conditions.
    pub(crate) fn filter(&self) -> Result<Option<Condition<'_>>, ApiError> {
        if self.attributes.is_empty() {
            return Ok(None);
        }
        conditions(&self.attributes(), self.operator).map(Some).map_err(validation)
    }
}

/// ConditionalOperator beside so many conditions (`None`: the parameter for them is absent).
pub(crate) fn conditional_operator(
    given: Option<&str>,
    conditions: Option<usize>,
) -> Result<ConditionalOperator, ApiError> {
    match (given, conditions) {
        (None, _) => Ok(ConditionalOperator::And),
        (Some(_), None) => Err(validation("ConditionalOperator cannot be used without Filter or Expected")),
        (Some(_), Some(0 | 1)) => Err(validation(
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        )),
        (Some("OR"), _) => Ok(ConditionalOperator::Or),
        (Some(_), _) => Ok(ConditionalOperator::And),
    }
}

fn comparison_operator(name: &str) -> Result<ComparisonOperator, ApiError> {
    ComparisonOperator::from_name(name)
        .ok_or_else(|| validation(format!("Unsupported operator on ComparisonOperator: {name}")))
}

fn values(given: Vec<dynamodb_api::AttributeValue>) -> Result<Vec<Value>, ApiError> {
    given.into_iter().map(from_api).collect()
}

/// Which expressions and which parameters from before them a request has, by name.
pub(crate) struct Mixture<'n> {
    pub expressions: &'n [(&'static str, bool)],
    pub legacy: &'n [(&'static str, bool)],
    pub has_names: bool,
    pub has_values: bool,
}

impl Mixture<'_> {
    /// Refuses expressions beside legacy parameters, and placeholders without expressions that could use them.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let present = |parameters: &[(&'static str, bool)]| {
            let names = parameters.iter().filter(|(_, is_present)| *is_present).map(|(name, _)| *name);
            names.collect::<Vec<_>>().join(", ")
        };
        let has_expression = self.expressions.iter().any(|(_, is_present)| *is_present);
        if has_expression && self.legacy.iter().any(|(_, is_present)| *is_present) {
            return Err(validation(format!(
                "Can not use both expression and non-expression parameters in the same request: Non-expression \
                 parameters: {{{}}} Expression parameters: {{{}}}",
                present(self.legacy),
                present(self.expressions),
            )));
        }
        if self.has_names && !has_expression {
            return Err(validation("ExpressionAttributeNames can only be specified when using expressions"));
        }
        let with_values: Vec<_> =
            self.expressions.iter().filter(|(name, _)| *name != "ProjectionExpression").collect();
        if self.has_values && with_values.iter().all(|(_, is_present)| !is_present) {
            let names: Vec<_> = with_values.iter().map(|(name, _)| *name).collect();
            let verb = if names.len() > 1 { "are" } else { "is" };
            return Err(validation(format!(
                "ExpressionAttributeValues can only be specified when using expressions: {} {verb} null",
                names.join(" and "),
            )));
        }
        Ok(())
    }
}
