//! Lists of keys, in order, in pages, with what has a prefix in common told as one.
//!
//! A page begins with a seek to where the last one ended, and a group of keys that share a prefix is stepped over by a
//! seek behind it. So a page costs by what it shows, and not by how many keys the bucket has.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use shapes::ApiError;
use store::{Order, Range, Reader, Tail};

use crate::multipart::Upload;
use crate::object::Version;
use crate::{tables, versions};

/// Keys of one group that are stepped through before the rest of it is stepped over.
const STEPS: usize = 4;
/// Rows read at once where two tables are merged.
const CHUNK: usize = 256;

/// What to list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub bucket: u64,
    pub prefix: String,
    pub delimiter: Option<String>,
    /// Where the page before ended, or where the client wants to begin: what is listed comes behind it.
    pub after: Option<String>,
    /// Of the versions of `after`, those up to this one were listed already: its order.
    pub after_version: Option<u64>,
    pub most: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Page<T> {
    pub entries: Vec<Entry<T>>,
    pub is_truncated: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Entry<T> {
    Item(String, T),
    Prefix(String),
}

/// A version in a list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub version: Version,
    pub is_latest: bool,
}

impl<T> Page<T> {
    /// What the next page comes behind.
    pub(crate) fn last(&self) -> Option<&str> {
        match self.entries.last()? {
            Entry::Item(key, _) | Entry::Prefix(key) => Some(key),
        }
    }
}

impl Query {
    /// The group that a key belongs to.
    fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.get(self.prefix.len()..)?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(&key[..self.prefix.len() + end])
    }

    /// The first key that may be listed, in bytes.
    fn start(&self) -> Vec<u8> {
        let Some(after) = &self.after else { return Vec::new() };
        // A page that ended with a group has told all of it.
        let is_group = after.starts_with(&self.prefix) && self.group(after) == Some(after.as_str());
        match is_group {
            true => behind(after.as_bytes()),
            false => [after.as_bytes(), &[0]].concat(),
        }
    }
}

/// The least key that does not begin with `prefix` and comes behind all that do.
fn behind(prefix: &[u8]) -> Vec<u8> {
    let Some(last) = prefix.iter().rposition(|byte| *byte != 0xFF) else {
        return vec![0xFF; prefix.len() + 1];
    };
    let mut next = prefix[..=last].to_vec();
    next[last] += 1;
    next
}

/// The newest versions that are no delete markers.
pub(crate) fn objects(reader: &mut dyn Reader, query: &Query) -> Result<Page<Version>, ApiError> {
    let mut page = Page { entries: Vec::new(), is_truncated: false };
    if query.most == 0 {
        return Ok(page);
    }
    let all = Range::prefix(&(query.bucket, Tail(query.prefix.as_bytes().to_vec())));
    let mut start = query.start();
    loop {
        let range = all.clone().starting_at(&(query.bucket, Tail(start.clone())));
        let (mut group, mut steps) = (None::<String>, 0);
        let mut skips = false;
        tables::CURRENT.visit(reader, &range, Order::Ascending, |(_, Tail(key)), version| {
            let Ok(key) = String::from_utf8(key) else { return ControlFlow::Continue(()) };
            if group.as_ref().is_some_and(|group| key.starts_with(group)) {
                steps += 1;
                skips = steps >= STEPS;
                return if skips { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            }
            if page.entries.len() == query.most {
                page.is_truncated = true;
                return ControlFlow::Break(());
            }
            page.entries.push(match query.group(&key) {
                Some(prefix) => {
                    (group, steps) = (Some(prefix.to_owned()), 0);
                    Entry::Prefix(prefix.to_owned())
                }
                None => Entry::Item(key, version),
            });
            ControlFlow::Continue(())
        })?;
        match group.filter(|_| skips) {
            Some(group) => start = behind(group.as_bytes()),
            None => return Ok(page),
        }
    }
}

/// All versions and delete markers: by key, the youngest first.
pub(crate) fn versions(reader: &mut dyn Reader, query: &Query) -> Result<Page<Listed>, ApiError> {
    let mut page = Page { entries: Vec::new(), is_truncated: false };
    if query.most == 0 {
        return Ok(page);
    }
    let mut merge = Merge::new(query);
    // The key whose versions are being listed, and whether it has shown its newest.
    let mut shown = None;
    if let (Some(key), Some(order)) = (&query.after, query.after_version) {
        let newest = versions::newest(reader, query.bucket, key)?;
        // Unless all that were shown have been deleted since.
        shown = newest.filter(|newest| newest.id.order >= order).map(|_| key.clone());
    }
    while let Some((key, version)) = merge.next(reader, query)? {
        let group = query.group(&key).map(str::to_owned);
        if let (Some(group), Some(Entry::Prefix(last))) = (&group, page.entries.last())
            && group == last
        {
            merge.skip_to(behind(group.as_bytes()));
            continue;
        }
        if page.entries.len() == query.most {
            page.is_truncated = true;
            break;
        }
        match group {
            Some(group) => page.entries.push(Entry::Prefix(group)),
            None => {
                let is_latest = shown.as_deref() != Some(&key);
                shown = Some(key.clone());
                page.entries.push(Entry::Item(key, Listed { version, is_latest }));
            }
        }
    }
    Ok(page)
}

/// The newest versions and the older ones, as one sequence.
struct Merge {
    /// Where to read on; `None` when there is no more.
    current_at: Option<Vec<u8>>,
    older_at: Option<OlderAt>,
    current: VecDeque<(String, Version)>,
    older: VecDeque<(String, Version)>,
}

enum OlderAt {
    /// Keys from these bytes on.
    Key(Vec<u8>),
    /// Behind this version of this key.
    Version(String, u64),
}

impl Merge {
    fn new(query: &Query) -> Self {
        let start = query.start();
        let (current_at, older_at) = match (&query.after, query.after_version) {
            // When what was listed of the key has been deleted since, one of the rest is its newest by now.
            (Some(key), Some(order)) => (key.as_bytes().to_vec(), OlderAt::Version(key.clone(), order)),
            _ => (start.clone(), OlderAt::Key(start)),
        };
        Self {
            current_at: Some(current_at),
            older_at: Some(older_at),
            current: VecDeque::new(),
            older: VecDeque::new(),
        }
    }

    fn next(
        &mut self,
        reader: &mut dyn Reader,
        query: &Query,
    ) -> Result<Option<(String, Version)>, ApiError> {
        if self.current.is_empty() {
            self.read_current(reader, query)?;
        }
        if self.older.is_empty() {
            self.read_older(reader, query)?;
        }
        let takes_current = match (self.current.front(), self.older.front()) {
            (Some((current, _)), Some((older, _))) => current <= older,
            (current, _) => current.is_some(),
        };
        Ok(if takes_current { self.current.pop_front() } else { self.older.pop_front() })
    }

    fn skip_to(&mut self, start: Vec<u8>) {
        self.current.clear();
        self.older.clear();
        self.current_at = Some(start.clone());
        self.older_at = Some(OlderAt::Key(start));
    }

    fn read_current(&mut self, reader: &mut dyn Reader, query: &Query) -> Result<(), ApiError> {
        let Some(start) = self.current_at.take() else { return Ok(()) };
        let range = Range::prefix(&(query.bucket, Tail(query.prefix.as_bytes().to_vec())));
        let range = range.starting_at(&(query.bucket, Tail(start)));
        let rows = tables::CURRENT.list(reader, &range, CHUNK)?;
        if let Some(((_, Tail(key)), _)) = rows.last().filter(|_| rows.len() == CHUNK) {
            self.current_at = Some([key.as_slice(), &[0]].concat());
        }
        let is_behind = |key: &str, version: &Version| match query.after_version {
            Some(order) if query.after.as_deref() == Some(key) => version.id.order < order,
            _ => true,
        };
        self.current.extend(
            rows.into_iter()
                .filter_map(|((_, Tail(key)), version)| Some((String::from_utf8(key).ok()?, version)))
                .filter(|(key, version)| is_behind(key, version)),
        );
        Ok(())
    }

    fn read_older(&mut self, reader: &mut dyn Reader, query: &Query) -> Result<(), ApiError> {
        let Some(at) = self.older_at.take() else { return Ok(()) };
        let range = Range::prefix(&(query.bucket, Tail(escaped(query.prefix.as_bytes()))));
        let range = match &at {
            OlderAt::Key(start) => range.starting_at(&(query.bucket, Tail(escaped(start)))),
            OlderAt::Version(key, order) => range.after(&(query.bucket, key.clone(), !order)),
        };
        let rows = tables::OLDER.list(reader, &range, CHUNK)?;
        if let Some(((_, key, _), version)) = rows.last().filter(|_| rows.len() == CHUNK) {
            self.older_at = Some(OlderAt::Version(key.clone(), version.id.order));
        }
        self.older.extend(rows.into_iter().map(|((_, key, _), version)| (key, version)));
        Ok(())
    }
}

/// The bytes of a text part of a key, without its end mark, so that they are a prefix of all texts that begin so.
fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
    out
}

/// Uploads under way: by key, the oldest first. `after` and `after_upload` are the last one listed.
pub(crate) fn uploads(
    reader: &mut dyn Reader,
    query: &Query,
    after_upload: Option<u128>,
) -> Result<Page<(u128, Upload)>, ApiError> {
    let mut page = Page { entries: Vec::new(), is_truncated: false };
    if query.most == 0 {
        return Ok(page);
    }
    let all = Range::prefix(&(query.bucket, Tail(escaped(query.prefix.as_bytes()))));
    let mut range = match (&query.after, after_upload) {
        (Some(key), Some(upload)) => all.clone().after(&(query.bucket, key.clone(), upload)),
        _ => all.clone().starting_at(&(query.bucket, Tail(escaped(&query.start())))),
    };
    loop {
        let mut skips = None;
        tables::UPLOADS.visit(reader, &range, Order::Ascending, |(_, key, id), upload| {
            let group = query.group(&key).map(str::to_owned);
            if let (Some(group), Some(Entry::Prefix(last))) = (&group, page.entries.last())
                && group == last
            {
                skips = Some(behind(group.as_bytes()));
                return ControlFlow::Break(());
            }
            if page.entries.len() == query.most {
                page.is_truncated = true;
                return ControlFlow::Break(());
            }
            page.entries.push(match group {
                Some(group) => Entry::Prefix(group),
                None => Entry::Item(key, (id, upload)),
            });
            ControlFlow::Continue(())
        })?;
        match skips {
            Some(start) => range = all.clone().starting_at(&(query.bucket, Tail(escaped(&start)))),
            None => return Ok(page),
        }
    }
}
