//! The answers that API Gateway gives by itself (Developer Guide, "Gateway response types for API Gateway").

use std::collections::BTreeMap;

use crate::rows::GatewayResponse;

/// Why an answer is not the integration's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    AccessDenied,
    ApiConfigurationError,
    AuthorizerConfigurationError,
    AuthorizerFailure,
    BadRequestBody,
    BadRequestParameters,
    Default4xx,
    Default5xx,
    ExpiredToken,
    IntegrationFailure,
    IntegrationTimeout,
    InvalidApiKey,
    InvalidSignature,
    MissingAuthenticationToken,
    QuotaExceeded,
    RequestTooLarge,
    ResourceNotFound,
    Throttled,
    Unauthorized,
    UnsupportedMediaType,
    WafFiltered,
}

impl Cause {
    /// By name.
    pub(crate) const ALL: [Self; 21] = [
        Self::AccessDenied,
        Self::ApiConfigurationError,
        Self::AuthorizerConfigurationError,
        Self::AuthorizerFailure,
        Self::BadRequestBody,
        Self::BadRequestParameters,
        Self::Default4xx,
        Self::Default5xx,
        Self::ExpiredToken,
        Self::IntegrationFailure,
        Self::IntegrationTimeout,
        Self::InvalidApiKey,
        Self::InvalidSignature,
        Self::MissingAuthenticationToken,
        Self::QuotaExceeded,
        Self::RequestTooLarge,
        Self::ResourceNotFound,
        Self::Throttled,
        Self::Unauthorized,
        Self::UnsupportedMediaType,
        Self::WafFiltered,
    ];

    /// Name, status, and what the header `x-amzn-ErrorType` says.
    const fn facts(self) -> (&'static str, Option<u16>, &'static str) {
        match self {
            Self::AccessDenied => ("ACCESS_DENIED", Some(403), "AccessDeniedException"),
            Self::ApiConfigurationError => {
                ("API_CONFIGURATION_ERROR", Some(500), "InternalServerErrorException")
            }
            Self::AuthorizerConfigurationError => {
                ("AUTHORIZER_CONFIGURATION_ERROR", Some(500), "AuthorizerConfigurationException")
            }
            Self::AuthorizerFailure => ("AUTHORIZER_FAILURE", Some(500), "AuthorizerConfigurationException"),
            Self::BadRequestBody => ("BAD_REQUEST_BODY", Some(400), "BadRequestException"),
            Self::BadRequestParameters => ("BAD_REQUEST_PARAMETERS", Some(400), "BadRequestException"),
            Self::Default4xx => ("DEFAULT_4XX", None, "ForbiddenException"),
            Self::Default5xx => ("DEFAULT_5XX", None, "InternalServerErrorException"),
            Self::ExpiredToken => ("EXPIRED_TOKEN", Some(403), "ExpiredTokenException"),
            Self::IntegrationFailure => ("INTEGRATION_FAILURE", Some(504), "InternalServerErrorException"),
            Self::IntegrationTimeout => ("INTEGRATION_TIMEOUT", Some(504), "InternalServerErrorException"),
            Self::InvalidApiKey => ("INVALID_API_KEY", Some(403), "ForbiddenException"),
            Self::InvalidSignature => ("INVALID_SIGNATURE", Some(403), "InvalidSignatureException"),
            Self::MissingAuthenticationToken => {
                ("MISSING_AUTHENTICATION_TOKEN", Some(403), "MissingAuthenticationTokenException")
            }
            Self::QuotaExceeded => ("QUOTA_EXCEEDED", Some(429), "LimitExceededException"),
            Self::RequestTooLarge => ("REQUEST_TOO_LARGE", Some(413), "RequestTooLargeException"),
            Self::ResourceNotFound => ("RESOURCE_NOT_FOUND", Some(404), "NotFoundException"),
            Self::Throttled => ("THROTTLED", Some(429), "TooManyRequestsException"),
            Self::Unauthorized => ("UNAUTHORIZED", Some(401), "UnauthorizedException"),
            Self::UnsupportedMediaType => {
                ("UNSUPPORTED_MEDIA_TYPE", Some(415), "UnsupportedMediaTypeException")
            }
            Self::WafFiltered => ("WAF_FILTERED", Some(403), "ForbiddenException"),
        }
    }

    pub(crate) fn name(self) -> &'static str {
        self.facts().0
    }

    pub(crate) fn status(self) -> Option<u16> {
        self.facts().1
    }

    pub(crate) fn error_type(self) -> &'static str {
        self.facts().2
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The type whose response is given where this one's was not changed.
    pub(crate) fn default_of(status: u16) -> Self {
        if status >= 500 { Self::Default5xx } else { Self::Default4xx }
    }
}

/// The response that an API has before anybody put another.
pub(crate) fn default_response(kind: Cause) -> GatewayResponse {
    let template = r#"{"message":$context.error.messageString}"#;
    GatewayResponse {
        response_type: kind.name().to_owned(),
        status_code: kind.status().map(|status| status.to_string()),
        response_parameters: BTreeMap::new(),
        response_templates: BTreeMap::from([("application/json".to_owned(), template.to_owned())]),
        default_response: true,
    }
}
