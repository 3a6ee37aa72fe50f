//! java.lang.String. Positions count UTF-16 units there; here they count characters, which differ only
//! outside the basic plane.

use regex::Regex;

use super::{Called, int, text, too_long};
use crate::value::Value;

pub(super) fn call(on: &str, method: &str, args: &[Value], room: usize) -> Called {
    let text_args: Vec<String> = args.iter().map(|arg| text(arg, room)).collect::<Result<_, _>>()?;
    let words: Vec<&str> = text_args.iter().map(String::as_str).collect();
    let found = match (method, words.as_slice()) {
        ("length", []) => int(on.chars().count()),
        ("isEmpty", []) => Some(Value::Bool(on.is_empty())),
        ("isBlank", []) => Some(Value::Bool(on.trim().is_empty())),
        ("trim" | "strip", []) => Some(Value::from(on.trim_matches(|c: char| c <= ' '))),
        ("toLowerCase", []) => Some(Value::from(on.to_lowercase())),
        ("toUpperCase", []) => Some(Value::from(on.to_uppercase())),
        ("hashCode", []) => Some(Value::Int(hash_code(on))),
        ("contains", [part]) => Some(Value::Bool(on.contains(part))),
        ("startsWith", [part]) => Some(Value::Bool(on.starts_with(part))),
        ("endsWith", [part]) => Some(Value::Bool(on.ends_with(part))),
        ("equalsIgnoreCase", [other]) => Some(Value::Bool(on.to_lowercase() == other.to_lowercase())),
        ("compareTo", [other]) => Some(Value::Int(compare(on, other))),
        ("compareToIgnoreCase", [other]) => {
            Some(Value::Int(compare(&on.to_lowercase(), &other.to_lowercase())))
        }
        ("concat", [other]) => Some(Value::from(format!("{on}{other}"))),
        ("matches", [pattern]) => Some(Value::Bool(regex(&format!("^(?:{pattern})$"))?.is_match(on))),
        ("replace", [from, to]) => Some(Value::from(replace(on, from, to, room)?)),
        ("replaceAll", [pattern, to]) => Some(Value::from(replace_regex(on, pattern, to, usize::MAX, room)?)),
        ("replaceFirst", [pattern, to]) => Some(Value::from(replace_regex(on, pattern, to, 1, room)?)),
        ("split", [pattern]) => Some(split(on, pattern, 0)?),
        ("split", [pattern, _]) => Some(split(on, pattern, number(&args[1])?)?),
        ("indexOf", [part]) => Some(position(on.find(part), on)),
        ("lastIndexOf", [part]) => Some(position(on.rfind(part), on)),
        ("indexOf", [part, _]) => Some(index_from(on, part, number(&args[1])?)),
        ("charAt", [_]) => {
            let at = number(&args[0])?;
            Some(Value::from(slice(on, at, at.saturating_add(1))?))
        }
        ("substring" | "subSequence", [_]) => Some(Value::from(slice(on, number(&args[0])?, length(on))?)),
        ("substring" | "subSequence", [_, _]) => {
            Some(Value::from(slice(on, number(&args[0])?, number(&args[1])?)?))
        }
        _ => None,
    };
    Ok(found)
}

fn number(value: &Value) -> Result<i64, String> {
    match value {
        Value::Int(n) => Ok(*n),
        other => Err(format!("expected a whole number as position, found {other:?}")),
    }
}

fn length(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

fn slice(text: &str, begin: i64, end: i64) -> Result<String, String> {
    let length = length(text);
    if begin < 0 || end > length || begin > end {
        return Err(format!("begin {begin}, end {end} is out of bounds, the string has {length} characters"));
    }
    let skip = usize::try_from(begin).unwrap_or_default();
    let take = usize::try_from(end - begin).unwrap_or_default();
    Ok(text.chars().skip(skip).take(take).collect())
}

fn position(byte: Option<usize>, text: &str) -> Value {
    Value::Int(byte.and_then(|byte| text.get(..byte)).map_or(-1, length))
}

fn index_from(text: &str, part: &str, from: i64) -> Value {
    let from = usize::try_from(from).unwrap_or_default();
    let start = text.char_indices().nth(from).map_or(text.len(), |(byte, _)| byte);
    let found = text.get(start..).and_then(|tail| tail.find(part)).map(|byte| byte + start);
    position(found, text)
}

fn hash_code(text: &str) -> i64 {
    i64::from(
        text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit))),
    )
}

fn compare(a: &str, b: &str) -> i64 {
    let (a, b): (Vec<u16>, Vec<u16>) = (a.encode_utf16().collect(), b.encode_utf16().collect());
    let difference = a.iter().zip(&b).find(|(a, b)| a != b).map(|(a, b)| i64::from(*a) - i64::from(*b));
    let lengths = || a.len().cast_signed() as i64 - b.len().cast_signed() as i64;
    difference.unwrap_or_else(lengths)
}

fn regex(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern).map_err(|_| {
        format!("'{pattern}' is not a supported regular expression (no look-around and no back-references)")
    })
}

fn replace(text: &str, from: &str, to: &str, room: usize) -> Result<String, String> {
    let grown = text.matches(from).count().saturating_mul(to.len()).saturating_add(text.len());
    if grown > room { Err(too_long(room)) } else { Ok(text.replace(from, to)) }
}

fn replace_regex(text: &str, pattern: &str, to: &str, times: usize, room: usize) -> Result<String, String> {
    let regex = regex(pattern)?;
    let mut out = String::new();
    let mut copied = 0;
    for found in regex.captures_iter(text).take(times) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(copied..whole.start()).unwrap_or_default());
        expand(to, &found, &mut out)?;
        copied = whole.end();
        if out.len() > room {
            return Err(too_long(room));
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(out)
}

/// A replacement in Java's notation: `$1` is a group, a backslash makes the next character plain.
fn expand(to: &str, found: &regex::Captures<'_>, out: &mut String) -> Result<(), String> {
    let mut letters = to.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.push(letters.next().ok_or("the replacement ends in a lone backslash, expected two")?),
            '$' => {
                let digit = letters.next().and_then(|c| c.to_digit(10));
                let mut group = digit.ok_or("expected a group number after '$' in the replacement")? as usize;
                // A second digit belongs to the number only where there is such a group.
                while let Some(next) = letters.peek().and_then(|c| c.to_digit(10)) {
                    let longer = group * 10 + next as usize;
                    if longer >= found.len() {
                        break;
                    }
                    group = longer;
                    letters.next();
                }
                if group >= found.len() {
                    return Err(format!("the pattern has no group {group}"));
                }
                out.push_str(found.get(group).map_or("", |part| part.as_str()));
            }
            other => out.push(other),
        }
    }
    Ok(())
}

/// Java's split: no empty first part from a match of nothing, and without a limit no empty last parts.
fn split(text: &str, pattern: &str, limit: i64) -> Result<Value, String> {
    let regex = regex(pattern)?;
    let most = usize::try_from(limit).ok().filter(|most| *most > 0).unwrap_or(usize::MAX);
    let mut parts: Vec<&str> = Vec::new();
    let mut start = 0;
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= most || (found.end() == 0) || (found.is_empty() && found.start() == text.len())
        {
            continue;
        }
        parts.push(text.get(start..found.start()).unwrap_or_default());
        start = found.end();
    }
    parts.push(text.get(start..).unwrap_or_default());
    if limit == 0 {
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        if start > 0 && parts == [""] {
            parts.clear();
        }
    }
    Ok(Value::list(parts.into_iter().map(Value::from).collect()))
}
