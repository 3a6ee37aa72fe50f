//! Where in its text each statement of a document stands, for the policy simulator.

/// A place in a document; lines and columns begin at 1, columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

/// From a statement's opening brace to past its closing one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub start: Position,
    pub end: Position,
}

/// The spans of a document's statements in order. The text has been read as JSON before, so it is well formed.
pub(super) fn statement_spans(document: &str) -> Vec<Span> {
    let mut walk = Walk { spans: Vec::new(), depth: 0, at: Position { line: 1, column: 1 }, start: None };
    let mut text = None;
    let mut key = String::new();
    let mut is_escaped = false;
    for letter in document.chars() {
        match (&mut text, letter) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(_), '"') => key = text.take().unwrap_or_default(),
            (Some(text), letter) => text.push(letter),
            (None, '"') => text = Some(String::new()),
            (None, letter) => walk.step(letter, &key),
        }
        walk.at = match letter {
            '\n' => Position { line: walk.at.line + 1, column: 1 },
            _ => Position { line: walk.at.line, column: walk.at.column + 1 },
        };
    }
    walk.spans
}

struct Walk {
    spans: Vec<Span>,
    /// Open braces and brackets.
    depth: usize,
    at: Position,
    /// Of the value of `Statement`: the depth at which its objects open, and the object open now.
    start: Option<(usize, Option<Position>)>,
}

impl Walk {
    fn step(&mut self, letter: char, key: &str) {
        match letter {
            ':' if self.depth == 1 => self.start = (key == "Statement").then_some((1, None)),
            '{' | '[' => {
                if let Some((level, open)) = &mut self.start
                    && self.depth == *level
                {
                    match letter {
                        '[' if *level == 1 => *level = 2,
                        '{' => *open = Some(self.at),
                        _ => {}
                    }
                }
                self.depth += 1;
            }
            '}' | ']' => {
                self.depth = self.depth.saturating_sub(1);
                if let Some((level, open)) = &mut self.start
                    && self.depth == *level
                    && let Some(start) = open.take()
                {
                    let end = Position { line: self.at.line, column: self.at.column + 1 };
                    self.spans.push(Span { start, end });
                }
            }
            ',' if self.depth == 1 => self.start = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(document: &str, expected: &[(u32, u32, u32, u32)]) {
        let spans = statement_spans(document).into_iter();
        let spans: Vec<_> = spans.map(|s| (s.start.line, s.start.column, s.end.line, s.end.column)).collect();
        assert_eq!(spans, expected, "{document}");
    }

    #[test]
    fn statements_are_found_in_lists_and_alone() {
        check(r#"{"Statement":{"a":1}}"#, &[(1, 14, 1, 21)]);
        check(r#"{"Id":"{","Statement":[{"a":{}}, {"b":"}\"["}],"V":{}}"#, &[(1, 24, 1, 32), (1, 34, 1, 46)]);
        check("{\"Statement\":[\n  {\n }\n]}", &[(2, 3, 3, 3)]);
        check(r#"{"Version":"x"}"#, &[]);
    }
}
