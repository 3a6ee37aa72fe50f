//! The public keys of identity providers, fetched from where their configuration says (OpenID Connect Discovery 1.0)
//! and kept for a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use outbound::Bounds;
use serde_json::Value;
use shapes::{ApiError, Timestamp};

use super::web_token::{PublicKey, WebToken, invalid};

/// Bounds of one request to a provider; keys take two of them.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), answer_bytes: 256 * 1024 };
/// Keys of one provider at most.
const MOST_KEYS: usize = 200;
/// Providers whose keys are kept at most; past it all are fetched anew.
const MOST_PROVIDERS: usize = 1000;
/// How long keys are taken without asking again.
const FRESH: Duration = Duration::from_secs(3600);
/// How long a provider is left alone when a token names a key that it did not have.
const PATIENCE: Duration = Duration::from_secs(10);

struct KeySet {
    keys: Vec<PublicKey>,
    fetched: Timestamp,
}

/// Keys of providers by their URL.
#[derive(Default)]
pub(crate) struct KeySets(Mutex<HashMap<String, Arc<KeySet>>>);

impl KeySets {
    fn kept(&self) -> MutexGuard<'_, HashMap<String, Arc<KeySet>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a token that the provider at `url` did not sign.
    pub(crate) async fn verify(
        &self,
        url: &str,
        token: &WebToken<'_>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let kept = self.kept().get(url).cloned();
        if let Some(set) = kept {
            let is_known =
                token.key_id().is_none_or(|id| set.keys.iter().any(|key| key.id.as_deref() == Some(id)));
            let age = now.millis().saturating_sub(set.fetched.millis()).unsigned_abs();
            let fits = |limit: Duration| u128::from(age) < limit.as_millis();
            if is_known && fits(FRESH) || fits(PATIENCE) {
                return check(&set.keys, token);
            }
        }
        let set = Arc::new(KeySet { keys: fetch(url).await?, fetched: now });
        {
            let mut kept = self.kept();
            if kept.len() >= MOST_PROVIDERS {
                kept.clear();
            }
            kept.insert(url.to_owned(), Arc::clone(&set));
        }
        check(&set.keys, token)
    }
}

fn check(keys: &[PublicKey], token: &WebToken<'_>) -> Result<(), ApiError> {
    if token.is_signed_by(keys) {
        return Ok(());
    }
    Err(invalid("Couldn't verify the token's signature with the keys of your identity provider"))
}

fn unreachable(reason: impl std::fmt::Display) -> ApiError {
    let message = format!(
        "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity \
         documentation for requirements: {reason}"
    );
    ApiError::sender("IDPCommunicationError", message)
}

async fn fetch(url: &str) -> Result<Vec<PublicKey>, ApiError> {
    let configuration =
        get(&format!("{}/.well-known/openid-configuration", url.trim_end_matches('/'))).await?;
    let place = configuration.get("jwks_uri").and_then(Value::as_str);
    let place = place.ok_or_else(|| unreachable("its configuration names no jwks_uri"))?;
    let set = get(place).await?;
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| unreachable("its key set has no keys"))?;
    Ok(keys.iter().filter_map(PublicKey::parse).take(MOST_KEYS).collect())
}

async fn get(url: &str) -> Result<Value, ApiError> {
    let request = http::Request::get(url).header("accept", "application/json").body(Bytes::new());
    let answer = outbound::send(request.map_err(unreachable)?, BOUNDS).await.map_err(unreachable)?;
    if !answer.status().is_success() {
        return Err(unreachable(format!("{url} answered {}", answer.status())));
    }
    serde_json::from_slice(answer.body()).map_err(unreachable)
}
