//! Patterns that JSON events are filtered by, as event buses, subscriptions and event sources have them.
//!
//! A pattern has the shape of the events that it matches: objects stand for objects, and a list holds what a field's
//! value may be, literally or by a comparison such as `{"prefix": "eu-"}`. All fields must match, and any entry of a
//! list is enough. What a pattern does not name may be anything. The crate knows JSON and nothing of where events
//! come from or go to.

mod clue;
mod error;
mod matcher;
mod network;
mod number;
mod pattern;
mod set;
mod wildcard;

pub use error::{Fault, InvalidPattern};
pub use matcher::ValuePattern;
pub use pattern::EventPattern;
pub use set::PatternSet;
