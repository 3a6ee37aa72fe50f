//! Requests, their keys and items still encoded: what they mean depends on the table.

use crate::WireError::{self, Malformed};
use crate::attribute_value::STRING_SET;
use crate::cbor::TAG;
use crate::{Decoder, Options};

/// Entries of a list in a request: far more than any operation takes, so that DynamoDB is who refuses.
const MAXIMUM_ENTRIES: usize = 10_000;
/// Names of one item's attributes: each takes of the item's 400 KiB (Amazon DynamoDB Developer Guide, "Quotas").
const MAXIMUM_NAME_BYTES: usize = 400 << 10;

/// The numbers of methods.
pub(crate) mod method {
    pub(crate) const AUTHORIZE: i64 = 1_489_122_155;
    pub(crate) const BATCH_GET: i64 = -697_851_100;
    pub(crate) const BATCH_WRITE: i64 = 116_217_951;
    pub(crate) const DEFINE_ATTRIBUTE_LIST: i64 = 670_678_385;
    pub(crate) const DEFINE_ATTRIBUTE_LIST_ID: i64 = -1_230_579_644;
    pub(crate) const DEFINE_KEY_SCHEMA: i64 = -742_646_399;
    pub(crate) const DELETE: i64 = 1_013_539_361;
    pub(crate) const ENDPOINTS: i64 = 455_855_874;
    pub(crate) const GET: i64 = 263_244_906;
    pub(crate) const PUT: i64 = -2_106_490_455;
    pub(crate) const QUERY: i64 = -931_250_863;
    pub(crate) const SCAN: i64 = -1_875_390_620;
    pub(crate) const TRANSACT_GET: i64 = 1_866_287_579;
    pub(crate) const TRANSACT_WRITE: i64 = -1_160_037_738;
    pub(crate) const UPDATE: i64 = 1_425_579_023;

    /// How many values follow the number of a method.
    pub(crate) fn arguments(method: i64) -> Option<usize> {
        Some(match method {
            ENDPOINTS => 0,
            DEFINE_ATTRIBUTE_LIST | DEFINE_ATTRIBUTE_LIST_ID | DEFINE_KEY_SCHEMA => 1,
            BATCH_GET | BATCH_WRITE | SCAN => 2,
            DELETE | GET | QUERY | UPDATE => 3,
            PUT | TRANSACT_GET => 4,
            AUTHORIZE => 5,
            TRANSACT_WRITE => 9,
            _ => return None,
        })
    }
}

/// Whose requests follow, signed with Signature Version 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    pub access_key: &'a str,
    pub signature: &'a str,
    pub string_to_sign: &'a str,
    pub session_token: Option<&'a str>,
    pub user_agent: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Has no answer: when it is refused, the next request is.
    Authorize(Authorization<'a>),
    Endpoints,
    DefineKeySchema {
        table: &'a str,
    },
    DefineAttributeList {
        id: i64,
    },
    DefineAttributeListId {
        names: Vec<String>,
    },
    GetItem {
        table: &'a str,
        key: &'a [u8],
        options: Options<'a>,
    },
    PutItem {
        table: &'a str,
        key: &'a [u8],
        values: &'a [u8],
        options: Options<'a>,
    },
    UpdateItem {
        table: &'a str,
        key: &'a [u8],
        options: Options<'a>,
    },
    DeleteItem {
        table: &'a str,
        key: &'a [u8],
        options: Options<'a>,
    },
    Query {
        table: &'a str,
        key_condition: Option<&'a [u8]>,
        options: Options<'a>,
    },
    Scan {
        table: &'a str,
        options: Options<'a>,
    },
    BatchGetItem {
        tables: Vec<TableKeys<'a>>,
        options: Options<'a>,
    },
    BatchWriteItem {
        tables: Vec<TableWrites<'a>>,
        options: Options<'a>,
    },
    TransactGetItems {
        gets: Vec<TransactionGet<'a>>,
        options: Options<'a>,
    },
    TransactWriteItems {
        writes: Vec<TransactionWrite<'a>>,
        options: Options<'a>,
    },
}

/// Items of one table that a batch reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableKeys<'a> {
    pub table: &'a str,
    pub consistent_read: bool,
    pub projection: Option<&'a [u8]>,
    pub keys: Vec<&'a [u8]>,
}

/// Items of one table that a batch writes: keys with values, or without for those to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableWrites<'a> {
    pub table: &'a str,
    pub writes: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionGet<'a> {
    pub table: &'a str,
    pub key: &'a [u8],
    pub projection: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteKind {
    Put,
    Delete,
    Update,
    Check,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionWrite<'a> {
    pub kind: WriteKind,
    pub table: &'a str,
    pub key: &'a [u8],
    pub values: Option<&'a [u8]>,
    pub shows_item: bool,
    pub condition: Option<&'a [u8]>,
    pub update: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    /// Reads one whole request; see [`crate::request_length`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, WireError> {
        let mut decoder = Decoder::new(bytes);
        decoder.integer()?;
        let method = decoder.integer()?;
        Self::read_arguments(method, &mut decoder)
    }

    fn read_arguments(method: i64, decoder: &mut Decoder<'a>) -> Result<Self, WireError> {
        use method::*;
        Ok(match method {
            AUTHORIZE => Self::Authorize(Authorization {
                access_key: decoder.name()?,
                signature: decoder.name()?,
                string_to_sign: decoder.name()?,
                session_token: decoder.optional_text()?,
                user_agent: decoder.optional_text()?,
            }),
            ENDPOINTS => Self::Endpoints,
            DEFINE_KEY_SCHEMA => Self::DefineKeySchema { table: decoder.name()? },
            DEFINE_ATTRIBUTE_LIST => Self::DefineAttributeList { id: decoder.integer()? },
            DEFINE_ATTRIBUTE_LIST_ID => Self::DefineAttributeListId { names: attribute_names(decoder)? },
            GET => Self::GetItem {
                table: decoder.name()?,
                key: decoder.bytes()?,
                options: Options::read(decoder)?,
            },
            PUT => Self::PutItem {
                table: decoder.name()?,
                key: decoder.bytes()?,
                values: decoder.bytes()?,
                options: Options::read(decoder)?,
            },
            UPDATE => Self::UpdateItem {
                table: decoder.name()?,
                key: decoder.bytes()?,
                options: Options::read(decoder)?,
            },
            DELETE => Self::DeleteItem {
                table: decoder.name()?,
                key: decoder.bytes()?,
                options: Options::read(decoder)?,
            },
            QUERY => Self::Query {
                table: decoder.name()?,
                key_condition: decoder.optional_bytes()?,
                options: Options::read(decoder)?,
            },
            SCAN => Self::Scan { table: decoder.name()?, options: Options::read(decoder)? },
            BATCH_GET => {
                Self::BatchGetItem { tables: pairs(decoder, table_keys)?, options: Options::read(decoder)? }
            }
            BATCH_WRITE => Self::BatchWriteItem {
                tables: pairs(decoder, table_writes)?,
                options: Options::read(decoder)?,
            },
            TRANSACT_GET => transaction_gets(decoder)?,
            TRANSACT_WRITE => transaction_writes(decoder)?,
            _ => return Err(Malformed("an unknown method")),
        })
    }
}

fn list<'a, T>(
    decoder: &mut Decoder<'a>,
    entry: impl Fn(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let mut entries = Vec::new();
    let length = decoder.array()?;
    while decoder.has_more(length, entries.len())? {
        if entries.len() == MAXIMUM_ENTRIES {
            return Err(Malformed("a list has too many entries"));
        }
        entries.push(entry(decoder)?);
    }
    Ok(entries)
}

fn attribute_names(decoder: &mut Decoder<'_>) -> Result<Vec<String>, WireError> {
    let (mut names, mut bytes) = (Vec::new(), 0);
    // The client for Java calls them a set.
    if decoder.major()? == TAG && decoder.tag()? != STRING_SET {
        return Err(Malformed("names of attributes were expected"));
    }
    let length = decoder.array()?;
    while decoder.has_more(length, names.len())? {
        let name = decoder.name()?;
        bytes += name.len().max(1);
        if bytes > MAXIMUM_NAME_BYTES {
            return Err(Malformed("the names of an item's attributes are too long"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// As [`list`], of what may be left out whole.
fn optional_list<'a, T>(
    decoder: &mut Decoder<'a>,
    entry: impl Fn(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    if decoder.null()? { Ok(Vec::new()) } else { list(decoder, entry) }
}

fn pairs<'a, T>(
    decoder: &mut Decoder<'a>,
    pair: impl Fn(&mut Decoder<'a>) -> Result<T, WireError>,
) -> Result<Vec<T>, WireError> {
    let mut pairs = Vec::new();
    let length = decoder.map()?;
    while decoder.has_more(length, pairs.len())? {
        if pairs.len() == MAXIMUM_ENTRIES {
            return Err(Malformed("a map has too many entries"));
        }
        pairs.push(pair(decoder)?);
    }
    Ok(pairs)
}

fn table_keys<'a>(decoder: &mut Decoder<'a>) -> Result<TableKeys<'a>, WireError> {
    let table = decoder.name()?;
    decoder.array_of(3)?;
    Ok(TableKeys {
        table,
        consistent_read: decoder.flag()?,
        projection: decoder.optional_bytes()?,
        keys: list(decoder, Decoder::bytes)?,
    })
}

fn table_writes<'a>(decoder: &mut Decoder<'a>) -> Result<TableWrites<'a>, WireError> {
    let table = decoder.name()?;
    let entries = list(decoder, Decoder::optional_bytes)?;
    let mut writes = Vec::with_capacity(entries.len() / 2);
    for pair in entries.chunks(2) {
        let [Some(key), values] = pair else { return Err(Malformed("a write without a key")) };
        writes.push((*key, *values));
    }
    Ok(TableWrites { table, writes })
}

fn transaction_gets<'a>(decoder: &mut Decoder<'a>) -> Result<Request<'a>, WireError> {
    let tables = list(decoder, Decoder::name)?;
    let keys = list(decoder, Decoder::bytes)?;
    let projections = optional_list(decoder, Decoder::optional_bytes)?;
    if keys.len() != tables.len() {
        return Err(Malformed("a transaction's lists are not equally long"));
    }
    let gets = tables.into_iter().zip(keys).enumerate();
    let gets = gets.map(|(index, (table, key))| TransactionGet {
        table,
        key,
        projection: projections.get(index).copied().flatten(),
    });
    Ok(Request::TransactGetItems { gets: gets.collect(), options: Options::read(decoder)? })
}

fn transaction_writes<'a>(decoder: &mut Decoder<'a>) -> Result<Request<'a>, WireError> {
    let kinds = list(decoder, Decoder::integer)?;
    let tables = list(decoder, Decoder::name)?;
    let keys = list(decoder, Decoder::bytes)?;
    let values = optional_list(decoder, Decoder::optional_bytes)?;
    // ReturnValues, which transactions have none of.
    decoder.skip()?;
    let shown = optional_list(decoder, Decoder::integer)?;
    let conditions = optional_list(decoder, Decoder::optional_bytes)?;
    let updates = optional_list(decoder, Decoder::optional_bytes)?;
    if tables.len() != kinds.len() || keys.len() != kinds.len() {
        return Err(Malformed("a transaction's lists are not equally long"));
    }
    let mut writes = Vec::with_capacity(kinds.len());
    for (index, kind) in kinds.into_iter().enumerate() {
        writes.push(TransactionWrite {
            kind: match kind {
                2 => WriteKind::Put,
                7 => WriteKind::Delete,
                9 => WriteKind::Update,
                12 => WriteKind::Check,
                _ => return Err(Malformed("an unknown operation of a transaction")),
            },
            table: tables[index],
            key: keys[index],
            values: values.get(index).copied().flatten(),
            shows_item: shown.get(index) == Some(&2),
            condition: conditions.get(index).copied().flatten(),
            update: updates.get(index).copied().flatten(),
        });
    }
    Ok(Request::TransactWriteItems { writes, options: Options::read(decoder)? })
}
