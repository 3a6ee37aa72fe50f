//! What is wrong with an expression, in AWS's words.

use std::fmt;

/// Which parameter an expression came in; `Display` is the parameter's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Condition,
    Filter,
    KeyCondition,
    Projection,
    Update,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Condition => "ConditionExpression",
            Self::Filter => "FilterExpression",
            Self::KeyCondition => "KeyConditionExpression",
            Self::Projection => "ProjectionExpression",
            Self::Update => "UpdateExpression",
        })
    }
}

/// The text of a ValidationException about an expression or its use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The text itself is at fault.
    #[error("Invalid {kind}: {fault}")]
    Invalid { kind: Kind, fault: Fault },
    #[error("ExpressionAttributeNames must not be empty")]
    NamesEmpty,
    #[error("ExpressionAttributeValues must not be empty")]
    ValuesEmpty,
    #[error("ExpressionAttributeNames contains invalid key: Syntax error; key: \"{0}\"")]
    NameKey(String),
    #[error("ExpressionAttributeValues contains invalid key: Syntax error; key: \"{0}\"")]
    ValueKey(String),
    #[error("Value provided in ExpressionAttributeNames unused in expressions: keys: {{{0}}}")]
    NamesUnused(String),
    #[error("Value provided in ExpressionAttributeValues unused in expressions: keys: {{{0}}}")]
    ValuesUnused(String),

    #[error("The document path provided in the update expression is invalid for update")]
    UpdatePath,
    #[error("An operand in the update expression has an incorrect data type")]
    UpdateOperandType,
    #[error("The provided expression refers to an attribute that does not exist in the item")]
    NoSuchAttribute,
    #[error(transparent)]
    Number(#[from] crate::number::NumberError),

    #[error("Invalid operator used in KeyConditionExpression: {0}")]
    KeyOperator(String),
    #[error("KeyConditionExpressions cannot contain nested operations")]
    KeyNestedOperation,
    #[error("KeyConditionExpressions cannot have conditions on nested attributes")]
    KeyNestedAttribute,
    #[error("KeyConditionExpressions must only contain one condition per key")]
    KeyConditionTwice,
    #[error(
        "Invalid condition in KeyConditionExpression: {0} operator must have the key attribute as its first operand"
    )]
    KeyNotFirst(&'static str),
    #[error("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")]
    KeyTwoAttributes,
    #[error("Invalid condition in KeyConditionExpression: No key attribute specified")]
    KeyNoAttribute,
    #[error("Query condition missed key schema element: {0}")]
    KeyMissing(String),
    #[error("Query key condition not supported")]
    KeyNotSupported,
    #[error("Conditions can be of length 1 or 2 only")]
    KeyConditionCount,
    #[error("One or more parameter values were invalid: Condition parameter type does not match schema type")]
    KeyType,
    #[error(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
         empty {kind} value. Key: {name}"
    )]
    KeyEmpty { name: String, kind: &'static str },
    #[error(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes"
    )]
    HashTooLong,
    #[error(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size \
         limit of 1024 bytes"
    )]
    RangeTooLong,

    #[error("Attempted conditional constraint is not an indexable operation")]
    KeyOperatorNotIndexable,

    /// A legacy parameter (Expected, AttributeUpdates, ...) is at fault.
    #[error("One or more parameter values were invalid: {0}")]
    Legacy(String),
    #[error(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    )]
    LegacyBetween,
}

/// A fault in the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("The expression can not be empty;")]
    Empty,
    #[error("Expression size has exceeded the maximum allowed size; expression size: {0}")]
    TooLong(usize),
    #[error("Syntax error; token: \"{token}\", near: \"{near}\"")]
    Syntax { token: String, near: String },
    #[error("The expression has redundant parentheses;")]
    RedundantParentheses,
    #[error("Invalid function name; function: {0}")]
    UnknownFunction(String),
    #[error("The function is not allowed to be used this way in an expression; function: {0}")]
    MisusedFunction(String),
    #[error("The \"{0}\" section can only be used once in an update expression;")]
    SectionTwice(&'static str),
    #[error("Attribute name is a reserved keyword; reserved keyword: {0}")]
    Reserved(String),
    #[error("An expression attribute name used in the document path is not defined; attribute name: {0}")]
    UndefinedName(String),
    #[error("An expression attribute value used in expression is not defined; attribute value: {0}")]
    UndefinedValue(String),
    #[error(
        "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: {0}, path two: {1}"
    )]
    PathsOverlap(String, String),
    #[error(
        "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: {0}, path two: {1}"
    )]
    PathsConflict(String, String),
    #[error("The document path has too many nesting elements; nesting level: {0}")]
    PathTooDeep(usize),
    #[error("List index is not within the allowable range; index: [{0}]")]
    IndexOutOfRange(String),
    #[error(
        "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
    )]
    OperandCount { name: String, count: usize },
    #[error(
        "The first operand must be distinct from the remaining operands for this operator or function; operator: {name}, first operand: {operand}"
    )]
    NotDistinct { name: String, operand: String },
    #[error(
        "Incorrect operand type for operator or function; operator or function: {name}, operand type: {operand_type}"
    )]
    OperandType { name: String, operand_type: String },
    /// The wording for operands of ADD and DELETE clauses.
    #[error(
        "Incorrect operand type for operator or function; operator: {operator}, operand type: {operand_type}"
    )]
    ClauseOperandType { operator: &'static str, operand_type: &'static str },
    #[error("Operator or function requires a document path; operator or function: {0}")]
    NeedsPath(String),
    #[error("Invalid attribute type name found; type: {0}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}")]
    TypeName(String),
    #[error(
        "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {0}, upper bound operand: AttributeValue: {1}"
    )]
    BetweenTypes(String, String),
    #[error(
        "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {0}, upper bound operand: AttributeValue: {1}"
    )]
    BetweenOrder(String, String),
    #[error("The IN operator is provided with too many operands; number of operands: {0}")]
    TooManyInOperands(usize),
    #[error("The expression contains too many operators; operator count: {0}")]
    TooManyOperators(usize),
    #[error("The expression has too many nesting levels; nesting level: {0}")]
    TooDeep(usize),
}

impl Fault {
    /// AWS looks at a text in passes: what a later pass finds waits for what an earlier one finds.
    pub(super) fn pass(&self, kind: Kind) -> u8 {
        let update = kind == Kind::Update;
        match self {
            Self::Empty | Self::TooLong(_) | Self::Syntax { .. } | Self::TooDeep(_) => 0,
            Self::RedundantParentheses | Self::TooManyOperators(_) => 1,
            Self::Reserved(_) if update => 2,
            Self::UnknownFunction(_) => 3,
            Self::MisusedFunction(_) | Self::SectionTwice(_) => 4,
            Self::Reserved(_) => 5,
            Self::UndefinedName(_) => 6,
            Self::UndefinedValue(_) if update => 7,
            Self::UndefinedValue(_) => 6,
            Self::PathTooDeep(_) | Self::IndexOutOfRange(_) => 8,
            Self::PathsOverlap(..) => 9,
            Self::PathsConflict(..) => 10,
            Self::OperandCount { .. } | Self::TooManyInOperands(_) => 11,
            Self::NotDistinct { .. } => 12,
            _ => 13,
        }
    }
}
