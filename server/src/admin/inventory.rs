//! The resources that are there, whether anything called them or not: for the picture, for lists, and for the search.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use cloud::Cloud;
use serde_json::{Value, json};
use shapes::{ApiError, Timestamp};

use super::node::{Tenant, as_owner};
use super::resources::{KINDS, list};
use super::section::{Part, Row};

/// What was listed is this fresh at least: consoles ask every second.
const KEPT_MILLIS: i64 = 5000;
/// Resources of a kind that are known at once.
const MOST: usize = 1000;
/// Tenants whose resources are looked at.
const TENANTS: usize = 16;
/// Answers to a search.
const HITS: usize = 60;

/// Kinds that stand in the picture. Of the others, only what is called does.
const DRAWN: [&str; 7] = ["apigateway", "lambda", "sqs", "sns", "dynamodb", "s3", "pipes"];

/// What is there in a tenant, by kind.
type Listed = BTreeMap<&'static str, Kind>;

#[derive(Debug, Default)]
struct Kind {
    rows: Vec<Row>,
    /// There is more than was listed.
    is_cut: bool,
    error: Option<String>,
}

/// The latest lists of resources.
#[derive(Default)]
pub(super) struct Inventory(Mutex<BTreeMap<String, (Timestamp, Arc<Listed>)>>);

impl Inventory {
    /// ARNs of the drawn resources of the tenants.
    pub(super) async fn drawn(&self, cloud: &Cloud, tenants: &BTreeSet<Tenant>) -> BTreeSet<String> {
        let mut resources = BTreeSet::new();
        for tenant in tenants.iter().take(TENANTS) {
            let listed = self.listed(cloud, *tenant).await;
            let kinds = DRAWN.iter().filter_map(|kind| listed.get(kind));
            resources.extend(kinds.flat_map(|kind| &kind.rows).map(|row| row.arn.clone()));
        }
        resources
    }

    /// How many resources of each kind there are in a tenant.
    pub(super) async fn counts(&self, cloud: &Cloud, tenant: Tenant) -> Value {
        let listed = self.listed(cloud, tenant).await;
        let kinds = listed.iter().map(|(id, kind)| {
            json!({ "id": id, "count": kind.rows.len(), "is_cut": kind.is_cut, "error": kind.error })
        });
        json!({ "kinds": kinds.collect::<Vec<_>>() })
    }

    /// Resources whose name or ARN has all the words, those whose name begins with the first one first.
    pub(super) async fn search(&self, cloud: &Cloud, tenant: Tenant, text: &str) -> Value {
        let listed = self.listed(cloud, tenant).await;
        let words: Vec<String> = text.split_whitespace().take(8).map(str::to_lowercase).collect();
        let mut hits = Vec::new();
        for (id, kind) in listed.iter() {
            for row in &kind.rows {
                let Some(name) = row.cells.first() else { continue };
                let (small, arn) = (name.to_lowercase(), row.arn.to_lowercase());
                if words.iter().all(|word| small.contains(word) || arn.contains(word) || id.contains(word)) {
                    let begins = words.first().is_some_and(|word| small.starts_with(word));
                    hits.push((!begins, name.clone(), *id, row.arn.clone()));
                }
            }
        }
        hits.sort();
        let is_cut = hits.len() > HITS || listed.values().any(|kind| kind.is_cut);
        let hits = hits.into_iter().take(HITS);
        let hits = hits.map(|(_, name, kind, arn)| json!({ "kind": kind, "name": name, "arn": arn }));
        json!({ "hits": hits.collect::<Vec<_>>(), "is_cut": is_cut })
    }

    async fn listed(&self, cloud: &Cloud, tenant: Tenant) -> Arc<Listed> {
        let now = cloud.clock().now();
        let key = format!("{}/{}", tenant.0, tenant.1.as_str());
        if let Some((at, listed)) = self.kept().get(&key)
            && now.millis() - at.millis() < KEPT_MILLIS
        {
            return Arc::clone(listed);
        }
        let mut listed = Listed::new();
        for kind in KINDS {
            listed.insert(kind, names(cloud, tenant, kind).await);
        }
        let listed = Arc::new(listed);
        let mut kept = self.kept();
        kept.retain(|_, (at, _)| now.millis() - at.millis() < KEPT_MILLIS);
        if kept.len() < TENANTS {
            kept.insert(key, (now, Arc::clone(&listed)));
        }
        drop(kept);
        listed
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Timestamp, Arc<Listed>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names of all of a kind, page by page.
async fn names(cloud: &Cloud, tenant: Tenant, kind: &'static str) -> Kind {
    let ctx = as_owner(cloud, tenant.0, tenant.1);
    let mut found = Kind::default();
    let mut part = Part { is_brief: true, ..Part::default() };
    loop {
        match list(&ctx, kind, &part).await {
            Ok(page) => {
                let rows = page.rows.into_iter();
                found.rows.extend(rows.map(|row| Row { detail: String::new(), ..row }));
                let Some(next) = page.next else { return found };
                if found.rows.len() >= MOST || part.after.as_ref() == Some(&next) {
                    found.is_cut = true;
                    return found;
                }
                part.after = Some(next);
            }
            Err(error) => {
                found.error = Some(error.to_string());
                return found;
            }
        }
    }
}

/// A page of the resources of a kind, with all that their list tells.
pub(super) async fn page(cloud: &Cloud, tenant: Tenant, kind: &str, part: &Part) -> Result<Value, ApiError> {
    Ok(list(&as_owner(cloud, tenant.0, tenant.1), kind, part).await?.json())
}
