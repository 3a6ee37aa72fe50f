//! Identity providers: whose word about others' identities the account takes.

use identity::AccountId;
use identity::timestamp::parse_iso8601_millis;
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;
use crate::tables::Tags;

/// A row of a provider that speaks OpenID Connect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OidcProvider {
    /// With its scheme.
    pub url: String,
    pub client_ids: Vec<String>,
    pub thumbprints: Vec<String>,
    pub created: Timestamp,
    pub tags: Tags,
}

store::row!(OidcProvider, 1);

/// The URL without its scheme, which names a provider in ARNs and condition keys.
pub(crate) fn host_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
}

pub(crate) fn arn(account: AccountId, host: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/{host}")
}

/// The host of a provider's ARN.
pub(crate) fn parse_arn(arn: &str) -> Option<&str> {
    identity::arn::split(arn)?.resource.strip_prefix("oidc-provider/")
}

/// A row of a provider that speaks SAML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SamlProvider {
    pub name: String,
    pub id: String,
    pub metadata: String,
    pub created: Timestamp,
    pub encryption: Option<String>,
    /// Id, when it was added, and the key itself.
    pub private_keys: Vec<(String, Timestamp, String)>,
    pub tags: Tags,
}

store::row!(SamlProvider, 1);

pub(crate) const MOST_PRIVATE_KEYS: usize = 2;
/// Of ids of SAML providers and their keys.
pub(crate) const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// How long metadata hold that say nothing of it themselves: a hundred years.
const USUAL_MILLIS: i64 = 100 * 365 * 86_400_000;

impl SamlProvider {
    /// As the metadata say it in `validUntil`.
    pub(crate) fn valid_until(&self) -> Timestamp {
        let said = self.metadata.split_once("validUntil=\"").and_then(|(_, rest)| {
            let (text, _) = rest.split_once('"')?;
            parse_iso8601_millis(text)
        });
        Timestamp::from_millis(said.unwrap_or_else(|| self.created.millis() + USUAL_MILLIS))
    }
}

/// Refuses what is no description of an identity provider. Its keys are not looked at, since nobody asks it yet.
pub(crate) fn check_metadata(document: &str) -> Result<(), ApiError> {
    let document = document.trim();
    let is_metadata = document.starts_with('<')
        && document.ends_with('>')
        && ["EntityDescriptor", "IDPSSODescriptor", "entityID"].iter().all(|part| document.contains(part));
    if is_metadata { Ok(()) } else { Err(errors::invalid_input("Could not parse metadata")) }
}

pub(crate) fn saml_arn(account: AccountId, name: &str) -> String {
    format!("arn:aws:iam::{account}:saml-provider/{name}")
}

/// The name at the end of an ARN of the account's own.
pub(crate) fn saml_name(account: AccountId, arn: &str) -> Option<String> {
    let parts = identity::arn::split(arn).filter(|parts| parts.account_id() == Some(account))?;
    parts.resource.strip_prefix("saml-provider/").map(str::to_owned)
}
