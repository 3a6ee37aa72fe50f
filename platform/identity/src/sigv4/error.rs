//! Why a signature is refused, in the words of each family of services.

use thiserror::Error;

use crate::timestamp::format_basic;

/// A refused signature. [`SignatureError::answer`] gives what the client is told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// The parts of the signature that are missing or malformed, as sentences.
    #[error("{message}")]
    Incomplete { presigned: bool, message: String },
    #[error(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter \
         or the Authorization header should be specified"
    )]
    SeveralMechanisms,
    /// No such access key, or its token is not the one issued with it.
    #[error("The security token included in the request is invalid.")]
    InvalidToken,
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// Signed more than fifteen minutes ago. Times are epoch seconds.
    #[error("Signature expired: {} is now earlier than {} ({} - 15 min.)",
        format_basic(*.signed_at), format_basic(.now - super::SKEW_SECONDS), format_basic(*.now))]
    Expired { signed_at: i64, now: i64 },
    /// Signed more than fifteen minutes in the future.
    #[error("Signature not yet current: {} is still later than {} ({} + 15 min.)",
        format_basic(*.signed_at), format_basic(.now + super::SKEW_SECONDS), format_basic(*.now))]
    NotYetCurrent { signed_at: i64, now: i64 },
    /// A presigned URL past its `X-Amz-Expires`.
    #[error("Request has expired.")]
    RequestExpired { expired_at: i64, now: i64 },
    /// The credential's scope names another date, region or service.
    #[error("{0}")]
    Scope(String),
    /// A header that must be signed is not.
    #[error("{0}")]
    HeadersNotSigned(String),
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    ContentMismatch,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch(Box<Mismatch>),
}

/// What we computed, for clients that want to compare. S3 shows it in the error's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    pub canonical_request: String,
    pub string_to_sign: String,
}

/// The families of services that word the same refusal differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// awsQuery and ec2Query: SQS of old, SNS, IAM, STS.
    Query,
    /// awsJson and rpc-v2-cbor: DynamoDB, SQS, Logs.
    Json,
    /// restJson: Lambda, API Gateway.
    RestJson,
    /// S3.
    S3,
}

/// What the client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub code: &'static str,
    pub status: u16,
    pub message: String,
}

impl SignatureError {
    pub fn answer(&self, dialect: Dialect) -> Answer {
        let (code, message) = match dialect {
            Dialect::S3 => self.as_s3(),
            Dialect::Query => (self.query_code(), None),
            Dialect::Json | Dialect::RestJson if *self == Self::MissingAuthenticationToken => {
                (self.json_code(), Some("Missing Authentication Token"))
            }
            Dialect::Json | Dialect::RestJson => (self.json_code(), None),
        };
        let status = match dialect {
            Dialect::Json => 400,
            Dialect::RestJson => 403,
            Dialect::Query if matches!(self, Self::Incomplete { .. } | Self::RequestExpired { .. }) => 400,
            Dialect::Query => 403,
            Dialect::S3 => self.s3_status(),
        };
        Answer { code, status, message: message.map_or_else(|| self.to_string(), str::to_owned) }
    }

    fn query_code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::Incomplete { .. } | Self::SeveralMechanisms => "IncompleteSignature",
            Self::InvalidToken => "InvalidClientTokenId",
            Self::ExpiredToken => "ExpiredToken",
            Self::RequestExpired { .. } => "RequestExpired",
            Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::Scope(_)
            | Self::HeadersNotSigned(_)
            | Self::ContentMismatch
            | Self::Mismatch(_) => "SignatureDoesNotMatch",
        }
    }

    fn json_code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::Incomplete { .. } | Self::SeveralMechanisms => "IncompleteSignatureException",
            Self::InvalidToken => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::RequestExpired { .. } => "RequestExpired",
            Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::Scope(_)
            | Self::HeadersNotSigned(_)
            | Self::ContentMismatch
            | Self::Mismatch(_) => "InvalidSignatureException",
        }
    }

    /// S3's code, and its wording where that differs.
    fn as_s3(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::MissingAuthenticationToken => ("AccessDenied", Some("Access Denied")),
            Self::Incomplete { presigned: true, .. } => ("AuthorizationQueryParametersError", None),
            Self::Incomplete { .. } | Self::Scope(_) => ("AuthorizationHeaderMalformed", None),
            Self::SeveralMechanisms => ("InvalidArgument", None),
            Self::InvalidToken => (
                "InvalidAccessKeyId",
                Some("The AWS Access Key Id you provided does not exist in our records."),
            ),
            Self::ExpiredToken => ("ExpiredToken", Some("The provided token has expired.")),
            Self::Expired { .. } | Self::NotYetCurrent { .. } => (
                "RequestTimeTooSkewed",
                Some("The difference between the request time and the current time is too large."),
            ),
            Self::RequestExpired { .. } => ("AccessDenied", Some("Request has expired")),
            Self::HeadersNotSigned(_) => {
                ("AccessDenied", Some("There were headers present in the request which were not signed"))
            }
            Self::ContentMismatch => ("XAmzContentSHA256Mismatch", None),
            Self::Mismatch(_) => (
                "SignatureDoesNotMatch",
                Some(
                    "The request signature we calculated does not match the signature you provided. Check your key \
                     and signing method.",
                ),
            ),
        }
    }

    fn s3_status(&self) -> u16 {
        match self {
            Self::Incomplete { .. }
            | Self::Scope(_)
            | Self::SeveralMechanisms
            | Self::ExpiredToken
            | Self::ContentMismatch => 400,
            _ => 403,
        }
    }
}
