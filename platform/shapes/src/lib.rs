//! The vocabulary that every API shares: static schemas of shapes and operations, values that can be walked
//! by them, and the error that an operation answers with.
//!
//! A generated API type is a plain struct that implements [`Struct`]: it names its schema and hands out its
//! members by index as [`Node`]s. Codecs see nothing else, so each protocol is written and compiled once,
//! whatever the number of shapes. This crate knows no protocol and no service.

mod body;
mod document;
mod error;
mod node;
mod operation;
mod schema;
mod timestamp;

pub use body::{Body, ByteSource, next, unfold};
pub use document::Document;
pub use error::{ApiError, Fault};
pub use node::{MapNode, Node, SequenceNode, Slot, Struct, Union, View};
pub use operation::{Op, OperationSchema, Protocol, ServiceSchema};
pub use schema::{
    Constraints, ErrorShape, Kind, Location, Member, Shape, StructShape, TimestampFormat, XmlNamespace,
};
pub use timestamp::Timestamp;

/// Bytes of a blob member.
pub type Blob = bytes::Bytes;
/// A map member: keys in order, so that answers are the same from run to run.
pub type Map<V> = std::collections::BTreeMap<String, V>;
