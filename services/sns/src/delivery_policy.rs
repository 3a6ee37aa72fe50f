//! When a failed delivery is tried again (Developer Guide, "Amazon SNS message delivery retries" and "Creating an HTTP/S
//! delivery policy").

use std::time::Duration;

use serde_json::{Value, json};
use shapes::ApiError;

use crate::{errors, request_policy, throttle};

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

/// A part of an HTTP subscription's policy: its own, or the topic's. Policies were checked when they were set.
fn part(
    subscription: Option<&str>,
    topic: Option<&str>,
    (own_name, name_of_topic): (&str, &str),
) -> Option<Value> {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let topic = topic.and_then(read).map(|policy| policy["http"].clone());
    let overrides = topic.as_ref().is_none_or(|http| http["disableSubscriptionOverrides"] != true);
    let own = subscription.filter(|_| overrides).and_then(read).map(|policy| policy[own_name].clone());
    let of_topic = topic.map(|http| http[name_of_topic].clone());
    [own, of_topic].into_iter().flatten().find(Value::is_object)
}

/// The plan of an HTTP subscription: its own, or the topic's, or the usual one.
pub(crate) fn http_plan(subscription: Option<&str>, topic: Option<&str>) -> RetryPlan {
    let given = part(subscription, topic, ("healthyRetryPolicy", "defaultHealthyRetryPolicy"));
    given.and_then(|policy| RetryPlan::parse(&policy).ok()).unwrap_or(RetryPlan::HTTP)
}

/// How many messages an HTTP subscription gets in a second at most.
pub(crate) fn most_per_second(subscription: Option<&str>, topic: Option<&str>) -> Option<u32> {
    let given = part(subscription, topic, ("throttlePolicy", "defaultThrottlePolicy"))?;
    throttle::parse(&given).ok()?
}

/// The content type that an HTTP subscription gets.
pub(crate) fn content_type(subscription: Option<&str>, topic: Option<&str>) -> String {
    let given = part(subscription, topic, ("requestPolicy", "defaultRequestPolicy"));
    // The types for raw messages were checked when the policy was set.
    let kind = given.and_then(|policy| request_policy::parse(&policy, true).ok()?);
    kind.unwrap_or_else(|| request_policy::DEFAULT.to_owned())
}

/// `EffectiveDeliveryPolicy` of a topic.
pub(crate) fn effective_of_topic(topic: Option<&str>) -> String {
    let given = topic.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    json!({
        "http": {
            "defaultHealthyRetryPolicy": http_plan(None, topic).to_json(),
            "disableSubscriptionOverrides": given["http"]["disableSubscriptionOverrides"] == true,
            "defaultThrottlePolicy": throttle_json(None, topic),
            "defaultRequestPolicy": {"headerContentType": content_type(None, topic)},
        }
    })
    .to_string()
}

/// `EffectiveDeliveryPolicy` of an HTTP subscription.
pub(crate) fn effective_of_subscription(subscription: Option<&str>, topic: Option<&str>) -> String {
    json!({
        "healthyRetryPolicy": http_plan(subscription, topic).to_json(),
        "sicklyRetryPolicy": null,
        "throttlePolicy": throttle_json(subscription, topic),
        "requestPolicy": {"headerContentType": content_type(subscription, topic)},
        "guaranteed": false,
    })
    .to_string()
}

fn throttle_json(subscription: Option<&str>, topic: Option<&str>) -> Value {
    most_per_second(subscription, topic).map_or(Value::Null, |most| json!({ "maxReceivesPerSecond": most }))
}

pub(crate) fn check_topic(text: &str) -> Result<(), ApiError> {
    let names = ["defaultHealthyRetryPolicy", "defaultThrottlePolicy", "defaultRequestPolicy"];
    check(text, |policy| names.map(|name| policy["http"][name].clone()), false)
}

pub(crate) fn check_subscription(text: &str, is_raw: bool) -> Result<(), ApiError> {
    let names = ["healthyRetryPolicy", "throttlePolicy", "requestPolicy"];
    check(text, |policy| names.map(|name| policy[name].clone()), is_raw)
}

fn check(text: &str, parts: impl Fn(&Value) -> [Value; 3], is_raw: bool) -> Result<(), ApiError> {
    let refused = |reason: String| errors::invalid_because("DeliveryPolicy", reason);
    let policy: Value = serde_json::from_str(text).map_err(|_| refused("failed to parse JSON".to_owned()))?;
    if !policy.is_object() {
        return Err(refused("it must be a JSON object".to_owned()));
    }
    let [retries, throttle, request] = parts(&policy);
    throttle::parse(&throttle).map_err(refused)?;
    request_policy::parse(&request, is_raw).map_err(refused)?;
    match &retries {
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
