//! The words of a statement.

use shapes::ApiError;

use super::malformed;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A keyword, a function or a name without quotes.
    Word(String),
    /// `"name"`.
    Quoted(String),
    /// `'text'`.
    Text(String),
    Number(String),
    Symbol(&'static str),
    End,
}

const SYMBOLS: [&str; 22] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", "[", "]", "{", "}", ",", ".", ":", "+", "-",
    "*", "?",
];

/// Splits a statement; ends with one [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, ApiError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_end_matches([' ', '\t', '\r', '\n', ';']);
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else {
            tokens.push(Token::End);
            return Ok(tokens);
        };
        let (token, after) = match first {
            '\'' => {
                let (text, after) = quoted(rest, '\'')?;
                (Token::Text(text), after)
            }
            '"' => {
                let (name, after) = quoted(rest, '"')?;
                (Token::Quoted(name), after)
            }
            first if first.is_ascii_digit() => {
                let (number, after) = rest.split_at(number_length(rest));
                (Token::Number(number.to_owned()), after)
            }
            first if first.is_alphabetic() || first == '_' => {
                let is_part = |c: char| c.is_alphanumeric() || c == '_';
                let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                (Token::Word(word.to_owned()), after)
            }
            _ => {
                let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
                let symbol = symbol.ok_or_else(|| malformed(format!("unexpected character '{first}'")))?;
                (Token::Symbol(symbol), &rest[symbol.len()..])
            }
        };
        tokens.push(token);
        rest = after;
    }
}

/// What stands between quotation marks, of which a doubled one is itself, and the text behind.
fn quoted(text: &str, mark: char) -> Result<(String, &str), ApiError> {
    let mut content = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest.find(mark).ok_or_else(|| malformed("a quotation is not closed"))?;
        content.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with(mark) {
            return Ok((content, rest));
        }
        content.push(mark);
        rest = &rest[1..];
    }
}

fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(bytes.len()));
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}
