//! Everything the service stores.

use sources::Checkpoint;
use store::Table;

use crate::pipe::Pipe;

/// Pipes by name.
pub(crate) const PIPES: Table<String, Pipe> = Table::new("pipes/pipe");
/// How far a pipe has come in a shard, by the pipe's id and the shard's.
pub(crate) const CHECKPOINTS: Table<(String, String), Checkpoint> = Table::new("pipes/checkpoint");
/// Account, region and name of every pipe that runs, for the start of the region.
pub(crate) const RUNNING: Table<(String, String, String), ()> = Table::new("pipes/running");
