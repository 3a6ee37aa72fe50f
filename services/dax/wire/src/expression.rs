//! Expressions: trees in CBOR, which become DynamoDB's text with placeholders for every name and value.

use std::collections::HashMap;
use std::fmt::Write;

use dynamodb_api::AttributeValue;
use shapes::Map;

use crate::WireError::{self, Malformed};
use crate::projection::{FORMAT, PathElement, Projection, parse_path};
use crate::{Decoder, Path, decode_value};

const COMPARATORS: [&str; 6] = ["=", "<>", "<", ">=", ">", "<="];
const AND: i64 = 6;
const OR: i64 = 7;
const NOT: i64 = 8;
const BETWEEN: i64 = 9;
const IN: i64 = 10;
const VARIABLE: i64 = 17;
const DOCUMENT_PATH: i64 = 18;
const SET: i64 = 19;
const ADD: i64 = 20;
const DELETE: i64 = 21;
const REMOVE: i64 = 22;
const PLUS: i64 = 25;
const MINUS: i64 = 26;

/// Deeper than DynamoDB's 300 operators reach, so that DynamoDB is who refuses.
const MAXIMUM_DEPTH: usize = 400;

/// How tightly a condition binds: those that bind less tightly than their place allows are put in parentheses, and no
/// others, for DynamoDB refuses redundant ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
    Whole,
}

/// The expressions of one request, which share their placeholders.
#[derive(Debug, Default)]
pub struct Expressions {
    names: Map<String>,
    values: Map<AttributeValue>,
    placeholders: HashMap<String, String>,
}

impl Expressions {
    /// ExpressionAttributeNames and ExpressionAttributeValues, each nothing when there are none.
    pub fn placeholders(self) -> (Option<Map<String>>, Option<Map<AttributeValue>>) {
        (
            Some(self.names).filter(|names| !names.is_empty()),
            Some(self.values).filter(|values| !values.is_empty()),
        )
    }

    /// A condition, a filter, or a key condition.
    pub fn condition(&mut self, bytes: &[u8]) -> Result<String, WireError> {
        let (mut tree, variables) = self.open(bytes)?;
        let mut text = String::new();
        let mut writer = Writer { expressions: self, variables: &variables, text: &mut text };
        writer.condition(&mut tree, Binding::Or, 0)?;
        Ok(text)
    }

    pub fn update(&mut self, bytes: &[u8]) -> Result<String, WireError> {
        let (mut tree, variables) = self.open(bytes)?;
        let mut clauses: [(&str, String); 4] =
            ["SET", "ADD", "DELETE", "REMOVE"].map(|keyword| (keyword, String::new()));
        let length = tree.array()?;
        let mut seen = 0;
        while tree.has_more(length, seen)? {
            seen += 1;
            tree.array()?;
            let action = tree.integer()?;
            let clause = usize::try_from(action - SET).ok().and_then(|index| clauses.get_mut(index));
            let (_, text) = clause.ok_or(Malformed("an unknown action of an update"))?;
            text.push_str(if text.is_empty() { " " } else { ", " });
            let mut writer = Writer { expressions: self, variables: &variables, text };
            writer.path(&mut tree)?;
            match action {
                SET => {
                    writer.text.push_str(" = ");
                    writer.operand(&mut tree, 0)?;
                }
                ADD | DELETE => {
                    writer.text.push(' ');
                    writer.operand(&mut tree, 0)?;
                }
                _ => debug_assert_eq!(action, REMOVE),
            }
        }
        let parts = clauses.iter().filter(|(_, text)| !text.is_empty());
        Ok(parts.map(|(keyword, text)| format!("{keyword}{text}")).collect::<Vec<_>>().join(" "))
    }

    pub fn projection(&mut self, projection: &Projection) -> String {
        let paths: Vec<String> = projection.0.iter().map(|path| self.path(path)).collect();
        paths.join(", ")
    }

    /// The tree of an expression, and under which placeholders its variables are.
    fn open<'a>(&mut self, bytes: &'a [u8]) -> Result<(Decoder<'a>, Vec<String>), WireError> {
        let mut decoder = Decoder::new(bytes);
        decoder.array_of(3)?;
        if decoder.integer()? != FORMAT {
            return Err(Malformed("an expression of an unknown form"));
        }
        let tree = decoder;
        decoder.skip()?;
        let mut variables = Vec::new();
        let length = decoder.array()?;
        while decoder.has_more(length, variables.len())? {
            let placeholder = format!(":v{}", self.values.len());
            self.values.insert(placeholder.clone(), decode_value(&mut decoder)?);
            variables.push(placeholder);
        }
        Ok((tree, variables))
    }

    fn path(&mut self, path: &Path) -> String {
        let mut text = String::new();
        for element in path {
            match element {
                PathElement::Index(index) => {
                    let _ = write!(text, "[{index}]");
                }
                PathElement::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(self.name(name));
                }
            }
        }
        text
    }

    fn name(&mut self, name: &str) -> &str {
        if !self.placeholders.contains_key(name) {
            let placeholder = format!("#n{}", self.names.len());
            self.names.insert(placeholder.clone(), name.to_owned());
            self.placeholders.insert(name.to_owned(), placeholder);
        }
        &self.placeholders[name]
    }
}

struct Writer<'a> {
    expressions: &'a mut Expressions,
    variables: &'a [String],
    text: &'a mut String,
}

impl Writer<'_> {
    fn path(&mut self, tree: &mut Decoder<'_>) -> Result<(), WireError> {
        let path = parse_path(tree)?;
        let text = self.expressions.path(&path);
        self.text.push_str(&text);
        Ok(())
    }

    fn condition(&mut self, tree: &mut Decoder<'_>, least: Binding, depth: usize) -> Result<(), WireError> {
        if depth > MAXIMUM_DEPTH {
            return Err(Malformed("an expression has too many levels"));
        }
        let mut inside = *tree;
        inside.array()?;
        let function = inside.integer()?;
        let (binding, word) = match function {
            OR => (Binding::Or, " OR "),
            AND => (Binding::And, " AND "),
            NOT => (Binding::Not, "NOT "),
            _ => return self.predicate(tree, depth),
        };
        *tree = inside;
        let is_bracketed = binding < least;
        if is_bracketed {
            self.text.push('(');
        }
        if binding == Binding::Not {
            self.text.push_str(word);
            self.condition(tree, Binding::Whole, depth + 1)?;
        } else {
            self.condition(tree, binding, depth + 1)?;
            self.text.push_str(word);
            self.condition(
                tree,
                if binding == Binding::Or { Binding::And } else { Binding::Not },
                depth + 1,
            )?;
        }
        if is_bracketed {
            self.text.push(')');
        }
        Ok(())
    }

    fn predicate(&mut self, tree: &mut Decoder<'_>, depth: usize) -> Result<(), WireError> {
        let mut inside = *tree;
        inside.array()?;
        let function = inside.integer()?;
        let comparator = usize::try_from(function).ok().and_then(|index| COMPARATORS.get(index));
        match (function, comparator) {
            (_, Some(comparator)) => {
                self.operand(&mut inside, depth + 1)?;
                let _ = write!(self.text, " {comparator} ");
                self.operand(&mut inside, depth + 1)?;
            }
            (BETWEEN, _) => {
                self.operand(&mut inside, depth + 1)?;
                self.text.push_str(" BETWEEN ");
                self.operand(&mut inside, depth + 1)?;
                self.text.push_str(" AND ");
                self.operand(&mut inside, depth + 1)?;
            }
            (IN, _) => {
                self.operand(&mut inside, depth + 1)?;
                self.text.push_str(" IN (");
                let length = inside.array()?;
                self.operands(&mut inside, length, depth + 1)?;
                self.text.push(')');
            }
            // Functions, and an operand where a condition should be, which DynamoDB words an error for.
            _ => return self.operand(tree, depth + 1),
        }
        *tree = inside;
        Ok(())
    }

    fn operands(
        &mut self,
        tree: &mut Decoder<'_>,
        length: Option<usize>,
        depth: usize,
    ) -> Result<(), WireError> {
        let mut seen = 0;
        while tree.has_more(length, seen)? {
            if seen > 0 {
                self.text.push_str(", ");
            }
            self.operand(tree, depth)?;
            seen += 1;
        }
        Ok(())
    }

    fn operand(&mut self, tree: &mut Decoder<'_>, depth: usize) -> Result<(), WireError> {
        if depth > MAXIMUM_DEPTH {
            return Err(Malformed("an expression has too many levels"));
        }
        let mut inside = *tree;
        let length = inside.array()?;
        match inside.integer()? {
            DOCUMENT_PATH => return self.path(tree),
            VARIABLE => {
                let index = usize::try_from(inside.integer()?).ok();
                let placeholder = index.and_then(|index| self.variables.get(index));
                self.text
                    .push_str(placeholder.ok_or(Malformed("an expression names a value that is not there"))?);
            }
            operator @ (PLUS | MINUS) => {
                self.operand(&mut inside, depth + 1)?;
                self.text.push_str(if operator == PLUS { " + " } else { " - " });
                self.operand(&mut inside, depth + 1)?;
            }
            function => {
                let name = match function {
                    11 => "attribute_exists",
                    12 => "attribute_not_exists",
                    13 => "attribute_type",
                    14 => "begins_with",
                    15 => "contains",
                    16 => "size",
                    23 => "if_not_exists",
                    24 => "list_append",
                    _ => return Err(Malformed("an unknown function in an expression")),
                };
                self.text.push_str(name);
                self.text.push('(');
                // The function itself is an entry as well.
                let arguments = length.ok_or(Malformed("a function without end"))?.saturating_sub(1);
                self.operands(&mut inside, Some(arguments), depth + 1)?;
                self.text.push(')');
            }
        }
        *tree = inside;
        Ok(())
    }
}
