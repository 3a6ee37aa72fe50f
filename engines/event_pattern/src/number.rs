//! Comparisons of numbers.

use serde_json::Value;

use crate::Fault;

/// Bounds of a number, each with whether it is itself included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NumberRange {
    low: Option<(f64, bool)>,
    high: Option<(f64, bool)>,
}

impl NumberRange {
    /// Reads `["=", 5]`, `["<", 5]` or `[">", 0, "<=", 5]`.
    pub(crate) fn parse(list: &Value) -> Result<Self, Fault> {
        let wrong = |expected| Fault::operand("numeric", expected);
        let Some(parts) = list.as_array().filter(|parts| matches!(parts.len(), 2 | 4)) else {
            return Err(wrong("takes a list of one or two comparisons, such as [\">\", 0, \"<=\", 5]"));
        };
        let mut range = Self { low: None, high: None };
        for pair in parts.chunks_exact(2) {
            let (Some(operator), Some(number)) = (pair[0].as_str(), pair[1].as_f64()) else {
                return Err(wrong("takes an operator followed by a number"));
            };
            let side = match operator {
                "=" if parts.len() == 2 => {
                    return Ok(Self { low: Some((number, true)), high: Some((number, true)) });
                }
                ">" | ">=" => &mut range.low,
                "<" | "<=" => &mut range.high,
                other => return Err(Fault::UnknownOperator(other.to_owned())),
            };
            if side.replace((number, operator.len() == 2)).is_some() {
                return Err(wrong("takes one lower and one upper bound"));
            }
        }
        match (range.low, range.high) {
            (Some((low, _)), Some((high, _))) if low > high => Err(wrong("has bounds that leave no number")),
            _ => Ok(range),
        }
    }

    /// The number that is alone in the range.
    pub(crate) fn only(self) -> Option<f64> {
        match (self.low, self.high) {
            (Some((low, true)), Some((high, true))) if low == high => Some(low),
            _ => None,
        }
    }

    pub(crate) fn contains(self, number: f64) -> bool {
        let above = self.low.is_none_or(|(low, is_included)| number > low || (is_included && number == low));
        let below =
            self.high.is_none_or(|(high, is_included)| number < high || (is_included && number == high));
        above && below
    }
}
