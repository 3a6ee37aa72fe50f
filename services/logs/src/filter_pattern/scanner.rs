//! Reading a pattern from left to right.

/// What is still to be read.
///
/// Its steps stay calls: inlined into the parsers they take the optimiser a minute.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    #[inline(never)]
    pub(super) fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `text` if it comes next.
    #[inline(never)]
    pub(super) fn takes(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes `word` in any case if it comes next and ends there.
    #[inline(never)]
    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let Some((head, rest)) = self.rest.split_at_checked(word.len()) else { return false };
        let ends = !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
        if ends && head.eq_ignore_ascii_case(word) {
            self.rest = rest;
            return true;
        }
        false
    }

    pub(super) fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|next| !is_part(next)).unwrap_or(self.rest.len());
        let (head, rest) = self.rest.split_at(end);
        self.rest = rest;
        head
    }

    /// The text up to the closing `quote`, behind an opening one that was taken; a backslash keeps the next character.
    #[inline(never)]
    pub(super) fn quoted(&mut self, quote: char) -> Result<String, String> {
        let mut out = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((at, next)) = characters.next() {
            if next == quote {
                self.rest = &self.rest[at + next.len_utf8()..];
                return Ok(out);
            }
            match (next, characters.clone().next()) {
                ('\\', Some((_, escaped))) if escaped == quote || escaped == '\\' => {
                    out.push(escaped);
                    characters.next();
                }
                _ => out.push(next),
            }
        }
        Err(format!("a {quote} is not closed"))
    }

    /// The text of a regular expression up to its closing `%`.
    pub(super) fn expression(&mut self) -> Result<&'a str, String> {
        let (expression, rest) =
            self.rest.split_once('%').ok_or("a regular expression must end with %".to_owned())?;
        self.rest = rest;
        Ok(expression)
    }
}
