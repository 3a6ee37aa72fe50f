//! Conditions on the words of an event: `[ip, user, ..., status = 4* || status = 5*, bytes > 1000]`.

use super::comparison::Comparison;
use super::condition::Condition;
use super::scanner::Scanner;

pub(crate) struct Fields {
    head: Vec<Field>,
    /// The fields behind an ellipsis, where there is one.
    tail: Option<Vec<Field>>,
}

/// `None` for a field that is only named.
type Field = Option<Condition<Comparison>>;

impl Fields {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut scanner = Scanner::new(text);
        scanner.takes("[");
        let mut fields = Self { head: Vec::new(), tail: None };
        loop {
            scanner.skip_space();
            if scanner.takes("...") {
                if fields.tail.replace(Vec::new()).is_some() {
                    return Err("there is more than one ellipsis".to_owned());
                }
            } else {
                let field = field(&mut scanner)?;
                fields.tail.as_mut().unwrap_or(&mut fields.head).push(field);
            }
            scanner.skip_space();
            if scanner.takes("]") {
                break;
            }
            if !scanner.takes(",") {
                return Err("fields are separated by commas and end with ]".to_owned());
            }
        }
        scanner.skip_space();
        if scanner.is_at_end() { Ok(fields) } else { Err("there is text behind the ]".to_owned()) }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let words = words(message);
        match &self.tail {
            None => words.len() == self.head.len() && all_hold(&self.head, &words),
            Some(tail) => {
                words.len() >= self.head.len() + tail.len()
                    && all_hold(&self.head, &words)
                    && all_hold(tail, &words[words.len() - tail.len()..])
            }
        }
    }
}

fn all_hold(fields: &[Field], words: &[&str]) -> bool {
    fields.iter().zip(words).all(|(field, word)| {
        field.as_ref().is_none_or(|condition| condition.holds(&|comparison| comparison.holds_for_word(word)))
    })
}

fn field(scanner: &mut Scanner<'_>) -> Result<Field, String> {
    // A name alone is followed by a comma or the end; anything else is a condition, which names the field again.
    let mut ahead = *scanner;
    ahead.take_while(is_name);
    ahead.skip_space();
    if matches!(ahead.peek(), None | Some(',' | ']')) {
        *scanner = ahead;
        return Ok(None);
    }
    let leaf = |scanner: &mut Scanner<'_>| {
        scanner.skip_space();
        scanner.take_while(is_name);
        Comparison::parse(scanner)?.ok_or_else(|| "a field's name is followed by an operator".to_owned())
    };
    Condition::parse(scanner, &leaf).map(Some)
}

fn is_name(next: char) -> bool {
    next.is_alphanumeric() || matches!(next, '_' | '-' | '.')
}

/// The words of an event: separated by spaces, but for what is in double quotes or brackets, which is one word without
/// them.
fn words(message: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = message.trim();
    while let Some(first) = rest.chars().next() {
        let close = match first {
            '"' => Some('"'),
            '[' => Some(']'),
            _ => None,
        };
        let enclosed = close.and_then(|close| rest[1..].split_once(close));
        let (word, behind) =
            enclosed.unwrap_or_else(|| rest.split_once(char::is_whitespace).unwrap_or((rest, "")));
        words.push(word);
        rest = behind.trim_start();
    }
    words
}
