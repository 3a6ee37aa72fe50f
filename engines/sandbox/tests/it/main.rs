//! Real programs in real sandboxes. A test that needs something this host lacks says so in a line and passes.

mod files;
mod kit;
mod life;
mod limits;
mod network;
mod runtimes;
mod weaker;
