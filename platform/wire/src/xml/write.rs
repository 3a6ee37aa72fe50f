//! Writes views as XML.

use shapes::{Kind, Member, Struct, TimestampFormat, View, XmlNamespace};

use super::{Dialect, is_flattened};
use crate::rest::BodyOf;
use crate::text;

/// An XML text in the making.
pub(crate) struct Writer {
    out: String,
    dialect: Dialect,
}

impl Writer {
    /// A text that begins with the XML declaration.
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(), dialect }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    pub(crate) fn open(&mut self, name: &str, namespace: Option<XmlNamespace>) {
        self.start(name, namespace);
        self.out.push('>');
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element that holds a text.
    pub(crate) fn leaf(&mut self, name: &str, text: &str) {
        self.open(name, None);
        escape_into(&mut self.out, text);
        self.close(name);
    }

    /// `<name` with its namespace, still open for attributes.
    fn start(&mut self, name: &str, namespace: Option<XmlNamespace>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            let attribute = namespace.prefix.map(|prefix| format!("xmlns:{prefix}"));
            self.attribute(attribute.as_deref().unwrap_or("xmlns"), namespace.uri);
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape_into(&mut self.out, value);
        self.out.push('"');
    }

    /// An element with the attributes and members of a structure.
    pub(crate) fn structure(
        &mut self,
        name: &str,
        value: &dyn Struct,
        namespace: Option<XmlNamespace>,
        body: BodyOf,
    ) {
        self.start(name, namespace.or(value.shape().xml_namespace));
        for (index, member) in value.shape().members.iter().enumerate() {
            if member.xml_attribute
                && let Some(text) = text::write(&value.member(index).view(), member, TimestampFormat::Iso8601)
            {
                self.attribute(member.wire_name(), &text);
            }
        }
        self.out.push('>');
        self.members(value, body, |_| true);
        self.close(name);
    }

    /// The members of a structure that belong in the body and that `wanted` admits.
    pub(crate) fn members(
        &mut self,
        value: &dyn Struct,
        body: BodyOf,
        wanted: impl Fn(&'static Member) -> bool,
    ) {
        for (index, member) in value.shape().members.iter().enumerate() {
            if body.has(member) && !member.xml_attribute && wanted(member) {
                let name = self.dialect.member_name(member);
                self.value(name, &value.member(index).view(), member, is_flattened(member));
            }
        }
    }

    /// A member that is a whole body.
    pub(crate) fn payload(
        &mut self,
        name: &str,
        view: &View<'_>,
        member: &'static Member,
        namespace: Option<XmlNamespace>,
    ) {
        match view {
            View::Struct(value) => {
                let own = member.xml_namespace.or(value.shape().xml_namespace);
                self.structure(name, *value, own.or(namespace), BodyOf::Rpc);
            }
            view => self.value(name, view, member, false),
        }
    }

    fn value(&mut self, name: &str, view: &View<'_>, member: &'static Member, is_flattened: bool) {
        let namespace = member.xml_namespace;
        match (view, &member.shape.kind) {
            (View::Absent, _) => {}
            (View::List(list), Kind::List(item)) => {
                let item_name = match is_flattened {
                    true => name,
                    false => self.dialect.given_name(item).unwrap_or("member"),
                };
                if !is_flattened {
                    self.open(name, namespace);
                }
                for index in 0..list.len() {
                    self.value(item_name, &list.item(index).view(), item, false);
                }
                if !is_flattened {
                    self.close(name);
                }
            }
            (View::Map(map), Kind::Map(key, item)) => {
                let entry = if is_flattened { name } else { "entry" };
                if !is_flattened {
                    self.open(name, namespace);
                }
                for (entry_key, node) in map.entries() {
                    self.open(entry, namespace.filter(|_| is_flattened));
                    let key_name = self.dialect.given_name(key).unwrap_or("key");
                    self.value(key_name, &View::String(entry_key), key, false);
                    let value_name = self.dialect.given_name(item).unwrap_or("value");
                    self.value(value_name, &node.view(), item, false);
                    self.close(entry);
                }
                if !is_flattened {
                    self.close(name);
                }
            }
            (View::Struct(value), _) => self.structure(name, *value, namespace, BodyOf::Rpc),
            (View::Union(value), _) => {
                self.open(name, namespace.or(value.shape().xml_namespace));
                if let Some((index, node)) = value.variant() {
                    let member = &value.shape().members[index];
                    let name = self.dialect.member_name(member);
                    self.value(name, &node.view(), member, super::is_flattened(member));
                }
                self.close(name);
            }
            (view, _) => {
                if let Some(text) = text::write(view, member, TimestampFormat::Iso8601) {
                    self.open(name, namespace);
                    escape_into(&mut self.out, &text);
                    self.close(name);
                }
            }
        }
    }
}

/// Escapes text for elements and attributes alike. Characters that XML 1.0 cannot carry become the replacement one.
fn escape_into(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' => out.push_str("&#xA;"),
            '\t' => out.push('\t'),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
}
