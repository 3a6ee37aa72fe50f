//! Rendering: walks the tree, prints text, and keeps the variables and the bounds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ast::{Block, Expr, Macros, Node, PrintedReference};
use crate::error::{Position, VtlError};
use crate::limits::Limits;
use crate::parser::Parser;
use crate::value::{Object, Value};

/// A parsed template. Cheap to render again and again, from any thread.
#[derive(Debug)]
pub struct Template {
    block: Block,
    macros: Macros,
    limits: Limits,
}

/// The named values a template sees.
#[derive(Debug, Clone, Default)]
pub struct Scope(BTreeMap<String, Value>);

/// What a template came to.
#[derive(Debug)]
pub struct Rendered {
    /// All it printed.
    pub text: String,
    /// The value of the `#return(value)` that ended it, if one did.
    pub returned: Option<Value>,
}

impl Scope {
    /// Adds a value under `name`, which templates write as `$name`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Adds a host object under `name`.
    #[must_use]
    pub fn with_object(self, name: impl Into<String>, object: Arc<dyn Object>) -> Self {
        self.with(name, Value::Object(object))
    }
}

impl Template {
    /// Parses with the default limits.
    pub fn parse(source: &str) -> Result<Self, VtlError> {
        Self::parse_within(source, Limits::default())
    }

    /// Parses with these limits, which also bind every rendering.
    pub fn parse_within(source: &str, limits: Limits) -> Result<Self, VtlError> {
        let mut parser = Parser::new(source, &limits);
        let block = parser.template()?;
        let macros = parser.macros;
        Ok(Self { block, macros, limits })
    }

    /// Renders to text.
    pub fn render(&self, scope: &Scope) -> Result<String, VtlError> {
        self.run(scope).map(|rendered| rendered.text)
    }

    /// Renders to text and the value of `#return`.
    pub fn run(&self, scope: &Scope) -> Result<Rendered, VtlError> {
        let mut rendering = Rendering {
            limits: &self.limits,
            variables: scope.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            blocks: HashMap::new(),
            literals: Vec::new(),
            macros: self.macros.clone(),
            depth: 0,
            steps: 0,
            built_bytes: 0,
            here: Position { line: 1, column: 1 },
            returned: None,
        };
        let mut text = String::new();
        rendering.block(&self.block, &mut text)?;
        Ok(Rendered { text, returned: rendering.returned })
    }
}

/// How rendering goes on after a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Stop,
}

pub(crate) struct Rendering<'t> {
    pub(crate) limits: &'t Limits,
    pub(crate) variables: HashMap<String, Value>,
    /// Blocks named by `#define`, rendered anew wherever they are printed.
    pub(crate) blocks: HashMap<String, Block>,
    /// Per macro call, what an argument that did not resolve prints as.
    literals: Vec<HashMap<String, String>>,
    macros: Macros,
    depth: usize,
    steps: usize,
    built_bytes: usize,
    /// The last known place, for errors.
    pub(crate) here: Position,
    returned: Option<Value>,
}

/// `$foreach`, as it is during one iteration.
struct Loop {
    index: usize,
    length: usize,
    parent: Option<Value>,
}

impl Object for Loop {
    fn property(&self, name: &str) -> Option<Value> {
        let number = |n: usize| i64::try_from(n).ok().map(Value::Int);
        match name {
            "index" => number(self.index),
            "count" => number(self.index + 1),
            "hasNext" => Some(Value::Bool(self.index + 1 < self.length)),
            "first" => Some(Value::Bool(self.index == 0)),
            "last" => Some(Value::Bool(self.index + 1 == self.length)),
            "parent" => self.parent.clone(),
            _ => None,
        }
    }

    fn call(&self, method: &str, _args: &[Value]) -> Result<Option<Value>, String> {
        Ok(match method {
            "hasNext" | "isFirst" | "isLast" => self.property(
                method.trim_start_matches("is").to_lowercase().replace("hasnext", "hasNext").as_str(),
            ),
            "getIndex" => self.property("index"),
            "getCount" => self.property("count"),
            "getParent" => self.property("parent"),
            _ => None,
        })
    }

    fn text(&self) -> String {
        String::from("foreach")
    }
}

impl Rendering<'_> {
    pub(crate) fn error(&self, message: impl Into<String>) -> VtlError {
        self.here.error(message)
    }

    pub(crate) fn step(&mut self) -> Result<(), VtlError> {
        self.steps += 1;
        if self.steps > self.limits.steps {
            return Err(
                self.error(format!("rendering took more than {} steps, expected fewer", self.limits.steps))
            );
        }
        Ok(())
    }

    /// Accounts for going through all of a value, so that a few steps on long ones cannot take forever.
    pub(crate) fn go_through(&mut self, value: &Value) -> Result<(), VtlError> {
        self.steps += match value {
            Value::String(text) => text.len() / 256,
            Value::List(list) => list.lock().len() / 16,
            Value::Map(map) => map.lock().len() / 16,
            _ => 0,
        };
        self.step()
    }

    pub(crate) fn deeper(&mut self) -> Result<(), VtlError> {
        self.depth += 1;
        if self.depth > self.limits.render_depth {
            let allowed = self.limits.render_depth;
            return Err(
                self.error(format!("blocks and macros are more than {allowed} levels deep, expected fewer"))
            );
        }
        self.step()
    }

    pub(crate) fn shallower(&mut self) {
        self.depth -= 1;
    }

    /// Accounts for a string or list about to be built.
    pub(crate) fn charge(&mut self, bytes: usize) -> Result<(), VtlError> {
        self.built_bytes = self.built_bytes.saturating_add(bytes);
        if self.built_bytes > self.limits.built_bytes {
            return Err(self
                .error(format!("the template built more than {} bytes of values", self.limits.built_bytes)));
        }
        Ok(())
    }

    pub(crate) fn built_bytes_left(&self) -> usize {
        self.limits.built_bytes.saturating_sub(self.built_bytes)
    }

    fn print(&self, text: &str, out: &mut String) -> Result<(), VtlError> {
        if out.len() + text.len() > self.limits.output_bytes {
            return Err(self.error(format!("the output has more than {} bytes", self.limits.output_bytes)));
        }
        out.push_str(text);
        Ok(())
    }

    /// Renders a string with references in it, or a `#define`d block.
    pub(crate) fn block_text(&mut self, block: &Block) -> Result<String, VtlError> {
        let mut text = String::new();
        self.block(block, &mut text)?;
        self.charge(text.len())?;
        Ok(text)
    }

    fn block(&mut self, block: &Block, out: &mut String) -> Result<Flow, VtlError> {
        self.deeper()?;
        let mut flow = Flow::Next;
        for node in block.iter() {
            self.step()?;
            flow = self.node(node, out)?;
            if flow != Flow::Next {
                break;
            }
        }
        self.shallower();
        Ok(flow)
    }

    fn node(&mut self, node: &Node, out: &mut String) -> Result<Flow, VtlError> {
        match node {
            Node::Text(text) => self.print(text, out)?,
            Node::Reference(printed) => self.printed_reference(printed, out)?,
            Node::Set { target, value } => {
                let value = self.evaluate(value)?;
                self.assign(target, value)?;
            }
            Node::If { branches, otherwise } => return self.if_node(branches, otherwise.as_ref(), out),
            Node::Foreach { variable, iterable, body, position } => {
                self.here = *position;
                return self.foreach(variable, iterable, body, out);
            }
            Node::Call { name, arguments, body, literal, position } => {
                self.here = *position;
                return self.call(name, arguments, body.as_ref(), literal, out);
            }
            Node::Define { name, body } => {
                self.blocks.insert(name.clone(), body.clone());
            }
            Node::Evaluate { source, position } => {
                self.here = *position;
                return self.evaluate_source(source, out);
            }
            Node::Return(value) => {
                self.returned = value.as_ref().map(|value| self.evaluate(value)).transpose()?;
                return Ok(Flow::Stop);
            }
            Node::Break => return Ok(Flow::Break),
            Node::Stop => return Ok(Flow::Stop),
        }
        Ok(Flow::Next)
    }

    /// Half the backslashes stand for themselves and an odd one keeps the reference from being resolved;
    /// but only before a reference that would resolve, elsewhere they are all just text.
    fn printed_reference(&mut self, printed: &PrintedReference, out: &mut String) -> Result<(), VtlError> {
        let PrintedReference { reference, backslashes, is_quiet } = printed;
        let value = self.resolve(reference)?;
        let is_escaped = backslashes % 2 == 1;
        let prefix = "\\".repeat(backslashes / 2);
        if let Some(value) = value {
            self.print(&prefix, out)?;
            if is_escaped {
                return self.print(&reference.literal, out);
            }
            return self.print_value(&value, out);
        }
        if is_escaped {
            self.print(&format!("{prefix}\\"), out)?;
            return self.print(&reference.literal, out);
        }
        self.print(&"\\".repeat(*backslashes), out)?;
        if *is_quiet {
            return Ok(());
        }
        if reference.steps.is_empty()
            && let Some(literal) = self.literals.last().and_then(|frame| frame.get(&reference.root)).cloned()
        {
            return self.print(&literal, out);
        }
        self.print(&reference.literal, out)
    }

    fn print_value(&self, value: &Value, out: &mut String) -> Result<(), VtlError> {
        if let Value::String(text) = value {
            return self.print(text, out);
        }
        let room = self.limits.output_bytes.saturating_sub(out.len());
        match value.text(room) {
            Some(text) => self.print(&text, out),
            None => Err(self.error(format!("the output has more than {} bytes", self.limits.output_bytes))),
        }
    }

    fn if_node(
        &mut self,
        branches: &[(Expr, Block)],
        otherwise: Option<&Block>,
        out: &mut String,
    ) -> Result<Flow, VtlError> {
        for (condition, body) in branches {
            if self.holds(condition)? {
                return self.block(body, out);
            }
        }
        otherwise.map_or(Ok(Flow::Next), |body| self.block(body, out))
    }

    fn foreach(
        &mut self,
        name: &str,
        iterable: &Expr,
        body: &Block,
        out: &mut String,
    ) -> Result<Flow, VtlError> {
        let iterable = self.evaluate(iterable)?;
        self.go_through(&iterable)?;
        let items = match iterable {
            Value::List(list) => list.snapshot(),
            Value::Map(map) => map.snapshot().into_iter().map(|(_, value)| value).collect(),
            Value::Object(object) => object.items().unwrap_or_default(),
            _ => Vec::new(),
        };
        let saved: Vec<_> =
            [name, "foreach", "velocityCount"].map(|name| (name, self.variables.get(name).cloned())).into();
        let parent = self.variables.get("foreach").cloned();
        let length = items.len();
        let mut ended = Flow::Next;
        for (index, item) in items.into_iter().enumerate() {
            if index >= self.limits.loop_iterations {
                let allowed = self.limits.loop_iterations;
                return Err(
                    self.error(format!("#foreach over {length} items, at most {allowed} are allowed"))
                );
            }
            self.assign_variable(name, Some(item));
            let count = i64::try_from(index + 1).unwrap_or(i64::MAX);
            self.assign_variable("velocityCount", Some(Value::Int(count)));
            let state = Loop { index, length, parent: parent.clone() };
            self.assign_variable("foreach", Some(Value::Object(Arc::new(state))));
            ended = self.block(body, out)?;
            if ended != Flow::Next {
                break;
            }
        }
        for (name, value) in saved {
            self.assign_variable(name, value);
        }
        Ok(if ended == Flow::Stop { Flow::Stop } else { Flow::Next })
    }

    pub(crate) fn assign_variable(&mut self, name: &str, value: Option<Value>) {
        match value {
            None | Some(Value::Null) => self.variables.remove(name),
            Some(value) => self.variables.insert(String::from(name), value),
        };
    }

    fn call(
        &mut self,
        name: &str,
        arguments: &[Expr],
        body: Option<&Block>,
        literal: &str,
        out: &mut String,
    ) -> Result<Flow, VtlError> {
        let Some(definition) = self.macros.get(name).cloned() else {
            return self.print(literal, out).map(|()| Flow::Next);
        };
        let mut values = Vec::new();
        let mut literals = HashMap::new();
        for (place, parameter) in definition.parameters.iter().enumerate() {
            let value = arguments.get(place).map(|argument| self.evaluate(argument)).transpose()?;
            if let (Some(Expr::Reference(reference)), Some(Value::Null)) = (arguments.get(place), &value) {
                literals.insert(parameter.clone(), reference.literal.clone());
            }
            values.push(value);
        }
        let mut saved = Vec::new();
        for (parameter, value) in definition.parameters.iter().zip(values) {
            saved.push((parameter, self.variables.get(parameter).cloned()));
            self.assign_variable(parameter, value);
        }
        let saved_body = body.map(|body| self.blocks.insert(String::from("bodyContent"), body.clone()));
        self.literals.push(literals);
        let flow = self.block(&definition.body, out)?;
        self.literals.pop();
        if let Some(saved_body) = saved_body {
            match saved_body {
                Some(block) => self.blocks.insert(String::from("bodyContent"), block),
                None => self.blocks.remove("bodyContent"),
            };
        }
        for (parameter, value) in saved.into_iter().rev() {
            self.assign_variable(parameter, value);
        }
        Ok(flow)
    }

    fn evaluate_source(&mut self, source: &Expr, out: &mut String) -> Result<Flow, VtlError> {
        let Value::String(source) = self.evaluate(source)? else { return Ok(Flow::Next) };
        let mut parser = Parser::new(&source, self.limits);
        parser.outer = Some(self.here);
        parser.macros = std::mem::take(&mut self.macros);
        let parsed = parser.template();
        self.macros = parser.macros;
        let flow = self.block(&parsed?, out)?;
        Ok(if flow == Flow::Break { Flow::Next } else { flow })
    }
}
