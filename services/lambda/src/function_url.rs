//! URLs of functions: who has one, and who may call it (AWS Lambda Developer Guide, "Lambda function URLs").

use cloud::Ctx;
use identity::{AccountId, Region};
use lambda_api::{Cors as ApiCors, FunctionUrlConfig};
use serde::{Deserialize, Serialize};
use shapes::{ApiError, Timestamp};

use crate::errors;
use crate::function::{LATEST, Target, last_modified};

/// A URL's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionUrl {
    /// The first label of its host.
    pub id: String,
    /// Callers sign their requests; anybody may call where they need not.
    pub needs_signature: bool,
    pub cors: Option<Cors>,
    pub created: Timestamp,
    pub modified: Timestamp,
}

store::row!(FunctionUrl, 1);

/// Whose URL it is, by its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UrlOwner {
    account: AccountId,
    region: String,
    name: String,
    qualifier: Option<String>,
}

store::row!(UrlOwner, 1);

/// What web pages of other sites may do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cors {
    pub allow_credentials: bool,
    pub allow_headers: Vec<String>,
    pub allow_methods: Vec<String>,
    pub allow_origins: Vec<String>,
    pub expose_headers: Vec<String>,
    pub max_age_seconds: Option<i32>,
}

impl Cors {
    pub(crate) fn parse(given: ApiCors) -> Self {
        Self {
            allow_credentials: given.allow_credentials == Some(true),
            allow_headers: given.allow_headers.unwrap_or_default(),
            allow_methods: given.allow_methods.unwrap_or_default(),
            allow_origins: given.allow_origins.unwrap_or_default(),
            expose_headers: given.expose_headers.unwrap_or_default(),
            max_age_seconds: given.max_age,
        }
    }

    fn to_api(&self) -> ApiCors {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        ApiCors {
            allow_credentials: Some(self.allow_credentials),
            allow_headers: some(&self.allow_headers),
            allow_methods: some(&self.allow_methods),
            allow_origins: some(&self.allow_origins),
            expose_headers: some(&self.expose_headers),
            max_age: self.max_age_seconds,
        }
    }

    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.allow_origins.iter().any(|allowed| allowed == "*" || allowed == origin)
    }

    /// The headers of an answer to a page of `origin`; more of them when the page only asks what it may do.
    pub(crate) fn headers(&self, origin: &str, is_preflight: bool) -> Vec<(&'static str, String)> {
        let mut headers =
            vec![("access-control-allow-origin", origin.to_owned()), ("vary", "Origin".to_owned())];
        if self.allow_credentials {
            headers.push(("access-control-allow-credentials", "true".to_owned()));
        }
        if !self.expose_headers.is_empty() {
            headers.push(("access-control-expose-headers", self.expose_headers.join(",")));
        }
        if is_preflight {
            if !self.allow_methods.is_empty() {
                headers.push(("access-control-allow-methods", self.allow_methods.join(",")));
            }
            if !self.allow_headers.is_empty() {
                headers.push(("access-control-allow-headers", self.allow_headers.join(",")));
            }
            if let Some(seconds) = self.max_age_seconds {
                headers.push(("access-control-max-age", seconds.to_string()));
            }
        }
        headers
    }
}

impl UrlOwner {
    pub(crate) fn of(target: &Target) -> Self {
        Self {
            account: target.account,
            region: target.region.as_str().to_owned(),
            name: target.name.clone(),
            qualifier: target.qualifier.clone(),
        }
    }

    pub(crate) fn target(&self) -> Option<Target> {
        let region = Region::parse(&self.region)?;
        Some(Target {
            account: self.account,
            region,
            name: self.name.clone(),
            qualifier: self.qualifier.clone(),
        })
    }
}

/// The function that a request means: itself or one of its aliases, as versions have no URLs.
pub(crate) fn parse_target(ctx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<Target, ApiError> {
    let target = Target::parse(ctx, name, qualifier)?;
    match target.qualifier.as_deref() {
        Some(LATEST) => {
            Err(errors::invalid("A function URL is a function's or an alias's: leave out $LATEST"))
        }
        Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => Err(errors::invalid(format!(
            "A function URL is a function's or an alias's, and {number} is a version"
        ))),
        _ => Ok(target),
    }
}

/// Under which qualifier a target's URL is kept.
pub(crate) fn key(target: &Target) -> (String, String) {
    (target.name.clone(), target.qualifier.clone().unwrap_or_default())
}

/// `http://{id}.lambda-url.us-east-1.localhost:4566/`: names below localhost are this machine.
pub(crate) fn url(endpoint: &str, id: &str, region: Region) -> String {
    let (scheme, authority) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
        _ => (authority, None),
    };
    let is_address = host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok();
    let host = if is_address { "localhost" } else { host };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}://{id}.lambda-url.{region}.{host}{port}/")
}

impl FunctionUrl {
    pub(crate) fn to_api(&self, endpoint: &str, target: &Target) -> FunctionUrlConfig {
        FunctionUrlConfig {
            function_url: url(endpoint, &self.id, target.region),
            function_arn: target.qualified_arn(),
            auth_type: self.auth_type().to_owned(),
            cors: self.cors.as_ref().map(Cors::to_api),
            creation_time: last_modified(self.created),
            last_modified_time: last_modified(self.modified),
            invoke_mode: Some("BUFFERED".to_owned()),
        }
    }

    pub(crate) fn auth_type(&self) -> &'static str {
        if self.needs_signature { "AWS_IAM" } else { "NONE" }
    }
}

/// Refuses what answers piece by piece.
pub(crate) fn check_mode(mode: Option<&str>) -> Result<(), ApiError> {
    match mode {
        Some("RESPONSE_STREAM") => Err(errors::not_here_yet("InvokeMode RESPONSE_STREAM")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use identity::Region;

    use super::url;

    #[test]
    fn urls_have_hosts_that_clients_find() {
        let of = |endpoint: &str| url(endpoint, "abc", Region::US_EAST_1);
        assert_eq!(of("http://127.0.0.1:4566"), "http://abc.lambda-url.us-east-1.localhost:4566/");
        assert_eq!(of("https://aws.example.com"), "https://abc.lambda-url.us-east-1.aws.example.com/");
        assert_eq!(of("http://[::1]:80"), "http://abc.lambda-url.us-east-1.localhost:80/");
    }
}
