//! Contributor insights: which keys of a table or a global index consume the most, and which are throttled the most
//! (Developer Guide, "Analyzing data access using CloudWatch Contributor Insights for DynamoDB"). What is chosen lies in
//! [`INSIGHTS`]; the counts are rules of [`cloud::insights`]. A table without them does nothing for them.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloud::insights::{InsightRule, Names};
use cloud::{Cloud, Ctx};
use identity::{AccountId, Region};
use serde::{Deserialize, Serialize};
use shapes::Timestamp;
use store::{Table as Rows, Tx};

use crate::definitions::Table;
use crate::key_encoding;
use crate::key_schema::{EncodedKey, KeySchema};
use crate::value::Value;

/// Insights of tables and global indexes, by their ids.
pub(crate) const INSIGHTS: Rows<u64, InsightsRow> = Rows::new("dynamodb/contributor-insights");

/// A rule's name has 128 characters at most (API Reference, DescribeContributorInsights).
const LONGEST_NAME: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mode {
    AccessedAndThrottled,
    Throttled,
}

/// What was chosen last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InsightsRow {
    pub mode: Mode,
    pub is_enabled: bool,
    /// When it was enabled last: a part of the rules' names.
    pub since: Timestamp,
    pub changed: Timestamp,
}

store::row!(InsightsRow, 1);

impl Mode {
    pub(crate) fn parse(given: Option<&str>) -> Self {
        if given == Some("THROTTLED_KEYS") { Self::Throttled } else { Self::AccessedAndThrottled }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AccessedAndThrottled => "ACCESSED_AND_THROTTLED_KEYS",
            Self::Throttled => "THROTTLED_KEYS",
        }
    }
}

impl InsightsRow {
    /// The names of its rules: of partition keys and of whole keys, for what is accessed (C) and what is throttled (T).
    pub(crate) fn rules(&self, table: &str, index: Option<&str>, keys: &KeySchema) -> Vec<String> {
        let mut kinds = Vec::new();
        for (is_kept, letter) in [(self.mode == Mode::AccessedAndThrottled, 'C'), (true, 'T')] {
            if is_kept {
                kinds.push(format!("PK{letter}"));
                kinds.extend(keys.range.as_ref().map(|_| format!("SK{letter}")));
            }
        }
        kinds.iter().map(|kind| self.rule(kind, table, index)).collect()
    }

    fn rule(&self, kind: &str, table: &str, index: Option<&str>) -> String {
        let resource = index.map_or_else(|| table.to_owned(), |index| format!("{table}-{index}"));
        let (start, end) =
            (format!("DynamoDBContributorInsights-{kind}-"), format!("-{}", self.since.millis()));
        let room = LONGEST_NAME - start.len() - end.len();
        // Names of tables and indexes are ASCII.
        format!("{start}{}{end}", &resource[..resource.len().min(room)])
    }
}

/// The counts of a table or an index whose insights are enabled.
pub(crate) struct Insights {
    keys: KeySchema,
    accessed: Option<Rules>,
    throttled: Rules,
    /// The names of all of them.
    rules: Vec<String>,
}

/// Of partition keys, and of whole keys where there are sort keys.
struct Rules {
    partition: Arc<InsightRule>,
    whole: Option<Arc<InsightRule>>,
}

/// The key that a request is about, encoded: all of it, or the hash key alone. What follows it is left unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accessed<'a>(pub &'a [u8]);

impl<'a> From<&'a EncodedKey> for Accessed<'a> {
    fn from(key: &'a EncodedKey) -> Self {
        Self(key.as_bytes())
    }
}

impl Insights {
    pub(crate) fn new(
        cloud: &Cloud,
        (account, region): (AccountId, Region),
        (table, index): (&str, Option<&str>),
        keys: &KeySchema,
        row: &InsightsRow,
    ) -> Self {
        let names = names(keys);
        let rule =
            |kind: &str| cloud.insight_rules().rule(account, region, &row.rule(kind, table, index), &names);
        let rules = |letter: char| Rules {
            partition: rule(&format!("PK{letter}")),
            whole: keys.range.as_ref().map(|_| rule(&format!("SK{letter}"))),
        };
        Self {
            keys: keys.clone(),
            accessed: (row.mode == Mode::AccessedAndThrottled).then(|| rules('C')),
            throttled: rules('T'),
            rules: row.rules(table, index, keys),
        }
    }

    /// Counts units that a key consumed.
    pub(crate) fn count_accessed(&self, now: Timestamp, accessed: Accessed<'_>, units: f64) {
        if let Some(rules) = &self.accessed {
            self.count(rules, now, accessed, units);
        }
    }

    /// Counts that a key found no units left.
    pub(crate) fn count_throttled(&self, now: Timestamp, accessed: Accessed<'_>) {
        self.count(&self.throttled, now, accessed, 1.0);
    }

    fn count(&self, rules: &Rules, now: Timestamp, Accessed(key): Accessed<'_>, value: f64) {
        let Some(hash) = key_encoding::length(self.keys.hash.kind, key) else { return };
        rules.partition.add(now, &key[..hash], value);
        let (Some(whole), Some(range)) = (&rules.whole, &self.keys.range) else { return };
        if let Some(range) = key_encoding::length(range.kind, &key[hash..]) {
            whole.add(now, &key[..hash + range], value);
        }
    }
}

impl fmt::Debug for Insights {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Insights")
    }
}

impl Table {
    /// Forgets the counts of a global index, or of the table and all of its indexes, once `tx` has deleted it.
    pub(crate) fn end_insights(&self, ctx: &Ctx, tx: &mut Tx<'_>, index: Option<&str>) {
        let ending = self.usages().filter(|usage| index.is_none() || usage.index() == index);
        let rules = ending.filter_map(|usage| usage.insights.as_ref()).flat_map(|insights| &insights.rules);
        let rules: Vec<String> = rules.cloned().collect();
        forget_rules(ctx, tx, (self.account, self.region), rules);
    }
}

/// Forgets rules once `tx` is there.
pub(crate) fn forget_rules(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    (account, region): (AccountId, Region),
    rules: Vec<String>,
) {
    if rules.is_empty() {
        return;
    }
    let cloud = ctx.cloud().clone();
    tx.after_commit(move || {
        for rule in &rules {
            cloud.insight_rules().remove(account, region, rule);
        }
    });
}

/// Keys as their values are written.
fn names(keys: &KeySchema) -> Names {
    let (hash, range) = (keys.hash.kind, keys.range.as_ref().map(|range| range.kind));
    Arc::new(move |mut key| {
        let mut names = Vec::new();
        for kind in [hash].into_iter().chain(range) {
            let Some((value, rest)) = key_encoding::decode(kind, key) else { break };
            names.push(text(&value));
            key = rest;
        }
        names
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::S(text) => text.clone(),
        Value::N(number) => number.to_string(),
        Value::B(bytes) => STANDARD.encode(bytes),
        _ => String::new(),
    }
}
