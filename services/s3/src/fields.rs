//! Members of generated structures by their name.
//!
//! Two dozen of S3's inputs and outputs share the same members (checksums, encryption, headers, locks). They are read and
//! written here by the model's names, so that what an operation says of them stands once.

use shapes::{Slot, Struct, Timestamp, View};

/// The members of an input, read by name.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(pub &'a dyn Struct);

impl<'a> Fields<'a> {
    fn view(self, name: &str) -> View<'a> {
        match self.0.shape().member_named(name) {
            Some((index, _)) => self.0.member(index).view(),
            None => View::Absent,
        }
    }

    pub(crate) fn text(self, name: &str) -> Option<&'a str> {
        match self.view(name) {
            View::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn owned(self, name: &str) -> Option<String> {
        self.text(name).map(str::to_owned)
    }

    pub(crate) fn flag(self, name: &str) -> bool {
        matches!(self.view(name), View::Boolean(true))
    }

    pub(crate) fn time(self, name: &str) -> Option<Timestamp> {
        match self.view(name) {
            View::Timestamp(time) => Some(time),
            _ => None,
        }
    }

    pub(crate) fn entries(self, name: &str) -> Vec<(String, String)> {
        let View::Map(map) = self.view(name) else { return Vec::new() };
        let pairs = map.entries().filter_map(|(key, node)| match node.view() {
            View::String(value) => Some((key.to_owned(), value.to_owned())),
            _ => None,
        });
        pairs.collect()
    }
}

/// The members of an output, set by name. What the output has no member for is passed over.
pub(crate) struct FieldsMut<'a>(pub &'a mut dyn Struct);

impl FieldsMut<'_> {
    fn slot(&mut self, name: &str) -> Option<Slot<'_>> {
        let (index, _) = self.0.shape().member_named(name)?;
        Some(self.0.member_mut(index).slot())
    }

    pub(crate) fn text(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value
            && let Some(Slot::String(target)) = self.slot(name)
        {
            *target = value.into();
        }
    }

    pub(crate) fn number(&mut self, name: &str, value: Option<u64>) {
        let Some(value) = value else { return };
        match self.slot(name) {
            Some(Slot::Long(target)) => *target = i64::try_from(value).unwrap_or(i64::MAX),
            Some(Slot::Integer(target)) => *target = i32::try_from(value).unwrap_or(i32::MAX),
            _ => {}
        }
    }

    pub(crate) fn flag(&mut self, name: &str, value: bool) {
        if value && let Some(Slot::Boolean(target)) = self.slot(name) {
            *target = true;
        }
    }

    pub(crate) fn time(&mut self, name: &str, value: Option<Timestamp>) {
        if let Some(value) = value
            && let Some(Slot::Timestamp(target)) = self.slot(name)
        {
            *target = value;
        }
    }

    pub(crate) fn entries(&mut self, name: &str, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        let Some(Slot::Map(map)) = self.slot(name) else { return };
        for (key, value) in pairs {
            if let Slot::String(target) = map.insert(key.clone()).slot() {
                target.clone_from(value);
            }
        }
    }
}
