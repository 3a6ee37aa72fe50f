//! Calling API destinations: their rates, their connections' authorization, and tokens that are asked for once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud::{BoxFuture, Cloud, Ctx, Guard};
use serde_json::Value;
use shapes::{ApiError, Timestamp};
use targets::{
    ApiDestinations, Failure, Origin, Target, code, percent_encoded, request, send, with_path_values,
};

use crate::api_destination::{ApiDestination, place};
use crate::connection::{Authorization, Connection, Parameter, name_of, pairs};

/// Tokens and rates that are remembered; past it all are forgotten.
const KEPT: usize = 10_000;
/// A token that ends within this time is asked for anew.
const MARGIN: Duration = Duration::from_secs(30);
/// Of a token that does not say for how long it is good.
const TOKEN_TIME: Duration = Duration::from_secs(300);

pub(crate) struct Destinations {
    cloud: Cloud,
    /// When the next call of a destination may be made, in microseconds since the epoch.
    next: Mutex<HashMap<String, i64>>,
    /// Tokens by connection, and by when it was changed last.
    tokens: Mutex<HashMap<(String, Timestamp), Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    until: Timestamp,
}

impl Destinations {
    pub(crate) fn new(cloud: Cloud) -> Self {
        Self { cloud, next: Mutex::default(), tokens: Mutex::default() }
    }

    fn find(&self, arn: &str) -> Result<(ApiDestination, Connection, Ctx), Failure> {
        let missing = || Failure::permanent(code::NO_RESOURCE, format!("{arn} does not exist."));
        let (account, region, name) = place(arn).ok_or_else(missing)?;
        let ctx = self.cloud.background(crate::PRINCIPAL, arn, account, region);
        let mut snapshot = ctx.read().map_err(ApiError::from)?;
        let destination = ApiDestination::get(&mut snapshot, &name)?;
        let connection = Connection::get(&mut snapshot, &name_of(&destination.connection_arn)?)?;
        drop(snapshot);
        Ok((destination, connection, ctx))
    }

    async fn invoke(&self, target: &Target, payload: &str) -> Result<Bytes, Failure> {
        let (destination, connection, ctx) = self.find(&target.arn)?;
        if !connection.is_authorized {
            let message = format!("The connection {} is not authorized.", connection.name);
            return Err(Failure::permanent(code::NO_PERMISSIONS, message));
        }
        let authorization = connection.open(&self.cloud, &ctx).await?;
        let mut headers = target.http.headers.clone();
        // What a connection says goes before what a target says.
        headers.extend(pairs(&authorization.parameters.headers));
        let (name, value) = self.proof(&ctx, &connection, &authorization).await?;
        headers.insert(name, value);
        let mut query = target.http.query.clone();
        query.extend(pairs(&authorization.parameters.query));
        let url = with_query(with_path_values(&destination.endpoint, &target.http.path_values), &query);
        let body = with_members(payload, &authorization.parameters.body);
        send(request(&destination.method, &url, &headers, &body)?).await.inspect_err(|failure| {
            // A token that is not taken any more is asked for anew by the next attempt.
            if failure.message.contains("401") {
                self.tokens.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(&connection));
            }
        })
    }

    /// The header that proves who calls.
    async fn proof(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        authorization: &Authorization,
    ) -> Result<(String, String), Failure> {
        let own = "Authorization".to_owned();
        Ok(match connection.kind.as_str() {
            "BASIC" => {
                let pair = format!("{}:{}", authorization.username, authorization.password);
                (own, format!("Basic {}", STANDARD.encode(pair)))
            }
            "API_KEY" => (authorization.key_name.clone(), authorization.key_value.clone()),
            _ => (own, format!("Bearer {}", self.token(ctx, connection, authorization).await?)),
        })
    }

    /// The connection's token: the last one, while it is good (RFC 6749, "Client Credentials Grant").
    pub(crate) async fn token(
        &self,
        ctx: &Ctx,
        connection: &Connection,
        authorization: &Authorization,
    ) -> Result<String, Failure> {
        let key = key(connection);
        let known = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known.filter(|known| known.until > ctx.now()) {
            return Ok(known.text);
        }
        let token = ask(ctx, authorization).await?;
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= KEPT {
            tokens.clear();
        }
        tokens.insert(key, token.clone());
        Ok(token.text)
    }
}

fn key(connection: &Connection) -> (String, Timestamp) {
    (connection.id.clone(), connection.modified)
}

async fn ask(ctx: &Ctx, authorization: &Authorization) -> Result<Token, Failure> {
    let mut form = BTreeMap::from([
        ("grant_type".to_owned(), "client_credentials".to_owned()),
        ("client_id".to_owned(), authorization.client_id.clone()),
        ("client_secret".to_owned(), authorization.client_secret.clone()),
    ]);
    form.extend(pairs(&authorization.token_parameters.body));
    let mut headers = pairs(&authorization.token_parameters.headers);
    headers.insert("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let mut query = pairs(&authorization.token_parameters.query);
    let is_get = authorization.token_method == "GET";
    if is_get {
        query.append(&mut form);
    }
    let url = with_query(authorization.token_endpoint.clone(), &query);
    let answer = send(request(&authorization.token_method, &url, &headers, &encoded(&form))?).await?;
    let json: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let text = json.get("access_token").and_then(Value::as_str);
    let text = text.ok_or_else(|| {
        Failure::permanent(
            code::NO_PERMISSIONS,
            "The authorization endpoint answered without an access token.",
        )
    })?;
    let seconds = json.get("expires_in").and_then(Value::as_u64);
    let time = seconds.map_or(TOKEN_TIME, Duration::from_secs);
    Ok(Token { text: text.to_owned(), until: ctx.now() + time.saturating_sub(MARGIN) })
}

fn encoded(pairs: &BTreeMap<String, String>) -> String {
    let pairs =
        pairs.iter().map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn with_query(url: String, query: &BTreeMap<String, String>) -> String {
    match query.is_empty() {
        true => url,
        false => format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, encoded(query)),
    }
}

/// An object with more members; anything else stays as it is.
fn with_members(payload: &str, members: &[Parameter]) -> String {
    if members.is_empty() {
        return payload.to_owned();
    }
    match serde_json::from_str(payload) {
        Ok(Value::Object(mut object)) => {
            object.extend(members.iter().map(|member| (member.key.clone(), member.value.clone().into())));
            Value::Object(object).to_string()
        }
        _ => payload.to_owned(),
    }
}

impl ApiDestinations for Destinations {
    fn reserve(&self, ctx: &Ctx, destination_arn: &str) -> Timestamp {
        let now = ctx.now();
        let Ok((destination, ..)) = self.find(destination_arn) else { return now };
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        if next.len() >= KEPT {
            next.clear();
        }
        let at = next.entry(destination_arn.to_owned()).or_default();
        let reserved = (*at).max(now.millis() * 1000);
        *at = reserved + 1_000_000 / i64::from(destination.rate.max(1));
        Timestamp::from_millis(reserved.div_euclid(1000))
    }

    /// A role needs `events:InvokeApiDestination` (EventBridge User Guide, "API destinations as targets").
    fn call<'a>(
        &'a self,
        caller: &'a Ctx,
        _: &'a Origin,
        target: &'a Target,
        payload: &'a str,
    ) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(async move {
            if target.role_arn.is_some() {
                let guard = Guard::resource(target.arn.clone()).action("events:InvokeApiDestination");
                caller.authorize(&events_api::SERVICE, &guard)?;
            }
            self.invoke(target, payload).await
        })
    }
}
