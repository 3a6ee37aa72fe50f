//! A form's parameters as the tree that their dotted names describe.

use std::borrow::Cow;
use std::collections::BTreeMap;

use shapes::ApiError;

use crate::{errors, percent};

/// Names may have this many parts.
const MOST_PARTS: usize = 64;
/// A form may have this many parameters: EC2's and SDB's largest requests have some thousands.
const MOST_PARAMETERS: usize = 50_000;

/// One parameter, or all that begin with its name and a dot.
#[derive(Debug, Default)]
pub(crate) struct Form<'a> {
    pub(crate) value: Option<Cow<'a, str>>,
    parts: BTreeMap<Cow<'a, str>, Form<'a>>,
}

impl<'a> Form<'a> {
    /// Reads the pairs of a body and of a query string; of a name given twice the last counts.
    pub(crate) fn parse(texts: [&'a str; 2]) -> Result<Self, ApiError> {
        let mut root = Self::default();
        let pairs = texts.into_iter().flat_map(percent::raw_pairs);
        for (count, (name, value)) in pairs.enumerate() {
            if count == MOST_PARAMETERS {
                let message = format!("A request may have at most {MOST_PARAMETERS} parameters");
                return Err(errors::malformed_input(message));
            }
            let not_text =
                |what| move || errors::malformed_input(format!("A parameter's {what} is not UTF-8"));
            let name = percent::decode(name, true).ok_or_else(not_text("name"))?;
            let value = percent::decode(value, true).ok_or_else(not_text("value"))?;
            root.place(name, value)?;
        }
        Ok(root)
    }

    fn place(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) -> Result<(), ApiError> {
        if name.bytes().filter(|byte| *byte == b'.').count() >= MOST_PARTS {
            return Err(errors::malformed_input(format!("A name may have at most {MOST_PARTS} parts")));
        }
        let mut node = self;
        match name {
            Cow::Borrowed(name) => {
                for part in name.split('.') {
                    node = node.parts.entry(Cow::Borrowed(part)).or_default();
                }
            }
            Cow::Owned(name) => {
                for part in name.split('.') {
                    node = node.parts.entry(Cow::Owned(part.to_owned())).or_default();
                }
            }
        }
        node.value = Some(value);
        Ok(())
    }

    pub(crate) fn part(&self, name: &str) -> Option<&Self> {
        self.parts.get(name)
    }

    /// The value of a parameter at the top: `Action`.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.part(name)?.value.as_deref()
    }

    /// The parts whose names are numbers, in the order of these.
    pub(crate) fn numbered(&self) -> Vec<&Self> {
        let mut numbered: Vec<(u64, &Self)> =
            self.parts.iter().filter_map(|(name, part)| Some((name.parse().ok()?, part))).collect();
        numbered.sort_by_key(|(number, _)| *number);
        numbered.into_iter().map(|(_, part)| part).collect()
    }

    pub(crate) fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }
}
