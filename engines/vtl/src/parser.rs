//! Source text to syntax tree: text, comments, directives and the whitespace they swallow.
//!
//! Whitespace follows Velocity 1.7: a directive's closing parenthesis, `#else` and `#end` take the spaces and
//! line end after them; `#set` also takes spaces before it, where nothing but those stands between it and the
//! directive, reference or line swallowed before.

use std::sync::Arc;

use crate::ast::{Block, Expr, Macro, Macros, Node, PrintedReference};
use crate::error::{Position, VtlError};
use crate::limits::Limits;

const DIRECTIVES: &[&str] = &[
    "set", "if", "elseif", "else", "end", "foreach", "macro", "define", "break", "stop", "return",
    "evaluate", "include", "parse",
];

pub(crate) struct Parser<'s> {
    pub(crate) source: &'s str,
    pub(crate) at: usize,
    pub(crate) depth: usize,
    pub(crate) limits: &'s Limits,
    pub(crate) macros: Macros,
    /// Set where the source is part of a larger template, whose place errors then name.
    pub(crate) outer: Option<Position>,
}

/// What ended a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminator {
    End,
    Else,
    ElseIf,
    EndOfTemplate,
}

/// The text and nodes of a block as they are gathered.
#[derive(Default)]
struct Gathered {
    nodes: Vec<Node>,
    text: String,
}

impl Gathered {
    fn push(&mut self, node: Node) {
        self.flush();
        self.nodes.push(node);
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.nodes.push(Node::Text(std::mem::take(&mut self.text)));
        }
    }

    fn into_block(mut self) -> Block {
        self.flush();
        self.nodes.into()
    }
}

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s str, limits: &'s Limits) -> Self {
        Self { source, at: 0, depth: 0, limits, macros: Macros::new(), outer: None }
    }

    /// The whole source.
    pub(crate) fn template(&mut self) -> Result<Block, VtlError> {
        if self.source.len() > self.limits.template_bytes {
            return Err(self.error(format!(
                "the template has {} bytes, at most {} are allowed",
                self.source.len(),
                self.limits.template_bytes
            )));
        }
        let start = self.at;
        match self.block()? {
            (block, Terminator::EndOfTemplate, _) => Ok(block),
            (_, _, place) => {
                self.at = place.max(start);
                Err(self.error(
                    "this directive closes nothing, expected an #if, #foreach or other block before it",
                ))
            }
        }
    }

    pub(crate) fn position(&self) -> Position {
        self.position_at(self.at)
    }

    pub(crate) fn position_at(&self, offset: usize) -> Position {
        self.outer.unwrap_or_else(|| Position::of(self.source, offset))
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> VtlError {
        self.position().error(message)
    }

    pub(crate) fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let is_next = self.rest().starts_with(token);
        if is_next {
            self.at += token.len();
        }
        is_next
    }

    pub(crate) fn expect(&mut self, token: &str, after: &str) -> Result<(), VtlError> {
        if self.eat(token) {
            return Ok(());
        }
        let found = self.rest().chars().next().map_or(String::from("the end"), |c| format!("'{c}'"));
        Err(self.error(format!("expected '{token}' {after}, found {found}")))
    }

    pub(crate) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    pub(crate) fn deeper(&mut self) -> Result<(), VtlError> {
        self.depth += 1;
        if self.depth > self.limits.source_depth {
            let allowed = self.limits.source_depth;
            return Err(self.error(format!("nested more than {allowed} levels deep, expected less")));
        }
        Ok(())
    }

    /// Spaces and the line end after a directive; nothing where something else follows on the line.
    fn swallow_line_end(&mut self) {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let line_end =
            if trimmed.starts_with("\r\n") { 2 } else { usize::from(trimmed.starts_with(['\n', '\r'])) };
        if line_end > 0 {
            self.at += rest.len() - trimmed.len() + line_end;
        }
    }

    /// A block up to what closes it, which is consumed; also where the closing directive stands.
    fn block(&mut self) -> Result<(Block, Terminator, usize), VtlError> {
        self.deeper()?;
        let mut gathered = Gathered::default();
        while let Some(byte) = self.peek() {
            let start = self.at;
            match byte {
                b'\\' => self.escapes(&mut gathered)?,
                b'$' => self.printed_reference(0, &mut gathered)?,
                b'#' => {
                    if let Some(terminator) = self.hash(&mut gathered)? {
                        self.depth -= 1;
                        return Ok((gathered.into_block(), terminator, start));
                    }
                }
                _ => self.text(&mut gathered),
            }
        }
        self.depth -= 1;
        Ok((gathered.into_block(), Terminator::EndOfTemplate, self.at))
    }

    /// A block that must be closed by `#end`.
    fn block_to_end(&mut self, opener: &str) -> Result<Block, VtlError> {
        match self.block()? {
            (block, Terminator::End, _) => Ok(block),
            (_, Terminator::EndOfTemplate, _) => {
                Err(self.error(format!("{opener} is not closed, expected #end")))
            }
            (_, _, place) => {
                self.at = place;
                Err(self.error(format!("expected #end of {opener}, found an #else or #elseif")))
            }
        }
    }

    fn text(&mut self, gathered: &mut Gathered) {
        let rest = self.rest();
        let end = rest.find(['$', '#', '\\']).unwrap_or(rest.len());
        gathered.text.push_str(rest.get(..end).unwrap_or_default());
        self.at += end;
    }

    fn escapes(&mut self, gathered: &mut Gathered) -> Result<(), VtlError> {
        let rest = self.rest();
        let count = rest.len() - rest.trim_start_matches('\\').len();
        self.at += count;
        if self.peek() == Some(b'$') {
            return self.printed_reference(count, gathered);
        }
        let Some((name, length)) = self.directive_name().filter(|(name, _)| self.is_known(name)) else {
            gathered.text.push_str(&"\\".repeat(count));
            return Ok(());
        };
        debug_assert!(!name.is_empty());
        gathered.text.push_str(&"\\".repeat(count / 2));
        if count % 2 == 1 {
            gathered.text.push_str(self.rest().get(..length).unwrap_or_default());
            self.at += length;
        }
        Ok(())
    }

    fn is_known(&self, name: &str) -> bool {
        DIRECTIVES.contains(&name) || self.macros.contains_key(name)
    }

    /// The name after a `#` here and how many bytes `#name` or `#{name}` takes.
    fn directive_name(&self) -> Option<(&'s str, usize)> {
        let after = self.rest().strip_prefix('#')?;
        let (inner, braces) = after.strip_prefix('{').map_or((after, 0), |inner| (inner, 2));
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || (c == '@' && braces == 0);
        let end = inner.find(|c| !is_word(c)).unwrap_or(inner.len());
        let name = inner.get(..end)?;
        let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '@');
        let is_closed = braces == 0 || inner.get(end..)?.starts_with('}');
        (starts_well && is_closed).then_some((name, 1 + end + braces))
    }

    fn printed_reference(&mut self, backslashes: usize, gathered: &mut Gathered) -> Result<(), VtlError> {
        let is_quiet = self.rest().starts_with("$!");
        match self.reference()? {
            Some(reference) => {
                gathered.push(Node::Reference(PrintedReference { reference, backslashes, is_quiet }));
            }
            None => {
                gathered.text.push_str(&"\\".repeat(backslashes));
                gathered.text.push('$');
                self.at += 1;
            }
        }
        Ok(())
    }

    /// Whatever starts with `#`: a comment, unparsed text, a directive, or just a hash.
    fn hash(&mut self, gathered: &mut Gathered) -> Result<Option<Terminator>, VtlError> {
        let rest = self.rest();
        if rest.starts_with("##") {
            gathered.flush();
            self.at += rest.find(['\n', '\r']).map_or(rest.len(), |end| {
                end + if rest.get(end..).is_some_and(|tail| tail.starts_with("\r\n")) { 2 } else { 1 }
            });
            return Ok(None);
        }
        if rest.starts_with("#*") {
            gathered.flush();
            self.at += rest.get(2..).and_then(|body| body.find("*#")).map_or(rest.len(), |end| end + 4);
            return Ok(None);
        }
        if let Some(body) = rest.strip_prefix("#[[") {
            let end = body.find("]]#").ok_or_else(|| self.error("#[[ is not closed, expected ]]#"))?;
            gathered.push(Node::Text(String::from(body.get(..end).unwrap_or_default())));
            self.at += end + 6;
            return Ok(None);
        }
        let Some((name, length)) = self.directive_name() else {
            gathered.text.push('#');
            self.at += 1;
            return Ok(None);
        };
        self.directive(name, length, gathered)
    }

    fn directive(
        &mut self,
        name: &str,
        length: usize,
        gathered: &mut Gathered,
    ) -> Result<Option<Terminator>, VtlError> {
        let start = self.at;
        self.at += length;
        match name {
            "end" | "else" => {
                self.swallow_line_end();
                return Ok(Some(if name == "end" { Terminator::End } else { Terminator::Else }));
            }
            "elseif" => return Ok(Some(Terminator::ElseIf)),
            "stop" => gathered.push(Node::Stop),
            "set" => return self.set(start, gathered).map(|()| None),
            "if" => {
                let node = self.if_node()?;
                gathered.push(node);
            }
            "break" | "return" => self.leave(name, gathered)?,
            "include" | "parse" => {
                self.at = start;
                return Err(
                    self.error(format!("#{name} is not supported, expected all of the template in one text"))
                );
            }
            "foreach" | "define" | "evaluate" | "macro" => self.block_directive(name, start, gathered)?,
            _ => self.macro_call(name, start, gathered)?,
        }
        Ok(None)
    }

    /// The opening parenthesis, spaces before it allowed.
    fn open(&mut self, directive: &str) -> Result<(), VtlError> {
        self.skip_space();
        self.expect("(", &format!("after #{directive}"))
    }

    fn is_open_next(&self) -> bool {
        self.rest().trim_start_matches([' ', '\t', '\r', '\n']).starts_with('(')
    }

    fn close(&mut self, directive: &str) -> Result<(), VtlError> {
        self.skip_space();
        self.expect(")", &format!("at the end of #{directive}"))?;
        self.swallow_line_end();
        Ok(())
    }

    fn set(&mut self, start: usize, gathered: &mut Gathered) -> Result<(), VtlError> {
        if !self.rest().trim_start_matches([' ', '\t']).starts_with('(') {
            gathered.text.push_str(self.source.get(start..self.at).unwrap_or_default());
            return Ok(());
        }
        if gathered.text.trim_start_matches([' ', '\t']).is_empty() {
            gathered.text.clear();
        }
        self.open("set")?;
        self.skip_space();
        let target =
            self.reference()?.ok_or_else(|| self.error("expected a reference such as $name to set"))?;
        if matches!(target.steps.last(), Some(crate::ast::Step::Method(..))) {
            return Err(target
                .position
                .error("cannot set a method call, expected a variable, property or index"));
        }
        self.skip_space();
        self.expect("=", "after the reference to set")?;
        let value = self.expression()?;
        self.close("set")?;
        gathered.push(Node::Set { target, value });
        Ok(())
    }

    fn if_node(&mut self) -> Result<Node, VtlError> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        let mut name = "if";
        loop {
            self.open(name)?;
            let condition = self.expression()?;
            self.close(name)?;
            let (body, terminator, _) = self.block()?;
            branches.push((condition, body));
            match terminator {
                Terminator::End => break,
                Terminator::ElseIf => name = "elseif",
                Terminator::Else => {
                    otherwise = Some(self.block_to_end("#else")?);
                    break;
                }
                Terminator::EndOfTemplate => return Err(self.error("#if is not closed, expected #end")),
            }
        }
        Ok(Node::If { branches, otherwise })
    }

    /// `#break` and `#return`, whose parentheses may be left out.
    fn leave(&mut self, name: &str, gathered: &mut Gathered) -> Result<(), VtlError> {
        let mut value = None;
        if self.is_open_next() {
            self.open(name)?;
            self.skip_space();
            if self.peek() != Some(b')') {
                value = Some(self.expression()?);
            }
            self.close(name)?;
        }
        gathered.push(if name == "break" { Node::Break } else { Node::Return(value) });
        Ok(())
    }

    fn block_directive(&mut self, name: &str, start: usize, gathered: &mut Gathered) -> Result<(), VtlError> {
        let position = self.position_at(start);
        self.open(name)?;
        self.skip_space();
        match name {
            "evaluate" => {
                let source = self.expression()?;
                self.close(name)?;
                gathered.push(Node::Evaluate { source, position });
            }
            "macro" => self.macro_definition(gathered)?,
            "define" => {
                let name = self.plain_variable("#define")?;
                self.close("define")?;
                let body = self.block_to_end("#define")?;
                gathered.push(Node::Define { name, body });
            }
            _ => {
                let variable = self.plain_variable("#foreach")?;
                self.skip_space();
                // Velocity takes any word here; requiring the documented one catches typing errors.
                self.expect("in", "after the loop variable")?;
                let iterable = self.expression()?;
                self.close("foreach")?;
                let body = self.block_to_end("#foreach")?;
                gathered.push(Node::Foreach { variable, iterable, body, position });
            }
        }
        Ok(())
    }

    fn plain_variable(&mut self, directive: &str) -> Result<String, VtlError> {
        match self.reference()? {
            Some(reference) if reference.steps.is_empty() => Ok(reference.root),
            _ => Err(self.error(format!("expected a variable such as $name in {directive}"))),
        }
    }

    fn macro_definition(&mut self, gathered: &mut Gathered) -> Result<(), VtlError> {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let rest = self.rest();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let name = String::from(rest.get(..end).unwrap_or_default());
        if name.is_empty() || DIRECTIVES.contains(&name.as_str()) {
            return Err(self.error("expected a name for the #macro that is not a directive's"));
        }
        self.at += end;
        let mut parameters = Vec::new();
        loop {
            self.skip_separators();
            if self.peek() == Some(b')') {
                break;
            }
            parameters.push(self.plain_variable("#macro")?);
        }
        self.close("macro")?;
        // Known before its body is read, so that escapes in a recursive macro are seen as such.
        let placeholder = Arc::new(Macro { parameters: Vec::new(), body: Block::from(Vec::new()) });
        self.macros.entry(name.clone()).or_insert(placeholder);
        let body = self.block_to_end("#macro")?;
        gathered.flush();
        self.macros.insert(name, Arc::new(Macro { parameters, body }));
        Ok(())
    }

    fn skip_separators(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n' | b',')) {
            self.at += 1;
        }
    }

    /// `#name`, `#name(...)` or `#@name(...) ... #end`: a macro, or text that only looks like one.
    fn macro_call(&mut self, name: &str, start: usize, gathered: &mut Gathered) -> Result<(), VtlError> {
        let position = self.position_at(start);
        let after_name = self.at;
        let depth = self.depth;
        let mut arguments = Vec::new();
        if self.is_open_next() {
            match self.macro_arguments(name) {
                Ok(parsed) => arguments = parsed,
                Err(error) if self.is_known(name.trim_start_matches('@')) => return Err(error),
                Err(_) => {
                    // Not a call at all, such as "#channel(any text)": print it.
                    self.at = after_name;
                    self.depth = depth;
                    gathered.text.push_str(self.source.get(start..after_name).unwrap_or_default());
                    return Ok(());
                }
            }
        } else if name.starts_with('@') || !self.is_known(name) {
            gathered.flush();
            gathered.text.push_str(self.source.get(start..after_name).unwrap_or_default());
            return Ok(());
        }
        let body = match name.strip_prefix('@') {
            Some(_) => Some(self.block_to_end(&format!("#{name}"))?),
            None => None,
        };
        let literal = String::from(self.source.get(start..self.at).unwrap_or_default());
        let name = String::from(name.trim_start_matches('@'));
        gathered.push(Node::Call { name, arguments, body, literal, position });
        Ok(())
    }

    fn macro_arguments(&mut self, name: &str) -> Result<Vec<Expr>, VtlError> {
        self.open(name)?;
        let mut arguments = Vec::new();
        loop {
            self.skip_separators();
            if matches!(self.peek(), Some(b')') | None) {
                break;
            }
            arguments.push(self.primary()?);
        }
        self.close(name)?;
        Ok(arguments)
    }
}
