//! One sandbox's control group, across all trees that are in use.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::hierarchy::{Controller, Place, Version};
use crate::CpuShare;

/// How often, and how long apart, removing a group is tried while its last processes are still leaving.
const REMOVAL_ATTEMPTS: u32 = 500;
const REMOVAL_PAUSE: Duration = Duration::from_millis(2);
/// How often the processes of a group are killed one by one until none is left.
const KILL_ROUNDS: usize = 100;

/// What a group may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) memory_bytes: u64,
    pub(crate) cpu: CpuShare,
    pub(crate) processes: u64,
}

/// A group of processes. Not removed on drop: see [`Group::remove`].
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) places: Vec<Place>,
    pub(super) born_inside: bool,
}

impl Group {
    pub(super) fn limit(&self, limits: &Limits) -> io::Result<()> {
        let bytes = limits.memory_bytes.to_string();
        match self.place(Controller::Memory) {
            Some(place) if place.version == Version::V1 => {
                place.write("memory.limit_in_bytes", &bytes)?;
                // Absent when the kernel does not account for swap.
                absent_is_fine(place.write("memory.memsw.limit_in_bytes", &bytes))?;
            }
            Some(place) => {
                place.write("memory.max", &bytes)?;
                absent_is_fine(place.write("memory.swap.max", "0"))?;
            }
            None => {}
        }
        if let Some(place) = self.place(Controller::Pids) {
            place.write("pids.max", &limits.processes.to_string())?;
        }
        self.limit_cpu(limits.cpu)
    }

    pub(crate) fn limit_cpu(&self, share: CpuShare) -> io::Result<()> {
        let (quota, period) = share.quota_and_period_micros();
        match self.place(Controller::Cpu) {
            Some(place) if place.version == Version::V1 => {
                // Quota and period are checked against each other, so there must be none in between.
                place.write("cpu.cfs_quota_us", "-1")?;
                place.write("cpu.cfs_period_us", &period.to_string())?;
                place.write("cpu.cfs_quota_us", &quota.to_string())
            }
            Some(place) => place.write("cpu.max", &format!("{quota} {period}")),
            None => Ok(()),
        }
    }

    /// Files into which a process writes `0` to join. A process that moves itself through `tasks` does not wait
    /// for the kernel's global lock, which costs milliseconds through `cgroup.procs`.
    pub(crate) fn join_files(&self) -> io::Result<Vec<OwnedFd>> {
        let file = |place: &Place| match place.version {
            Version::V1 => Some(place.folder.join("tasks")),
            Version::V2 if self.born_inside => None,
            Version::V2 => Some(place.folder.join("cgroup.procs")),
        };
        let open = |path| OpenOptions::new().write(true).open(path).map(OwnedFd::from);
        self.places.iter().filter_map(file).map(open).collect()
    }

    /// The version 2 group's folder, for clone to start a process in.
    pub(crate) fn birth_place(&self) -> io::Result<Option<OwnedFd>> {
        let place = self.places.iter().find(|place| place.version == Version::V2);
        place
            .filter(|_| self.born_inside)
            .map(|place| File::open(&place.folder).map(OwnedFd::from))
            .transpose()
    }

    fn place(&self, controller: Controller) -> Option<&Place> {
        self.places.iter().find(|place| place.controllers.contains(&controller))
    }

    /// Asks the kernel to stop or continue everything. `false` when there is nothing to ask.
    pub(crate) fn set_frozen(&self, frozen: bool) -> io::Result<bool> {
        let Some(place) = self.place(Controller::Freezer) else { return Ok(false) };
        match place.version {
            Version::V1 => place.write("freezer.state", if frozen { "FROZEN" } else { "THAWED" })?,
            Version::V2 => place.write("cgroup.freeze", if frozen { "1" } else { "0" })?,
        }
        Ok(true)
    }

    /// Whether everything has stopped.
    pub(crate) fn is_frozen(&self) -> bool {
        self.place(Controller::Freezer).is_some_and(|place| match place.version {
            Version::V1 => place.read("freezer.state").is_some_and(|state| state.trim() == "FROZEN"),
            Version::V2 => place.counter("cgroup.events", "frozen") == Some(1),
        })
    }

    /// Kills everything in the group, frozen or not.
    pub(crate) fn kill(&self) {
        if let Some(place) = self.places.iter().find(|place| place.version == Version::V2)
            && place.write("cgroup.kill", "1").is_ok()
        {
            return;
        }
        // A process frozen by version 1 dies only once it is thawed.
        let _ = self.set_frozen(false);
        if let Some(place) = self.places.first() {
            kill_one_by_one(&place.folder);
        }
    }

    /// How many processes were killed for want of memory.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        let Some(place) = self.place(Controller::Memory) else { return 0 };
        let file = match place.version {
            Version::V1 => "memory.oom_control",
            Version::V2 => "memory.events",
        };
        place.counter(file, "oom_kill").unwrap_or(0)
    }

    pub(crate) fn peak_memory_bytes(&self) -> Option<u64> {
        let place = self.place(Controller::Memory)?;
        let file = match place.version {
            Version::V1 => "memory.max_usage_in_bytes",
            Version::V2 => "memory.peak",
        };
        place.read(file)?.trim().parse().ok()
    }

    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let place = self.place(Controller::CpuTime)?;
        match place.version {
            Version::V1 => place.read("cpuacct.usage")?.trim().parse().ok().map(Duration::from_nanos),
            Version::V2 => place.counter("cpu.stat", "usage_usec").map(Duration::from_micros),
        }
    }

    /// Removes the group, waiting a little for processes that are ending.
    pub(crate) fn remove(self) {
        for place in &self.places {
            remove_folder(&place.folder);
        }
    }
}

impl Place {
    fn write(&self, file: &str, content: &str) -> io::Result<()> {
        let path = self.folder.join(file);
        // Not `fs::write`: these files cannot be created or truncated.
        OpenOptions::new()
            .write(true)
            .open(&path)
            .and_then(|mut opened| io::Write::write_all(&mut opened, content.as_bytes()))
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(file)).ok()
    }

    /// The number behind `key` in a file of keys and numbers.
    fn counter(&self, file: &str, key: &str) -> Option<u64> {
        let content = self.read(file)?;
        content.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Kills what is in a group until nothing new appears.
pub(super) fn kill_one_by_one(folder: &Path) {
    for _ in 0..KILL_ROUNDS {
        let members = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        let mut alive = false;
        // 0 stands for a process that is not visible to us.
        for pid in members.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw) {
            alive |= kill_process(pid, Signal::KILL).is_ok();
        }
        if !alive {
            return;
        }
        thread::yield_now();
    }
}

/// Removes a group's folder, waiting a little for processes that are ending.
pub(super) fn remove_folder(folder: &Path) {
    for _ in 0..REMOVAL_ATTEMPTS {
        match fs::remove_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => thread::sleep(REMOVAL_PAUSE),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(folder = %folder.display(), %error, "a control group was not removed");
                return;
            }
            _ => return,
        }
    }
    tracing::warn!(folder = %folder.display(), "a control group is still in use and was not removed");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version_2_group(folder: &Path) -> Group {
        for file in ["memory.max", "pids.max", "cpu.max", "cgroup.freeze"] {
            fs::write(folder.join(file), "").expect("written");
        }
        let controllers = vec![
            Controller::Memory,
            Controller::Cpu,
            Controller::Pids,
            Controller::Freezer,
            Controller::CpuTime,
        ];
        let place = Place { folder: folder.into(), version: Version::V2, controllers };
        Group { places: vec![place], born_inside: true }
    }

    #[test]
    fn limits_are_written_in_version_2_terms() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let group = version_2_group(folder.path());
        let limits = Limits { memory_bytes: 1 << 27, cpu: CpuShare::thousandths(500), processes: 64 };
        group.limit(&limits).expect("a kernel without memory.swap.max is fine");
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).expect("present");
        assert_eq!(
            [read("memory.max"), read("pids.max"), read("cpu.max")],
            ["134217728", "64", "10000 20000"]
        );
        assert_eq!(group.set_frozen(true).ok(), Some(true));
        assert_eq!(read("cgroup.freeze"), "1");
    }

    #[test]
    fn counters_are_read_by_their_whole_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let group = version_2_group(folder.path());
        fs::write(folder.path().join("memory.events"), "oom_kill_group 7\noom 3\noom_kill 2\n")
            .expect("written");
        fs::write(folder.path().join("cpu.stat"), "usage_usec 1500\nuser_usec 1000\n").expect("written");
        fs::write(folder.path().join("cgroup.events"), "populated 1\nfrozen 1\n").expect("written");
        assert_eq!(group.out_of_memory_kills(), 2);
        assert_eq!(group.cpu_time(), Some(Duration::from_micros(1500)));
        assert!(group.is_frozen());
        assert_eq!(group.peak_memory_bytes(), None);
    }
}
