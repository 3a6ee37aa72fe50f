//! References: `$name`, `$!{name}`, with the properties, calls and indexes that follow.

use crate::ast::{Expr, Reference, Step};
use crate::error::VtlError;
use crate::parser::Parser;

impl Parser<'_> {
    /// The reference at a `$`, or `None` (and nothing consumed) where the `$` is just text.
    pub(crate) fn reference(&mut self) -> Result<Option<Reference>, VtlError> {
        let start = self.at;
        if !self.eat("$") {
            return Ok(None);
        }
        self.eat("!");
        let has_braces = self.eat("{");
        let Some(root) = self.identifier() else {
            self.at = start;
            return Ok(None);
        };
        let root = String::from(root);
        self.deeper()?;
        let steps = self.steps()?;
        self.depth -= 1;
        if has_braces {
            self.expect("}", "at the end of the reference")?;
        }
        let literal = String::from(self.source.get(start..self.at).unwrap_or_default());
        Ok(Some(Reference { root, steps, literal, position: self.position_at(start) }))
    }

    fn identifier(&mut self) -> Option<&str> {
        let rest = self.rest();
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end)
    }

    fn steps(&mut self) -> Result<Vec<Step>, VtlError> {
        let mut steps = Vec::new();
        loop {
            let after_dot = self.source.as_bytes().get(self.at + 1);
            if self.peek() == Some(b'[') {
                self.at += 1;
                let index = self.expression()?;
                self.expect("]", "after the index")?;
                steps.push(Step::Index(index));
            } else if self.peek() == Some(b'.') && after_dot.is_some_and(u8::is_ascii_alphabetic) {
                self.at += 1;
                let name = self.identifier().map(String::from).unwrap_or_default();
                steps.push(if self.eat("(") {
                    Step::Method(name, self.arguments()?)
                } else {
                    Step::Property(name)
                });
            } else {
                return Ok(steps);
            }
        }
    }

    fn arguments(&mut self) -> Result<Vec<Expr>, VtlError> {
        let mut arguments = Vec::new();
        self.skip_space();
        if self.eat(")") {
            return Ok(arguments);
        }
        loop {
            arguments.push(self.expression()?);
            self.skip_space();
            if self.eat(")") {
                return Ok(arguments);
            }
            self.expect(",", "or ')' after a method's argument")?;
        }
    }
}
