//! Tags of objects and buckets (S3 User Guide, "Categorizing your objects using tags").

use s3_api::Tag;
use shapes::ApiError;

use crate::{errors, key};

const MOST_OF_OBJECT: usize = 10;
const MOST_OF_BUCKET: usize = 50;

/// `a=b&c=d`, encoded as a query string.
pub(crate) fn of_header(text: &str) -> Result<Vec<(String, String)>, ApiError> {
    let malformed = || {
        let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without \
                       tag name duplicates.";
        errors::invalid_argument("x-amz-tagging", text, message)
    };
    let mut tags: Vec<(String, String)> = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = key::url_decode(name, true).ok_or_else(malformed)?;
        let value = key::url_decode(value, true).ok_or_else(malformed)?;
        if tags.iter().any(|(other, _)| *other == name) {
            return Err(malformed());
        }
        tags.push((name, value));
    }
    check(&tags, MOST_OF_OBJECT)?;
    Ok(tags)
}

pub(crate) fn of_object(tags: Vec<Tag>) -> Result<Vec<(String, String)>, ApiError> {
    of_set(tags, MOST_OF_OBJECT)
}

pub(crate) fn of_bucket(tags: Vec<Tag>) -> Result<Vec<(String, String)>, ApiError> {
    of_set(tags, MOST_OF_BUCKET)
}

fn of_set(tags: Vec<Tag>, most: usize) -> Result<Vec<(String, String)>, ApiError> {
    let tags: Vec<(String, String)> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    for (index, (name, _)) in tags.iter().enumerate() {
        if tags[..index].iter().any(|(other, _)| other == name) {
            return Err(errors::invalid_tag("Cannot provide multiple Tags with the same key"));
        }
    }
    check(&tags, most)?;
    Ok(tags)
}

pub(crate) fn to_set(tags: &[(String, String)]) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

fn check(tags: &[(String, String)], most: usize) -> Result<(), ApiError> {
    if tags.len() > most {
        let what = if most == MOST_OF_OBJECT { "Object" } else { "Bucket" };
        let message = format!("{what} tags cannot be greater than {most}");
        return Err(ApiError::sender("BadRequest", message));
    }
    for (name, value) in tags {
        if name.is_empty() || name.chars().count() > 128 || !is_text(name) {
            return Err(errors::invalid_tag("The TagKey you have provided is invalid"));
        }
        if name.starts_with("aws:") {
            return Err(errors::invalid_tag("System tags cannot be added/updated by requester"));
        }
        if value.chars().count() > 256 || !is_text(value) {
            return Err(errors::invalid_tag("The TagValue you have provided is invalid"));
        }
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c))
}

#[cfg(test)]
mod tests {
    #[test]
    fn headers_are_query_strings_without_duplicates() {
        let tags = super::of_header("a=1&b%20c=x%2By&d").unwrap();
        let pairs: Vec<_> = tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b c", "x+y"), ("d", "")]);
        assert_eq!(super::of_header("a=1&a=2").unwrap_err().code(), "InvalidArgument");
        let many: Vec<String> = (0..11).map(|n| format!("k{n}=v")).collect();
        assert_eq!(super::of_header(&many.join("&")).unwrap_err().code(), "BadRequest");
        assert_eq!(super::of_header("a=%3C").unwrap_err().code(), "InvalidTag");
    }
}
