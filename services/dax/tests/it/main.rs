//! Behaviour tests of DAX.

mod caches;
mod client;
mod clusters;
mod connections;
mod groups;
mod operations;
mod races;
mod tables;
mod writes;
