//! What users of DynamoDB observe, through the typed client on a stepped clock.

#![allow(clippy::unwrap_used, reason = "what the tests share is test code as well")]

mod access;
mod at_rest;
mod batches;
mod billing;
mod collections;
mod crash;
mod exports;
mod global_tables;
mod imports;
mod indexes;
mod insights;
mod items;
mod kit;
mod legacy;
mod linearisable;
mod model;
mod partiql;
mod reading;
mod recovery;
mod replica_scaling;
mod shards;
mod streams;
mod table_key;
mod tables;
mod throttling;
mod time_to_live;
mod token_soup;
mod transactions;
mod usage;
