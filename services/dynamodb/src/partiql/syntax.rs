//! The tree of a statement.

use crate::item::Item;
use crate::value::Value;
use crate::write::Returns;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Statement {
    Select(Select),
    Insert {
        table: String,
        item: Item,
    },
    Update {
        table: String,
        changes: Vec<Change>,
        condition: Condition,
        returns: Returns,
    },
    Delete {
        table: String,
        condition: Condition,
        returns: Returns,
    },
    /// `EXISTS(SELECT ...)`: a check in a transaction.
    Exists(Select),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub table: String,
    pub index: Option<String>,
    /// `None` is `*`.
    pub paths: Option<Vec<Path>>,
    pub condition: Option<Condition>,
    /// The attribute to order by, and whether from the end.
    pub order: Option<(String, bool)>,
}

/// An attribute, then members and elements.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    pub attribute: String,
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Member(String),
    Index(u32),
}

impl Path {
    /// Whether the path is the attribute itself.
    pub(crate) fn is(&self, attribute: &str) -> bool {
        self.steps.is_empty() && self.attribute == attribute
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        comparator: &'static str,
        left: Operand,
        right: Operand,
    },
    Between {
        operand: Operand,
        low: Operand,
        high: Operand,
    },
    In {
        operand: Operand,
        choices: Vec<Operand>,
    },
    /// `IS MISSING`.
    Missing(Path),
    /// `IS NULL`.
    Null(Path),
    /// `begins_with`, `contains`, `attribute_type`: spelled as expressions spell them.
    Call {
        function: &'static str,
        path: Path,
        argument: Value,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    Path(Path),
    Value(Value),
    Size(Path),
}

/// One SET or REMOVE of an update.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    Set(Path, Source),
    Remove(Path),
    /// `SET a = set_add(a, <<...>>)`.
    SetAdd(Path, Value),
    SetDelete(Path, Value),
}

/// The right side of a SET.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Source {
    Operand(Operand),
    Sum { left: Operand, operator: &'static str, right: Operand },
    ListAppend(Operand, Operand),
    IfNotExists(Path, Operand),
}
