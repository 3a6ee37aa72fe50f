//! What content type web endpoints are told (Developer Guide, "Creating an HTTP/S delivery policy": `requestPolicy`).

use serde_json::Value;

pub(crate) const DEFAULT: &str = "text/plain; charset=UTF-8";

/// Of envelopes, and of what a topic says for all its subscriptions.
const FOR_ENVELOPES: [&str; 2] = ["application/json", "text/plain"];
/// Of raw messages, beside those.
const FOR_RAW: [&str; 10] = [
    "application/atom+xml",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/xml",
];

/// `headerContentType` of a request policy.
pub(crate) fn parse(policy: &Value, is_raw: bool) -> Result<Option<String>, String> {
    let given = match policy {
        Value::Null => return Ok(None),
        Value::Object(members) => members.get("headerContentType"),
        _ => return Err("the request policy must be a JSON object".to_owned()),
    };
    let text = match given {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err("headerContentType must be a string".to_owned()),
    };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let is_known = FOR_ENVELOPES.contains(&kind.trim()) || (is_raw && FOR_RAW.contains(&kind.trim()));
    let is_header = parameters.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_known && is_header {
        Ok(Some(text.clone()))
    } else {
        Err(format!("headerContentType '{text}' is not supported"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn raw_messages_have_more_content_types() {
        let of = |kind: &str, is_raw| parse(&json!({ "headerContentType": kind }), is_raw);
        assert_eq!(of("application/json", false), Ok(Some("application/json".to_owned())));
        assert!(of("text/plain; charset=UTF-8", false).is_ok());
        assert!(of("text/csv", false).is_err() && of("text/csv", true).is_ok());
        assert!(of("image/png", true).is_err());
        assert!(of("text/plain;\r\nx: y", true).is_err());
    }
}
