//! Errors: a path of numbers that the clients know, a message, and what DynamoDB said.

use crate::Encoder;

/// An error as an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failure {
    pub codes: Vec<i64>,
    pub message: String,
    pub request_id: String,
    /// DynamoDB's name of the error.
    pub name: String,
    pub status: u16,
    /// Of a transaction that was cancelled: one for each of its items.
    pub cancellations: Option<Vec<Cancellation>>,
}

/// Why an item cancelled a transaction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cancellation {
    pub code: Option<String>,
    pub message: Option<String>,
    /// The item as it was, encoded like any other.
    pub item: Option<Vec<u8>>,
}

impl Failure {
    /// An error of DynamoDB.
    pub fn of_dynamodb(name: &str, message: &str, status: u16, request_id: &str) -> Self {
        Self {
            codes: codes_of(name),
            message: message.to_owned(),
            request_id: request_id.to_owned(),
            name: name.to_owned(),
            status,
            cancellations: None,
        }
    }

    /// A client that did not say who it is, or said so wrongly.
    pub fn of_authentication(name: &str, message: &str, request_id: &str) -> Self {
        // 33: authentication is required; 32: what came was no authentication.
        let reason = if name == "MissingAuthenticationTokenException" { 33 } else { 32 };
        Self { codes: vec![4, 23, 31, reason], ..Self::of_dynamodb(name, message, 403, request_id) }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.array(self.codes.len());
        self.codes.iter().for_each(|code| encoder.integer(*code));
        encoder.text(&self.message);
        encoder.array(if self.cancellations.is_some() { 4 } else { 3 });
        encoder.text(&self.request_id);
        encoder.text(&self.name);
        encoder.integer(i64::from(self.status));
        if let Some(cancellations) = &self.cancellations {
            encoder.array(cancellations.len() * 3);
            for cancellation in cancellations {
                for text in [&cancellation.code, &cancellation.message] {
                    match text {
                        Some(text) => encoder.text(text),
                        None => encoder.null(),
                    }
                }
                match &cancellation.item {
                    Some(item) => encoder.bytes(item),
                    None => encoder.null(),
                }
            }
        }
        encoder.0
    }
}

/// The path of numbers that clients know an error of DynamoDB by. Of errors without one they take DynamoDB's name.
fn codes_of(name: &str) -> Vec<i64> {
    let last = match name {
        "ProvisionedThroughputExceededException" => 40,
        "ResourceNotFoundException" => 41,
        "AccessDeniedException" => return vec![4, 37, 38, 42],
        "ConditionalCheckFailedException" => 43,
        "NotImplemented" => return vec![4, 37, 38, 44],
        "ResourceInUseException" => 45,
        "ValidationException" => 46,
        "InternalServerError" | "InternalFailure" => 47,
        "ItemCollectionSizeLimitExceededException" => 48,
        "LimitExceededException" => 49,
        "ThrottlingException" => 50,
        "TransactionCanceledException" => 58,
        "RequestLimitExceeded" => 61,
        _ => return vec![4, 37, 54],
    };
    vec![4, 37, 38, 39, last]
}
