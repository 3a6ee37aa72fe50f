//! The method's answer, made of the integration's.

use regex::{Regex, RegexBuilder};
use shapes::ApiError;

use super::JSON;
use super::deployed::{Call, Response};
use super::failures::Refusal;
use super::integration::Answer;
use super::mapping::scope;
use super::parameters::Given;
use super::reply::Reply;
use crate::errors;

/// What a compiled selection pattern may take.
const MOST_PATTERN_BYTES: usize = 1 << 20;

/// A selection pattern: a regular expression over the whole of a status, or of a function's error.
pub(crate) fn selection(pattern: &str) -> Result<Regex, ApiError> {
    RegexBuilder::new(&format!("^(?:{pattern})$"))
        .dot_matches_new_line(true)
        .size_limit(MOST_PATTERN_BYTES)
        .build()
        .map_err(|_| errors::bad_request(format!("Invalid selection pattern specified: {pattern}")))
}

/// By the integration response that the answer's status selects.
pub(crate) fn respond(call: &Call, answer: &Answer, given: &Given<'_>) -> Result<Reply, Refusal> {
    let selected_by = answer.selected_by();
    let is_selected = |response: &&Response| {
        response.selection.as_ref().is_some_and(|pattern| pattern.is_match(&selected_by))
    };
    let chosen = call.responses.iter().find(is_selected);
    let chosen = chosen.or_else(|| call.responses.iter().find(|response| response.selection.is_none()));
    let chosen = chosen.ok_or_else(Refusal::internal)?;
    // A refused call must not look like an accepted one because nobody mapped refusals.
    if chosen.selection.is_none() && answer.status >= 400 {
        return Err(Refusal::internal());
    }
    let given = Given { answer: Some(answer), ..*given };
    let template = chosen.templates.get_key_value(JSON).or_else(|| chosen.templates.iter().next());
    let mut content_type = answer.header("content-type").unwrap_or(JSON).to_owned();
    let body = match template {
        Some((media_type, template)) => {
            content_type.clone_from(media_type);
            let rendered = template.render(&scope(&answer.text(), &given));
            rendered.map_err(|_| Refusal::internal())?.into()
        }
        None => converted(chosen.content_handling.as_deref(), answer)?,
    };
    let mut headers = vec![("content-type".to_owned(), content_type)];
    for (to, from) in &chosen.parameters {
        if let Some(value) = from.value(&given) {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&to.0));
            headers.push((to.0.clone(), value.into_owned()));
        }
    }
    Ok(Reply { status: chosen.status, headers, body })
}

/// Developer Guide, "Content type conversions in API Gateway".
fn converted(handling: Option<&str>, answer: &Answer) -> Result<bytes::Bytes, Refusal> {
    match handling {
        Some("CONVERT_TO_TEXT") => Ok(vtl::text_escape::base64_encode(&answer.body).into()),
        Some("CONVERT_TO_BINARY") => {
            let decoded = vtl::text_escape::base64_decode(&answer.text());
            decoded.map(Into::into).map_err(|_| Refusal::internal())
        }
        _ => Ok(answer.body.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::selection;

    #[test]
    fn selection_patterns_mean_the_whole_text() {
        for (pattern, text, is_selected) in [
            ("4\\d{2}", "400", true),
            ("4\\d{2}", "4000", false),
            ("5..", "503", true),
            ("200|201", "201", true),
            ("4\\d\\d", "302", false),
            (".*Bad.*", "It was\nBad indeed", true),
        ] {
            let selected = selection(pattern).is_ok_and(|pattern| pattern.is_match(text));
            assert_eq!(selected, is_selected, "{pattern} {text}");
        }
        assert!(selection("(").is_err());
    }
}
