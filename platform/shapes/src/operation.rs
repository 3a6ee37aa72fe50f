//! Static descriptions of services and their operations.

use crate::{ErrorShape, Struct, StructShape};

/// An AWS wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    AwsJson10,
    AwsJson11,
    AwsQuery,
    Ec2Query,
    RestJson,
    RestXml,
    RpcV2Cbor,
}

/// One AWS API, as its model describes it.
#[derive(Debug)]
pub struct ServiceSchema {
    /// Our own name for the service, in lower case: the name of its folder and of its metrics.
    pub name: &'static str,
    /// The SDKs' name: `SQS`, `API Gateway`.
    pub service_id: &'static str,
    /// The service part of a credential scope.
    pub signing_name: &'static str,
    /// The first label of AWS's host names.
    pub endpoint_prefix: &'static str,
    /// The prefix of IAM actions.
    pub action_prefix: &'static str,
    pub api_version: &'static str,
    /// Before the dot in `X-Amz-Target`; empty when the service has none.
    pub target_prefix: &'static str,
    /// The protocol that errors and clients default to comes first.
    pub protocols: &'static [Protocol],
    pub xml_namespace: Option<&'static str>,
    /// JSON answers carry the code of the former query protocol in `x-amzn-query-error`.
    pub query_compatible: bool,
    /// Every operation of the model, sorted by name, with or without a handler.
    pub operations: &'static [OperationSchema],
}

impl ServiceSchema {
    /// The operation that the model calls `name`.
    pub fn operation(&self, name: &str) -> Option<&'static OperationSchema> {
        let index = self.operations.binary_search_by(|operation| operation.name.cmp(name)).ok()?;
        Some(&self.operations[index])
    }
}

/// One operation of an API.
#[derive(Debug)]
pub struct OperationSchema {
    pub name: &'static str,
    pub method: &'static str,
    /// `/queues/{QueueName}?list-type=2`: labels in braces, `+` for greedy ones, fixed query parts after `?`.
    pub uri: &'static str,
    /// HTTP status of a success.
    pub status: u16,
    /// Shapes are generated only for operations with a handler; others have empty ones.
    pub has_handler: bool,
    pub input: &'static StructShape,
    pub output: &'static StructShape,
    /// The element around the result in query protocols: `SendMessageResult`.
    pub result_wrapper: Option<&'static str>,
    /// Root element of a rest-xml request, where the model names one.
    pub input_element: Option<&'static str>,
    pub input_namespace: Option<crate::XmlNamespace>,
    pub errors: &'static [&'static ErrorShape],
    /// Answered without a signature.
    pub is_unsigned: bool,
}

/// Binds the types of an operation to its schema. Implemented by one empty type per operation.
pub trait Op: Send + Sync + 'static {
    const SERVICE: &'static ServiceSchema;
    const SCHEMA: &'static OperationSchema;
    type Input: Struct + Default + Clone;
    type Output: Struct + Default;

    /// The API's name of the operation.
    fn name() -> &'static str {
        Self::SCHEMA.name
    }
}
