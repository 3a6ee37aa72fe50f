//! The resources that are there, whether anything called them or not.

use std::collections::BTreeSet;
use std::sync::Mutex;

use cloud::{Cloud, Ctx};
use identity::{AccountId, Region};
use shapes::Timestamp;

use super::node::as_owner;

/// A list is this fresh at least: consoles ask every second.
const KEPT_MILLIS: i64 = 5000;
/// Resources listed of a kind.
const MOST: usize = 200;

/// The latest list of resources.
#[derive(Default)]
pub(super) struct Inventory(Mutex<Option<(Timestamp, BTreeSet<String>)>>);

impl Inventory {
    /// ARNs of the resources in the region's own tenant, and in those of the ARNs `seen`.
    pub(super) async fn resources(&self, cloud: &Cloud, seen: &BTreeSet<&str>) -> BTreeSet<String> {
        let now = cloud.clock().now();
        if let Some((listed, resources)) = &*self.slot()
            && now.millis() - listed.millis() < KEPT_MILLIS
        {
            return resources.clone();
        }
        let own = (AccountId::DEFAULT, cloud.settings().default_region);
        let tenants: BTreeSet<_> = seen.iter().filter_map(|arn| tenant(arn)).chain([own]).collect();
        let mut resources = BTreeSet::new();
        for (account, region) in tenants {
            list(&as_owner(cloud, account, region), &mut resources).await;
        }
        *self.slot() = Some((now, resources.clone()));
        resources
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<(Timestamp, BTreeSet<String>)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn tenant(arn: &str) -> Option<(AccountId, Region)> {
    let parts = identity::arn::split(arn)?;
    Some((parts.account_id()?, Region::parse(parts.region)?))
}

/// Adds what a tenant has. A service that cannot tell is left out.
async fn list(ctx: &Ctx, resources: &mut BTreeSet<String>) {
    let (account, region) = (ctx.account(), ctx.region());
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:{}:{account}:{name}", region.as_str());
    if let Ok(queues) = ctx.call::<sqs_api::op::ListQueues>(sqs_api::ListQueuesInput::default()).await {
        let urls = queues.queue_urls.unwrap_or_default();
        resources.extend(urls.iter().take(MOST).filter_map(|url| Some(arn("sqs", url.rsplit_once('/')?.1))));
    }
    if let Ok(tables) = ctx.call::<dynamodb_api::op::ListTables>(Default::default()).await {
        let names = tables.table_names.unwrap_or_default();
        resources.extend(names.iter().take(MOST).map(|name| arn("dynamodb", &format!("table/{name}"))));
    }
    if let Ok(functions) = ctx.call::<lambda_api::op::ListFunctions>(Default::default()).await {
        let functions = functions.functions.unwrap_or_default();
        resources.extend(functions.into_iter().take(MOST).filter_map(|function| function.function_arn));
    }
    if let Ok(topics) = ctx.call::<sns_api::op::ListTopics>(Default::default()).await {
        let topics = topics.topics.unwrap_or_default();
        resources.extend(topics.into_iter().take(MOST).filter_map(|topic| topic.topic_arn));
    }
}
