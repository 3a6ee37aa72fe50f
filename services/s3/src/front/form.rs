//! Files that browsers post (S3 API Reference, "POST Object").

use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use cloud::{Actor, Apart, Ctx};
use http::header::{CONTENT_TYPE, ETAG, HeaderName, HeaderValue, LOCATION};
use http::{Response, StatusCode};
use identity::credentials::developer_principal;
use identity::sigv4::SigningKey;
use s3_api::op::PutObject;
use s3_api::{PutObjectInput, PutObjectOutput};
use shapes::{ApiError, Body, ByteSource, Slot, Struct};

use super::form_policy::{self, Demands};
use super::multipart_form::Form;
use super::{anonymous, bucket_and_key, context};
use crate::upload::MOST_BYTES;
use crate::{S3, errors};

/// Stores the file of a form.
pub(super) async fn post(s3: &Arc<S3>, mut request: Apart<'_>) -> Result<Response<Body>, ApiError> {
    let content_type = request.head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let source = std::mem::take(&mut request.body).into_source();
    let form = Form::read(&content_type, source).await?;
    let (bucket, _) = bucket_and_key(request.claim);
    let key = key_of(&form)?;
    let (ctx, demands) = admit(s3, &request, &form, &bucket)?;
    let mut input = PutObjectInput { bucket: bucket.clone(), key: key.clone(), ..Default::default() };
    fill(&form, &mut input);
    let asked = Asked::of(&form);
    let file = Measured { source: form.file.body, bytes: 0, demands };
    // How long the file is is known only once it has come.
    input.body = Some(Body::stream(Some(0), file));
    let output = ctx.call::<PutObject>(input).await?;
    Ok(asked.answer(&request, &bucket, &key, &output))
}

/// The key, with the file's name where the form asks for it.
fn key_of(form: &Form) -> Result<String, ApiError> {
    let key = form.field("key").ok_or_else(|| {
        let message = "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of \
                       the fields.";
        errors::invalid_argument("key", "", message)
    })?;
    let name = form.file.name.as_deref().unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    Ok(key.replace("${filename}", name))
}

/// Whose form it is, and what its policy demands of the file. One without a policy is anybody's.
fn admit(s3: &S3, request: &Apart<'_>, form: &Form, bucket: &str) -> Result<(Ctx, Demands), ApiError> {
    let Some(policy) = form.field("policy") else {
        return Ok((anonymous(s3, request), Demands { least_bytes: 0, most_bytes: MOST_BYTES }));
    };
    let v4 = form.field("x-amz-credential").map(|credential| credential.split('/').collect::<Vec<_>>());
    let access_key = match (&v4, form.field("awsaccesskeyid")) {
        (Some(parts), _) if parts.len() == 5 => parts[0],
        (None, Some(key)) => key,
        _ => {
            let message = "Bucket POST must contain a field named 'AWSAccessKeyId' or 'X-Amz-Credential'.";
            return Err(errors::invalid_argument("AWSAccessKeyId", "", message));
        }
    };
    let actor = match s3.cloud.directory()?.credential(access_key)? {
        Some(credential) => {
            let now = s3.cloud.clock().now();
            if credential.expires.is_some_and(|expires| expires <= now) {
                return Err(ApiError::sender("ExpiredToken", "The provided token has expired."));
            }
            if credential.session_token.as_deref() != form.field("x-amz-security-token") {
                return Err(unknown_key());
            }
            let secret = &credential.secret_access_key;
            let is_signed = match (&v4, form.field("x-amz-signature"), form.field("signature")) {
                (Some(parts), Some(signature), _) => SigningKey::derive(secret, parts[1], parts[2], parts[3])
                    .is_signature_of(policy, signature),
                (None, _, Some(signature)) => identity::sigv2::is_signature_of(secret, policy, signature),
                _ => false,
            };
            if !is_signed {
                let message = "The request signature we calculated does not match the signature you provided. Check \
                               your key and signing method.";
                return Err(ApiError::with_status(403, "SignatureDoesNotMatch", message));
            }
            credential.actor.clone()
        }
        None if s3.cloud.settings().is_strict => return Err(unknown_key()),
        // A form of some other site must bring a key that the region has given out.
        None if is_foreign(request) => return Err(errors::access_denied("Access Denied")),
        None => Actor::of(developer_principal(access_key)),
    };
    // The client's clock is the machine's, whatever the region's was advanced by.
    let clock = s3.cloud.clock();
    let wall = shapes::Timestamp::from_millis(clock.now().millis() - clock.offset().as_millis() as i64);
    let demands = form_policy::check(policy, &form.fields, bucket, wall)?;
    Ok((context(s3, actor, request, Some(access_key)), demands))
}

fn is_foreign(request: &Apart<'_>) -> bool {
    let text = |name: &str| request.head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_local = |origin: &str| {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        let host = host.split(':').next().unwrap_or_default();
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.")
    };
    text("sec-fetch-site") == Some("cross-site") || text("origin").is_some_and(|origin| !is_local(origin))
}

fn unknown_key() -> ApiError {
    let message = "The AWS Access Key Id you provided does not exist in our records.";
    ApiError::with_status(403, "InvalidAccessKeyId", message)
}

/// Sets the members of an input that a form's fields name as headers do.
fn fill(form: &Form, input: &mut PutObjectInput) {
    for (name, value) in &form.fields {
        if let Some(name) = name.strip_prefix("x-amz-meta-") {
            input.metadata.get_or_insert_default().insert(name.to_owned(), value.clone());
            continue;
        }
        let name = if name == "acl" { "x-amz-acl" } else { name.as_str() };
        let members = input.shape().members.iter().enumerate();
        let found = members.into_iter().find(|(_, member)| {
            member.location == shapes::Location::Header && member.wire_name().eq_ignore_ascii_case(name)
        });
        if let Some((index, _)) = found
            && let Slot::String(target) = input.member_mut(index).slot()
        {
            target.clone_from(value);
        }
    }
    if input.content_type.is_none() {
        input.content_type.clone_from(&form.file.content_type);
    }
    // A form's tags are XML; a query string is what the operation takes.
    if let Some(tagging) = input.tagging.take().filter(|tagging| !tagging.trim_start().starts_with('<')) {
        input.tagging = Some(tagging);
    }
    if form.field("x-amz-checksum-algorithm").is_none() {
        input.checksum_algorithm = None;
    }
}

/// A file that must have the length that its policy demands.
struct Measured<S> {
    source: S,
    bytes: u64,
    demands: Demands,
}

impl<S: ByteSource> ByteSource for Measured<S> {
    fn poll_piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, ApiError>>> {
        let piece = ready!(self.source.poll_piece(task));
        let Demands { least_bytes, most_bytes } = self.demands;
        Poll::Ready(match piece {
            Some(Ok(piece)) => {
                self.bytes += piece.len() as u64;
                let most = most_bytes.min(MOST_BYTES);
                if self.bytes > most {
                    Some(Err(errors::entity_too_large(self.bytes, most)))
                } else {
                    Some(Ok(piece))
                }
            }
            None if self.bytes < least_bytes => {
                let message = "Your proposed upload is smaller than the minimum allowed size";
                Some(Err(ApiError::sender("EntityTooSmall", message)))
            }
            other => other,
        })
    }
}

/// What a form wants to hear.
struct Asked {
    redirect: Option<String>,
    status: u16,
}

impl Asked {
    fn of(form: &Form) -> Self {
        let redirect = form.field("success_action_redirect").or_else(|| form.field("redirect"));
        let status = form.field("success_action_status").and_then(|status| status.parse().ok());
        Self {
            redirect: redirect.filter(|url| url.contains("://")).map(str::to_owned),
            status: status.filter(|status| matches!(status, 200 | 201 | 204)).unwrap_or(204),
        }
    }

    fn answer(
        &self,
        request: &Apart<'_>,
        bucket: &str,
        key: &str,
        output: &PutObjectOutput,
    ) -> Response<Body> {
        let etag = output.e_tag.clone().unwrap_or_default();
        let encoded = crate::key::url_encode(key, true);
        let scheme = if request.is_tls { "https" } else { "http" };
        let authority = super::host::authority(request.head);
        let location = format!("{scheme}://{authority}/{bucket}/{encoded}");
        let mut response = Response::new(Body::default());
        let mut location_header = location.clone();
        if let Some(redirect) = &self.redirect {
            let separator = if redirect.contains('?') { '&' } else { '?' };
            let tag = crate::key::url_encode(&etag, false);
            location_header = format!("{redirect}{separator}bucket={bucket}&key={encoded}&etag={tag}");
            *response.status_mut() = StatusCode::SEE_OTHER;
        } else {
            *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::NO_CONTENT);
        }
        if self.redirect.is_none() && self.status == 201 {
            let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location><Bucket>{bucket}</Bucket>\
                 <Key>{}</Key><ETag>{}</ETag></PostResponse>",
                escape(&location),
                escape(key),
                escape(&etag)
            );
            *response.body_mut() = Body::from(body);
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        }
        let version = output.version_id.clone().unwrap_or_default();
        for (name, value) in [
            (ETAG, etag),
            (LOCATION, location_header),
            (HeaderName::from_static("x-amz-version-id"), version),
            (
                HeaderName::from_static("x-amz-server-side-encryption"),
                output.server_side_encryption.clone().unwrap_or_default(),
            ),
        ] {
            if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(&value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
