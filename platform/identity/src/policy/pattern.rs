//! Texts with wildcards and policy variables, compiled for matching.
//!
//! "IAM policy elements: Variables and tags" and "IAM JSON policy elements: Resource" have the rules. A variable's
//! value never acts as a wildcard: only stars and question marks written in the policy do.

use std::borrow::Cow;

use super::context::ContextKeys;

/// A wildcard in a compiled pattern. Neither byte occurs in UTF-8, so texts cannot be taken for wildcards.
const STAR: u8 = 0xFF;
const ANY: u8 = 0xFE;

/// What of a text has a meaning of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syntax {
    pub wildcards: bool,
    pub variables: bool,
    /// Whether letters match in either case; the pattern is then kept in small letters.
    pub folds_case: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Pattern {
    bytes: Box<[u8]>,
    holes: Box<[Hole]>,
    folds_case: bool,
    /// Whether some star ends one of an ARN's first five parts, and so may run over the colons that follow.
    crosses: bool,
}

/// A variable and the place in the bytes where its value goes.
#[derive(Clone, Debug)]
struct Hole {
    at: usize,
    key: Box<str>,
    default: Option<Box<str>>,
}

impl Pattern {
    pub(super) fn parse(text: &str, syntax: Syntax) -> Result<Self, String> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut holes = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if syntax.variables && rest.starts_with("${") {
                let end =
                    rest.find('}').ok_or_else(|| format!("the variable in '{text}' has no closing brace"))?;
                match &rest[2..end] {
                    literal @ ("*" | "?" | "$") => bytes.extend_from_slice(literal.as_bytes()),
                    variable => holes.push(Hole::parse(variable, bytes.len())?),
                }
                rest = &rest[end + 1..];
                continue;
            }
            match letter {
                '*' if syntax.wildcards && bytes.last() == Some(&STAR) => {}
                '*' if syntax.wildcards => bytes.push(STAR),
                '?' if syntax.wildcards => bytes.push(ANY),
                _ => bytes.extend_from_slice(&rest.as_bytes()[..letter.len_utf8()]),
            }
            rest = &rest[letter.len_utf8()..];
        }
        if syntax.folds_case {
            bytes.make_ascii_lowercase();
        }
        let crosses = crosses_colons(&bytes);
        Ok(Self { bytes: bytes.into(), holes: holes.into(), folds_case: syntax.folds_case, crosses })
    }

    /// Whether the text is as the pattern says. A variable without a value makes it match nothing.
    pub(super) fn matches(&self, text: &str, context: &ContextKeys) -> bool {
        self.resolve(context).is_some_and(|pattern| glob(&pattern, text.as_bytes(), self.folds_case))
    }

    /// As [`Pattern::matches`] for a `Resource`: a star within one of the first five parts of the ARN stays in it,
    /// one at a part's end may run on.
    pub(super) fn matches_resource(&self, resource: &str, context: &ContextKeys) -> bool {
        let Some(pattern) = self.resolve(context) else { return false };
        if self.crosses {
            glob(&pattern, resource.as_bytes(), false)
        } else {
            parts_match(&pattern, resource)
        }
    }

    /// As [`Pattern::matches`] for ARN conditions: each of the six parts by itself.
    pub(super) fn matches_arn(&self, arn: &str, context: &ContextKeys) -> bool {
        let Some(pattern) = self.resolve(context) else { return false };
        if *pattern == [STAR] { crate::arn::split(arn).is_some() } else { parts_match(&pattern, arn) }
    }

    /// The keys of the variables.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.holes.iter().map(|hole| &*hole.key)
    }

    fn resolve(&self, context: &ContextKeys) -> Option<Cow<'_, [u8]>> {
        if self.holes.is_empty() {
            return Some(Cow::Borrowed(&self.bytes));
        }
        let mut resolved = Vec::with_capacity(self.bytes.len() + 32);
        let mut from = 0;
        for hole in &self.holes {
            resolved.extend_from_slice(&self.bytes[from..hole.at]);
            from = hole.at;
            let value = match context.get(&hole.key) {
                Some([value]) => value.as_str(),
                _ => hole.default.as_deref()?,
            };
            let start = resolved.len();
            resolved.extend_from_slice(value.as_bytes());
            if self.folds_case {
                resolved[start..].make_ascii_lowercase();
            }
        }
        resolved.extend_from_slice(&self.bytes[from..]);
        Some(Cow::Owned(resolved))
    }
}

impl Hole {
    /// Reads `key` or `key, 'default'`.
    fn parse(text: &str, at: usize) -> Result<Self, String> {
        let (key, default) = match text.split_once(',') {
            None => (text, None),
            Some((key, default)) => {
                let default = default.trim();
                let inner = default.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
                let inner = inner
                    .ok_or_else(|| format!("the default of '${{{text}}}' has to stand in single quotes"))?;
                (key, Some(inner.into()))
            }
        };
        let key = key.trim();
        if key.is_empty() || key.contains(char::is_whitespace) && !key.contains('/') {
            return Err(format!("'${{{text}}}' is no policy variable: it has to name a condition key"));
        }
        Ok(Self { at, key: key.to_ascii_lowercase().into(), default })
    }
}

fn crosses_colons(pattern: &[u8]) -> bool {
    let colons = pattern.iter().filter(|byte| **byte == b':').count();
    if colons < 5 {
        return true;
    }
    pattern.splitn(6, |byte| *byte == b':').take(5).any(|part| part.last() == Some(&STAR))
}

fn parts_match(pattern: &[u8], arn: &str) -> bool {
    let is_colon = |byte: &u8| *byte == b':';
    let mut parts = arn.as_bytes().splitn(6, is_colon);
    let mut count = 0;
    for pattern in pattern.splitn(6, is_colon) {
        match parts.next() {
            Some(part) if glob(pattern, part, false) => count += 1,
            _ => return false,
        }
    }
    count == 6
}

/// Matches a compiled pattern. Only the last star is ever taken back, so the time is at most the product of lengths.
fn glob(pattern: &[u8], text: &[u8], folds_case: bool) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(&STAR) => {
                p += 1;
                if p == pattern.len() {
                    return true;
                }
                retry = Some((p, t));
                continue;
            }
            Some(&ANY) => {
                p += 1;
                t += letter_length(text[t]);
                continue;
            }
            Some(&byte) if byte == text[t] || folds_case && byte == text[t].to_ascii_lowercase() => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        let Some((star, taken)) = retry else { return false };
        retry = Some((star, taken + 1));
        (p, t) = (star, taken + 1);
    }
    pattern[p..].iter().all(|byte| *byte == STAR)
}

/// The length of the UTF-8 letter that begins so.
fn letter_length(first: u8) -> usize {
    match first {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

const GLOB: Syntax = Syntax { wildcards: true, variables: false, folds_case: false };

/// Whether a text is as a pattern with `*` and `?` says. For many texts, keep a compiled policy instead.
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern, GLOB).is_ok_and(|pattern| pattern.matches(text, &ContextKeys::default()))
}

/// Whether a resource's ARN is as a `Resource` element says, without variables.
pub fn resource_matches(pattern: &str, resource: &str) -> bool {
    Pattern::parse(pattern, GLOB)
        .is_ok_and(|pattern| pattern.matches_resource(resource, &ContextKeys::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        for text in matching {
            assert!(glob_matches(pattern, text), "{pattern} should match {text}");
        }
        for text in others {
            assert!(!glob_matches(pattern, text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn wildcards_match_runs_and_letters() {
        check("*", &["", "a", "a:b"], &[]);
        check("a*c", &["ac", "abc", "acc"], &["a", "abcd", "bac"]);
        check("a?c", &["abc", "aéc", "a😀c"], &["ac", "abbc"]);
        check("*a*b*", &["ab", "xaxbx", "aab"], &["ba", "b"]);
        check("a**b", &["ab", "axb"], &["a"]);
        check("", &[""], &["a"]);
        check("A", &["A"], &["a"]);
    }

    #[test]
    fn stars_stay_within_parts_of_an_arn_unless_they_end_them() {
        let queue = "arn:aws:sqs:us-east-1:123456789012:orders";
        for pattern in
            ["*", "arn:aws:sqs:*", "arn:aws:sqs:*:*:orders", "arn:*:orders", "arn:aws:sqs:us-*-1:*:ord*"]
        {
            assert!(resource_matches(pattern, queue), "{pattern}");
        }
        for pattern in ["arn:aws:sqs:*:order", "arn:aws:sns:*:*:*", "arn:aws:sqs:u*2:orders:a:b"] {
            assert!(!resource_matches(pattern, queue), "{pattern}");
        }
        let object = "arn:aws:s3:::bucket/a:b/c.txt";
        assert!(resource_matches("arn:aws:s3:::bucket/*.txt", object));
        assert!(!resource_matches("arn:a*s:s3:::bucket", "arn:aws:s3:x:s:s3:::bucket"));
    }

    #[test]
    fn variables_take_values_that_are_no_wildcards() {
        let syntax = Syntax { wildcards: true, variables: true, folds_case: false };
        let mut context = ContextKeys::default();
        context.set("aws:username", "a*");
        context.set("aws:PrincipalTag/team", "blue");
        let matches =
            |pattern: &str, text: &str| Pattern::parse(pattern, syntax).unwrap().matches(text, &context);
        assert!(matches("home/${aws:username}/*", "home/a*/x"));
        assert!(!matches("home/${aws:username}/*", "home/ab/x"));
        assert!(matches("${aws:PrincipalTag/TEAM}", "blue"));
        assert!(matches("${aws:missing, 'none'}-x", "none-x"));
        assert!(!matches("${aws:missing}*", "anything"));
        assert!(matches("${*}${?}${$}", "*?$") && !matches("${*}", "x"));
        assert!(Pattern::parse("${aws:username", syntax).is_err());
        assert!(Pattern::parse("${a:b, none}", syntax).is_err());
    }
}
