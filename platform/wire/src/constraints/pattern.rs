//! Models' patterns are Java regular expressions; ours are of the `regex` crate, which has no look-around and no
//! back references. A pattern that cannot be translated is not checked.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use regex::{Regex, RegexBuilder};

/// Compiled patterns by address and length of their text: patterns are statics, so they neither move nor change.
type Patterns = HashMap<(usize, usize), Option<Arc<Regex>>>;

static COMPILED: RwLock<Option<Patterns>> = RwLock::new(None);

/// Bytes that one compiled pattern may take.
const SIZE_LIMIT: usize = 8 << 20;

/// Whether `value` as a whole matches; `true` for patterns that cannot be translated.
pub(super) fn matches(pattern: &'static str, value: &str) -> bool {
    compiled(pattern).is_none_or(|regex| regex.is_match(value))
}

/// Whether a model's pattern can be checked at all.
pub fn is_supported(pattern: &str) -> bool {
    compile(pattern).is_some()
}

fn compiled(pattern: &'static str) -> Option<Arc<Regex>> {
    let key = (pattern.as_ptr() as usize, pattern.len());
    let known = COMPILED.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known.as_ref().and_then(|known| known.get(&key)) {
        return regex.clone();
    }
    drop(known);
    let regex = compile(pattern).map(Arc::new);
    let mut known = COMPILED.write().unwrap_or_else(PoisonError::into_inner);
    known.get_or_insert_default().insert(key, regex.clone());
    regex
}

fn compile(pattern: &str) -> Option<Regex> {
    let translated = format!(r"\A(?:{})\z", translate(pattern));
    RegexBuilder::new(&translated).size_limit(SIZE_LIMIT).build().ok()
}

/// What a class has, between brackets of its own where it stands outside of any.
fn push_class(out: &mut String, inside: &str, is_in_class: bool) {
    if is_in_class {
        out.push_str(inside);
    } else {
        out.push_str(&format!("[{inside}]"));
    }
}

/// Java's named classes that are not Unicode's, or have another name here.
fn class(name: &str) -> Option<&'static str> {
    Some(match name {
        "IsLetter" => r"\p{L}",
        "IsDigit" => r"\p{Nd}",
        "IsAlphabetic" => r"\p{Alphabetic}",
        "ASCII" => r"\x00-\x7F",
        "Graph" => r"!-\~",
        "Print" => r" -\~",
        "Punct" => r"!-/:-@\[-`{-\~",
        "Alnum" => "0-9A-Za-z",
        "Alpha" => "A-Za-z",
        "Upper" => "A-Z",
        "Lower" => "a-z",
        "Digit" => "0-9",
        _ => return None,
    })
}

/// Java's notation in ours. Java's `\d`, `\w` and `\s` are ASCII; supplementary characters are pairs of
/// surrogates; possessive quantifiers only differ in speed as far as models use them.
fn translate(pattern: &str) -> String {
    let pattern = pattern
        .replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\x{10000}-\x{10FFFF}")
        .replace(r"\ud800\udc00-\udbff\udfff", r"\x{10000}-\x{10FFFF}");
    let mut out = String::new();
    let mut is_in_class = false;
    let mut after_quantifier = false;
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        let was_quantifier = std::mem::take(&mut after_quantifier);
        match character {
            '\\' => match characters.next() {
                Some(class @ ('d' | 'w' | 's')) => {
                    let inside = match class {
                        'd' => "0-9",
                        'w' => "0-9A-Za-z_",
                        _ => r" \t\n\x0B\f\r",
                    };
                    push_class(&mut out, inside, is_in_class);
                }
                Some('p') if characters.peek() == Some(&'{') => {
                    let name: String = characters.by_ref().skip(1).take_while(|next| *next != '}').collect();
                    match class(&name) {
                        Some(inside) => push_class(&mut out, inside, is_in_class),
                        None => out.push_str(&format!(r"\p{{{name}}}")),
                    }
                }
                Some('Z') => out.push_str(r"\z"),
                // Not special in ours, where escaping a letter that is not would be an error.
                Some(escaped) => {
                    out.push('\\');
                    out.push(escaped);
                }
                None => out.push('\\'),
            },
            '[' if is_in_class => out.push_str(r"\["),
            '[' => {
                is_in_class = true;
                out.push('[');
                if characters.peek() == Some(&'^') {
                    characters.next();
                    out.push('^');
                }
                if characters.peek() == Some(&']') {
                    characters.next();
                    out.push_str(r"\]");
                }
            }
            ']' => {
                is_in_class = false;
                out.push(']');
            }
            '+' if was_quantifier && !is_in_class => {}
            '*' | '+' | '?' | '}' if !is_in_class => {
                after_quantifier = true;
                out.push(character);
            }
            // Two of these in a class would mean a set operation.
            '&' | '~' if is_in_class => {
                out.push('\\');
                out.push(character);
            }
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{is_supported, matches};

    #[test]
    fn java_patterns_match_as_in_java() {
        for (pattern, value, expected) in [
            (r"[a-zA-Z0-9_.-]+", "orders.v1", true),
            (r"[a-zA-Z0-9_.-]+", "orders v1", false),
            (r"[a-zA-Z0-9_.-]+", "orders\n", false),
            (r"\d{12}", "000000000000", true),
            (r"\d{12}", "٠٠٠٠٠٠٠٠٠٠٠٠", false),
            (r"[\w+=,.@-]+", "role/x", false),
            (r"[\w+=,.@-]+", "a+b=c", true),
            (r"a++b?+", "aab", true),
            (r"[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*", "text 😹\n", true),
            (r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)", "Größe 1", true),
            (r"[^:*]*", "a:b", false),
            (r"\p{Print}+", "steady state", true),
            (r"\p{Print}+", "steady\n", false),
            (r"[\p{Alnum}~_-]+", "a~1", true),
            (r"[\p{Alnum}~_-]+", "a 1", false),
            (r"^[0-9A-Za-z]$|^x{2,}$", "xxx", true),
        ] {
            assert!(is_supported(pattern), "{pattern}");
            assert_eq!(matches(pattern, value), expected, "{pattern} on {value:?}");
        }
    }

    #[test]
    fn what_cannot_be_translated_is_not_checked() {
        for pattern in [r"(?!aws)[a-z]+", r"(a)\1"] {
            assert!(!is_supported(pattern), "{pattern}");
            assert!(matches(pattern, "aws"), "{pattern}");
        }
    }
}
