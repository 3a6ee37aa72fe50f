//! Behaviour of DAX: clusters through the typed client, and the data plane over a connection in memory.

mod caches;
mod client;
mod clusters;
