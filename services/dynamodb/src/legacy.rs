//! The parameters from before expressions (Expected, QueryFilter, ScanFilter, KeyConditions, AttributeUpdates),
//! turned into the same trees. Rules: "Legacy conditional parameters" in the developer guide.

use crate::expression::{
    Action, Comparator, Condition, ExpressionError, KeyCondition, Operand, Path, RangeCondition, SetValue,
    Update,
};
use crate::key_schema::KeySchema;
use crate::value::{Value, ValueType};

/// ComparisonOperator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComparisonOperator {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
    NotNull,
    Null,
    Contains,
    NotContains,
    BeginsWith,
    In,
    Between,
}

/// One attribute's condition in QueryFilter, ScanFilter or KeyConditions.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeCondition<'a> {
    pub attribute: &'a str,
    pub operator: ComparisonOperator,
    pub values: Vec<&'a Value>,
}

/// One attribute's entry in Expected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExpectedAttribute<'a> {
    pub attribute: &'a str,
    pub exists: Option<bool>,
    pub value: Option<&'a Value>,
    pub operator: Option<ComparisonOperator>,
    pub values: Option<Vec<&'a Value>>,
}

/// ConditionalOperator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConditionalOperator {
    #[default]
    And,
    Or,
}

/// One attribute's entry in AttributeUpdates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributeUpdate<'a> {
    pub attribute: &'a str,
    pub action: UpdateAction,
    pub value: Option<&'a Value>,
}

/// Action of an attribute update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateAction {
    #[default]
    Put,
    Add,
    Delete,
}

impl ComparisonOperator {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Eq, "EQ"),
        (Self::Ne, "NE"),
        (Self::Le, "LE"),
        (Self::Lt, "LT"),
        (Self::Ge, "GE"),
        (Self::Gt, "GT"),
        (Self::NotNull, "NOT_NULL"),
        (Self::Null, "NULL"),
        (Self::Contains, "CONTAINS"),
        (Self::NotContains, "NOT_CONTAINS"),
        (Self::BeginsWith, "BEGINS_WITH"),
        (Self::In, "IN"),
        (Self::Between, "BETWEEN"),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(operator, _)| *operator)
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("", |(_, name)| name)
    }

    fn accepts_count(self, count: usize) -> bool {
        match self {
            Self::Null | Self::NotNull => count == 0,
            Self::In => count > 0,
            Self::Between => count == 2,
            _ => count == 1,
        }
    }

    fn accepts_type(self, value_type: ValueType) -> bool {
        match self {
            Self::Eq | Self::Ne | Self::Null | Self::NotNull => true,
            Self::BeginsWith => matches!(value_type, ValueType::S | ValueType::B),
            _ => value_type.is_ordered(),
        }
    }
}

/// A filter, or an Expected that names operators.
pub fn conditions<'a>(
    conditions: &[AttributeCondition<'a>],
    operator: ConditionalOperator,
) -> Result<Condition<'a>, ExpressionError> {
    let parts = conditions.iter().map(AttributeCondition::condition).collect::<Result<Vec<_>, _>>()?;
    Ok(joined(parts, operator))
}

/// Expected, in both its forms.
pub fn expected<'a>(
    expected: &[ExpectedAttribute<'a>],
    operator: ConditionalOperator,
) -> Result<Condition<'a>, ExpressionError> {
    let parts = expected.iter().map(ExpectedAttribute::condition).collect::<Result<Vec<_>, _>>()?;
    Ok(joined(parts, operator))
}

fn joined(mut parts: Vec<Condition<'_>>, operator: ConditionalOperator) -> Condition<'_> {
    if parts.len() == 1 {
        return parts.remove(0);
    }
    match operator {
        ConditionalOperator::And => Condition::And(parts),
        ConditionalOperator::Or => Condition::Or(parts),
    }
}

/// KeyConditions.
pub fn key_conditions<'a>(
    conditions: &[AttributeCondition<'a>],
    schema: &KeySchema,
) -> Result<KeyCondition<'a>, ExpressionError> {
    let terms = conditions
        .iter()
        .map(|condition| Ok((condition.attribute, condition.range()?)))
        .collect::<Result<Vec<_>, ExpressionError>>()?;
    KeyCondition::from_terms(terms, schema)
}

/// AttributeUpdates.
pub fn attribute_updates<'a>(updates: &[AttributeUpdate<'a>]) -> Result<Update<'a>, ExpressionError> {
    let actions = updates.iter().map(AttributeUpdate::action).collect::<Result<Vec<_>, _>>()?;
    Ok(Update { actions })
}

impl<'a> AttributeCondition<'a> {
    fn check(&self) -> Result<(), ExpressionError> {
        let name = self.operator.name();
        if !self.operator.accepts_count(self.values.len()) {
            return refuse(format!("Invalid number of argument(s) for the {name} ComparisonOperator"));
        }
        let Some(first) = self.values.first() else { return Ok(()) };
        let first = first.value_type();
        if self.values.iter().any(|value| value.value_type() != first) {
            return refuse("AttributeValues inside AttributeValueList must be of same type".to_owned());
        }
        if !self.operator.accepts_type(first) {
            let value_type = first.name();
            return refuse(format!(
                "ComparisonOperator {name} is not valid for {value_type} AttributeValue type"
            ));
        }
        if self.operator == ComparisonOperator::Between
            && self.values[0].compare(self.values[1]).is_some_and(std::cmp::Ordering::is_gt)
        {
            return Err(ExpressionError::LegacyBetween);
        }
        Ok(())
    }

    fn condition(&self) -> Result<Condition<'a>, ExpressionError> {
        self.check()?;
        let path = || Path::top(self.attribute);
        let operand = || Operand::Path(path());
        let values = &self.values;
        let compare =
            |comparator| Condition::Compare { comparator, left: operand(), right: Operand::Value(values[0]) };
        let contains = || Condition::Contains { operand: operand(), member: Operand::Value(values[0]) };
        Ok(match self.operator {
            ComparisonOperator::Eq => compare(Comparator::Equal),
            ComparisonOperator::Ne => compare(Comparator::NotEqual),
            ComparisonOperator::Le => compare(Comparator::LessOrEqual),
            ComparisonOperator::Lt => compare(Comparator::Less),
            ComparisonOperator::Ge => compare(Comparator::GreaterOrEqual),
            ComparisonOperator::Gt => compare(Comparator::Greater),
            ComparisonOperator::NotNull => Condition::AttributeExists(path()),
            ComparisonOperator::Null => Condition::AttributeNotExists(path()),
            ComparisonOperator::Contains => contains(),
            // An attribute that is not there does not "not contain" something.
            ComparisonOperator::NotContains => {
                Condition::And(vec![Condition::AttributeExists(path()), Condition::Not(Box::new(contains()))])
            }
            ComparisonOperator::BeginsWith => {
                Condition::BeginsWith { operand: operand(), prefix: Operand::Value(values[0]) }
            }
            ComparisonOperator::In => Condition::In {
                operand: operand(),
                choices: values.iter().copied().map(Operand::Value).collect(),
            },
            ComparisonOperator::Between => Condition::Between {
                operand: operand(),
                low: Operand::Value(values[0]),
                high: Operand::Value(values[1]),
            },
        })
    }

    fn range(&self) -> Result<RangeCondition<'a>, ExpressionError> {
        self.check()?;
        let values = &self.values;
        Ok(match self.operator {
            ComparisonOperator::Eq => RangeCondition::Compare(Comparator::Equal, values[0]),
            ComparisonOperator::Le => RangeCondition::Compare(Comparator::LessOrEqual, values[0]),
            ComparisonOperator::Lt => RangeCondition::Compare(Comparator::Less, values[0]),
            ComparisonOperator::Ge => RangeCondition::Compare(Comparator::GreaterOrEqual, values[0]),
            ComparisonOperator::Gt => RangeCondition::Compare(Comparator::Greater, values[0]),
            ComparisonOperator::BeginsWith => RangeCondition::BeginsWith(values[0]),
            ComparisonOperator::Between => RangeCondition::Between(values[0], values[1]),
            _ => return Err(ExpressionError::KeyOperatorNotIndexable),
        })
    }
}

impl<'a> ExpectedAttribute<'a> {
    fn condition(&self) -> Result<Condition<'a>, ExpressionError> {
        let attribute = self.attribute;
        if self.value.is_some() && self.values.is_some() {
            return refuse(format!(
                "Value and AttributeValueList cannot be used together for Attribute: {attribute}"
            ));
        }
        let Some(operator) = self.operator else { return self.plain_condition() };
        if self.exists.is_some() {
            return refuse(format!(
                "Exists and ComparisonOperator cannot be used together for Attribute: {attribute}"
            ));
        }
        let values = self.values.clone().unwrap_or_else(|| self.value.into_iter().collect());
        let is_value_missing = self.values.is_none() && self.value.is_none();
        if is_value_missing && !matches!(operator, ComparisonOperator::Null | ComparisonOperator::NotNull) {
            let name = operator.name();
            return refuse(format!(
                "Value or AttributeValueList must be used with ComparisonOperator: {name} for Attribute: {attribute}"
            ));
        }
        AttributeCondition { attribute, operator, values }.condition()
    }

    /// The form without an operator: the attribute has this value, or does not exist.
    fn plain_condition(&self) -> Result<Condition<'a>, ExpressionError> {
        let attribute = self.attribute;
        if self.values.is_some() {
            return refuse(format!(
                "AttributeValueList can only be used with a ComparisonOperator for Attribute: {attribute}"
            ));
        }
        let path = Path::top(attribute);
        match (self.exists, self.value) {
            (Some(false), None) => Ok(Condition::AttributeNotExists(path)),
            (Some(false), Some(_)) => {
                refuse(format!("Value cannot be used when Exists is false for Attribute: {attribute}"))
            }
            (_, Some(value)) => Ok(Condition::Compare {
                comparator: Comparator::Equal,
                left: Operand::Path(path),
                right: Operand::Value(value),
            }),
            (exists, None) => {
                let exists = if exists.is_some() { "true" } else { "null" };
                refuse(format!("Value must be provided when Exists is {exists} for Attribute: {attribute}"))
            }
        }
    }
}

impl<'a> AttributeUpdate<'a> {
    fn action(&self) -> Result<Action<'a>, ExpressionError> {
        let path = Path::top(self.attribute);
        match (self.action, self.value) {
            (UpdateAction::Put, Some(value)) => Ok(Action::Set(path, SetValue::Value(value))),
            (UpdateAction::Delete, None) => Ok(Action::Remove(path)),
            (UpdateAction::Delete, Some(value)) if value.value_type().is_set() => {
                Ok(Action::Delete(path, value))
            }
            (UpdateAction::Add, Some(value))
                if value.value_type().is_set() || value.value_type() == ValueType::N =>
            {
                Ok(Action::Add(path, value))
            }
            // Adding a list appends to it; expressions have list_append for that.
            (UpdateAction::Add, Some(value)) if value.value_type() == ValueType::L => {
                Ok(Action::Append(path, value))
            }
            (action, Some(value)) => {
                let name = if action == UpdateAction::Add { "ADD" } else { "DELETE" };
                let word = value.value_type().word();
                refuse(format!("{name} action is not supported for the type {word}"))
            }
            (_, None) => {
                refuse("Only DELETE action is allowed when no attribute value is specified".to_owned())
            }
        }
    }
}

fn refuse<T>(message: String) -> Result<T, ExpressionError> {
    Err(ExpressionError::Legacy(message))
}

#[cfg(test)]
mod tests;
