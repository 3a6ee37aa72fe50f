//! The error that an operation answers with.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::{ErrorShape, Struct};

/// Whose mistake an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

/// What a client is told when an operation fails. Protocols render it; services make it through the named
/// constructors of their `errors.rs`.
#[derive(Clone)]
pub struct ApiError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    name: Cow<'static, str>,
    code: Cow<'static, str>,
    status: u16,
    fault: Fault,
    message: String,
    /// Members beside the message, for errors that have some.
    detail: Option<Arc<dyn Struct>>,
    /// For the log alone, never for the client.
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// A client's mistake that the model does not declare: HTTP 400.
    pub fn sender(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    /// An error with a status of its own; from 500 on it is ours.
    pub fn with_status(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let code = code.into();
        let fault = if status >= 500 { Fault::Receiver } else { Fault::Sender };
        let name = code.clone();
        Self(Box::new(Inner {
            name,
            code,
            status,
            fault,
            message: message.into(),
            detail: None,
            cause: None,
        }))
    }

    /// An error that the model declares.
    pub fn modelled(shape: &'static ErrorShape, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            name: Cow::Borrowed(shape.name),
            code: Cow::Borrowed(shape.code),
            status: shape.status,
            fault: if shape.sender { Fault::Sender } else { Fault::Receiver },
            message: message.into(),
            detail: None,
            cause: None,
        }))
    }

    /// A fault of ours. The cause goes to the log under the request's id; the client learns only that it happened.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        let message = "The request processing has failed because of an unknown error, exception or failure.";
        let mut error = Self::with_status(500, "InternalFailure", message);
        error.0.cause = Some(Arc::from(cause.into()));
        error
    }

    /// Adds the members of a modelled error beside its message.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Struct) -> Self {
        self.0.detail = Some(Arc::new(detail));
        self
    }

    /// Gives the code of query and XML protocols where it differs from the name of JSON ones.
    #[must_use]
    pub fn with_query_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = code.into();
        self
    }

    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.cause = Some(Arc::from(cause.into()));
        self
    }

    /// The code of JSON and CBOR protocols: the error shape's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The code of query and XML protocols.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn status(&self) -> u16 {
        self.0.status
    }

    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn detail(&self) -> Option<&dyn Struct> {
        self.0.detail.as_deref()
    }

    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// Whether a client may do the same again and hope: throttles and faults of ours.
    pub fn is_retryable(&self) -> bool {
        self.0.status >= 500 || self.0.status == 429 || self.0.name.contains("Throttl")
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { name, status, message, cause, .. } = &*self.0;
        write!(f, "{name} ({status}): {message}")?;
        if let Some(cause) = cause {
            write!(f, " [{cause:?}]")?;
        }
        Ok(())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.name, self.0.message)
    }
}

impl std::error::Error for ApiError {}
