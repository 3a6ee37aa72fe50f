//! OpenID Connect providers: whose word about web identities the account takes.

use identity::AccountId;
use serde::{Deserialize, Serialize};
use shapes::Timestamp;

use crate::tables::Tags;

/// A provider's row.
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
