//! Subscriptions: who gets a topic's messages, and how.

use cloud::{Cloud, Ctx};
use identity::AccountId;
use shapes::{ApiError, Timestamp};
use store::{Reader, Tx};

use crate::push::EndpointArn;
use crate::topic::TopicArn;
use crate::{delivery_policy, errors, expiry, fifo, filter_policy, replay, tables, text_message};

/// The longest a confirmation's token is good for (API Reference, ConfirmSubscription).
pub(crate) const TOKEN_LIFE: std::time::Duration = std::time::Duration::from_secs(2 * 86_400);
/// A publish reaches all subscriptions in one transaction, so their number has a bound far below AWS's 12,500,000.
pub(crate) const MOST_PER_TOPIC: usize = 10_000;
const LONGEST_ENDPOINT: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Protocol {
    Sqs,
    Lambda,
    Http,
    Https,
    Email,
    EmailJson,
    Sms,
    /// A device's endpoint on a platform for push notifications.
    Application,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Subscription {
    pub id: String,
    pub topic: String,
    pub protocol: Protocol,
    pub endpoint: String,
    pub owner: AccountId,
    /// ARN of who subscribed.
    pub principal: String,
    pub created: Timestamp,
    /// While it waits to be confirmed.
    pub token: Option<String>,
    /// Whether an owner of the endpoint or a signed request confirmed it, so that a mere link must not end it.
    pub was_authenticated: bool,
    pub settings: Settings,
}

store::row!(Subscription, 1);

/// An entry of the index of endpoints.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct SubscriptionId(pub String);

store::row!(SubscriptionId, 1);

/// The attributes that subscribers set.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Settings {
    pub is_raw: bool,
    pub filter_policy: Option<String>,
    pub filters_body: bool,
    /// As it was set, and its target.
    pub redrive_policy: Option<String>,
    pub dead_letter_queue: Option<String>,
    pub delivery_policy: Option<String>,
}

impl Protocol {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "sqs" => Ok(Self::Sqs),
            "lambda" => Ok(Self::Lambda),
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            "email" => Ok(Self::Email),
            "email-json" => Ok(Self::EmailJson),
            "sms" => Ok(Self::Sms),
            "application" => Ok(Self::Application),
            "firehose" => Err(errors::is_not_here_yet("Subscriptions with the protocol firehose are")),
            other => {
                Err(errors::invalid(&format!("Amazon SNS does not support this protocol string: {other}")))
            }
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Http => "http",
            Self::Https => "https",
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sms => "sms",
            Self::Application => "application",
        }
    }

    pub(crate) fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    pub(crate) fn check_endpoint(self, endpoint: &str) -> Result<(), ApiError> {
        let is_arn_of = |service: &str| {
            identity::arn::split(endpoint)
                .is_some_and(|parts| parts.service == service && parts.account_id().is_some())
        };
        if endpoint.len() > LONGEST_ENDPOINT {
            return Err(errors::invalid_because("Endpoint", "it is too long"));
        }
        match self {
            Self::Sqs if is_arn_of("sqs") => Ok(()),
            Self::Sqs => Err(errors::invalid("SQS endpoint ARN")),
            Self::Sms if text_message::is_phone_number(endpoint) => Ok(()),
            Self::Sms => Err(errors::invalid(&format!("Invalid SMS endpoint: {endpoint}"))),
            Self::Application => EndpointArn::parse("Endpoint", endpoint).map(|_| ()),
            Self::Lambda if is_arn_of("lambda") && endpoint.contains(":function:") => Ok(()),
            Self::Lambda => Err(errors::invalid("Lambda endpoint ARN")),
            Self::Http | Self::Https => {
                let scheme = endpoint.split_once("://").map(|(scheme, _)| scheme);
                if scheme != Some(self.as_str()) {
                    return Err(errors::invalid("Endpoint must match the specified protocol"));
                }
                let uri: Option<http::Uri> = endpoint.parse().ok();
                match uri.as_ref().and_then(http::Uri::host) {
                    Some(host) if !host.is_empty() => Ok(()),
                    _ => Err(errors::invalid_because("Endpoint", "it is not a URL")),
                }
            }
            Self::Email | Self::EmailJson => match endpoint.split_once('@') {
                Some((name, domain))
                    if !name.is_empty()
                        && !domain.is_empty()
                        && !endpoint.contains(|c: char| c.is_whitespace() || c.is_control()) =>
                {
                    Ok(())
                }
                _ => Err(errors::invalid("Email address")),
            },
        }
    }
}

impl Settings {
    pub(crate) fn set(&mut self, protocol: Protocol, name: &str, value: &str) -> Result<(), ApiError> {
        let text = (!value.is_empty()).then(|| value.to_owned());
        match name {
            "RawMessageDelivery" => {
                self.is_raw = match value.to_ascii_lowercase().as_str() {
                    "true" if protocol == Protocol::Sqs || protocol.is_http() => true,
                    "true" => {
                        let reason = format!(
                            "Delivery protocol [{}] does not support raw message delivery.",
                            protocol.as_str()
                        );
                        return Err(errors::invalid_because("Attributes", reason));
                    }
                    "false" => false,
                    _ => {
                        return Err(errors::invalid_because(
                            "RawMessageDelivery",
                            "Invalid value. Must be true or false.",
                        ));
                    }
                };
            }
            "FilterPolicy" => {
                // An empty object takes the policy back.
                self.filter_policy = text.filter(|text| text.trim() != "{}");
            }
            "FilterPolicyScope" => {
                self.filters_body = match value {
                    "MessageBody" => true,
                    "MessageAttributes" => false,
                    _ => {
                        let reason = "Invalid value. Please use either MessageBody or MessageAttributes";
                        return Err(errors::invalid_because("FilterPolicyScope", reason));
                    }
                };
            }
            "RedrivePolicy" => {
                self.dead_letter_queue = text.as_deref().map(dead_letter_queue).transpose()?;
                self.redrive_policy = text;
            }
            "DeliveryPolicy" => {
                self.delivery_policy = text;
            }
            "SubscriptionRoleArn" => {
                return Err(errors::is_not_here_yet(&format!("The subscription attribute {name} is")));
            }
            _ => return Err(errors::invalid("AttributeName")),
        }
        Ok(())
    }

    /// What can only be told once all attributes are set.
    pub(crate) fn check(&self, topic: &TopicArn, endpoint: &str) -> Result<(), ApiError> {
        if let Some(queue) = &self.dead_letter_queue {
            let is_fifo = fifo::is_fifo(queue);
            if is_fifo && !fifo::is_fifo(&topic.name) {
                return Err(errors::invalid(
                    "RedrivePolicy: must use a standard queue as DLQ for a standard topic",
                ));
            }
            if !is_fifo && fifo::is_fifo(&topic.name) && fifo::is_fifo(endpoint) {
                return Err(errors::invalid("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO topic"));
            }
        }
        if let Some(policy) = &self.delivery_policy {
            delivery_policy::check_subscription(policy, self.is_raw)?;
        }
        match &self.filter_policy {
            Some(policy) => filter_policy::check(policy, self.filters_body),
            None => Ok(()),
        }
    }
}

fn dead_letter_queue(policy: &str) -> Result<String, ApiError> {
    let invalid = |reason: &str| errors::invalid(&format!("RedrivePolicy: {reason}"));
    let policy: serde_json::Value =
        serde_json::from_str(policy).map_err(|_| invalid("failed to parse JSON."))?;
    let arn =
        policy["deadLetterTargetArn"].as_str().ok_or_else(|| invalid("deadLetterTargetArn is missing"))?;
    Protocol::Sqs.check_endpoint(arn).map_err(|_| invalid("deadLetterTargetArn is an invalid arn"))?;
    Ok(arn.to_owned())
}

impl Subscription {
    pub(crate) fn key(&self) -> (String, String) {
        (self.topic.clone(), self.id.clone())
    }

    pub(crate) fn endpoint_key(&self) -> (String, String, String) {
        (self.topic.clone(), self.protocol.as_str().to_owned(), self.endpoint.clone())
    }

    pub(crate) fn is_confirmed(&self) -> bool {
        self.token.is_none()
    }

    pub(crate) fn put(&self, tx: &mut Tx<'_>) {
        tables::SUBSCRIPTIONS.put(tx, &self.key(), self);
    }

    pub(crate) fn delete(&self, tx: &mut Tx<'_>) {
        tables::SUBSCRIPTIONS.delete(tx, &self.key());
        replay::forget(tx, self);
        tables::ENDPOINTS.delete(tx, &self.endpoint_key());
    }

    /// The endpoint as it is shown: without the password of a URL.
    pub(crate) fn shown_endpoint(&self) -> String {
        let shown = || {
            let (scheme, rest) = self.endpoint.split_once("://")?;
            let authority = rest.split(['/', '?']).next().unwrap_or(rest);
            let (login, _) = authority.rsplit_once('@')?;
            let (user, _) = login.split_once(':')?;
            Some(format!("{scheme}://{user}:****{}", &rest[login.len()..]))
        };
        shown().filter(|_| self.protocol.is_http()).unwrap_or_else(|| self.endpoint.clone())
    }
}

/// The ARN of a subscription, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SubscriptionArn {
    pub topic: TopicArn,
    pub id: String,
}

impl SubscriptionArn {
    pub(crate) fn parse(text: &str) -> Result<Self, ApiError> {
        let invalid = || errors::invalid_arn("SubscriptionArn", text);
        let (topic, id) = text.rsplit_once(':').ok_or_else(invalid)?;
        let topic = TopicArn::parse_parameter("SubscriptionArn", topic).map_err(|_| invalid())?;
        Ok(Self { topic, id: id.to_owned() })
    }

    pub(crate) fn find(&self, reader: &mut dyn Reader) -> Result<Subscription, ApiError> {
        let key = (self.topic.name.clone(), self.id.clone());
        tables::SUBSCRIPTIONS.find(reader, &key)?.ok_or_else(errors::subscription_does_not_exist)
    }
}

impl std::fmt::Display for SubscriptionArn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.topic, self.id)
    }
}

/// Random, and ending in the subscription's id, by which it is found again.
pub(crate) fn new_token(ctx: &Ctx, id: &str) -> String {
    format!("{}{}", ctx.ids().hex(96), id.replace('-', ""))
}

/// The id in a token.
fn id_in(token: &str) -> Option<String> {
    let digits = token.get(token.len().checked_sub(32)?..)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
    Some(format!("{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..]))
}

/// Confirms the subscription that a token was made for. One that is confirmed already stays so.
pub(crate) fn confirm(
    tx: &mut Tx<'_>,
    cloud: &Cloud,
    topic: &TopicArn,
    token: &str,
    is_authenticated: bool,
) -> Result<SubscriptionArn, ApiError> {
    topic.find(tx)?;
    let arn = SubscriptionArn { topic: topic.clone(), id: id_in(token).ok_or_else(errors::invalid_token)? };
    let Some(mut subscription) = tables::SUBSCRIPTIONS.find(tx, &(topic.name.clone(), arn.id.clone()))?
    else {
        let mut restored = expiry::restore(tx, cloud, &arn, token)?.ok_or_else(errors::invalid_token)?;
        restored.was_authenticated = is_authenticated;
        restored.put(tx);
        return Ok(arn);
    };
    let Some(expected) = &subscription.token else { return Ok(arn) };
    if expected != token || subscription.created + TOKEN_LIFE <= cloud.clock().now() {
        return Err(errors::invalid_token());
    }
    subscription.token = None;
    subscription.was_authenticated = is_authenticated;
    subscription.put(tx);
    replay::begin(cloud, tx, &arn)?;
    Ok(arn)
}

#[cfg(test)]
mod tests {
    use super::{Protocol, Settings};

    #[test]
    fn endpoints_fit_their_protocols() {
        let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
        for (protocol, endpoint, is_valid) in [
            ("sqs", arn, true),
            ("sqs", "http://example.com", false),
            ("lambda", arn, false),
            ("lambda", "arn:aws:lambda:us-east-1:000000000000:function:f", true),
            ("http", "http://user:pw@localhost:8080/x?y=1", true),
            ("http", "https://example.com", false),
            ("https", "https://", false),
            ("email", "a@b.example", true),
            ("email", "a b@c", false),
            ("email-json", "nobody", false),
            ("sms", "+14155550100", true),
            ("sms", "555", false),
            ("application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/shop/1", true),
            ("application", "arn:aws:sns:us-east-1:000000000000:app/GCM/shop", false),
        ] {
            let checked = Protocol::parse(protocol).and_then(|protocol| protocol.check_endpoint(endpoint));
            assert_eq!(checked.is_ok(), is_valid, "{protocol} {endpoint}");
        }
        assert_eq!(Protocol::parse("firehose").unwrap_err().status(), 501);
    }

    #[test]
    fn redrive_policies_name_a_queue() {
        let mut settings = Settings::default();
        for bad in ["x", "{}", r#"{"deadLetterTargetArn":"x"}"#] {
            assert!(settings.set(Protocol::Sqs, "RedrivePolicy", bad).is_err(), "{bad}");
        }
        let arn = "arn:aws:sqs:us-east-1:000000000000:dead";
        let policy = format!(r#"{{"deadLetterTargetArn":"{arn}"}}"#);
        settings.set(Protocol::Sqs, "RedrivePolicy", &policy).unwrap();
        assert_eq!(settings.dead_letter_queue.as_deref(), Some(arn));
        assert!(settings.set(Protocol::Email, "RawMessageDelivery", "true").is_err());
    }
}
