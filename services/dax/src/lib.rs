//! Amazon DynamoDB Accelerator (DAX): clusters that answer DynamoDB's reads from memory, in a protocol of their own.
//!
//! A cluster is a row with ports; behind the ports is [`connection`], which speaks the protocol of the published clients
//! (see `dax-wire`) and calls DynamoDB with the cluster's role for what is not in its caches. What changes in DynamoDB
//! makes copies old at once, whoever changed it (see [`cloud::Copies`]). This crate stores no items: a cluster's memory
//! is empty after a restart.

mod attribute_lists;
mod authorization;
mod cache;
mod cluster;
mod connection;
mod data;
mod errors;
mod jobs;
mod ops;
mod parameter_group;
mod serving;
mod subnet_group;
mod tables;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use clock::JobKind;
use cloud::{Cloud, Connection, Service};
use identity::{AccountId, Region};
use shapes::ApiError;
use store::{Range, Scope};

use attribute_lists::AttributeLists;
use serving::{Name, Serving};

/// DAX with its clusters' caches. Cheap to clone.
#[derive(Clone)]
pub struct DaxService(Arc<Dax>);

impl DaxService {
    pub fn new(cloud: Cloud) -> Self {
        Self(Arc::new(Dax { cloud, serving: RwLock::default(), lists: AttributeLists::default() }))
    }

    /// DAX as the region's registry wants it.
    pub fn service(&self) -> Service {
        Service::new(&dax_api::SERVICE, Arc::clone(&self.0), ops::OPERATIONS)
    }

    /// What brings clusters from one state to the next.
    pub fn jobs(&self) -> Vec<JobKind> {
        jobs::kinds(&self.0)
    }

    /// Opens the ports of the clusters that there are. A port that is taken meanwhile leaves its cluster without it.
    pub fn start(&self) -> Result<(), ApiError> {
        let owners =
            tables::PORTS.list(&mut self.0.cloud.store().read(&Scope::global())?, &Range::all(), 10_000)?;
        let mut names: Vec<Name> = owners.into_iter().filter_map(|(_, owner)| Name::of(&owner)).collect();
        names.sort();
        names.dedup();
        for name in names {
            if let Err(cause) = self.0.open(&name) {
                tracing::warn!(cluster = %name.cluster, error = %cause, "a cluster's ports could not be opened");
            }
        }
        Ok(())
    }

    /// Serves one connection of a client to the cluster of this name, until either end closes it.
    pub async fn serve(
        &self,
        account: AccountId,
        region: Region,
        cluster: &str,
        stream: impl Connection + 'static,
        peer: Option<IpAddr>,
    ) -> Result<(), ApiError> {
        let name = Name { account, region, cluster: cluster.to_owned() };
        let serving = self.0.serving(&name)?.ok_or_else(|| errors::cluster_not_found(cluster))?;
        connection::serve(Arc::clone(&self.0), serving, Box::new(stream), peer).await;
        Ok(())
    }
}

/// What the handlers and the connections share. All of it can be rebuilt.
pub(crate) struct Dax {
    pub(crate) cloud: Cloud,
    serving: RwLock<HashMap<Name, Arc<Serving>>>,
    pub(crate) lists: AttributeLists,
}

/// Connections of one port (Amazon DynamoDB Developer Guide, "Quotas in DAX": 40 000 of a node; a process of ours has
/// less to give).
const CONNECTIONS: usize = 4096;

impl Dax {
    /// The host that endpoints name.
    pub(crate) fn host(&self) -> String {
        self.cloud.ports().map_or_else(|| "127.0.0.1".to_owned(), |ports| ports.host())
    }

    /// A cluster with its caches; nothing when there is none, or when it is on its way out.
    pub(crate) fn serving(&self, name: &Name) -> Result<Option<Arc<Serving>>, ApiError> {
        if let Some(serving) = self.serving.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Some(Arc::clone(serving)));
        }
        let Some(serving) = Serving::load(&self.cloud, name)? else { return Ok(None) };
        let mut all = self.serving.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(Arc::clone(all.entry(name.clone()).or_insert_with(|| Arc::new(serving)))))
    }

    /// Forgets a cluster with all that it keeps.
    pub(crate) fn forget(&self, name: &Name) {
        let forgotten = self.serving.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        if let Some(serving) = forgotten {
            serving.end();
        }
    }

    /// Opens the ports of a cluster; those that are open stay so.
    pub(crate) fn open(self: &Arc<Self>, name: &Name) -> Result<(), ApiError> {
        let (Some(serving), Some(ports)) = (self.serving(name)?, self.cloud.ports()) else { return Ok(()) };
        let cluster = serving.cluster()?;
        for number in cluster.ports() {
            let port = cloud::Port {
                number,
                owner: cluster.arn.clone(),
                is_tls: cluster.is_tls,
                connections: CONNECTIONS,
            };
            let (service, name) = (Arc::downgrade(self), name.clone());
            let serve =
                move |stream: Box<dyn Connection>, peer: Option<IpAddr>| -> cloud::BoxFuture<'static, ()> {
                    let (service, name) = (service.upgrade(), name.clone());
                    Box::pin(async move {
                        let Some(service) = service else { return };
                        if let Ok(Some(serving)) = service.serving(&name) {
                            connection::serve(service, serving, stream, peer).await;
                        }
                    })
                };
            ports.open(port, Box::new(serve))?;
        }
        Ok(())
    }
}
