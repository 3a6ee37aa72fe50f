//! Who contributes the most to something, by the minute: CloudWatch's Contributor Insights rules, kept by the services that
//! feed them. Of each minute a rule knows the largest contributors, counted with the space-saving sketch (Metwally, Agrawal,
//! El Abbadi, "Efficient Computation of Frequent and Top-k Elements in Data Streams", 2005), in bounded memory.
//!
//! It is what has happened since start: a restart begins at nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use identity::{AccountId, Region};
use shapes::Timestamp;

/// Rules kept; past it new ones count where nobody sees them.
const KEPT_RULES: usize = 2_000;
/// Contributors that the minute under way counts.
const COUNTED: usize = 200;
/// Contributors kept of a minute that is over.
const KEPT_CONTRIBUTORS: usize = 20;
/// Minutes that are kept after their end.
const KEPT_MINUTES: usize = 60;
/// Values are counted in thousandths.
const SCALE: f64 = 1000.0;

/// The rules of a region, by their owners and names.
#[derive(Debug, Default)]
pub struct InsightRules(RwLock<BTreeMap<(AccountId, Region, String), Arc<InsightRule>>>);

/// How a contributor, which is counted as bytes, is told: the values of the rule's keys.
pub type Names = Arc<dyn Fn(&[u8]) -> Vec<String> + Send + Sync>;

/// One rule. Whoever feeds it keeps it.
pub struct InsightRule {
    names: Names,
    minutes: Mutex<Minutes>,
}

/// One contributor over some minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Contributor {
    pub keys: Vec<String>,
    /// At most what it contributed and at most the least sum that was counted too much; exact while a minute has no more
    /// than 200 contributors.
    pub sum: f64,
    /// By the minutes' starts, in seconds since the epoch.
    pub minutes: Vec<(i64, f64)>,
}

#[derive(Default)]
struct Minutes {
    /// The start of the minute under way.
    minute: i64,
    sketch: Sketch,
    /// Those that are over, oldest first.
    over: VecDeque<(i64, Vec<(Box<[u8]>, u64)>)>,
}

/// Space-saving: who is not among the counted takes the place, and the count, of the least of them.
#[derive(Default)]
struct Sketch {
    places: HashMap<Box<[u8]>, usize>,
    slots: Vec<(Box<[u8]>, u64)>,
    /// Counts and the slots that have them.
    order: BTreeSet<(u64, usize)>,
}

impl InsightRules {
    /// The rule of a name, made if there is none yet.
    pub fn rule(&self, account: AccountId, region: Region, name: &str, names: &Names) -> Arc<InsightRule> {
        if let Some(rule) = self.find(account, region, name) {
            return rule;
        }
        let rule = Arc::new(InsightRule { names: Arc::clone(names), minutes: Mutex::default() });
        let mut rules = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let key = (account, region, name.to_owned());
        if rules.len() >= KEPT_RULES && !rules.contains_key(&key) {
            return rule;
        }
        Arc::clone(rules.entry(key).or_insert(rule))
    }

    pub fn find(&self, account: AccountId, region: Region, name: &str) -> Option<Arc<InsightRule>> {
        let rules = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rules.get(&(account, region, name.to_owned())).cloned()
    }

    pub fn remove(&self, account: AccountId, region: Region, name: &str) {
        let mut rules = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rules.remove(&(account, region, name.to_owned()));
    }
}

impl InsightRule {
    /// Counts what `contributor` contributed.
    pub fn add(&self, now: Timestamp, contributor: &[u8], value: f64) {
        let mut minutes = self.minutes();
        minutes.turn(now);
        minutes.sketch.add(contributor, (value * SCALE) as u64);
    }

    /// The largest contributors of the minutes from `from` on and before `until`, the largest first.
    pub fn report(&self, from: Timestamp, until: Timestamp, most: usize) -> Vec<Contributor> {
        let mut sums: HashMap<Box<[u8]>, Vec<(i64, u64)>> = HashMap::new();
        {
            let minutes = self.minutes();
            let under_way = (minutes.minute, minutes.sketch.largest(COUNTED));
            for (minute, counted) in minutes.over.iter().chain([&under_way]) {
                if *minute < from.seconds() || *minute >= until.seconds() {
                    continue;
                }
                for (key, count) in counted {
                    sums.entry(key.clone()).or_default().push((*minute, *count));
                }
            }
        }
        let sum = |minutes: &[(i64, u64)]| minutes.iter().map(|(_, count)| count).sum::<u64>();
        let mut sorted: Vec<_> = sums.into_iter().collect();
        sorted.sort_by(|a, b| (sum(&b.1), &a.0).cmp(&(sum(&a.1), &b.0)));
        sorted.truncate(most);
        let contributor = |(key, minutes): (Box<[u8]>, Vec<(i64, u64)>)| Contributor {
            keys: (self.names)(&key),
            sum: sum(&minutes) as f64 / SCALE,
            minutes: minutes.iter().map(|(minute, count)| (*minute, *count as f64 / SCALE)).collect(),
        };
        sorted.into_iter().map(contributor).collect()
    }

    fn minutes(&self) -> MutexGuard<'_, Minutes> {
        self.minutes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for InsightRule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("InsightRule")
    }
}

impl Minutes {
    /// Begins the minute of `now`, unless it is under way.
    fn turn(&mut self, now: Timestamp) {
        let minute = now.seconds().div_euclid(60) * 60;
        if minute == self.minute {
            return;
        }
        let largest = std::mem::take(&mut self.sketch).largest(KEPT_CONTRIBUTORS);
        if !largest.is_empty() {
            if self.over.len() == KEPT_MINUTES {
                self.over.pop_front();
            }
            self.over.push_back((self.minute, largest));
        }
        self.minute = minute;
    }
}

impl Sketch {
    fn add(&mut self, key: &[u8], value: u64) {
        if let Some(place) = self.places.get(key).copied() {
            self.raise(place, value);
            return;
        }
        let place = if self.slots.len() < COUNTED {
            self.slots.push((key.into(), 0));
            self.order.insert((0, self.slots.len() - 1));
            self.slots.len() - 1
        } else {
            let Some((_, least)) = self.order.first().copied() else { return };
            self.places.remove(&self.slots[least].0);
            self.slots[least].0 = key.into();
            least
        };
        self.places.insert(key.into(), place);
        self.raise(place, value);
    }

    fn raise(&mut self, place: usize, value: u64) {
        let count = &mut self.slots[place].1;
        self.order.remove(&(*count, place));
        *count = count.saturating_add(value);
        self.order.insert((*count, place));
    }

    fn largest(&self, most: usize) -> Vec<(Box<[u8]>, u64)> {
        self.order.iter().rev().take(most).map(|(_, place)| self.slots[*place].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: AccountId = AccountId::DEFAULT;
    const REGION: Region = Region::US_EAST_1;

    fn names() -> Names {
        Arc::new(|key| vec![String::from_utf8_lossy(key).into_owned()])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn told(rule: &InsightRule, from: i64, until: i64) -> Vec<(String, f64)> {
        let report = rule.report(at(from), at(until), 2);
        report.into_iter().map(|found| (found.keys.join(","), found.sum)).collect()
    }

    #[test]
    fn contributors_are_told_by_the_minute_and_largest_first() {
        let rules = InsightRules::default();
        let rule = rules.rule(ACCOUNT, REGION, "r", &names());
        for (seconds, key, value) in
            [(60, "a", 1.0), (61, "b", 2.5), (119, "c", 0.5), (120, "a", 4.0), (150, "c", 1.0)]
        {
            rule.add(at(seconds), key.as_bytes(), value);
        }
        assert_eq!(told(&rule, 60, 120), [("b".to_owned(), 2.5), ("a".to_owned(), 1.0)]);
        assert_eq!(told(&rule, 0, 1000), [("a".to_owned(), 5.0), ("b".to_owned(), 2.5)]);
        assert_eq!(rule.report(at(0), at(1000), 1)[0].minutes, [(60, 1.0), (120, 4.0)]);
        assert!(Arc::ptr_eq(&rule, &rules.rule(ACCOUNT, REGION, "r", &names())));
        rules.remove(ACCOUNT, REGION, "r");
        assert!(rules.find(ACCOUNT, REGION, "r").is_none());
    }

    #[test]
    fn the_largest_are_found_among_more_than_are_counted() {
        let rule = InsightRules::default().rule(ACCOUNT, REGION, "r", &names());
        for n in 0..100_000u32 {
            rule.add(at(60), &n.to_be_bytes(), 1.0);
            if n % 20 == 0 {
                rule.add(at(60), b"busy", 1.0);
            }
        }
        let busiest = &told(&rule, 0, 1000)[0];
        // Never too small, and too large by no more than a slot's share of all.
        assert_eq!(busiest.0, "busy");
        assert!((5000.0..=5000.0 + 105_000.0 / COUNTED as f64).contains(&busiest.1), "{busiest:?}");
        let minutes = rule.minutes();
        assert!(minutes.sketch.slots.len() == COUNTED && minutes.sketch.places.len() == COUNTED);
        assert_eq!(minutes.sketch.order.len(), COUNTED);
    }

    #[test]
    fn an_hour_is_kept() {
        let rule = InsightRules::default().rule(ACCOUNT, REGION, "r", &names());
        for minute in 0..500 {
            rule.add(at(minute * 60), b"a", 1.0);
        }
        assert_eq!(rule.report(at(0), at(500 * 60), 1)[0].sum, KEPT_MINUTES as f64 + 1.0);
    }
}
