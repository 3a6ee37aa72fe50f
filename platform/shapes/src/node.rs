//! Values that codecs can read and fill without knowing their type.

use std::any::Any;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Body, Document, StructShape, Timestamp};

/// The read side of a value.
pub enum View<'a> {
    /// An optional member that is not there.
    Absent,
    Boolean(bool),
    Integer(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    String(&'a str),
    Blob(&'a Bytes),
    Stream(&'a Body),
    Timestamp(Timestamp),
    Document(&'a Document),
    List(&'a dyn SequenceNode),
    Map(&'a dyn MapNode),
    Struct(&'a dyn Struct),
    Union(&'a dyn Union),
}

/// The write side of a value. Asking for the slot of an optional value makes it present.
pub enum Slot<'a> {
    Boolean(&'a mut bool),
    Integer(&'a mut i32),
    Long(&'a mut i64),
    Float(&'a mut f32),
    Double(&'a mut f64),
    String(&'a mut String),
    Blob(&'a mut Bytes),
    Stream(&'a mut Body),
    Timestamp(&'a mut Timestamp),
    Document(&'a mut Document),
    List(&'a mut dyn SequenceNode),
    Map(&'a mut dyn MapNode),
    Struct(&'a mut dyn Struct),
    Union(&'a mut dyn Union),
}

/// Any value that a schema describes.
pub trait Node: Send + Sync {
    fn view(&self) -> View<'_>;
    fn slot(&mut self) -> Slot<'_>;
}

/// A structure: its schema, and its members by their index in it.
pub trait Struct: Any + Send + Sync {
    fn shape(&self) -> &'static StructShape;
    /// The member at `index`, which is below `shape().members.len()`.
    fn member(&self, index: usize) -> &dyn Node;
    fn member_mut(&mut self, index: usize) -> &mut dyn Node;
}

/// A structure of which exactly one member is set.
pub trait Union: Any + Send + Sync {
    fn shape(&self) -> &'static StructShape;
    /// The index and value of the member that is set; `None` before any is.
    fn variant(&self) -> Option<(usize, &dyn Node)>;
    /// Sets the member at `index` to its default and hands it out to be filled.
    fn select(&mut self, index: usize) -> &mut dyn Node;
}

/// A list of values.
pub trait SequenceNode: Send + Sync {
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The item at `index`, which is below `len()`.
    fn item(&self, index: usize) -> &dyn Node;
    /// Appends a default value and hands it out to be filled.
    fn push(&mut self) -> &mut dyn Node;
}

/// A map from strings to values, visited in the order of its keys.
pub trait MapNode: Send + Sync {
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    fn entries(&self) -> Box<dyn Iterator<Item = (&str, &dyn Node)> + '_>;
    /// Puts a default value under `key` and hands it out to be filled.
    fn insert(&mut self, key: String) -> &mut dyn Node;
}

macro_rules! scalar_node {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl Node for $type {
            fn view(&self) -> View<'_> {
                View::$variant(*self)
            }
            fn slot(&mut self) -> Slot<'_> {
                Slot::$variant(self)
            }
        }
    )*};
}

scalar_node!(bool => Boolean, i32 => Integer, i64 => Long, f32 => Float, f64 => Double, Timestamp => Timestamp);

macro_rules! borrowed_node {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl Node for $type {
            fn view(&self) -> View<'_> {
                View::$variant(self)
            }
            fn slot(&mut self) -> Slot<'_> {
                Slot::$variant(self)
            }
        }
    )*};
}

borrowed_node!(String => String, Bytes => Blob, Document => Document);

impl<T: Node + Default> Node for Option<T> {
    fn view(&self) -> View<'_> {
        self.as_ref().map_or(View::Absent, Node::view)
    }
    fn slot(&mut self) -> Slot<'_> {
        self.get_or_insert_with(T::default).slot()
    }
}

/// Recursive structures hold themselves boxed.
impl<T: Node> Node for Box<T> {
    fn view(&self) -> View<'_> {
        (**self).view()
    }
    fn slot(&mut self) -> Slot<'_> {
        (**self).slot()
    }
}

impl<T: Node + Default> Node for Vec<T> {
    fn view(&self) -> View<'_> {
        View::List(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::List(self)
    }
}

impl<T: Node + Default> SequenceNode for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }
    fn item(&self, index: usize) -> &dyn Node {
        &self[index]
    }
    fn push(&mut self) -> &mut dyn Node {
        self.push(T::default());
        self.last_mut().expect("an item was just pushed")
    }
}

impl<T: Node + Default> Node for BTreeMap<String, T> {
    fn view(&self) -> View<'_> {
        View::Map(self)
    }
    fn slot(&mut self) -> Slot<'_> {
        Slot::Map(self)
    }
}

impl<T: Node + Default> MapNode for BTreeMap<String, T> {
    fn len(&self) -> usize {
        self.len()
    }
    fn entries(&self) -> Box<dyn Iterator<Item = (&str, &dyn Node)> + '_> {
        Box::new(self.iter().map(|(key, value)| (key.as_str(), value as &dyn Node)))
    }
    fn insert(&mut self, key: String) -> &mut dyn Node {
        let value = self.entry(key).or_default();
        *value = T::default();
        value
    }
}
