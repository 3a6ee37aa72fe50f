//! The words of an expression.

use super::error::Fault;

/// One token and where it stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// A keyword, function name or attribute name.
    Word(&'a str),
    /// `#name`, with its mark.
    Name(&'a str),
    /// `:value`, with its mark.
    Value(&'a str),
    Digits(&'a str),
    Symbol(&'static str),
    /// A character that no expression contains.
    Stray,
    End,
}

const SYMBOLS: [&str; 14] = ["<>", "<=", ">=", "=", "<", ">", "(", ")", "[", "]", ",", ".", "+", "-"];

/// Splits a text; ends with one [`TokenKind::End`]. Never fails: what is no token becomes a stray, which the
/// parser refuses where it meets it.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(16);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if matches!(bytes[at], b' ' | b'\t' | b'\r' | b'\n') {
            at += 1;
            continue;
        }
        let (kind, end) = next(text, at);
        tokens.push(Token { kind, start: at, end });
        at = end;
    }
    tokens.push(Token { kind: TokenKind::End, start: text.len(), end: text.len() });
    tokens
}

fn next(text: &str, at: usize) -> (TokenKind<'_>, usize) {
    let bytes = text.as_bytes();
    let first = bytes[at];
    let run = |from: usize, accept: fn(u8) -> bool| {
        bytes[from..].iter().position(|byte| !accept(*byte)).map_or(bytes.len(), |length| from + length)
    };
    if first.is_ascii_alphabetic() {
        let end = run(at, is_word);
        return (TokenKind::Word(&text[at..end]), end);
    }
    if first.is_ascii_digit() {
        let end = run(at, |byte| byte.is_ascii_digit());
        return (TokenKind::Digits(&text[at..end]), end);
    }
    if matches!(first, b'#' | b':') {
        let end = run(at + 1, is_word);
        if end > at + 1 {
            let word = &text[at..end];
            return (if first == b'#' { TokenKind::Name(word) } else { TokenKind::Value(word) }, end);
        }
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| bytes[at..].starts_with(symbol.as_bytes())) {
        return (TokenKind::Symbol(symbol), at + symbol.len());
    }
    let length = text[at..].chars().next().map_or(1, char::len_utf8);
    (TokenKind::Stray, at + length)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The complaint about the token at `index`: itself, and the text from its left to its right neighbour.
pub(super) fn syntax_error(text: &str, tokens: &[Token<'_>], index: usize) -> Fault {
    let token = &tokens[index];
    let left = &tokens[index.saturating_sub(1)];
    let right = &tokens[(index + 1).min(tokens.len() - 1)];
    let token = match token.kind {
        TokenKind::End => "<EOF>",
        _ => &text[token.start..token.end],
    };
    Fault::Syntax { token: token.to_owned(), near: text[left.start..right.end].trim_end().to_owned() }
}
