//! Lists in pages.

use shapes::ApiError;

use crate::errors;

/// How many entries a page may have: `most`, unless the request asks for less.
pub(crate) fn limit(asked: Option<&str>, most: usize) -> Result<usize, ApiError> {
    let Some(asked) = asked else { return Ok(most) };
    let number = asked.parse::<usize>().ok().filter(|number| (1..=1000).contains(number));
    let number = number.ok_or_else(|| errors::invalid(format!("Invalid limit: {asked}")))?;
    Ok(number.min(most))
}

/// Cuts what was read, one more than asked for, to a page; returns what the next one begins with.
pub(crate) fn cut<T>(rows: &mut Vec<T>, limit: usize) -> Option<T> {
    if rows.len() > limit { rows.drain(limit..).next() } else { None }
}
