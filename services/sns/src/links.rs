//! What recipients reach without a signature: the links in confirmations and notifications, and the inbox.

use std::net::IpAddr;

use bytes::Bytes;
use cloud::{BoxFuture, HttpEndpoint, tenant};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, Request, Response};
use identity::AccountId;
use serde_json::{Value, json};
use shapes::ApiError;

use crate::ops::unsubscribe;
use crate::signature::Signer;
use crate::subscription::{SubscriptionArn, confirm};
use crate::topic::TopicArn;
use crate::{Inbox, Mail, PRINCIPAL, Push, Sns, TextMessage, text_message};

const MAIL_PATH: &str = "/_brume/mail";
/// Shows text messages, and takes the answers to them.
const TEXTS_PATH: &str = "/_brume/sms";
const PUSHES_PATH: &str = "/_brume/push";
/// Items in one answer.
const MOST_ITEMS: usize = 1_000;

pub(crate) struct Links {
    pub(crate) sns: Sns,
}

impl HttpEndpoint for Links {
    fn claims(&self, head: &Parts) -> bool {
        if head.method == Method::POST {
            return head.uri.path() == TEXTS_PATH;
        }
        if head.method != Method::GET {
            return false;
        }
        // A signed request for the same is SNS's own operation.
        let query = head.uri.query().unwrap_or_default();
        let is_signed = head.headers.contains_key(AUTHORIZATION) || query.contains("X-Amz-Signature=");
        let is_link = head.uri.path() == "/"
            && matches!(value(query, "Action").as_deref(), Some("ConfirmSubscription" | "Unsubscribe"));
        let path = head.uri.path();
        matches!(path, MAIL_PATH | TEXTS_PATH | PUSHES_PATH)
            || Signer::is_certificate_path(path)
            || (is_link && !is_signed)
    }

    fn serve<'a>(
        &'a self,
        request: Request<Bytes>,
        peer: Option<IpAddr>,
        request_id: &'a str,
    ) -> BoxFuture<'a, Response<Bytes>> {
        Box::pin(async move {
            let query = request.uri().query().unwrap_or_default();
            if matches!(request.uri().path(), MAIL_PATH | TEXTS_PATH | PUSHES_PATH) {
                // Mail confirms subscriptions, so a region that others reach shows it to its own host alone.
                let is_local = peer.is_none_or(|peer| peer.is_loopback());
                if self.sns.cloud.settings().is_strict && !is_local {
                    let refusal = json!({"message": "inboxes are shown to this host only"});
                    return answer(403, "application/json", refusal.to_string());
                }
                if !cloud::is_own_page(request.method(), request.uri(), request.headers()) {
                    let refusal = json!({"message": "inboxes are shown to no pages of others"});
                    return answer(403, "application/json", refusal.to_string());
                }
                let shown = match *request.method() {
                    Method::POST => self.answer_text(query, request.body()).await,
                    _ => self.inbox(request.uri().path(), query),
                };
                return match shown {
                    Ok(shown) => answer(200, "application/json", shown.to_string()),
                    Err(error) => {
                        let refusal = json!({"message": error.message()});
                        answer(error.status(), "application/json", refusal.to_string())
                    }
                };
            }
            if Signer::is_certificate_path(request.uri().path()) {
                return self.certificate(request.uri().path());
            }
            match self.follow(query).await {
                Ok((action, result)) => answer(200, "text/xml", success(action, &result, request_id)),
                Err(error) => answer(error.status(), "text/xml", failure(&error, request_id)),
            }
        })
    }
}

impl Links {
    /// The action of a link, and the XML of its result.
    async fn follow(&self, query: &str) -> Result<(&'static str, String), ApiError> {
        let required = |name: &str| {
            value(query, name)
                .ok_or_else(|| crate::errors::invalid_because(name, "no value for required parameter"))
        };
        let store = self.sns.cloud.store();
        if value(query, "Action").as_deref() == Some("Unsubscribe") {
            let arn = SubscriptionArn::parse(&required("SubscriptionArn")?)?;
            let TopicArn { account, region, .. } = arn.topic;
            let ctx = self.sns.cloud.background(PRINCIPAL, &arn.topic.to_string(), account, region);
            store.write(&arn.topic.scope(), move |tx| unsubscribe::by_link(&ctx, tx, &arn)).await?;
            return Ok(("Unsubscribe", String::new()));
        }
        let topic = TopicArn::parse(&required("TopicArn")?)?;
        let token = required("Token")?;
        let cloud = self.sns.cloud.clone();
        let arn = store.write(&topic.scope(), move |tx| confirm(tx, &cloud, &topic, &token, false)).await?;
        Ok(("ConfirmSubscription", format!("<SubscriptionArn>{arn}</SubscriptionArn>")))
    }

    /// The certificate that the region's messages are verified with.
    fn certificate(&self, path: &str) -> Response<Bytes> {
        match self.sns.signer.certificate(self.sns.cloud.store(), path) {
            Ok(Some(pem)) => answer(200, "application/x-pem-file", pem),
            Ok(None) => answer(404, "text/plain", "There is no such certificate.".to_owned()),
            Err(error) => answer(500, "text/plain", error.message().to_owned()),
        }
    }

    fn inbox(&self, path: &str, query: &str) -> Result<Value, ApiError> {
        let account = value(query, "account").and_then(|digits| AccountId::parse(&digits));
        let inbox = Inbox::new(self.sns.cloud.store().clone());
        match path {
            TEXTS_PATH => {
                let show = |text: TextMessage| {
                    json!({
                        "id": text.id, "to": text.to, "sender": text.sender, "kind": text.kind,
                        "body": text.body, "time": text.time.iso8601_millis(),
                    })
                };
                let texts = inbox.text_messages(account, MOST_ITEMS)?;
                Ok(json!({ "messages": texts.into_iter().map(show).collect::<Vec<_>>() }))
            }
            PUSHES_PATH => {
                let show = |push: Push| {
                    json!({
                        "id": push.id, "endpoint": push.endpoint, "token": push.token,
                        "subject": push.subject, "body": push.body, "time": push.time.iso8601_millis(),
                    })
                };
                let pushes = inbox.pushes(account, MOST_ITEMS)?;
                Ok(json!({ "notifications": pushes.into_iter().map(show).collect::<Vec<_>>() }))
            }
            _ => {
                let show = |mail: Mail| {
                    json!({
                        "to": mail.to, "from": mail.from, "subject": mail.subject,
                        "body": mail.body, "time": mail.time.iso8601_millis(),
                    })
                };
                let mails = inbox.latest(account, MOST_ITEMS)?;
                Ok(json!({ "mails": mails.into_iter().map(show).collect::<Vec<_>>() }))
            }
        }
    }

    /// Takes `{"from": "+14155550100", "body": "STOP"}`: what the owner of a phone answers.
    async fn answer_text(&self, query: &str, body: &Bytes) -> Result<Value, ApiError> {
        let given: Value = serde_json::from_slice(body).unwrap_or_default();
        let (Some(from), Some(text)) = (given["from"].as_str(), given["body"].as_str()) else {
            return Err(crate::errors::invalid("an answer is JSON with the members from and body"));
        };
        let account = value(query, "account").and_then(|digits| AccountId::parse(&digits));
        let cloud = &self.sns.cloud;
        let scope = tenant(account.unwrap_or(AccountId::DEFAULT), cloud.settings().default_region);
        let (from, text) = (from.to_owned(), text.to_owned());
        cloud.store().write(&scope, move |tx| text_message::answer(tx, &from, &text)).await?;
        Ok(json!({}))
    }
}

/// A parameter of a query string, decoded.
fn value(query: &str, name: &str) -> Option<String> {
    let pair = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    let mut out = Vec::with_capacity(pair.len());
    let mut bytes = pair.as_bytes();
    while let [first, rest @ ..] = bytes {
        let hex = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                bytes = &rest[2..];
            }
            (byte, _) => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                bytes = rest;
            }
        }
    }
    String::from_utf8(out).ok()
}

fn success(action: &str, result: &str, request_id: &str) -> String {
    format!(
        "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">{}<ResponseMetadata><RequestId>\
         {request_id}</RequestId></ResponseMetadata></{action}Response>",
        if result.is_empty() { String::new() } else { format!("<{action}Result>{result}</{action}Result>") }
    )
}

fn failure(error: &ApiError, request_id: &str) -> String {
    let kind = if error.status() >= 500 { "Receiver" } else { "Sender" };
    let message = error.message().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{kind}</Type><Code>{}</Code>\
         <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code()
    )
}

fn answer(status: u16, content_type: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}
