//! Groups whose owner was killed: found by the owner's process id and start time in their names.

use std::fmt;
use std::fs;
use std::path::Path;

use super::{NAME, group};

/// A process, told apart from a later one with the same id by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pid: u32,
    /// In clock ticks since the machine started.
    started: u64,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.pid, self.started)
    }
}

impl Owner {
    pub(super) fn ourselves() -> Self {
        let pid = std::process::id();
        Self { pid, started: start_time(pid).unwrap_or(0) }
    }

    fn is_alive(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    /// The owner that a group's name tells of.
    fn of_group(name: &str) -> Option<Self> {
        let mut parts = name.strip_prefix(NAME)?.strip_prefix('-')?.split('-');
        let owner = Self { pid: parts.next()?.parse().ok()?, started: parts.next()?.parse().ok()? };
        parts.next()?.parse::<u64>().ok()?;
        parts.next().is_none().then_some(owner)
    }
}

/// Field 22 of proc_pid_stat(5). The second field is the program's name, which may hold anything.
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    behind_name.split_whitespace().nth(19)?.parse().ok()
}

/// Removes the groups below `folder` whose owners are gone, with whatever still runs in them.
pub(super) fn remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let orphaned =
            entry.file_name().to_str().and_then(Owner::of_group).is_some_and(|owner| !owner.is_alive());
        if orphaned {
            let _ = fs::write(entry.path().join("freezer.state"), "THAWED");
            group::kill_one_by_one(&entry.path());
            group::remove_folder(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_read_back_from_a_group_name() {
        let owner = Owner::ourselves();
        assert_eq!(Owner::of_group(&format!("{NAME}-{owner}-7")), Some(owner));
        assert!(owner.is_alive());
        let earlier = Owner { started: owner.started.wrapping_sub(1), ..owner };
        assert!(!earlier.is_alive());
        for foreign in ["user.slice", "brume-sandbox-host", "brume-sandbox-1", "brume-sandbox-1-2-x"] {
            assert_eq!(Owner::of_group(foreign), None, "{foreign}");
        }
    }
}
