//! What to run, what it may see, and how much it may use.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::SandboxError;

/// The least memory limit: below it not even the loader of an ordinary program gets through.
const MEMORY_FLOOR_BYTES: u64 = 8 << 20;
/// The most mounts, ports, arguments and variables of one sandbox.
const LIST_LIMIT: usize = 16_384;
const PORT_LIMIT: usize = 64;

/// One program to be run and the walls around it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The executable, as an absolute path inside the sandbox. No search path is consulted.
    pub program: PathBuf,
    /// The arguments after the program's own name.
    pub args: Vec<OsString>,
    /// The whole environment; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Absolute path inside the sandbox.
    pub working_dir: PathBuf,
    /// What of the host is visible besides the system's own programs and libraries.
    pub mounts: Vec<Mount>,
    /// The size of `/tmp`. Its pages count towards `memory_bytes`, too, as they live in memory.
    pub private_tmp_bytes: u64,
    /// The hard limit of memory (swap included) of all processes together.
    pub memory_bytes: u64,
    /// The hard limit of processor time.
    pub cpu: CpuShare,
    /// The most processes and threads at once.
    pub max_processes: u64,
    /// The most open files per process.
    pub max_open_files: u64,
    /// The longest file that may be written.
    pub max_file_bytes: u64,
    /// What of the network is reachable.
    pub network: Network,
    /// Who the program is, inside.
    pub user: User,
}

impl Spec {
    /// A program with no arguments and an empty environment, one core, 128 MiB of memory, 512 MiB of `/tmp`, 1,024
    /// processes and open files, and an empty network of its own.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            working_dir: PathBuf::from("/"),
            mounts: Vec::new(),
            private_tmp_bytes: 512 << 20,
            memory_bytes: 128 << 20,
            cpu: CpuShare::cores(1),
            max_processes: 1024,
            max_open_files: 1024,
            max_file_bytes: 1 << 40,
            network: Network::Isolated { listen: Vec::new() },
            user: User::default(),
        }
    }

    /// Refuses what cannot be carried out, naming it.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        check_inside(&self.program, "program")?;
        check_inside(&self.working_dir, "working_dir")?;
        for mount in &self.mounts {
            check_inside(&mount.target, "a mount's target")?;
            if !mount.source.is_absolute() {
                return invalid(format!("a mount's source must be absolute: {}", mount.source.display()));
            }
            if mount.target == Path::new("/") {
                return invalid("a mount's target must be below /".to_owned());
            }
        }
        for (what, length, limit) in [
            ("mounts", self.mounts.len(), LIST_LIMIT),
            ("arguments", self.args.len(), LIST_LIMIT),
            ("environment variables", self.env.len(), LIST_LIMIT),
            ("ports", self.network.ports().len(), PORT_LIMIT),
        ] {
            if length > limit {
                return invalid(format!("{length} {what}; at most {limit} are possible"));
            }
        }
        if self.memory_bytes < MEMORY_FLOOR_BYTES {
            return invalid(format!("memory_bytes is {}; at least {MEMORY_FLOOR_BYTES}", self.memory_bytes));
        }
        if self.max_processes < 2 || self.max_open_files < 8 {
            return invalid("max_processes must be at least 2 and max_open_files at least 8".to_owned());
        }
        Ok(())
    }

    /// The host's path of what is `path` inside, for hosts where the program sees the host's file system.
    pub(crate) fn host_path(&self, path: &Path) -> PathBuf {
        let inner_most = self
            .mounts
            .iter()
            .rev()
            .find_map(|mount| Some((&mount.source, path.strip_prefix(&mount.target).ok()?)));
        match inner_most {
            Some((source, rest)) if rest.as_os_str().is_empty() => source.clone(),
            Some((source, rest)) => source.join(rest),
            None => path.to_path_buf(),
        }
    }
}

fn check_inside(path: &Path, what: &str) -> Result<(), SandboxError> {
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !plain {
        return invalid(format!("{what} must be an absolute path without `..`: {}", path.display()));
    }
    Ok(())
}

fn invalid<T>(text: String) -> Result<T, SandboxError> {
    Err(SandboxError::Invalid(text))
}

/// A folder or file of the host that is visible inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path on the host.
    pub source: PathBuf,
    /// Absolute path inside. Missing folders on the way to it are made.
    pub target: PathBuf,
    /// Whether the program can only read it. Applies to everything mounted below the source as well.
    pub read_only: bool,
}

impl Mount {
    /// Shows `source` at `target` for reading only.
    pub fn read_only(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { source: source.into(), target: target.into(), read_only: true }
    }

    /// Shows `source` at `target` for reading and writing (within the rights of the sandbox's user).
    pub fn writable(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { source: source.into(), target: target.into(), read_only: false }
    }
}

/// A hard limit of processor time, in thousandths of one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CpuShare(u32);

impl CpuShare {
    /// `thousandths` of a core; 0 is taken as 1.
    pub fn thousandths(thousandths: u32) -> Self {
        Self(thousandths.max(1))
    }

    /// Whole cores.
    pub fn cores(cores: u32) -> Self {
        Self::thousandths(cores.saturating_mul(1000))
    }

    /// Quota and period, in microseconds, for the scheduler. The period is 20 ms, so that a small share does not
    /// stall for long, and longer for shares whose quota would be below the kernel's least of 1 ms.
    pub(crate) fn quota_and_period_micros(self) -> (u64, u64) {
        let share = u64::from(self.0);
        let quota = 20 * share;
        if quota >= 1000 { (quota, 20_000) } else { (1000, (1_000_000 / share).min(1_000_000)) }
    }
}

/// What of the network the program reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// The host's network, unrestricted.
    Host,
    /// A network of its own with nothing but a loopback interface.
    Isolated {
        /// Ports on 127.0.0.1 *inside* that network whose listening sockets are handed to the host process, so
        /// that it can serve them. These are all that the program reaches.
        ///
        /// Where the host has no network namespaces (see [`HostReport::isolates_network`](crate::HostReport)) the
        /// ports are bound on the host's own 127.0.0.1 and must be free there.
        listen: Vec<u16>,
    },
}

impl Network {
    pub(crate) fn ports(&self) -> &[u16] {
        match self {
            Self::Host => &[],
            Self::Isolated { listen } => listen,
        }
    }
}

/// The numeric ids of the program. It never has any privilege, whatever its ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

impl Default for User {
    /// User 993 and group 990, the user of AWS's own function environments.
    fn default() -> Self {
        Self { uid: 993, gid: 990 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_share_has_a_longer_period_rather_than_a_quota_that_the_kernel_refuses() {
        assert_eq!(CpuShare::cores(2).quota_and_period_micros(), (40_000, 20_000));
        assert_eq!(CpuShare::thousandths(72).quota_and_period_micros(), (1_440, 20_000));
        assert_eq!(CpuShare::thousandths(50).quota_and_period_micros(), (1_000, 20_000));
        assert_eq!(CpuShare::thousandths(10).quota_and_period_micros(), (1_000, 100_000));
        assert_eq!(CpuShare::thousandths(0).quota_and_period_micros(), (1_000, 1_000_000));
    }

    #[test]
    fn paths_that_leave_the_sandbox_are_refused() {
        let mut spec = Spec::new("/usr/bin/true");
        assert!(spec.check().is_ok());
        spec.mounts.push(Mount::read_only("/srv", "/var/../../etc"));
        assert!(matches!(spec.check(), Err(SandboxError::Invalid(_))));
        assert!(Spec::new("true").check().is_err());
    }

    #[test]
    fn the_host_path_follows_the_last_mount_that_covers_it() {
        let mut spec = Spec::new("/var/task/run");
        spec.mounts.push(Mount::read_only("/srv/code", "/var/task"));
        assert_eq!(spec.host_path(&spec.program), Path::new("/srv/code/run"));
        assert_eq!(spec.host_path(Path::new("/var/task")), Path::new("/srv/code"));
        assert_eq!(spec.host_path(Path::new("/usr/bin/env")), Path::new("/usr/bin/env"));
    }
}
