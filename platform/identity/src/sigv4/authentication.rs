//! Reading the parts of a signature from a request.

use std::borrow::Cow;

use super::canonical::percent_decode;
use super::error::SignatureError;
use super::{ALGORITHM, RequestView, asymmetric};
use crate::timestamp::{format_basic, parse_basic, parse_http_date};

/// Where the signature was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query, as `X-Amz-*` parameters.
    Presigned { expires_seconds: i64 },
}

/// What a request says about its own signature. Nothing of it is to be believed before [`Authentication::verify`].
#[derive(Clone, Debug)]
pub struct Authentication<'a> {
    pub access_key: Cow<'a, str>,
    /// Eight digits.
    pub date: Cow<'a, str>,
    pub region: Cow<'a, str>,
    pub service: Cow<'a, str>,
    /// Names of small letters, separated by semicolons.
    pub signed_headers: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
    /// Epoch seconds.
    pub signed_at: i64,
    /// `X-Amz-Security-Token` of temporary credentials, signed or not.
    pub token: Option<Cow<'a, str>>,
    pub form: Form,
    /// Whether it is of version 4A. Its region is then the first of its region set, or [`super::ANY_REGION`].
    pub is_asymmetric: bool,
}

/// A presigned URL of a service that does not ask for `X-Amz-Expires` is good as long as a signed request.
const DEFAULT_PRESIGNED_SECONDS: i64 = 900;

impl<'a> Authentication<'a> {
    /// The signature a request carries; nothing when it carries none of Signature Version 4.
    pub fn of(request: &RequestView<'a>) -> Result<Option<Self>, SignatureError> {
        let authorization =
            request.headers.first("authorization").and_then(|value| std::str::from_utf8(value).ok());
        let authorization = authorization.map(str::trim).filter(|value| value.starts_with("AWS4-"));
        let parameters = if request.query.contains("X-Amz-") { Parameters::of(request.query) } else { None };
        match (authorization, parameters) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(SignatureError::SeveralMechanisms),
            (Some(header), None) => Self::of_header(header, request).map(Some),
            (None, Some(parameters)) => Self::of_query(parameters).map(Some),
        }
    }

    fn of_header(header: &'a str, request: &RequestView<'a>) -> Result<Self, SignatureError> {
        let (algorithm, rest) = match header.strip_prefix("AWS4-HMAC-SHA256 ") {
            Some(rest) => (ALGORITHM, rest),
            None => header.split_once(char::is_whitespace).unwrap_or((header, "")),
        };
        let is_asymmetric = algorithm == asymmetric::ALGORITHM;
        if algorithm != ALGORITHM && !is_asymmetric {
            return Err(incomplete(format!(
                "Unsupported AWS 'algorithm': '{algorithm}'; it has to be {ALGORITHM}."
            )));
        }
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in pieces(rest, b',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = cut(part, b'=').ok_or_else(|| {
                incomplete(format!(
                    "Invalid key=value pair (missing equal-sign) in Authorization header: '{part}'."
                ))
            })?;
            match key {
                "Credential" => credential = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => {}
            }
        }
        let date = date_of(request);
        let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
            (credential, signed_headers, signature, date)
        else {
            return Err(missing_from_header(credential, signed_headers, signature, date));
        };
        let [access_key, scope_date, region, service] = if is_asymmetric {
            let [access_key, scope_date, service] = split_regionless(credential).map_err(incomplete)?;
            [access_key, scope_date, region_set(request)?, service]
        } else {
            split_credential(credential).map_err(incomplete)?
        };
        let signed_at = parse_basic(date).or_else(|| parse_http_date(date)).ok_or_else(|| {
            incomplete(format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ))
        })?;
        let token =
            request.headers.first("x-amz-security-token").and_then(|value| std::str::from_utf8(value).ok());
        Ok(Self {
            access_key: access_key.into(),
            date: scope_date.into(),
            region: region.into(),
            service: service.into(),
            signed_headers: signed_headers.into(),
            signature: signature.into(),
            signed_at,
            token: token.map(Cow::Borrowed),
            form: Form::Header,
            is_asymmetric,
        })
    }

    fn of_query(parameters: Parameters<'a>) -> Result<Self, SignatureError> {
        let Parameters { algorithm, credential, date, expires, signed_headers, signature, token } =
            parameters;
        let (Some(algorithm), Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (&algorithm, &credential, &signature, &signed_headers, &date)
        else {
            let has = [&algorithm, &credential, &signature, &signed_headers, &date].map(Option::is_some);
            return Err(missing_from_query(has));
        };
        if algorithm != ALGORITHM {
            return Err(bad_query(format!(
                "X-Amz-Algorithm only supports \"{ALGORITHM}\", got '{algorithm}'"
            )));
        }
        let [access_key, scope_date, region, service] = split_credential(credential).map_err(bad_query)?;
        let signed_at = parse_basic(date).ok_or_else(|| {
            bad_query(format!(
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\", got '{date}'"
            ))
        })?;
        let expires_seconds = match expires {
            None => DEFAULT_PRESIGNED_SECONDS,
            Some(expires) => parse_expires(&expires)?,
        };
        Ok(Self {
            access_key: access_key.to_owned().into(),
            date: scope_date.to_owned().into(),
            region: region.to_owned().into(),
            service: service.to_owned().into(),
            signed_headers: signed_headers.clone(),
            signature: signature.clone(),
            signed_at,
            token,
            form: Form::Presigned { expires_seconds },
            is_asymmetric: false,
        })
    }

    /// `20150830T123600Z`, as it stands in the string to sign.
    pub fn timestamp(&self) -> String {
        format_basic(self.signed_at)
    }

    /// Refuses a credential scoped to another region or service than the request goes to. An empty `region` or list
    /// of services accepts all.
    pub fn check_scope(&self, region: &str, services: &[&str]) -> Result<(), SignatureError> {
        if !region.is_empty() && self.region != region {
            let given = &self.region;
            let message = format!(
                "Credential should be scoped to a valid region, not '{given}'; here it is '{region}'."
            );
            return Err(SignatureError::Scope(message));
        }
        if !services.is_empty() && !services.contains(&&*self.service) {
            let message = format!("Credential should be scoped to correct service: '{}'.", services[0]);
            return Err(SignatureError::Scope(message));
        }
        Ok(())
    }
}

/// The text before and after the first `mark`, which is ASCII. Looking at one byte after the other is quicker in texts
/// this short than a search that has to be set up.
fn cut(text: &str, mark: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == mark)?;
    Some((&text[..at], &text[at + 1..]))
}

/// The texts between the marks; one more than there are marks.
fn pieces(text: &str, mark: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, after) = cut(text, mark).map_or((text, None), |(piece, after)| (piece, Some(after)));
        rest = after;
        Some(piece)
    })
}

fn date_of<'a>(request: &RequestView<'a>) -> Option<&'a str> {
    let date = request.headers.first("x-amz-date").or_else(|| request.headers.first("date"))?;
    std::str::from_utf8(date).ok().map(str::trim)
}

/// Key, date, region and service of a credential.
fn split_credential(credential: &str) -> Result<[&str; 4], String> {
    let mut parts = pieces(credential, b'/');
    let mut next = || parts.next().unwrap_or_default();
    let [key, date, region, service, terminator] = [next(), next(), next(), next(), next()];
    if key.is_empty() || terminator.is_empty() || parts.next().is_some() {
        return Err(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
             '{credential}'"
        ));
    }
    if terminator != "aws4_request" {
        return Err(format!(
            "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
        ));
    }
    Ok([key, date, region, service])
}

/// Key, date and service of a credential without a region.
fn split_regionless(credential: &str) -> Result<[&str; 3], String> {
    let parts: Vec<&str> = pieces(credential, b'/').take(5).collect();
    match parts[..] {
        [key, date, service, "aws4_request"] if !key.is_empty() => Ok([key, date, service]),
        _ => Err(format!(
            "Credential must have exactly 4 slash-delimited elements, e.g. keyid/date/service/term, got \
             '{credential}'"
        )),
    }
}

fn region_set<'a>(request: &RequestView<'a>) -> Result<&'a str, SignatureError> {
    let set = request.headers.first("x-amz-region-set").and_then(|set| std::str::from_utf8(set).ok());
    let missing = || incomplete("A signature of version 4A requires a 'X-Amz-Region-Set' header.".to_owned());
    set.map(asymmetric::region_of).ok_or_else(missing)
}

fn parse_expires(text: &str) -> Result<i64, SignatureError> {
    let seconds: i64 = text.parse().map_err(|_| bad_query("X-Amz-Expires should be a number".to_owned()))?;
    if seconds < 0 {
        return Err(bad_query("X-Amz-Expires must be non-negative".to_owned()));
    }
    if seconds > super::LONGEST_PRESIGNED_SECONDS {
        let message = "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be \
                       less than 604800";
        return Err(bad_query(message.to_owned()));
    }
    Ok(seconds)
}

fn incomplete(message: String) -> SignatureError {
    SignatureError::Incomplete { presigned: false, message }
}

fn bad_query(message: String) -> SignatureError {
    SignatureError::Incomplete { presigned: true, message }
}

fn missing_from_header(
    credential: Option<&str>,
    signed_headers: Option<&str>,
    signature: Option<&str>,
    date: Option<&str>,
) -> SignatureError {
    let mut message = String::new();
    for (name, part) in
        [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)]
    {
        if part.is_none() {
            message.push_str(&format!("Authorization header requires '{name}' parameter. "));
        }
    }
    if date.is_none() {
        message.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    // The header's values stay out of the message: it may be logged on its way.
    message.push_str("Authorization=");
    message.push_str(ALGORITHM);
    incomplete(message)
}

fn missing_from_query(has: [bool; 5]) -> SignatureError {
    let names =
        ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];
    let mut message = String::new();
    for (name, _) in names.iter().zip(has).filter(|(_, has)| !has) {
        message.push_str(&format!("AWS query-string parameters must include '{name}'. "));
    }
    message.push_str("Re-examine the query-string parameters.");
    bad_query(message)
}

#[derive(Default)]
struct Parameters<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
}

impl<'a> Parameters<'a> {
    /// The signature's parameters; nothing when none of those is there that only a presigned URL has.
    fn of(query: &'a str) -> Option<Self> {
        let mut found = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "X-Amz-Algorithm" => &mut found.algorithm,
                "X-Amz-Credential" => &mut found.credential,
                "X-Amz-Date" => &mut found.date,
                "X-Amz-Expires" => &mut found.expires,
                "X-Amz-SignedHeaders" => &mut found.signed_headers,
                "X-Amz-Signature" => &mut found.signature,
                "X-Amz-Security-Token" => &mut found.token,
                _ => continue,
            };
            *place = Some(percent_decode(value));
        }
        let is_presigned =
            found.algorithm.is_some() || found.credential.is_some() || found.signature.is_some();
        is_presigned.then_some(found)
    }
}
