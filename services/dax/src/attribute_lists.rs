//! Ids for lists of attribute names, by which items travel. Clients keep them for as long as they live, so they
//! are stored.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::{Arc, PoisonError, RwLock};

use cloud::{Cloud, tenant};
use shapes::ApiError;
use store::{Order, Range, Reader, Tx};

use crate::serving::Name;
use crate::tables::{ATTRIBUTE_LIST_IDS, ATTRIBUTE_LISTS, AttributeList, LAST_ATTRIBUTE_LIST, ListId};

/// The list without names, which every client knows.
pub(crate) const EMPTY: i64 = 1;
/// Lists of an account in a region. Items whose attributes are named after values make ever more of them, which AWS
/// warns of (Amazon DynamoDB Developer Guide, "Consistency models", "DAX and attribute names").
const MOST: i64 = 1_000_000;
/// Lists that are remembered, and the bytes of their names; past either all are forgotten.
const KEPT: usize = 50_000;
const KEPT_BYTES: usize = 32 << 20;

type Names = Arc<[String]>;

#[derive(Default)]
pub(crate) struct AttributeLists(RwLock<Known>);

#[derive(Default)]
struct Known {
    names: HashMap<(Owner, i64), Names>,
    ids: HashMap<(Owner, Names), i64>,
    bytes: usize,
}

type Owner = (identity::AccountId, identity::Region);

impl AttributeLists {
    /// The names of a list; `None` when the id was never given out.
    pub(crate) fn names(&self, cloud: &Cloud, name: &Name, id: i64) -> Result<Option<Names>, ApiError> {
        if id == EMPTY {
            return Ok(Some(Arc::default()));
        }
        let owner = (name.account, name.region);
        if let Some(names) = self.0.read().unwrap_or_else(PoisonError::into_inner).names.get(&(owner, id)) {
            return Ok(Some(Arc::clone(names)));
        }
        let scope = tenant(name.account, name.region);
        let Some(list) = ATTRIBUTE_LISTS.find(&mut cloud.store().read(&scope)?, &id)? else {
            return Ok(None);
        };
        let names: Names = list.names.into();
        self.remember(owner, id, Arc::clone(&names));
        Ok(Some(names))
    }

    /// The id of a list, which is given out the first time.
    pub(crate) async fn id(&self, cloud: &Cloud, name: &Name, names: Vec<String>) -> Result<i64, ApiError> {
        if names.is_empty() {
            return Ok(EMPTY);
        }
        let (owner, names): (Owner, Names) = ((name.account, name.region), names.into());
        let key = (owner, Arc::clone(&names));
        if let Some(id) = self.0.read().unwrap_or_else(PoisonError::into_inner).ids.get(&key) {
            return Ok(*id);
        }
        let scope = tenant(name.account, name.region);
        let found = find(&mut cloud.store().read(&scope)?, &names)?;
        let id = match found {
            Some(id) => id,
            None => {
                let wanted = Arc::clone(&names);
                cloud.store().write(&scope, move |tx| add(tx, &wanted)).await?
            }
        };
        self.remember(owner, id, names);
        Ok(id)
    }

    fn remember(&self, owner: Owner, id: i64, names: Names) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.names.len() >= KEPT || known.bytes >= KEPT_BYTES {
            *known = Known::default();
        }
        known.bytes += names.iter().map(String::len).sum::<usize>();
        known.names.insert((owner, id), Arc::clone(&names));
        known.ids.insert((owner, names), id);
    }
}

fn find(reader: &mut dyn Reader, names: &[String]) -> Result<Option<i64>, ApiError> {
    let mut ids = Vec::new();
    let same_hash = Range::prefix(&hash(names));
    ATTRIBUTE_LIST_IDS.visit(reader, &same_hash, Order::Ascending, |_, id| {
        ids.push(id.0);
        ControlFlow::Continue(())
    })?;
    for id in ids {
        if ATTRIBUTE_LISTS.find(reader, &id)?.is_some_and(|list| list.names == names) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

fn add(tx: &mut Tx<'_>, names: &[String]) -> Result<i64, ApiError> {
    if let Some(id) = find(tx, names)? {
        return Ok(id);
    }
    let last = LAST_ATTRIBUTE_LIST.find(tx, &())?.map_or(EMPTY, |last| last.0);
    if last >= MOST {
        return Err(ApiError::sender(
            "LimitExceededException",
            "There are too many different sets of attribute names",
        ));
    }
    let id = ListId(last + 1);
    LAST_ATTRIBUTE_LIST.put(tx, &(), &id);
    ATTRIBUTE_LIST_IDS.put(tx, &(hash(names), id.0), &id);
    ATTRIBUTE_LISTS.put(tx, &id.0, &AttributeList { names: names.to_vec() });
    Ok(id.0)
}

/// The same on every start, for it is stored: FNV-1a over the names with their ends.
fn hash(names: &[String]) -> u64 {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }
    let mut hasher = Fnv(0xCBF2_9CE4_8422_2325);
    names.iter().for_each(|name| name.as_bytes().hash(&mut hasher));
    hasher.finish()
}
