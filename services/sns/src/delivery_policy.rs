//! When a failed delivery is tried again (Developer Guide, "Amazon SNS message delivery retries" and "Creating an HTTP/S
//! delivery policy").

use std::time::Duration;

use serde_json::{Value, json};
use shapes::ApiError;

use crate::errors;

/// Four phases of attempts after the first: at once, at the shortest pause, backing off, at the longest pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RetryPlan {
    pub immediate: u32,
    pub at_shortest: u32,
    pub backing_off: u32,
    pub at_longest: u32,
    pub shortest_seconds: u32,
    pub longest_seconds: u32,
    pub backoff: Backoff,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Backoff {
    Linear,
    Arithmetic,
    Geometric,
    Exponential,
}

impl RetryPlan {
    /// Endpoints that AWS manages: Lambda.
    pub(crate) const MANAGED: Self = Self {
        immediate: 3,
        at_shortest: 2,
        backing_off: 10,
        at_longest: 100_000,
        shortest_seconds: 1,
        longest_seconds: 20,
        backoff: Backoff::Exponential,
    };
    /// Mail servers.
    pub(crate) const MAIL: Self = Self {
        immediate: 0,
        at_shortest: 2,
        backing_off: 10,
        at_longest: 38,
        shortest_seconds: 10,
        longest_seconds: 600,
        backoff: Backoff::Exponential,
    };
    /// HTTP and HTTPS where no policy says otherwise: three more attempts, 20 seconds apart.
    pub(crate) const HTTP: Self = Self {
        immediate: 0,
        at_shortest: 0,
        backing_off: 3,
        at_longest: 0,
        shortest_seconds: 20,
        longest_seconds: 20,
        backoff: Backoff::Linear,
    };

    /// The pause before the next attempt after `failed` attempts; `None` when there is to be none.
    pub(crate) fn pause_after(&self, failed: u32) -> Option<Duration> {
        let mut retry = failed.saturating_sub(1);
        let (shortest, longest) = (f64::from(self.shortest_seconds), f64::from(self.longest_seconds));
        for (count, phase) in [
            (self.immediate, Phase::Immediate),
            (self.at_shortest, Phase::Shortest),
            (self.backing_off, Phase::BackingOff),
            (self.at_longest, Phase::Longest),
        ] {
            if retry >= count {
                retry -= count;
                continue;
            }
            let seconds = match phase {
                Phase::Immediate => 0.0,
                Phase::Shortest => shortest,
                Phase::BackingOff => self.backoff.between(shortest, longest, retry, count),
                Phase::Longest => longest,
            };
            return Some(Duration::from_millis((seconds * 1000.0) as u64));
        }
        None
    }

    /// Reads a `healthyRetryPolicy`.
    fn parse(policy: &Value) -> Result<Self, String> {
        let number = |name: &str, default: u32, least: u32, most: u32| match &policy[name] {
            Value::Null => Ok(default),
            value => match value.as_u64().and_then(|value| u32::try_from(value).ok()) {
                Some(value) if (least..=most).contains(&value) => Ok(value),
                _ => Err(format!("{name} must be a number from {least} to {most}")),
            },
        };
        let retries = number("numRetries", 3, 0, 100)?;
        let immediate = number("numNoDelayRetries", 0, 0, 100)?;
        let at_shortest = number("numMinDelayRetries", 0, 0, 100)?;
        let at_longest = number("numMaxDelayRetries", 0, 0, 100)?;
        let shortest_seconds = number("minDelayTarget", 20, 1, 3600)?;
        let longest_seconds = number("maxDelayTarget", 20, 1, 3600)?;
        let backing_off = retries
            .checked_sub(immediate + at_shortest + at_longest)
            .ok_or("numRetries must be at least the sum of the retries of the other phases")?;
        if longest_seconds < shortest_seconds {
            return Err("maxDelayTarget must be greater than or equal to minDelayTarget".to_owned());
        }
        let backoff = match policy["backoffFunction"].as_str() {
            None | Some("linear") => Backoff::Linear,
            Some("arithmetic") => Backoff::Arithmetic,
            Some("geometric") => Backoff::Geometric,
            Some("exponential") => Backoff::Exponential,
            Some(other) => return Err(format!("backoffFunction '{other}' is not known")),
        };
        Ok(Self {
            immediate,
            at_shortest,
            backing_off,
            at_longest,
            shortest_seconds,
            longest_seconds,
            backoff,
        })
    }

    fn to_json(self) -> Value {
        let backoff = match self.backoff {
            Backoff::Linear => "linear",
            Backoff::Arithmetic => "arithmetic",
            Backoff::Geometric => "geometric",
            Backoff::Exponential => "exponential",
        };
        json!({
            "minDelayTarget": self.shortest_seconds,
            "maxDelayTarget": self.longest_seconds,
            "numRetries": self.immediate + self.at_shortest + self.backing_off + self.at_longest,
            "numMaxDelayRetries": self.at_longest,
            "numNoDelayRetries": self.immediate,
            "numMinDelayRetries": self.at_shortest,
            "backoffFunction": backoff,
        })
    }
}

enum Phase {
    Immediate,
    Shortest,
    BackingOff,
    Longest,
}

impl Backoff {
    /// The pause of step `step` of `count` on the way from `shortest` to `longest`. AWS draws the curves and gives no
    /// formula; these have their shapes.
    fn between(self, shortest: f64, longest: f64, step: u32, count: u32) -> f64 {
        if count < 2 {
            return shortest;
        }
        let part = f64::from(step) / f64::from(count - 1);
        match self {
            Self::Linear => shortest + (longest - shortest) * part,
            Self::Arithmetic => shortest + (longest - shortest) * part * part,
            Self::Geometric => shortest + (longest - shortest) * part.powi(3),
            Self::Exponential => shortest * (longest / shortest).powf(part),
        }
    }
}

/// The plan of an HTTP subscription: its own policy, or the topic's, or the usual one. Policies were checked when they
/// were set.
pub(crate) fn http_plan(subscription: Option<&str>, topic: Option<&str>) -> RetryPlan {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let topic = topic.and_then(read).map(|policy| policy["http"].clone());
    let overrides = topic.as_ref().is_none_or(|http| http["disableSubscriptionOverrides"] != true);
    let own =
        subscription.filter(|_| overrides).and_then(read).map(|policy| policy["healthyRetryPolicy"].clone());
    let of_topic = topic.map(|http| http["defaultHealthyRetryPolicy"].clone());
    let given = [own, of_topic].into_iter().flatten().find(Value::is_object);
    given.and_then(|policy| RetryPlan::parse(&policy).ok()).unwrap_or(RetryPlan::HTTP)
}

/// `EffectiveDeliveryPolicy` of a topic.
pub(crate) fn effective_of_topic(topic: Option<&str>) -> String {
    let given = topic.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    json!({
        "http": {
            "defaultHealthyRetryPolicy": http_plan(None, topic).to_json(),
            "disableSubscriptionOverrides": given["http"]["disableSubscriptionOverrides"] == true,
            "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        }
    })
    .to_string()
}

/// `EffectiveDeliveryPolicy` of an HTTP subscription.
pub(crate) fn effective_of_subscription(subscription: Option<&str>, topic: Option<&str>) -> String {
    json!({
        "healthyRetryPolicy": http_plan(subscription, topic).to_json(),
        "sicklyRetryPolicy": null,
        "throttlePolicy": null,
        "requestPolicy": {"headerContentType": "text/plain; charset=UTF-8"},
        "guaranteed": false,
    })
    .to_string()
}

pub(crate) fn check_topic(text: &str) -> Result<(), ApiError> {
    check(text, |policy| &policy["http"]["defaultHealthyRetryPolicy"])
}

pub(crate) fn check_subscription(text: &str) -> Result<(), ApiError> {
    check(text, |policy| &policy["healthyRetryPolicy"])
}

fn check(text: &str, part: impl Fn(&Value) -> &Value) -> Result<(), ApiError> {
    let refused = |reason: String| errors::invalid_because("DeliveryPolicy", reason);
    let policy: Value = serde_json::from_str(text).map_err(|_| refused("failed to parse JSON".to_owned()))?;
    if !policy.is_object() {
        return Err(refused("it must be a JSON object".to_owned()));
    }
    match part(&policy) {
        Value::Null => Ok(()),
        given @ Value::Object(_) => RetryPlan::parse(given).map(|_| ()).map_err(refused),
        _ => Err(refused("the retry policy must be a JSON object".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::{RetryPlan, http_plan};

    fn pauses(plan: RetryPlan, count: u32) -> Vec<Option<u128>> {
        (1..=count).map(|failed| plan.pause_after(failed).map(|pause| pause.as_millis())).collect()
    }

    #[test]
    fn phases_follow_each_other_and_end() {
        assert_eq!(pauses(RetryPlan::HTTP, 4), [Some(20_000), Some(20_000), Some(20_000), None]);
        let managed = pauses(RetryPlan::MANAGED, 17);
        assert_eq!(managed[..6], [Some(0), Some(0), Some(0), Some(1000), Some(1000), Some(1000)]);
        assert_eq!(managed[14..], [Some(20_000), Some(20_000), Some(20_000)]);
        assert!(managed[5..15].is_sorted(), "{managed:?}");
        assert_eq!(RetryPlan::MANAGED.pause_after(100_016), None);
        assert_eq!((1..).find(|failed| RetryPlan::MAIL.pause_after(*failed).is_none()), Some(51));
    }

    #[test]
    fn a_subscription_overrides_its_topic_unless_forbidden() {
        let own = r#"{"healthyRetryPolicy":{"numRetries":1,"minDelayTarget":5,"maxDelayTarget":5}}"#;
        let topic = |disabled: bool| {
            format!(
                r#"{{"http":{{"defaultHealthyRetryPolicy":{{"numRetries":2,"numNoDelayRetries":2}},"disableSubscriptionOverrides":{disabled}}}}}"#
            )
        };
        assert_eq!(pauses(http_plan(Some(own), Some(&topic(false))), 2), [Some(5000), None]);
        assert_eq!(pauses(http_plan(Some(own), Some(&topic(true))), 3), [Some(0), Some(0), None]);
        assert_eq!(pauses(http_plan(None, Some(&topic(false))), 3), [Some(0), Some(0), None]);
        assert_eq!(http_plan(Some("{}"), None), RetryPlan::HTTP);
    }
}
