//! What users of Lambda observe. Tests that run functions need a host that can isolate programs, and say so in a
//! line where it cannot.

mod events;
mod kit;
mod packages;
mod permissions;
mod region;
mod running;
mod speed;
mod table_stream;
