//! Runs one foreign program at a time under Linux isolation: namespaces, control groups, seccomp, a private
//! read-only root.
//!
//! A [`Sandboxes`] probes once what the host allows and says so in a [`HostReport`]; a [`Spec`] describes one
//! program and its limits; a [`Sandbox`] is that program running. Whatever a host refuses is done without, down
//! to a plain process, and the report names it. It is not a container engine: images, networks between
//! sandboxes, restarts and scheduling belong to whoever uses it.
//!
//! Linux 5.4 or newer on x86-64 or 64-bit ARM. All work on a running sandbox needs a Tokio runtime with its I/O
//! and time drivers.

mod cgroup;
mod errors;
mod host;
mod output;
mod plan;
mod reaper;
mod report;
mod running;
mod seccomp;
mod setup;
mod spawn;
mod spec;

pub use errors::SandboxError;
pub use host::{Isolation, Sandboxes};
pub use output::{Collected, Output};
pub use report::{Feature, HostReport, Mode, State};
pub use running::{Exit, Sandbox, Status, Usage};
pub use spec::{CpuShare, Mount, Network, Spec, User};
