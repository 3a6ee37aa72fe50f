//! What users of Lambda observe. Tests that run functions need a host that can isolate programs, and say so in a
//! line where it cannot.

mod events;
mod function_urls;
mod json_logs;
mod kit;
mod layers;
mod packages;
mod permissions;
mod provisioned;
mod region;
mod running;
mod speed;
mod table_shards;
mod table_stream;
mod variables;
