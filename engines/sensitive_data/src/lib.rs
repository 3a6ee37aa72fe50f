//! Finds personal and secret data in texts: card numbers, mail addresses, keys and the like.
//!
//! An [`Identifier`] knows one kind of data: by a pattern, by check digits where the kind has them, and by words that
//! have to be near where a pattern alone says too little. It finds what is written in a form; it does not read: names
//! and street addresses, which have none, are nothing that it knows.

mod catalog;
mod check_digits;
mod identifier;

pub use catalog::{managed, names};
pub use identifier::{Identifier, InvalidIdentifier};
