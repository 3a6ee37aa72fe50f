//! What EventBridge is told of a bucket that asks for it (S3 User Guide, "EventBridge event message structure").
//!
//! The event arrives on the default bus of the bucket's owner within the transaction that it tells of.

use std::borrow::Cow;

use cloud::{Ctx, ServiceEvent};
use serde_json::json;
use shapes::ApiError;
use store::Tx;

use crate::events::Event;
use crate::key;
use crate::settings::Loaded;

/// The event's type, its reason, and how an object was deleted; nothing for what EventBridge is not told.
fn kind(event: &Event<'_>) -> Option<(&'static str, Option<&'static str>, Option<&'static str>)> {
    const GONE: Option<&str> = Some("Permanently Deleted");
    const MARKED: Option<&str> = Some("Delete Marker Created");
    Some(match event.name {
        "ObjectCreated:Put" => ("Object Created", Some("PutObject"), None),
        "ObjectCreated:Post" => ("Object Created", Some("POST Object"), None),
        "ObjectCreated:Copy" => ("Object Created", Some("CopyObject"), None),
        "ObjectCreated:CompleteMultipartUpload" => ("Object Created", Some("CompleteMultipartUpload"), None),
        "ObjectRemoved:Delete" => ("Object Deleted", Some("DeleteObject"), GONE),
        "ObjectRemoved:DeleteMarkerCreated" => ("Object Deleted", Some("DeleteObject"), MARKED),
        "LifecycleExpiration:Delete" => ("Object Deleted", Some("Lifecycle Expiration"), GONE),
        "LifecycleExpiration:DeleteMarkerCreated" => ("Object Deleted", Some("Lifecycle Expiration"), MARKED),
        "ObjectRestore:Post" => ("Object Restore Initiated", None, None),
        "ObjectRestore:Completed" => ("Object Restore Completed", None, None),
        "ObjectRestore:Delete" => ("Object Restore Expired", None, None),
        "LifecycleTransition" => ("Object Storage Class Changed", None, None),
        "IntelligentTiering" => ("Object Access Tier Changed", None, None),
        "ObjectAcl:Put" => ("Object ACL Updated", None, None),
        "ObjectTagging:Put" => ("Object Tags Added", None, None),
        "ObjectTagging:Delete" => ("Object Tags Deleted", None, None),
        _ => return None,
    })
}

/// Tells `event` as a part of `tx`.
pub(crate) fn tell(ctx: &Ctx, tx: &mut Tx<'_>, loaded: &Loaded, event: &Event<'_>) -> Result<(), ApiError> {
    let Some((detail_type, reason, deletion)) = kind(event) else { return Ok(()) };
    let version = event.version;
    let mut object = json!({ "key": event.key, "sequencer": format!("{:016X}", version.id.order) });
    if !version.is_delete_marker {
        object["etag"] = json!(version.etag.to_string());
        if deletion.is_none() {
            object["size"] = json!(version.size);
        }
    }
    if loaded.bucket.versioning.has_ids() {
        object["version-id"] = json!(version.id.to_string());
    }
    let mut detail = json!({
        "version": "0",
        "bucket": { "name": loaded.bucket.name },
        "object": object,
        "request-id": ctx.request_id(),
        "requester": ctx.principal().account().map_or_else(|| "s3.amazonaws.com".to_owned(), |id| id.to_string()),
    });
    if let Some(address) = ctx.caller().source_ip {
        detail["source-ip-address"] = json!(address.to_string());
    }
    for (name, value) in [("reason", reason), ("deletion-type", deletion)] {
        if let Some(value) = value {
            detail[name] = json!(value);
        }
    }
    if event.name == "LifecycleTransition" {
        detail["destination-storage-class"] = json!(version.class.name());
    }
    let region = identity::Region::parse(&loaded.bucket.region).unwrap_or(ctx.region());
    let own = ctx.in_tenant(loaded.bucket.owner, region);
    let event = ServiceEvent {
        source: Cow::Borrowed("aws.s3"),
        detail_type: Cow::Borrowed(detail_type),
        resources: vec![key::arn(&loaded.bucket.name, None)],
        detail: detail.to_string(),
    };
    tx.with_scope(own.scope(), |tx| own.tell(tx, event))
}
