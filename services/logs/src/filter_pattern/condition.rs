//! Conditions joined by `&&`, `||` and parentheses.

use super::scanner::Scanner;

/// How deep parentheses may go.
const DEEPEST: usize = 32;

#[derive(Debug)]
pub(super) enum Condition<L> {
    Leaf(L),
    All(Vec<Self>),
    Any(Vec<Self>),
}

type LeafParser<'p, L> = &'p dyn Fn(&mut Scanner<'_>) -> Result<L, String>;

impl<L> Condition<L> {
    pub(super) fn parse(scanner: &mut Scanner<'_>, leaf: LeafParser<'_, L>) -> Result<Self, String> {
        Self::any(scanner, leaf, 0)
    }

    fn any(scanner: &mut Scanner<'_>, leaf: LeafParser<'_, L>, depth: usize) -> Result<Self, String> {
        let mut parts = vec![Self::all(scanner, leaf, depth)?];
        while is_next(scanner, "||") {
            parts.push(Self::all(scanner, leaf, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Self::Any(parts) })
    }

    fn all(scanner: &mut Scanner<'_>, leaf: LeafParser<'_, L>, depth: usize) -> Result<Self, String> {
        let mut parts = vec![Self::one(scanner, leaf, depth)?];
        while is_next(scanner, "&&") {
            parts.push(Self::one(scanner, leaf, depth)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Self::All(parts) })
    }

    fn one(scanner: &mut Scanner<'_>, leaf: LeafParser<'_, L>, depth: usize) -> Result<Self, String> {
        if !is_next(scanner, "(") {
            return leaf(scanner).map(Self::Leaf);
        }
        if depth == DEEPEST {
            return Err(format!("parentheses go deeper than {DEEPEST}"));
        }
        let inner = Self::any(scanner, leaf, depth + 1)?;
        if is_next(scanner, ")") { Ok(inner) } else { Err("a ( is not closed".to_owned()) }
    }

    pub(super) fn holds(&self, leaf: &dyn Fn(&L) -> bool) -> bool {
        match self {
            Self::Leaf(inner) => leaf(inner),
            Self::All(parts) => parts.iter().all(|part| part.holds(leaf)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(leaf)),
        }
    }
}

fn is_next(scanner: &mut Scanner<'_>, sign: &str) -> bool {
    scanner.skip_space();
    scanner.takes(sign)
}
