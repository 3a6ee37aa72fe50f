//! Writes views as a form.

use shapes::{Kind, Member, Node, Struct, TimestampFormat, View};

use super::{Flavour, inner_name, request_name};
use crate::{percent, text};

/// The form of a request: action, API version, then the input's members.
pub(crate) fn form_of(action: &str, version: &str, input: &dyn Struct, flavour: Flavour) -> String {
    let mut writer = Writer { out: String::new(), flavour };
    percent::push_pair(&mut writer.out, "Action", action);
    percent::push_pair(&mut writer.out, "Version", version);
    writer.structure(input, "");
    writer.out
}

struct Writer {
    out: String,
    flavour: Flavour,
}

impl Writer {
    fn structure(&mut self, value: &dyn Struct, prefix: &str) {
        for (index, member) in value.shape().members.iter().enumerate() {
            self.member(value.member(index), member, prefix);
        }
    }

    fn member(&mut self, node: &dyn Node, member: &'static Member, prefix: &str) {
        let name = self.member_name(member);
        let name = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
        self.value(&node.view(), member, &name, member.flattened || member.shape.flattened);
    }

    /// A flattened list without a name of its own goes by the name of its items.
    fn member_name(&self, member: &'static Member) -> String {
        match member.shape.kind {
            Kind::List(item)
                if self.flavour == Flavour::Aws
                    && (member.flattened || member.shape.flattened)
                    && inner_name(member).is_none() =>
            {
                inner_name(item).unwrap_or(member.name).to_owned()
            }
            _ => request_name(member, self.flavour),
        }
    }

    fn value(&mut self, view: &View<'_>, member: &'static Member, name: &str, is_flattened: bool) {
        match (view, &member.shape.kind) {
            (View::List(list), Kind::List(item)) => {
                if list.is_empty() && self.flavour == Flavour::Aws {
                    percent::push_pair(&mut self.out, name, "");
                }
                let prefix = match self.flavour {
                    Flavour::Aws if !is_flattened => {
                        format!("{name}.{}", inner_name(item).unwrap_or("member"))
                    }
                    _ => name.to_owned(),
                };
                for index in 0..list.len() {
                    let name = format!("{prefix}.{}", index + 1);
                    self.value(&list.item(index).view(), item, &name, false);
                }
            }
            (View::Map(map), Kind::Map(key, value)) => {
                let prefix = if is_flattened { name.to_owned() } else { format!("{name}.entry") };
                for (index, (entry_key, node)) in map.entries().enumerate() {
                    let number = index + 1;
                    let key_name = format!("{prefix}.{number}.{}", inner_name(key).unwrap_or("key"));
                    percent::push_pair(&mut self.out, &key_name, entry_key);
                    let value_name = format!("{prefix}.{number}.{}", inner_name(value).unwrap_or("value"));
                    self.value(&node.view(), value, &value_name, false);
                }
            }
            (View::Struct(value), _) => self.structure(*value, name),
            (View::Union(value), _) => {
                if let Some((index, node)) = value.variant() {
                    self.member(node, &value.shape().members[index], name);
                }
            }
            (view, _) => {
                if let Some(text) = text::write(view, member, TimestampFormat::Iso8601) {
                    percent::push_pair(&mut self.out, name, &text);
                }
            }
        }
    }
}
