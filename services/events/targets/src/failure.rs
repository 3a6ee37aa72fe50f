//! Why a delivery failed, in the words of dead-letter queues.

use shapes::ApiError;

/// The error codes that messages in dead-letter queues carry (EventBridge User Guide, "Using dead-letter queues to
/// process undelivered events").
pub mod code {
    pub const CONNECTION_FAILURE: &str = "CONNECTION_FAILURE";
    pub const ERROR_FROM_TARGET: &str = "ERROR_FROM_TARGET";
    pub const FAILED_TO_ASSUME_ROLE: &str = "FAILED_TO_ASSUME_ROLE";
    pub const INTERNAL_ERROR: &str = "INTERNAL_ERROR";
    pub const INVALID_JSON: &str = "INVALID_JSON";
    pub const INVALID_PARAMETER: &str = "INVALID_PARAMETER";
    pub const NO_PERMISSIONS: &str = "NO_PERMISSIONS";
    pub const NO_RESOURCE: &str = "NO_RESOURCE";
    pub const THROTTLING: &str = "THROTTLING";
    pub const TIMEOUT: &str = "TIMEOUT";
}

/// A delivery that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// One of [`code`].
    pub code: &'static str,
    pub message: String,
    /// The target's own code, where an AWS service refused.
    pub own_code: Option<String>,
    /// Trying again may help.
    pub is_retryable: bool,
}

impl Failure {
    pub fn permanent(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), own_code: None, is_retryable: false }
    }

    pub fn passing(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), own_code: None, is_retryable: true }
    }

    /// The code that the target answered with, or ours.
    pub fn target_code(&self) -> &str {
        self.own_code.as_deref().unwrap_or(self.code)
    }
}

/// What an AWS service's refusal means.
impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let name = error.name();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let (code, is_retryable) = if name == "NotImplemented" {
            (code::INVALID_PARAMETER, false)
        } else if has(&["Throttl", "TooManyRequests", "LimitExceeded"]) || error.status() == 429 {
            (code::THROTTLING, true)
        } else if error.status() >= 500 {
            (code::INTERNAL_ERROR, true)
        } else if has(&["AccessDenied", "AuthorizationError", "NotAuthorized", "Forbidden"]) {
            (code::NO_PERMISSIONS, false)
        } else if has(&["NotFound", "NonExistent", "DoesNotExist"]) {
            (code::NO_RESOURCE, false)
        } else {
            (code::INVALID_PARAMETER, false)
        };
        Self {
            code,
            message: error.message().to_owned(),
            own_code: Some(error.code().to_owned()),
            is_retryable,
        }
    }
}
