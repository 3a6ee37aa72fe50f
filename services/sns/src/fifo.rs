//! FIFO topics: the numbers of their messages, and which of them came before (Developer Guide, "Message ordering and
//! deduplication strategies using Amazon SNS FIFO topics").

use std::ops::ControlFlow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shapes::{ApiError, Timestamp};
use store::{Order, Range, Tx};

use crate::message::Publication;
use crate::signature::hex;
use crate::topic::Topic;
use crate::{errors, tables};

/// Developer Guide, "Message deduplication for FIFO topics".
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// Entries whose time is over that one publish takes away: more than it adds.
const SWEPT: usize = 4;
const LONGEST_ID: usize = 128;

/// The number of a topic's latest message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SequenceEnd(u64);

store::row!(SequenceEnd, 1);

/// A message that others with the same deduplication id are taken for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Original {
    pub message_id: String,
    pub sequence_number: String,
    pub expires: Timestamp,
}

store::row!(Original, 1);

/// What became of a publish to a FIFO topic.
pub(crate) enum Admission {
    /// It has its number, and is to be delivered.
    New,
    /// It came before.
    Again(Original),
}

pub(crate) fn is_fifo(topic_name: &str) -> bool {
    topic_name.ends_with(".fifo")
}

/// API Reference, Publish: up to 128 letters, digits and marks.
pub(crate) fn check_id(parameter: &str, id: Option<&str>) -> Result<(), ApiError> {
    let is_valid =
        |id: &str| (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    match id {
        Some(id) if !is_valid(id) => Err(errors::invalid_because(
            parameter,
            format!(
                "it can only include alphanumeric and punctuation characters. 1 to {LONGEST_ID} in length"
            ),
        )),
        _ => Ok(()),
    }
}

/// Gives a message its number, unless it came before within the window.
pub(crate) fn admit(
    tx: &mut Tx<'_>,
    now: Timestamp,
    topic: &Topic,
    publication: &mut Publication,
) -> Result<Admission, ApiError> {
    let group = publication.group.as_deref().ok_or_else(errors::group_is_missing)?;
    let is_content_based = topic.attributes.get("ContentBasedDeduplication").is_some_and(|on| on == "true");
    let id = match &publication.deduplication_id {
        Some(id) => id.clone(),
        None if is_content_based => hex(&Sha256::digest(&publication.message.body)),
        None => return Err(errors::deduplication_is_missing()),
    };
    let is_by_group =
        topic.attributes.get("FifoThroughputScope").is_some_and(|scope| scope == "MessageGroup");
    let name = if is_by_group { format!("{group}\n{id}") } else { id.clone() };
    publication.deduplication_id = Some(id);
    let key = (topic.name.clone(), name);
    if let Some(original) = tables::ORIGINALS.find(tx, &key)?.filter(|original| original.expires > now) {
        return Ok(Admission::Again(original));
    }
    sweep(tx, now, &topic.name)?;
    let SequenceEnd(last) = tables::SEQUENCES.find(tx, &topic.name)?.unwrap_or_default();
    tables::SEQUENCES.put(tx, &topic.name, &SequenceEnd(last + 1));
    // Twenty digits, of which the first is never zero.
    let sequence_number = format!("1{:019}", last + 1);
    let message_id = publication.message.id.clone();
    let expires = now + WINDOW;
    let original = Original { message_id, sequence_number: sequence_number.clone(), expires };
    tables::ORIGINALS.put(tx, &key, &original);
    tables::EXPIRIES.put(tx, &(key.0, expires, key.1), &());
    publication.sequence_number = Some(sequence_number);
    Ok(Admission::New)
}

/// Takes away some of what nobody will ask for again.
fn sweep(tx: &mut Tx<'_>, now: Timestamp, topic: &str) -> Result<(), ApiError> {
    let mut over = Vec::new();
    let range = Range::prefix(&topic.to_owned());
    tables::EXPIRIES.visit(tx, &range, Order::Ascending, |key, ()| {
        if key.1 <= now && over.len() < SWEPT {
            over.push(key);
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    for key in over {
        tables::EXPIRIES.delete(tx, &key);
        let key = (key.0, key.2);
        // One whose time begins anew has another entry.
        if tables::ORIGINALS.find(tx, &key)?.is_some_and(|original| original.expires <= now) {
            tables::ORIGINALS.delete(tx, &key);
        }
    }
    Ok(())
}

/// Forgets everything about a topic.
pub(crate) fn forget(tx: &mut Tx<'_>, topic: &str) -> Result<(), ApiError> {
    let mut keys = Vec::new();
    let range = Range::prefix(&topic.to_owned());
    tables::EXPIRIES.visit(tx, &range, Order::Ascending, |key, ()| {
        keys.push(key);
        ControlFlow::Continue(())
    })?;
    for key in keys {
        tables::EXPIRIES.delete(tx, &key);
        tables::ORIGINALS.delete(tx, &(key.0, key.2));
    }
    tables::SEQUENCES.delete(tx, &topic.to_owned());
    Ok(())
}
