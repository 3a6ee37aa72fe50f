//! How many messages a web endpoint gets in a second (Developer Guide, "Creating an HTTP/S delivery policy":
//! `throttlePolicy`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use shapes::Timestamp;

/// Subscriptions whose second is remembered; past it those of earlier seconds are forgotten.
const KEPT: usize = 10_000;

/// The deliveries of the current second, by subscription. A restart begins at none.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<HashMap<String, (i64, u32)>>);

impl Throttle {
    /// Counts a delivery. `Err`: the second has had as many as it may, and the next one begins then.
    pub(crate) fn admit(&self, subscription: &str, most: u32, now: Timestamp) -> Result<(), Timestamp> {
        let second = now.seconds();
        let mut seconds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seconds.len() >= KEPT {
            seconds.retain(|_, (counted, _)| *counted == second);
        }
        let (counted, count) = seconds.entry(subscription.to_owned()).or_insert((second, 0));
        if *counted != second {
            (*counted, *count) = (second, 0);
        }
        if *count >= most {
            return Err(Timestamp::from_seconds(second + 1));
        }
        *count += 1;
        Ok(())
    }
}

/// `maxReceivesPerSecond` of a throttle policy, at least 1.
pub(crate) fn parse(policy: &Value) -> Result<Option<u32>, String> {
    match policy {
        Value::Null => Ok(None),
        Value::Object(members) => match members.get("maxReceivesPerSecond") {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .and_then(|most| u32::try_from(most).ok())
                .filter(|most| *most >= 1)
                .map(Some)
                .ok_or_else(|| "maxReceivesPerSecond must be a number of at least 1".to_owned()),
        },
        _ => Err("the throttle policy must be a JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shapes::Timestamp;

    use super::{Throttle, parse};

    #[test]
    fn a_second_has_as_many_deliveries_as_it_may() {
        let (throttle, now) = (Throttle::default(), Timestamp::from_millis(1500));
        assert!(throttle.admit("a", 2, now).is_ok() && throttle.admit("a", 2, now).is_ok());
        assert_eq!(throttle.admit("a", 2, now), Err(Timestamp::from_seconds(2)));
        assert!(throttle.admit("b", 1, now).is_ok(), "each subscription has its own");
        assert!(throttle.admit("a", 2, Timestamp::from_seconds(2)).is_ok());
    }

    #[test]
    fn policies_say_how_many() {
        assert_eq!(parse(&json!({"maxReceivesPerSecond": 5})), Ok(Some(5)));
        assert_eq!(parse(&json!(null)), Ok(None));
        assert!(parse(&json!({"maxReceivesPerSecond": 0})).is_err());
        assert!(parse(&json!({"maxReceivesPerSecond": "5"})).is_err());
    }
}
