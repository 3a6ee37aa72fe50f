//! Every error S3 returns, in AWS's words (Amazon S3 API Reference, "Error responses").

use s3_api::ErrorDetail;
use shapes::ApiError;

fn error(status: u16, code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::with_status(status, code, message)
}

pub(crate) fn no_such_bucket(bucket: &str) -> ApiError {
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(404, "NoSuchBucket", "The specified bucket does not exist").with_detail(detail)
}

pub(crate) fn no_such_key(key: &str) -> ApiError {
    let detail = ErrorDetail { key: Some(key.to_owned()), ..Default::default() };
    error(404, "NoSuchKey", "The specified key does not exist.").with_detail(detail)
}

/// What stands where the newest version was, or is asked for by its id.
pub(crate) fn delete_marker(key: &str, version_id: Option<&str>, is_asked_for: bool) -> ApiError {
    let mut headers = vec![("x-amz-delete-marker".to_owned(), "true".to_owned())];
    headers.extend(version_id.map(|id| ("x-amz-version-id".to_owned(), id.to_owned())));
    if is_asked_for {
        headers.push(("allow".to_owned(), "DELETE".to_owned()));
    }
    let detail = ErrorDetail {
        headers: Some(headers.into_iter().collect()),
        key: (!is_asked_for).then(|| key.to_owned()),
        ..Default::default()
    };
    let error = match is_asked_for {
        true => method_not_allowed(),
        false => error(404, "NoSuchKey", "The specified key does not exist."),
    };
    error.with_detail(detail)
}

pub(crate) fn method_not_allowed() -> ApiError {
    error(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

pub(crate) fn no_such_version(key: &str, version_id: &str) -> ApiError {
    let detail = ErrorDetail {
        key: Some(key.to_owned()),
        version_id: Some(version_id.to_owned()),
        ..Default::default()
    };
    error(404, "NoSuchVersion", "The specified version does not exist.").with_detail(detail)
}

pub(crate) fn invalid_version_id(version_id: &str) -> ApiError {
    invalid_argument("versionId", version_id, "Invalid version id specified")
}

pub(crate) fn no_such_upload(upload_id: &str) -> ApiError {
    let detail = ErrorDetail { upload_id: Some(upload_id.to_owned()), ..Default::default() };
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    error(404, "NoSuchUpload", message).with_detail(detail)
}

/// `NoSuchBucketPolicy` and its like: a bucket's configuration that was never put.
pub(crate) fn no_such_configuration(code: &'static str, message: &'static str, bucket: &str) -> ApiError {
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(404, code, message).with_detail(detail)
}

pub(crate) fn bucket_already_owned(bucket: &str) -> ApiError {
    let message = "Your previous request to create the named bucket succeeded and you already own it.";
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(409, "BucketAlreadyOwnedByYou", message).with_detail(detail)
}

pub(crate) fn bucket_already_exists(bucket: &str) -> ApiError {
    let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                   system. Please select a different name and try again.";
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(409, "BucketAlreadyExists", message).with_detail(detail)
}

pub(crate) fn bucket_not_empty(bucket: &str, is_versioned: bool) -> ApiError {
    let message = match is_versioned {
        true => "The bucket you tried to delete is not empty. You must delete all versions in the bucket.",
        false => "The bucket you tried to delete is not empty",
    };
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(409, "BucketNotEmpty", message).with_detail(detail)
}

pub(crate) fn too_many_buckets() -> ApiError {
    error(400, "TooManyBuckets", "You have attempted to create more buckets than allowed")
}

pub(crate) fn invalid_bucket_name(bucket: &str) -> ApiError {
    let detail = ErrorDetail { bucket_name: Some(bucket.to_owned()), ..Default::default() };
    error(400, "InvalidBucketName", "The specified bucket is not valid.").with_detail(detail)
}

pub(crate) fn invalid_bucket_state(message: impl Into<String>) -> ApiError {
    error(409, "InvalidBucketState", message)
}

pub(crate) fn illegal_location(region: &str) -> ApiError {
    let message = format!(
        "The {region} location constraint is incompatible for the region specific endpoint this request was sent to."
    );
    error(400, "IllegalLocationConstraintException", message)
}

pub(crate) fn key_too_long(length: usize) -> ApiError {
    let detail = ErrorDetail {
        proposed_size: Some(length.to_string()),
        max_size_allowed: Some("1024".to_owned()),
        ..Default::default()
    };
    error(400, "KeyTooLongError", "Your key is too long").with_detail(detail)
}

pub(crate) fn metadata_too_large() -> ApiError {
    error(400, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
}

pub(crate) fn invalid_argument(name: &str, value: &str, message: impl Into<String>) -> ApiError {
    let detail = ErrorDetail {
        argument_name: Some(name.to_owned()),
        argument_value: Some(value.to_owned()),
        ..Default::default()
    };
    error(400, "InvalidArgument", message).with_detail(detail)
}

pub(crate) fn invalid_request(message: impl Into<String>) -> ApiError {
    error(400, "InvalidRequest", message)
}

pub(crate) fn malformed_xml() -> ApiError {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    error(400, "MalformedXML", message)
}

pub(crate) fn malformed_policy(message: impl Into<String>) -> ApiError {
    error(400, "MalformedPolicy", message)
}

pub(crate) fn access_denied(message: impl Into<String>) -> ApiError {
    error(403, "AccessDenied", message)
}

/// What KMS has against it (S3 API Reference, "Error responses").
pub(crate) fn of_kms(error: ApiError) -> ApiError {
    match error.name() {
        "AccessDeniedException" => access_denied(error.message()),
        name if error.status() < 500 && error.status() != 501 => {
            ApiError::with_status(400, format!("KMS.{name}"), error.message())
        }
        _ => error,
    }
}

/// A version that a lock protects.
pub(crate) fn object_locked() -> ApiError {
    access_denied("Access Denied because object protected by object lock.")
}

pub(crate) fn acls_not_supported() -> ApiError {
    error(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")
}

pub(crate) fn precondition_failed(condition: &str) -> ApiError {
    let detail = ErrorDetail { condition: Some(condition.to_owned()), ..Default::default() };
    let message = "At least one of the pre-conditions you specified did not hold";
    error(412, "PreconditionFailed", message).with_detail(detail)
}

/// Tells in headers alone.
pub(crate) fn not_modified(headers: Vec<(String, String)>) -> ApiError {
    let detail = ErrorDetail { headers: Some(headers.into_iter().collect()), ..Default::default() };
    error(304, "NotModified", "Not Modified").with_detail(detail)
}

pub(crate) fn invalid_range(asked: &str, size: u64) -> ApiError {
    let headers = [("content-range".to_owned(), format!("bytes */{size}"))];
    let detail = ErrorDetail {
        headers: Some(headers.into_iter().collect()),
        range_requested: Some(asked.to_owned()),
        actual_object_size: Some(size.to_string()),
        ..Default::default()
    };
    error(416, "InvalidRange", "The requested range is not satisfiable").with_detail(detail)
}

pub(crate) fn invalid_part_number() -> ApiError {
    error(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
}

pub(crate) fn entity_too_large(size: u64, most: u64) -> ApiError {
    let detail = ErrorDetail {
        proposed_size: Some(size.to_string()),
        max_size_allowed: Some(most.to_string()),
        ..Default::default()
    };
    error(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size").with_detail(detail)
}

pub(crate) fn entity_too_small(size: u64, part: u16, etag: &str) -> ApiError {
    let detail = ErrorDetail {
        proposed_size: Some(size.to_string()),
        min_size_allowed: Some("5242880".to_owned()),
        part_number: Some(part.to_string()),
        e_tag: Some(etag.to_owned()),
        ..Default::default()
    };
    error(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        .with_detail(detail)
}

pub(crate) fn invalid_part(part: i32, etag: &str, upload_id: &str) -> ApiError {
    let detail = ErrorDetail {
        part_number: Some(part.to_string()),
        e_tag: Some(etag.to_owned()),
        upload_id: Some(upload_id.to_owned()),
        ..Default::default()
    };
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                   specified entity tag may not match the part's entity tag.";
    error(400, "InvalidPart", message).with_detail(detail)
}

pub(crate) fn invalid_part_order() -> ApiError {
    let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
    error(400, "InvalidPartOrder", message)
}

pub(crate) fn missing_content_length() -> ApiError {
    error(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
}

pub(crate) fn invalid_digest(value: &str) -> ApiError {
    let _ = value;
    error(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
}

pub(crate) fn bad_digest(what: &str) -> ApiError {
    let message = match what {
        "Content-MD5" => "The Content-MD5 you specified did not match what we received.".to_owned(),
        _ => format!("The {what} you specified did not match the calculated checksum."),
    };
    error(400, "BadDigest", message)
}

/// `access_tier` is the one of Intelligent-Tiering.
pub(crate) fn invalid_object_state(class: &str, access_tier: Option<&str>) -> ApiError {
    let detail = ErrorDetail {
        storage_class: Some(class.to_owned()),
        access_tier: access_tier.map(str::to_owned),
        ..Default::default()
    };
    let message = "The operation is not valid for the object's storage class";
    error(403, "InvalidObjectState", message).with_detail(detail)
}

pub(crate) fn restore_in_progress() -> ApiError {
    error(409, "RestoreAlreadyInProgress", "Object restore is already in progress")
}

pub(crate) fn invalid_tag(message: impl Into<String>) -> ApiError {
    error(400, "InvalidTag", message)
}

pub(crate) fn wrong_customer_key(message: &'static str) -> ApiError {
    error(400, "InvalidArgument", message)
}

pub(crate) fn not_here_yet(what: &str) -> ApiError {
    error(501, "NotImplemented", format!("{what} is not implemented in Brume yet."))
}

pub(crate) fn no_lock_configuration(bucket: &str) -> ApiError {
    no_such_configuration(
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
        bucket,
    )
}

pub(crate) fn no_object_lock() -> ApiError {
    invalid_request("Bucket is missing Object Lock Configuration")
}

pub(crate) fn no_retention() -> ApiError {
    error(
        404,
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
    )
}

pub(crate) fn no_such_access_point() -> ApiError {
    error(404, "NoSuchAccessPoint", "The specified accesspoint does not exist")
}

pub(crate) fn no_such_access_point_policy() -> ApiError {
    error(404, "NoSuchAccessPointPolicy", "The specified accesspoint policy does not exist")
}

pub(crate) fn access_point_already_owned() -> ApiError {
    let message = "Your previous request to create the named accesspoint succeeded and you already own it.";
    error(409, "AccessPointAlreadyOwnedByYou", message)
}

pub(crate) fn too_many_access_points() -> ApiError {
    error(400, "TooManyAccessPoints", "You have attempted to create more access points than allowed")
}

pub(crate) fn has_access_points() -> ApiError {
    let message = "The bucket you are trying to delete has access points attached. Delete your access points and try \
                   again.";
    error(409, "BucketHasAccessPointsAttached", message)
}

pub(crate) fn no_account_block() -> ApiError {
    let message = "The public access block configuration was not found";
    error(404, "NoSuchPublicAccessBlockConfiguration", message)
}

/// Of S3 Control, where a request cannot be what a job is made of.
pub(crate) fn bad_request(message: &str) -> ApiError {
    error(400, "BadRequestException", message)
}

pub(crate) fn no_such_lens() -> ApiError {
    error(404, "NoSuchConfiguration", "The specified configuration does not exist.")
}

pub(crate) fn no_such_job() -> ApiError {
    error(404, "NotFoundException", "The specified job does not exist.")
}

pub(crate) fn job_status(message: String) -> ApiError {
    error(400, "JobStatusException", message)
}

/// A blob that cannot be read is a fault of ours.
pub(crate) fn storage(cause: blobs::BlobError) -> ApiError {
    let message = "We encountered an internal error. Please try again.";
    error(500, "InternalError", message).with_cause(cause)
}
