//! Which calls change resources, which only read, and which are the use of a resource rather than its management
//! (CloudTrail User Guide, "Logging management events" and "Logging data events").

use shapes::{OperationSchema, ServiceSchema};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// Uses what is inside of a resource. Nobody is told.
    Data,
    /// Reads how resources are made up.
    Read,
    /// Changes how they are made up.
    Change,
}

/// Services' operations on what is inside of their resources.
const DATA: &[(&str, &[&str])] = &[
    ("dynamodb", &["Batch", "Execute", "Get", "Put", "Update", "Delete", "Query", "Scan", "Transact"]),
    ("events", &["PutEvents", "PutPartnerEvents"]),
    ("lambda", &["Invoke"]),
    ("logs", &["Put", "Get", "Filter", "StartLiveTail", "StartQuery", "StopQuery"]),
    ("sns", &["Publish"]),
    ("sqs", &["SendMessage", "ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"]),
];

/// Operations of the above that manage a resource all the same: of their name, this is a part.
const MANAGEMENT: &[(&str, &[&str])] = &[
    (
        "dynamodb",
        &[
            "Table",
            "Backup",
            "ResourcePolic",
            "KinesisStreaming",
            "Continuous",
            "ContributorInsights",
            "TimeToLive",
        ],
    ),
    ("logs", &["Polic", "Filter", "Destination", "Definition", "Delivery", "Transformer", "Integration"]),
];

/// What objects are handled by.
const OBJECTS: &[&str] = &[
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "GetObject",
    "HeadObject",
    "ListMultipartUploads",
    "ListObject",
    "ListParts",
    "PutObject",
    "RestoreObject",
    "SelectObject",
    "UploadPart",
    "WriteGetObject",
    "RenameObject",
    "UpdateObject",
];

/// How the names of operations that change nothing begin.
const READS: &[&str] = &[
    "Assume",
    "BatchGet",
    "Check",
    "Decode",
    "Decrypt",
    "Describe",
    "Download",
    "Encrypt",
    "Estimate",
    "Export",
    "Filter",
    "Generate",
    "Get",
    "Head",
    "List",
    "Lookup",
    "Poll",
    "Preview",
    "Query",
    "ReEncrypt",
    "Retrieve",
    "Scan",
    "Search",
    "Select",
    "Sign",
    "Simulate",
    "StartLiveTail",
    "StartQuery",
    "StopQuery",
    "Test",
    "Validate",
    "Verify",
];

impl CallKind {
    pub(crate) fn of(service: &ServiceSchema, operation: &OperationSchema) -> Self {
        let name = operation.name;
        let begins = |list: &[&str]| list.iter().any(|begin| name.starts_with(begin));
        let listed = |table: &'static [(&str, &'static [&'static str])]| {
            table
                .iter()
                .find(|(action_prefix, _)| *action_prefix == service.action_prefix)
                .map(|(_, list)| *list)
        };
        // The configuration of a bucket has names that begin like those of objects.
        let is_bucket = name.contains("ObjectLockConfiguration");
        let is_data = match service.name {
            "s3" => begins(OBJECTS) && !is_bucket,
            "dynamodbstreams" => name != "DescribeStream" && name != "ListStreams",
            _ => {
                let manages = listed(MANAGEMENT).unwrap_or_default().iter().any(|part| name.contains(part));
                begins(listed(DATA).unwrap_or_default()) && !manages
            }
        };
        match is_data {
            true => Self::Data,
            false if begins(READS) => Self::Read,
            false => Self::Change,
        }
    }
}

/// The name that CloudTrail gives an operation; Lambda's carry the date of their API (CloudTrail records of Lambda's
/// management events).
pub(super) fn event_name(service: &ServiceSchema, operation: &'static str) -> String {
    if service.name != "lambda" {
        return operation.to_owned();
    }
    let suffix = match operation {
        "AddPermission"
        | "RemovePermission"
        | "UpdateFunctionCode"
        | "UpdateFunctionConfiguration"
        | "GetFunction"
        | "GetFunctionConfiguration"
        | "GetPolicy" => "20150331v2",
        "PutFunctionConcurrency" | "DeleteFunctionConcurrency" => "20171031",
        "PublishLayerVersion"
        | "DeleteLayerVersion"
        | "GetLayerVersion"
        | "ListLayers"
        | "ListLayerVersions"
        | "AddLayerVersionPermission"
        | "RemoveLayerVersionPermission"
        | "GetLayerVersionPolicy" => "20181031",
        "TagResource" | "UntagResource" => "20170331v2",
        "ListTags" => "20170331",
        "CreateFunction"
        | "DeleteFunction"
        | "ListFunctions"
        | "PublishVersion"
        | "ListVersionsByFunction"
        | "CreateAlias"
        | "UpdateAlias"
        | "DeleteAlias"
        | "GetAlias"
        | "ListAliases"
        | "CreateEventSourceMapping"
        | "UpdateEventSourceMapping"
        | "DeleteEventSourceMapping"
        | "GetEventSourceMapping"
        | "ListEventSourceMappings" => "20150331",
        _ => "",
    };
    format!("{operation}{suffix}")
}

#[cfg(test)]
mod tests {
    use shapes::{OperationSchema, Protocol, ServiceSchema, StructShape};

    use super::{CallKind, event_name};

    fn kind(service: &'static str, operation: &'static str) -> CallKind {
        CallKind::of(&schema(service), &named(operation))
    }

    fn schema(name: &'static str) -> ServiceSchema {
        ServiceSchema {
            name,
            service_id: name,
            signing_name: name,
            endpoint_prefix: name,
            action_prefix: name,
            api_version: "",
            target_prefix: "",
            protocols: &[Protocol::AwsJson11],
            xml_namespace: None,
            query_compatible: false,
            operations: &[],
        }
    }

    fn named(name: &'static str) -> OperationSchema {
        OperationSchema {
            name,
            method: "POST",
            uri: "/",
            status: 200,
            has_handler: true,
            input: &StructShape::EMPTY,
            output: &StructShape::EMPTY,
            result_wrapper: None,
            input_element: None,
            input_namespace: None,
            errors: &[],
            is_unsigned: false,
        }
    }

    #[test]
    fn calls_are_told_apart_by_what_they_do() {
        for (service, operation) in [
            ("sqs", "SendMessageBatch"),
            ("sqs", "ReceiveMessage"),
            ("s3", "PutObject"),
            ("s3", "UploadPartCopy"),
            ("s3", "ListObjectsV2"),
            ("dynamodb", "TransactWriteItems"),
            ("dynamodb", "GetItem"),
            ("lambda", "InvokeWithResponseStream"),
            ("events", "PutEvents"),
            ("logs", "PutLogEvents"),
        ] {
            assert_eq!(kind(service, operation), CallKind::Data, "{service}:{operation}");
        }
        for (service, operation) in [
            ("sqs", "ListQueues"),
            ("s3", "GetBucketPolicy"),
            ("s3", "GetObjectLockConfiguration"),
            ("dynamodb", "DescribeTable"),
            ("dynamodb", "GetResourcePolicy"),
            ("kms", "Decrypt"),
            ("kms", "GenerateDataKey"),
            ("sts", "AssumeRole"),
            ("logs", "DescribeLogGroups"),
        ] {
            assert_eq!(kind(service, operation), CallKind::Read, "{service}:{operation}");
        }
        for (service, operation) in [
            ("sqs", "CreateQueue"),
            ("sqs", "PurgeQueue"),
            ("s3", "CreateBucket"),
            ("s3", "PutObjectLockConfiguration"),
            ("s3", "PutBucketPolicy"),
            ("dynamodb", "UpdateTable"),
            ("dynamodb", "PutResourcePolicy"),
            ("dynamodb", "DeleteBackup"),
            ("dynamodb", "UpdateTimeToLive"),
            ("logs", "PutRetentionPolicy"),
            ("logs", "PutSubscriptionFilter"),
            ("iam", "CreateRole"),
            ("events", "PutRule"),
            ("lambda", "CreateFunction"),
        ] {
            assert_eq!(kind(service, operation), CallKind::Change, "{service}:{operation}");
        }
    }

    #[test]
    fn lambdas_names_carry_the_date_of_its_api() {
        assert_eq!(event_name(&schema("lambda"), "CreateFunction"), "CreateFunction20150331");
        assert_eq!(event_name(&schema("lambda"), "UpdateFunctionCode"), "UpdateFunctionCode20150331v2");
        assert_eq!(event_name(&schema("sqs"), "CreateQueue"), "CreateQueue");
    }
}
