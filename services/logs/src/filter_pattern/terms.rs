//! Terms: `ERROR "out of memory" -retry ?one ?other %expression%`.

use regex::Regex;

use super::comparison::expression;
use super::scanner::Scanner;

/// Every required term must be in the event and no excluded one. Optional ones count only where there is nothing else:
/// then one of them must be there.
pub(crate) struct Terms {
    required: Vec<Term>,
    excluded: Vec<Term>,
    optional: Vec<Term>,
}

enum Term {
    Text(String),
    Expression(Regex),
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut terms = Self { required: Vec::new(), excluded: Vec::new(), optional: Vec::new() };
        let mut scanner = Scanner::new(text);
        loop {
            scanner.skip_space();
            if scanner.is_at_end() {
                return Ok(terms);
            }
            let kind = if scanner.takes("?") {
                &mut terms.optional
            } else if scanner.takes("-") {
                &mut terms.excluded
            } else {
                &mut terms.required
            };
            kind.push(Term::parse(&mut scanner)?);
        }
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let is_in = |term: &Term| term.is_in(message);
        if self.required.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(is_in);
        }
        self.required.iter().all(is_in) && !self.excluded.iter().any(is_in)
    }
}

impl Term {
    fn parse(scanner: &mut Scanner<'_>) -> Result<Self, String> {
        if scanner.takes("\"") {
            return scanner.quoted('"').map(Self::Text);
        }
        if scanner.takes("%") {
            return expression(scanner.expression()?).map(Self::Expression);
        }
        let word = scanner.take_while(|next| !next.is_whitespace());
        let is_plain = word.chars().all(|next| next.is_alphanumeric() || next == '_');
        if word.is_empty() || !is_plain {
            return Err(format!(
                "Invalid character(s) in term '{word}': terms with characters other than letters, digits and \
                 underscores must be in double quotes"
            ));
        }
        Ok(Self::Text(word.to_owned()))
    }

    fn is_in(&self, message: &str) -> bool {
        match self {
            Self::Text(text) => message.contains(text.as_str()),
            Self::Expression(expression) => expression.is_match(message),
        }
    }
}
