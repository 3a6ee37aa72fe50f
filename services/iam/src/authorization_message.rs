//! Authorization messages: what a denied caller may have explained by DecodeAuthorizationMessage, and nobody else may
//! read. Sealed with AES-256-GCM under a random key of the region's own, and bound to the account.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cloud::{Cloud, Denial};
use identity::AccountId;
use identity::policy::{Effect, Reason};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde_json::{Value, json};
use shapes::ApiError;
use store::Scope;

use crate::tables::{MESSAGE_KEYS, MessageKey};

/// A region has one key, under this.
const OWN: String = String::new();

/// Makes the region's key if there is none yet, in the background.
pub(crate) fn ensure_key(cloud: &Cloud) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let cloud = cloud.clone();
    runtime.spawn(async move {
        let key = MessageKey(cloud.ids().bytes());
        let made = cloud
            .store()
            .write(&Scope::global(), move |tx| {
                if !MESSAGE_KEYS.contains(tx, &OWN)? {
                    MESSAGE_KEYS.put(tx, &OWN, &key);
                }
                Ok::<_, ApiError>(())
            })
            .await;
        if let Err(error) = made {
            tracing::warn!(%error, "the key for authorization messages could not be made");
        }
    });
}

fn key(cloud: &Cloud) -> Result<Option<LessSafeKey>, ApiError> {
    let mut rows = cloud.store().read(&Scope::global())?;
    let Some(MessageKey(bytes)) = MESSAGE_KEYS.find(&mut rows, &OWN)? else { return Ok(None) };
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| unusable())?;
    Ok(Some(LessSafeKey::new(key)))
}

fn unusable() -> ApiError {
    ApiError::internal("the key for authorization messages cannot be used")
}

/// A sealed account of a denial; nothing while the region has no key yet.
pub(crate) fn seal(
    cloud: &Cloud,
    account: AccountId,
    denial: &Denial<'_>,
) -> Result<Option<String>, ApiError> {
    let Some(key) = key(cloud)? else { return Ok(None) };
    let nonce: [u8; NONCE_LEN] = cloud.ids().bytes();
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(explained(denial).to_string().as_bytes());
    let account = account.digits();
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(account.as_str().as_bytes()),
            &mut sealed[NONCE_LEN..],
        )
        .map_err(|_| unusable())?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(Some(URL_SAFE_NO_PAD.encode(sealed)))
}

/// The account of a denial that was sealed for the same AWS account; nothing when it was not.
pub(crate) fn open(cloud: &Cloud, account: AccountId, message: &str) -> Result<Option<String>, ApiError> {
    let Some(key) = key(cloud)? else { return Ok(None) };
    let Ok(mut sealed) = URL_SAFE_NO_PAD.decode(message) else { return Ok(None) };
    let Some((nonce, body)) = sealed.split_first_chunk_mut::<NONCE_LEN>() else { return Ok(None) };
    let account = account.digits();
    let aad = Aad::from(account.as_str().as_bytes());
    let Ok(text) = key.open_in_place(Nonce::assume_unique_for_key(*nonce), aad, body) else {
        return Ok(None);
    };
    Ok(String::from_utf8(text.to_vec()).ok())
}

fn items(values: impl IntoIterator<Item = Value>) -> Value {
    json!({ "items": values.into_iter().collect::<Vec<_>>() })
}

/// The document that DecodeAuthorizationMessage's page in the STS API Reference lists the parts of.
fn explained(denial: &Denial<'_>) -> Value {
    let value = |text: &str| json!({ "value": text });
    let statement = match denial.decision.reason {
        Reason::ExplicitDeny { statement, .. } | Reason::AllowedBy { statement, .. } => Some(statement),
        Reason::ImplicitDeny { .. } | Reason::Root => None,
    };
    let matched = statement.map(|found| {
        let is_deny = found.statement().is_some_and(|statement| statement.effect == Effect::Deny);
        json!({
            "statementId": found.statement().and_then(|statement| statement.sid.as_deref()).unwrap_or_default(),
            "effect": if is_deny { "DENY" } else { "ALLOW" },
            "sourcePolicyId": found.policy.name,
            "principals": items([value(&denial.principal.userid())]),
            "principalGroups": items([]),
            "actions": items([value(denial.action)]),
            "resources": items([value(denial.decision.resource)]),
            "conditions": items([]),
        })
    });
    let name = denial.principal.arn();
    let name = name.rsplit('/').next().unwrap_or_default();
    let conditions = denial
        .context
        .iter()
        .map(|(key, values)| json!({ "key": key, "values": items(values.iter().map(|text| value(text))) }));
    json!({
        "allowed": denial.decision.allowed,
        "explicitDeny": matches!(denial.decision.reason, Reason::ExplicitDeny { .. }),
        "matchedStatements": items(matched),
        "failures": items([]),
        "context": {
            "principal": { "id": denial.principal.userid(), "name": name, "arn": denial.principal.arn() },
            "action": denial.action,
            "resource": denial.decision.resource,
            "conditions": items(conditions),
        },
    })
}
