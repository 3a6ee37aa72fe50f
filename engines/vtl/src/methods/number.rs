//! java.lang.Integer, Long and Double.

use crate::value::Value;

pub(super) fn call(on: &Value, method: &str, args: &[Value]) -> Option<Value> {
    let double = on.as_number()?;
    #[allow(clippy::cast_possible_truncation)]
    let long = if let Value::Int(n) = on { *n } else { double as i64 };
    match (method, args) {
        #[allow(clippy::cast_possible_truncation)]
        ("intValue", []) => Some(Value::Int(i64::from(match on {
            Value::Int(n) => *n as i32,
            _ => double as i32,
        }))),
        ("longValue", []) => Some(Value::Int(long)),
        ("doubleValue" | "floatValue", []) => Some(Value::Float(double)),
        #[allow(clippy::cast_possible_truncation)]
        ("shortValue", []) => Some(Value::Int(i64::from(long as i16))),
        #[allow(clippy::cast_possible_truncation)]
        ("byteValue", []) => Some(Value::Int(i64::from(long as i8))),
        ("isNaN", []) => Some(Value::Bool(double.is_nan())),
        ("isInfinite", []) => Some(Value::Bool(double.is_infinite())),
        ("hashCode", []) => Some(Value::Int(long)),
        ("compareTo", [other]) => {
            let order = match (on, other) {
                (Value::Int(a), Value::Int(b)) => a.cmp(b),
                _ => double.total_cmp(&other.as_number()?),
            };
            Some(Value::Int(order as i64))
        }
        _ => None,
    }
}
