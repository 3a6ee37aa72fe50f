//! What users of DynamoDB observe, through the typed client on a stepped clock.

mod batches;
mod billing;

mod indexes;
mod items;
mod kit;
mod legacy;
mod model;
mod reading;
mod recovery;
mod streams;
mod tables;
mod time_to_live;
mod transactions;
