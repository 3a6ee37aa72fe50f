//! The record of one change of one item, as DynamoDB Streams tells it.

use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::key_schema::KeySchema;

/// What happened to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventName {
    Insert,
    Modify,
    Remove,
}

impl EventName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "INSERT",
            Self::Modify => "MODIFY",
            Self::Remove => "REMOVE",
        }
    }
}

/// Which images of the item a stream carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamViewType {
    KeysOnly,
    NewImage,
    OldImage,
    NewAndOldImages,
}

impl StreamViewType {
    pub fn name(self) -> &'static str {
        match self {
            Self::KeysOnly => "KEYS_ONLY",
            Self::NewImage => "NEW_IMAGE",
            Self::OldImage => "OLD_IMAGE",
            Self::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::KeysOnly, Self::NewImage, Self::OldImage, Self::NewAndOldImages]
            .into_iter()
            .find(|view| view.name() == name)
    }

    fn has_new(self) -> bool {
        matches!(self, Self::NewImage | Self::NewAndOldImages)
    }

    fn has_old(self) -> bool {
        matches!(self, Self::OldImage | Self::NewAndOldImages)
    }
}

/// A change, without the sequence number and the time, which the writer adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRecord {
    pub event: EventName,
    pub keys: Item,
    pub old_image: Option<Item>,
    pub new_image: Option<Item>,
}

impl StreamRecord {
    /// The record of a write; `None` when it changed nothing, which streams do not tell.
    pub fn of_change(
        schema: &KeySchema,
        view: StreamViewType,
        old: Option<&Item>,
        new: Option<&Item>,
    ) -> Option<Self> {
        let (event, either) = match (old, new) {
            (None, None) => return None,
            (Some(old), Some(new)) if old == new => return None,
            (None, Some(new)) => (EventName::Insert, new),
            (Some(_), Some(new)) => (EventName::Modify, new),
            (Some(old), None) => (EventName::Remove, old),
        };
        Some(Self {
            event,
            keys: schema.key_attributes(either),
            old_image: old.filter(|_| view.has_old()).cloned(),
            new_image: new.filter(|_| view.has_new()).cloned(),
        })
    }

    /// `SizeBytes`: keys and images together.
    pub fn size(&self) -> usize {
        let image = |item: &Option<Item>| item.as_ref().map_or(0, Item::size);
        self.keys.size() + image(&self.old_image) + image(&self.new_image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_schema::{KeyAttribute, KeyType};
    use crate::value::Value;

    fn item(value: &str) -> Item {
        [("id".to_owned(), Value::string("k")), ("v".to_owned(), Value::string(value))].into_iter().collect()
    }

    fn record(view: StreamViewType, old: Option<&Item>, new: Option<&Item>) -> Option<StreamRecord> {
        let schema = KeySchema { hash: KeyAttribute::new("id", KeyType::S), range: None };
        StreamRecord::of_change(&schema, view, old, new)
    }

    #[test]
    fn events_follow_from_what_was_and_is() {
        let (a, b) = (item("a"), item("b"));
        let event = |old, new| record(StreamViewType::KeysOnly, old, new).map(|record| record.event.name());
        assert_eq!(event(None, Some(&a)), Some("INSERT"));
        assert_eq!(event(Some(&a), Some(&b)), Some("MODIFY"));
        assert_eq!(event(Some(&a), None), Some("REMOVE"));
        assert_eq!(event(Some(&a), Some(&a)), None);
        assert_eq!(event(None, None), None);
    }

    #[test]
    fn views_choose_the_images() {
        let (a, b) = (item("a"), item("b"));
        for (name, old, new, size) in [
            ("KEYS_ONLY", None, None, 3),
            ("NEW_IMAGE", None, Some(&b), 8),
            ("OLD_IMAGE", Some(&a), None, 8),
            ("NEW_AND_OLD_IMAGES", Some(&a), Some(&b), 13),
        ] {
            let view = StreamViewType::from_name(name).unwrap();
            let record = record(view, Some(&a), Some(&b)).unwrap();
            assert_eq!((record.old_image.as_ref(), record.new_image.as_ref()), (old, new), "{name}");
            assert_eq!(record.size(), size, "{name}");
        }
    }
}
