//! The syntax tree of a template. Chains are flat so that only nesting makes it deep.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Position;
use crate::value::Value;

pub(crate) type Block = Arc<[Node]>;
pub(crate) type Macros = HashMap<String, Arc<Macro>>;

#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Block,
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(String),
    Reference(PrintedReference),
    Set { target: Reference, value: Expr },
    If { branches: Vec<(Expr, Block)>, otherwise: Option<Block> },
    Foreach { variable: String, iterable: Expr, body: Block, position: Position },
    Call { name: String, arguments: Vec<Expr>, body: Option<Block>, literal: String, position: Position },
    Define { name: String, body: Block },
    Evaluate { source: Expr, position: Position },
    Return(Option<Expr>),
    Break,
    Stop,
}

/// A reference in running text, with what to print where it does not resolve.
#[derive(Debug)]
pub(crate) struct PrintedReference {
    pub(crate) reference: Reference,
    pub(crate) backslashes: usize,
    pub(crate) is_quiet: bool,
}

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) root: String,
    pub(crate) steps: Vec<Step>,
    /// The source of it, `$` included.
    pub(crate) literal: String,
    pub(crate) position: Position,
}

#[derive(Debug)]
pub(crate) enum Step {
    Property(String),
    Method(String, Vec<Expr>),
    Index(Expr),
}

#[derive(Debug)]
pub(crate) enum Expr {
    Constant(Value),
    Reference(Reference),
    /// A double-quoted string with references or directives in it.
    Interpolated(Block),
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Range(Box<(Expr, Expr)>),
    Not(Box<Expr>),
    /// Operators of one precedence, applied left to right.
    Chain(Box<Expr>, Vec<(Operator, Expr)>, Position),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
