//! Writes views as CBOR.

use shapes::{Document, Kind, Member, Node, Struct, View};

/// A CBOR text in the making.
#[derive(Default)]
pub(crate) struct Writer {
    out: Vec<u8>,
}

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

impl Writer {
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        let bytes = argument.to_be_bytes();
        let (info, width) = match argument {
            0..=23 => (argument as u8, 0),
            24..=0xFF => (24, 1),
            0x100..=0xFFFF => (25, 2),
            0x1_0000..=0xFFFF_FFFF => (26, 4),
            _ => (27, 8),
        };
        self.out.push(major | info);
        self.out.extend_from_slice(&bytes[8 - width..]);
    }

    /// Begins a map whose end [`Self::end`] marks.
    pub(crate) fn begin(&mut self) {
        self.out.push(0xBF);
    }

    pub(crate) fn end(&mut self) {
        self.out.push(0xFF);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, value: i64) {
        if value < 0 {
            self.head(NEGATIVE, (-1 - value) as u64);
        } else {
            self.head(UNSIGNED, value as u64);
        }
    }

    fn double(&mut self, value: f64) {
        self.out.push(0xFB);
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// A structure with its head.
    pub(crate) fn structure(&mut self, value: &dyn Struct) {
        self.begin();
        self.members(value, |_| true);
        self.end();
    }

    /// The members of a structure that `wanted` admits.
    pub(crate) fn members(&mut self, value: &dyn Struct, wanted: impl Fn(&'static Member) -> bool) {
        for (index, member) in value.shape().members.iter().enumerate() {
            let node = value.member(index);
            if wanted(member) && !matches!(node.view(), View::Absent) {
                self.text(member.wire_name());
                self.value(node, member);
            }
        }
    }

    fn value(&mut self, node: &dyn Node, member: &'static Member) {
        match (node.view(), &member.shape.kind) {
            (View::Absent, _) => self.out.push(0xF6),
            (View::Boolean(value), _) => self.boolean(value),
            (View::Integer(value), _) => self.integer(i64::from(value)),
            (View::Long(value), _) => self.integer(value),
            (View::Float(value), _) => {
                self.out.push(0xFA);
                self.out.extend_from_slice(&value.to_be_bytes());
            }
            (View::Double(value), _) => self.double(value),
            (View::String(value), _) => self.text(value),
            (View::Blob(value), _) => {
                self.head(BYTES, value.len() as u64);
                self.out.extend_from_slice(value);
            }
            (View::Timestamp(value), _) => {
                self.out.push(0xC1);
                self.double(value.millis() as f64 / 1000.0);
            }
            (View::Document(value), _) => self.document(value),
            (View::List(list), Kind::List(item)) => {
                self.head(ARRAY, list.len() as u64);
                for index in 0..list.len() {
                    self.value(list.item(index), item);
                }
            }
            (View::Map(map), Kind::Map(_, item)) => {
                self.head(MAP, map.len() as u64);
                for (key, node) in map.entries() {
                    self.text(key);
                    self.value(node, item);
                }
            }
            (View::Struct(value), _) => self.structure(value),
            (View::Union(value), _) => {
                self.begin();
                if let Some((index, node)) = value.variant() {
                    let member = &value.shape().members[index];
                    self.text(member.wire_name());
                    self.value(node, member);
                }
                self.end();
            }
            (View::Stream(_) | View::List(_) | View::Map(_), _) => self.out.push(0xF6),
        }
    }

    fn boolean(&mut self, value: bool) {
        self.out.push(if value { 0xF5 } else { 0xF4 });
    }

    fn document(&mut self, value: &Document) {
        match value {
            Document::Null => self.out.push(0xF6),
            Document::Bool(value) => self.boolean(*value),
            Document::Integer(value) => self.integer(*value),
            Document::Float(value) => self.double(*value),
            Document::String(value) => self.text(value),
            Document::List(items) => {
                self.head(ARRAY, items.len() as u64);
                for item in items {
                    self.document(item);
                }
            }
            Document::Map(entries) => {
                self.head(MAP, entries.len() as u64);
                for (key, value) in entries {
                    self.text(key);
                    self.document(value);
                }
            }
        }
    }
}
