//! Conditional requests (RFC 9110, and "Conditional requests" in the S3 User Guide).

use shapes::{ApiError, Struct, Timestamp};

use crate::errors;
use crate::fields::Fields;
use crate::object::Version;

/// What a request makes its outcome depend on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Conditions {
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<Timestamp>,
    if_unmodified_since: Option<Timestamp>,
    if_match_size: Option<i64>,
    if_match_modified: Option<Timestamp>,
}

impl Conditions {
    pub(crate) fn read(input: &dyn Struct) -> Self {
        Self::named(Fields(input), "")
    }

    /// Those on the source of a copy.
    pub(crate) fn of_source(input: &dyn Struct) -> Self {
        Self::named(Fields(input), "CopySource")
    }

    fn named(fields: Fields<'_>, prefix: &str) -> Self {
        let name = |name: &str| format!("{prefix}{name}");
        Self {
            if_match: fields.owned(&name("IfMatch")),
            if_none_match: fields.owned(&name("IfNoneMatch")),
            if_modified_since: fields.time(&name("IfModifiedSince")),
            if_unmodified_since: fields.time(&name("IfUnmodifiedSince")),
            if_match_size: None,
            if_match_modified: fields.time("IfMatchLastModifiedTime"),
        }
    }

    /// Those of one entry of DeleteObjects.
    pub(crate) fn of_entry(etag: Option<String>, size: Option<i64>, modified: Option<Timestamp>) -> Self {
        Self { if_match: etag, if_match_size: size, if_match_modified: modified, ..Self::default() }
    }

    pub(crate) fn with_size(self, size: Option<i64>) -> Self {
        Self { if_match_size: size, ..self }
    }

    /// For reads: a failed one is 412, or 304 where the client has what it needs.
    pub(crate) fn check_read(&self, version: &Version) -> Result<(), ApiError> {
        let modified = version.modified.seconds();
        match &self.if_match {
            Some(tags) if !matches(tags, version) => return Err(errors::precondition_failed("If-Match")),
            // A tag that fits outweighs the date.
            Some(_) => {}
            None if self.if_unmodified_since.is_some_and(|since| modified > since.seconds()) => {
                return Err(errors::precondition_failed("If-Unmodified-Since"));
            }
            None => {}
        }
        let is_known = match &self.if_none_match {
            Some(tags) => matches(tags, version),
            None => self.if_modified_since.is_some_and(|since| modified <= since.seconds()),
        };
        if is_known { Err(errors::not_modified(unchanged_headers(version))) } else { Ok(()) }
    }

    /// For the source of a copy: all that fails is 412.
    pub(crate) fn check_source(&self, version: &Version) -> Result<(), ApiError> {
        self.check_read(version).map_err(|error| match error.status() {
            304 if self.if_none_match.is_some() => {
                errors::precondition_failed("x-amz-copy-source-If-None-Match")
            }
            304 => errors::precondition_failed("x-amz-copy-source-If-Modified-Since"),
            _ => error,
        })
    }

    /// For writes, on what is there now.
    pub(crate) fn check_write(&self, key: &str, current: Option<&Version>) -> Result<(), ApiError> {
        match (&self.if_none_match, current) {
            (Some(tags), Some(current)) if tags.trim() == "*" || matches(tags, current) => {
                return Err(errors::precondition_failed("If-None-Match"));
            }
            _ => {}
        }
        self.check_match(key, current)
    }

    pub(crate) fn check_delete(&self, key: &str, current: Option<&Version>) -> Result<(), ApiError> {
        self.check_match(key, current)?;
        let Some(current) = current else { return Ok(()) };
        let is_size = self.if_match_size.is_none_or(|size| u64::try_from(size) == Ok(current.size));
        let is_time = self.if_match_modified.is_none_or(|time| time.seconds() == current.modified.seconds());
        match (is_size, is_time) {
            (false, _) => Err(errors::precondition_failed("x-amz-if-match-size")),
            (_, false) => Err(errors::precondition_failed("x-amz-if-match-last-modified-time")),
            _ => Ok(()),
        }
    }

    fn check_match(&self, key: &str, current: Option<&Version>) -> Result<(), ApiError> {
        match (&self.if_match, current) {
            (Some(_), None) => Err(errors::no_such_key(key)),
            (Some(tags), Some(current)) if !matches(tags, current) => {
                Err(errors::precondition_failed("If-Match"))
            }
            _ => Ok(()),
        }
    }

    /// Writes take no others than these.
    pub(crate) fn check_writable(&self) -> Result<(), ApiError> {
        match &self.if_none_match {
            Some(tags) if tags.trim() != "*" => {
                let message = "A header you provided implies functionality that is not implemented";
                Err(ApiError::with_status(501, "NotImplemented", message))
            }
            _ => Ok(()),
        }
    }
}

/// Whether a list of tags, or the star, names the version's.
fn matches(tags: &str, version: &Version) -> bool {
    let own = version.etag.to_string();
    tags.split(',')
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == "*" || tag == own)
}

fn unchanged_headers(version: &Version) -> Vec<(String, String)> {
    let mut headers = vec![
        ("etag".to_owned(), version.etag.quoted()),
        ("last-modified".to_owned(), crate::http_date::format(version.modified)),
    ];
    headers.extend(version.headers.cache_control.clone().map(|value| ("cache-control".to_owned(), value)));
    if !version.id.is_null {
        headers.push(("x-amz-version-id".to_owned(), version.id.to_string()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use identity::AccountId;
    use shapes::Timestamp;

    use super::Conditions;
    use crate::object::{ETag, Version};

    #[test]
    fn tags_outweigh_dates() {
        let mut version = Version::empty(AccountId::DEFAULT, Timestamp::from_seconds(100));
        version.etag = ETag::whole([0xAB; 16]);
        let own = Some(version.etag.quoted());
        let other = Some("\"other\"".to_owned());
        let at = |seconds| Some(Timestamp::from_seconds(seconds));
        let all = Conditions::default;
        for (conditions, status) in [
            (all(), None),
            (Conditions { if_match: own.clone(), if_unmodified_since: at(50), ..all() }, None),
            (Conditions { if_match: other.clone(), ..all() }, Some(412)),
            (Conditions { if_unmodified_since: at(99), ..all() }, Some(412)),
            (Conditions { if_unmodified_since: at(100), ..all() }, None),
            (Conditions { if_none_match: own.clone(), ..all() }, Some(304)),
            (Conditions { if_none_match: other, if_modified_since: at(200), ..all() }, None),
            (Conditions { if_modified_since: at(100), ..all() }, Some(304)),
            (Conditions { if_modified_since: at(99), ..all() }, None),
        ] {
            let outcome = conditions.check_read(&version).err().map(|error| error.status());
            assert_eq!(outcome, status, "{conditions:?}");
        }
        let create = Conditions { if_none_match: Some("*".to_owned()), ..all() };
        assert!(create.check_write("k", None).is_ok());
        assert_eq!(create.check_write("k", Some(&version)).unwrap_err().status(), 412);
        let replace = Conditions { if_match: own, ..all() };
        assert_eq!(replace.check_write("k", None).unwrap_err().code(), "NoSuchKey");
        assert!(replace.check_write("k", Some(&version)).is_ok());
    }
}
