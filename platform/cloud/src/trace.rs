//! Traces: one id follows a request through every hop it causes.
//!
//! Ids have X-Ray's form (AWS X-Ray Developer Guide, "Tracing header"), so that they pass through clients and
//! function runtimes unchanged.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use shapes::Timestamp;

use crate::Ids;

/// Spans kept in memory; older ones are forgotten.
const KEPT_SPANS: usize = 100_000;

/// `1-`, eight digits, a dash, 24 digits.
const TRACE_ID_LENGTH: usize = 35;

/// Where in a trace something happens: the trace's id and the span that caused it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceContext {
    /// Seconds since the epoch in the high 32 bits, 96 random bits.
    pub trace: u128,
    /// 0 where the trace begins.
    pub parent: u64,
}

impl TraceContext {
    pub fn begin(ids: &Ids, now: Timestamp) -> Self {
        let seconds = (now.seconds() as u32 as u128) << 96;
        Self { trace: seconds | (ids.number() >> 32), parent: 0 }
    }

    #[must_use]
    pub fn under(self, parent: u64) -> Self {
        Self { parent, ..self }
    }

    /// `1-5759e988-bd862e3fe1be46a994272793`
    pub fn trace_id(self) -> String {
        let mut out = String::with_capacity(TRACE_ID_LENGTH);
        self.push_trace_id(&mut out);
        out
    }

    fn push_trace_id(self, out: &mut String) {
        out.push_str("1-");
        push_hex(out, self.trace >> 96, 8);
        out.push('-');
        push_hex(out, self.trace, 24);
    }

    /// The tracing header: `Root=1-...;Parent=...;Sampled=1`.
    pub fn header(self) -> String {
        let mut out = String::with_capacity(TRACE_ID_LENGTH + 40);
        out.push_str("Root=");
        self.push_trace_id(&mut out);
        out.push_str(";Parent=");
        push_hex(&mut out, self.parent.into(), 16);
        out.push_str(";Sampled=1");
        out
    }

    /// Reads an id as [`Self::trace_id`] writes it.
    pub fn parse_trace_id(text: &str) -> Option<u128> {
        let (seconds, rest) = text.strip_prefix("1-")?.split_once('-')?;
        if seconds.len() != 8 || rest.len() != 24 {
            return None;
        }
        let seconds = u32::from_str_radix(seconds, 16).ok()?;
        let rest = u128::from_str_radix(rest, 16).ok()?;
        Some((u128::from(seconds) << 96) | rest)
    }
}

/// The last `digits` hexadecimal digits of a number: one of these goes with every message, so they are not formatted.
fn push_hex(out: &mut String, number: u128, digits: u32) {
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) as usize & 15;
        out.push(char::from(b"0123456789abcdef"[digit]));
    }
}

/// As [`TraceContext::header`].
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.header())
    }
}

impl FromStr for TraceContext {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let field =
            |name: &str| text.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        let trace = field("Root").and_then(Self::parse_trace_id).ok_or(())?;
        let parent = field("Parent").and_then(|parent| u64::from_str_radix(parent, 16).ok()).unwrap_or(0);
        Ok(Self { trace, parent })
    }
}

/// One hop of a trace.
#[derive(Clone, Debug, Serialize)]
pub struct Span {
    #[serde(serialize_with = "trace_id")]
    pub trace: u128,
    #[serde(serialize_with = "span_id")]
    pub id: u64,
    #[serde(serialize_with = "span_id")]
    pub parent: u64,
    /// `sqs:SendMessage`, `lambda:invocation`.
    pub name: Arc<str>,
    /// ARN of what the hop works on; empty when there is none.
    pub resource: Arc<str>,
    #[serde(serialize_with = "timestamp")]
    pub start: Timestamp,
    pub duration_micros: u64,
    /// The error's code when the hop failed.
    pub error: Option<String>,
}

fn trace_id<S: serde::Serializer>(trace: &u128, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&TraceContext { trace: *trace, parent: 0 }.trace_id())
}

/// Sixteen digits: JSON's numbers do not hold 64 bits everywhere.
fn span_id<S: serde::Serializer>(id: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{id:016x}"))
}

fn timestamp<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.iso8601_millis())
}

/// The latest spans of the region.
#[derive(Debug, Default)]
pub struct Traces {
    spans: Mutex<VecDeque<Span>>,
    /// The resources of spans that others can be inside of before they have ended, by the span's id.
    begun: Mutex<HashMap<u64, Arc<str>>>,
    /// Whether any has, written under the lock: most calls record a span that never began for others.
    has_begun: AtomicBool,
}

impl Traces {
    /// Makes a span's resource known before it ends: for work whose own calls come over the wire. Recording the
    /// span ends it.
    pub fn begin(&self, id: u64, resource: Arc<str>) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.len() < KEPT_SPANS {
            begun.insert(id, resource);
            self.has_begun.store(true, Relaxed);
        }
    }

    pub fn record(&self, span: Span) {
        if self.has_begun.load(Relaxed) {
            let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
            begun.remove(&span.id);
            self.has_begun.store(!begun.is_empty(), Relaxed);
        }
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.len() == KEPT_SPANS {
            spans.pop_front();
        }
        spans.push_back(span);
    }

    /// The hops of a trace by the time they began; what caused another comes before it.
    pub fn of(&self, trace: u128) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hops: Vec<Span> = spans.iter().filter(|span| span.trace == trace).cloned().collect();
        drop(spans);
        // Hops are recorded as they end, and many begin within one millisecond.
        let parents: HashMap<u64, u64> = hops.iter().map(|span| (span.id, span.parent)).collect();
        let depth = |id: u64| {
            let next = |id: &u64| parents.get(id).copied().filter(|parent| parents.contains_key(parent));
            std::iter::successors(Some(id), next).take(parents.len()).count()
        };
        hops.sort_by_cached_key(|span| (span.start, depth(span.id)));
        hops
    }

    /// The latest `limit` spans that touched `resource`, newest first.
    pub fn touching(&self, resource: &str, limit: usize) -> Vec<Span> {
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().rev().filter(|span| &*span.resource == resource).take(limit).cloned().collect()
    }

    /// The resource that the span `id` worked on, while it is remembered.
    pub fn resource_of(&self, id: u64) -> Option<Arc<str>> {
        if let Some(resource) = self.begun.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return Some(Arc::clone(resource));
        }
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.iter().rev().take(20_000).find(|span| span.id == id).map(|span| Arc::clone(&span.resource))
    }
}

#[cfg(test)]
mod tests {
    use shapes::Timestamp;

    use super::{Span, TraceContext, Traces};
    use crate::Ids;

    #[test]
    fn a_cause_comes_before_what_it_caused() {
        let traces = Traces::default();
        let span = |id: u64, parent: u64| Span {
            trace: 7,
            id,
            parent,
            name: "hop".into(),
            resource: "".into(),
            start: Timestamp::EPOCH,
            duration_micros: 1,
            error: None,
        };
        // They are recorded as they end: the innermost first.
        for (id, parent) in [(3, 2), (2, 1), (1, 0)] {
            traces.record(span(id, parent));
        }
        assert_eq!(traces.of(7).iter().map(|span| span.id).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn headers_go_there_and_back() {
        let context = TraceContext::begin(&Ids::seeded(1), Timestamp::from_seconds(0x5759_e988)).under(0xAB);
        let header = context.to_string();
        assert!(header.starts_with("Root=1-5759e988-"), "{header}");
        assert_eq!(header.parse(), Ok(context));
        for junk in ["", "Root=1-x-y", "Root=2-5759e988-bd862e3fe1be46a994272793", "Parent=1"] {
            assert!(junk.parse::<TraceContext>().is_err(), "{junk}");
        }
    }
}
