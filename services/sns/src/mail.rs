//! Mail: through a server where one is configured, and otherwise into an inbox of the region.

use std::time::Duration;

use lettre::message::{Mailbox, header::ContentType};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::gateways::Gateways;
use crate::message::Publication;
use crate::subscription::{Protocol, Subscription, SubscriptionArn};
use crate::topic::{Topic, TopicArn};
use crate::{Sns, envelope};

const SENDER: &str = "no-reply@sns.amazonaws.com";
const SENDING_TIMEOUT: Duration = Duration::from_secs(30);

/// What SNS is told at start.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Without a mail server, mail stays in the region's inbox.
    pub smtp: Option<Smtp>,
    /// Where push notifications are sent; without it they stay in the inbox.
    pub push: Option<Gateways>,
}

/// A mail server.
#[derive(Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    /// Whom mail comes from: `Alerts <alerts@example.com>`.
    pub from: String,
    pub encryption: Encryption,
    /// User name and password.
    pub credentials: Option<(String, String)>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    None,
    /// TLS begins within the session (STARTTLS) and is required.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

impl std::fmt::Debug for Smtp {
    /// Leaves out the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Smtp({}:{} from {})", self.host, self.port, self.from)
    }
}

/// One mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub from: String,
    pub subject: String,
    pub body: String,
    pub time: Timestamp,
}

store::row!(Mail, 1);

impl Sns {
    pub(crate) fn notification_mail(
        &self,
        arn: &SubscriptionArn,
        topic: &Topic,
        subscription: &Subscription,
        publication: &Publication,
    ) -> Result<Mail, ApiError> {
        let endpoint = &self.cloud.settings().endpoint;
        let message = &publication.message;
        let body = match subscription.protocol {
            Protocol::EmailJson => {
                self.letterhead(topic)?.notification(arn, subscription.protocol, publication)?
            }
            _ => format!(
                "{}\n\n--\nTo stop mail from this topic, visit\n{}\n",
                message.body_for(subscription.protocol),
                envelope::unsubscribe_url(endpoint, arn)
            ),
        };
        Ok(Mail {
            to: subscription.endpoint.clone(),
            from: self.sender(topic),
            subject: message.subject.clone().unwrap_or_else(|| "AWS Notification Message".to_owned()),
            body,
            time: self.cloud.clock().now(),
        })
    }

    pub(crate) fn confirmation_mail(
        &self,
        arn: &TopicArn,
        topic: &Topic,
        subscription: &Subscription,
        token: &str,
        message_id: &str,
    ) -> Result<Mail, ApiError> {
        let endpoint = &self.cloud.settings().endpoint;
        let now = self.cloud.clock().now();
        let body = match subscription.protocol {
            Protocol::EmailJson => {
                self.letterhead(topic)?.subscription_confirmation(arn, token, message_id, now)?
            }
            _ => format!(
                "This address is to be subscribed to the topic\n{arn}\n\nTo confirm, visit\n{}\n\nIf nobody should \
                 have asked for this, do nothing.\n",
                envelope::subscribe_url(endpoint, arn, token)
            ),
        };
        Ok(Mail {
            to: subscription.endpoint.clone(),
            from: self.sender(topic),
            subject: "AWS Notification - Subscription Confirmation".to_owned(),
            body,
            time: now,
        })
    }

    fn sender(&self, topic: &Topic) -> String {
        match (&self.config.smtp, topic.attributes.get("DisplayName")) {
            (Some(smtp), _) => smtp.from.clone(),
            (None, Some(name)) => format!("{name} <{SENDER}>"),
            (None, None) => format!("AWS Notifications <{SENDER}>"),
        }
    }
}

/// Sends a mail through a server.
pub(crate) async fn send(smtp: &Smtp, mail: &Mail) -> Result<(), String> {
    let from: Mailbox = mail.from.parse().map_err(|error| format!("sender {}: {error}", mail.from))?;
    let to: Address = mail.to.parse().map_err(|error| format!("recipient {}: {error}", mail.to))?;
    let letter = lettre::Message::builder()
        .from(from)
        .to(Mailbox::new(None, to))
        .subject(mail.subject.clone())
        .header(ContentType::TEXT_PLAIN)
        .body(mail.body.clone())
        .map_err(|error| error.to_string())?;
    let builder = match smtp.encryption {
        Encryption::None => Ok(AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.host)),
        Encryption::StartTls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&smtp.host),
        Encryption::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(&smtp.host),
    };
    let mut builder =
        builder.map_err(|error| error.to_string())?.port(smtp.port).timeout(Some(SENDING_TIMEOUT));
    if let Some((user, password)) = &smtp.credentials {
        builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
    }
    builder.build().send(letter).await.map(|_| ()).map_err(|error| error.to_string())
}
