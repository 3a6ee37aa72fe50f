//! Push notifications on their way to devices: through Google's and Apple's services, with the applications' own keys
//! (Developer Guide, "Sending mobile push notifications with Amazon SNS").
//!
//! A region that was not told of gateways sends nothing; notifications are in the inbox then, as they are in any case.

mod apns;
mod fcm;
mod web_token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clock::{Job, JobKind, JobOutcome, Jobs, NewJob, RetryPolicy};
use cloud::{Cloud, Ctx, RootKey};
use outbound::Bounds;
use serde::{Deserialize, Serialize};
use shapes::ApiError;
use store::{Row, Scope, Tx};
use tracing::warn;

use crate::delivery_policy::RetryPlan;
use crate::message::{AttributeContent, Message};
use crate::push::{Application, ApplicationArn, EndpointArn};
use crate::{Sns, tables};

pub(crate) use web_token::Tokens;

const KIND: &str = "sns/push";
/// Notifications on their way at once.
const CONCURRENCY: usize = 32;
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(15), answer_bytes: 64 * 1024 };

/// Where the platforms' services are: `https://api.push.apple.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateways {
    pub fcm: String,
    pub apns: String,
    pub apns_sandbox: String,
}

impl Gateways {
    /// Google's and Apple's.
    pub fn real() -> Self {
        Self {
            fcm: "https://fcm.googleapis.com".to_owned(),
            apns: "https://api.push.apple.com".to_owned(),
            apns_sandbox: "https://api.sandbox.push.apple.com".to_owned(),
        }
    }

    /// One that stands for all of them.
    pub fn at(url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { fcm: url.clone(), apns: url.clone(), apns_sandbox: url }
    }
}

/// An application's secrets, sealed under the region's root key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedSecrets(Vec<u8>);

store::row!(SealedSecrets, 1);

/// What an application proves itself with, as CreatePlatformApplication takes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// PlatformPrincipal: the id of Apple's signing key.
    pub principal: Option<String>,
    /// PlatformCredential: Apple's signing key in PEM, or the JSON of a service account of Google.
    pub credential: Option<String>,
}

impl Secrets {
    /// Takes over what is given; what is not stays.
    pub(crate) fn change(
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        arn: &ApplicationArn,
        given: &BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let (principal, credential) = (given.get("PlatformPrincipal"), given.get("PlatformCredential"));
        if principal.is_none() && credential.is_none() {
            return Ok(());
        }
        let key = tx.with_scope(&Scope::global(), |tx| RootKey::ensure(tx, ctx.ids().bytes()))?;
        let key = key.derive("sns/platform-application")?;
        let bound = arn.to_string();
        let known = tables::APPLICATION_SECRETS.find(tx, &arn.path)?;
        let known = known.and_then(|sealed| key.open(bound.as_bytes(), &sealed.0));
        let mut secrets: Self = known.and_then(|open| serde_json::from_slice(&open).ok()).unwrap_or_default();
        secrets.principal = principal.cloned().or(secrets.principal);
        secrets.credential = credential.cloned().or(secrets.credential);
        let open = serde_json::to_vec(&secrets).map_err(ApiError::internal)?;
        let sealed = SealedSecrets(key.seal(ctx.ids(), bound.as_bytes(), &open)?);
        tables::APPLICATION_SECRETS.put(tx, &arn.path, &sealed);
        Ok(())
    }

    async fn open(cloud: &Cloud, arn: &ApplicationArn) -> Result<Self, ApiError> {
        let key = cloud.root_key().await?.derive("sns/platform-application")?;
        let sealed = tables::APPLICATION_SECRETS.find(&mut cloud.store().read(&arn.scope())?, &arn.path)?;
        let Some(sealed) = sealed else { return Ok(Self::default()) };
        let open = key.open(arn.to_string().as_bytes(), &sealed.0);
        let open = open.ok_or_else(|| ApiError::internal("an application's secrets cannot be opened"))?;
        serde_json::from_slice(&open).map_err(ApiError::internal)
    }
}

/// A job's payload: one notification to one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notification {
    /// ARN of the device's endpoint.
    endpoint: String,
    message_id: String,
    subject: Option<String>,
    body: String,
    /// Text attributes that begin with `AWS.SNS.MOBILE.`, by the rest of their names.
    mobile: BTreeMap<String, String>,
}

store::row!(Notification, 1);

/// Why a platform did not take a notification.
#[derive(Debug, PartialEq, Eq)]
enum Refusal {
    /// Trying again may help.
    Passing(String),
    /// It does not: the application's keys or the notification are at fault.
    Lasting(String),
    /// The device does not have the application any more.
    Gone(String),
}

/// Adds the job that sends a notification, where the region sends any.
pub(crate) fn add(sns: &Sns, ctx: &Ctx, tx: &mut Tx<'_>, arn: &EndpointArn, message: &Message, body: &str) {
    if sns.config.push.is_none()
        || !matches!(
            arn.application.platform(),
            "GCM" | "APNS" | "APNS_SANDBOX" | "APNS_VOIP" | "APNS_VOIP_SANDBOX" | "MACOS" | "MACOS_SANDBOX"
        )
    {
        return;
    }
    let mobile = message.attributes.iter().filter_map(|(name, attribute)| match &attribute.value {
        AttributeContent::Text(text) => {
            Some((name.strip_prefix("AWS.SNS.MOBILE.")?.to_owned(), text.clone()))
        }
        AttributeContent::Binary(_) => None,
    });
    let notification = Notification {
        endpoint: arn.to_string(),
        message_id: message.id.clone(),
        subject: message.subject.clone(),
        body: body.to_owned(),
        mobile: mobile.collect(),
    };
    let mut payload = Vec::new();
    notification.encode(&mut payload);
    let job = NewJob { kind: KIND, subject: arn.to_string(), payload, due: ctx.now() };
    Jobs::add(tx, ctx.now(), ctx.ids().number(), job);
}

pub(crate) fn kind(sns: Arc<Sns>) -> JobKind {
    JobKind {
        name: KIND,
        // Attempts follow the plan for endpoints that others manage; this one is for faults of ours.
        retry: RetryPolicy::UNTIL_DONE,
        concurrency: CONCURRENCY,
        handler: Arc::new(move |_, job| {
            let sns = Arc::clone(&sns);
            Box::pin(async move { run(&sns, job).await })
        }),
        given_up: None,
    }
}

async fn run(sns: &Sns, job: Job) -> JobOutcome {
    let Some((notification, arn)) = Notification::decode(&job.payload).ok().and_then(|notification| {
        let arn = EndpointArn::parse("Endpoint", &notification.endpoint).ok()?;
        Some((notification, arn))
    }) else {
        return JobOutcome::Done;
    };
    let (token, application) = match sns.device(&arn) {
        Ok(Some(found)) => found,
        Ok(None) => return JobOutcome::Done,
        Err(error) => return JobOutcome::Failed(error.to_string()),
    };
    let refusal = match sns.push(&arn, &application, &token, &notification).await {
        Ok(()) => return JobOutcome::Done,
        Err(refusal) => refusal,
    };
    let reason = match refusal {
        Refusal::Passing(reason) => match RetryPlan::MANAGED.pause_after(job.attempts.saturating_add(1)) {
            Some(pause) => return JobOutcome::FailedRetryAfter(pause, reason),
            None => reason,
        },
        Refusal::Lasting(reason) => reason,
        Refusal::Gone(reason) => match sns.disable(&arn).await {
            Ok(()) => reason,
            Err(error) => return JobOutcome::Failed(error.to_string()),
        },
    };
    warn!(endpoint = %arn, reason, "a push notification was given up");
    JobOutcome::Done
}

impl Sns {
    /// The device's token and its application; nothing when either is gone or the device is switched off.
    fn device(&self, arn: &EndpointArn) -> Result<Option<(String, Application)>, ApiError> {
        let mut snapshot = self.cloud.store().read(&arn.application.scope())?;
        let application = tables::APPLICATIONS.find(&mut snapshot, &arn.application.path)?;
        let endpoint = tables::PLATFORM_ENDPOINTS.find(&mut snapshot, &arn.key())?;
        let endpoint = endpoint.filter(crate::push::Endpoint::is_enabled);
        Ok(endpoint.map(|endpoint| endpoint.token()).zip(application))
    }

    async fn push(
        &self,
        arn: &EndpointArn,
        application: &Application,
        token: &str,
        notification: &Notification,
    ) -> Result<(), Refusal> {
        let Some(gateways) = &self.config.push else { return Ok(()) };
        let passing = |error: ApiError| Refusal::Passing(error.to_string());
        let secrets = Secrets::open(&self.cloud, &arn.application).await.map_err(passing)?;
        let now = self.cloud.clock().now();
        match arn.application.platform() {
            "GCM" => fcm::send(&gateways.fcm, &self.tokens, &secrets, token, notification, now).await,
            platform => {
                let url =
                    if platform.ends_with("_SANDBOX") { &gateways.apns_sandbox } else { &gateways.apns };
                let device = apns::Device { platform, token, attributes: &application.attributes };
                apns::send(url, &self.tokens, &secrets, &device, notification, now).await
            }
        }
    }

    /// Switches an endpoint off whose device is gone (Developer Guide, "Mobile push notification best practices").
    async fn disable(&self, arn: &EndpointArn) -> Result<(), ApiError> {
        let key = arn.key();
        let work = move |tx: &mut Tx<'_>| {
            if let Some(mut endpoint) = tables::PLATFORM_ENDPOINTS.find(tx, &key)? {
                endpoint.attributes.insert("Enabled".to_owned(), "false".to_owned());
                tables::PLATFORM_ENDPOINTS.put(tx, &key, &endpoint);
            }
            Ok(())
        };
        self.cloud.store().write(&arn.application.scope(), work).await
    }
}

/// What an answer with an error in JSON says.
fn told(status: u16, body: &Bytes) -> String {
    format!("HTTP {status}: {}", String::from_utf8_lossy(&body[..body.len().min(500)]))
}
