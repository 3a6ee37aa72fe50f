//! Where control groups are mounted, and where in each tree we are.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a tree can do for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Controller {
    Memory,
    Cpu,
    Pids,
    /// Stopping the whole group; part of every version 2 tree.
    Freezer,
    /// Counting processor time; part of every version 2 tree.
    CpuTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1,
    V2,
}

/// A tree of control groups, at the group that we are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) version: Version,
    /// Our own group, below which others are made.
    pub(crate) folder: PathBuf,
    /// The tree's topmost group that is visible to us.
    pub(crate) top: PathBuf,
    pub(crate) controllers: Vec<Controller>,
}

/// One group in one tree.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) version: Version,
    pub(crate) controllers: Vec<Controller>,
}

impl Controller {
    fn of_v1(name: &str) -> Option<Self> {
        match name {
            "memory" => Some(Self::Memory),
            "cpu" => Some(Self::Cpu),
            "pids" => Some(Self::Pids),
            "freezer" => Some(Self::Freezer),
            "cpuacct" => Some(Self::CpuTime),
            _ => None,
        }
    }

    /// A file that is present in every group of a tree with this controller.
    fn file(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Memory, Version::V1) => "memory.limit_in_bytes",
            (Self::Memory, Version::V2) => "memory.max",
            (Self::Cpu, Version::V1) => "cpu.cfs_quota_us",
            (Self::Cpu, Version::V2) => "cpu.max",
            (Self::Pids, _) => "pids.max",
            (Self::Freezer, Version::V1) => "freezer.state",
            (Self::Freezer, Version::V2) => "cgroup.freeze",
            (Self::CpuTime, Version::V1) => "cpuacct.usage",
            (Self::CpuTime, Version::V2) => "cpu.stat",
        }
    }
}

impl Place {
    /// Whether everything that this tree promises is there for us to write.
    pub(crate) fn check(&self) -> io::Result<()> {
        for controller in &self.controllers {
            let path = self.folder.join(controller.file(self.version));
            let reads_only = *controller == Controller::CpuTime;
            fs::OpenOptions::new().read(true).write(!reads_only).open(&path)?;
        }
        Ok(())
    }
}

/// Reads `/proc/self/mountinfo` and `/proc/self/cgroup` (see proc(5) and cgroups(7)).
pub(crate) fn find(mount_info: &str, own_groups: &str) -> Vec<Hierarchy> {
    let mut found: Vec<Hierarchy> = Vec::new();
    for line in mount_info.lines() {
        let Some((place, kind)) = line.split_once(" - ") else { continue };
        let (place, kind): (Vec<&str>, Vec<&str>) = (place.split(' ').collect(), kind.split(' ').collect());
        let (Some(root), Some(mount_point), Some(options)) = (place.get(3), place.get(4), kind.get(2)) else {
            continue;
        };
        let hierarchy = match kind.first() {
            Some(&"cgroup2") => find_v2(root, mount_point, own_groups),
            Some(&"cgroup") => find_v1(root, mount_point, options, own_groups),
            _ => None,
        };
        let known = |new: &Hierarchy| {
            found.iter().any(|old| old.version == new.version && old.controllers == new.controllers)
        };
        if let Some(hierarchy) = hierarchy.filter(|new| !known(new)) {
            found.push(hierarchy);
        }
    }
    found
}

fn find_v2(root: &str, mount_point: &str, own_groups: &str) -> Option<Hierarchy> {
    let own = own_groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let controllers = vec![Controller::Freezer, Controller::CpuTime];
    let folder = below_mount(root, mount_point, own);
    Some(Hierarchy { version: Version::V2, folder, top: mount_point.into(), controllers })
}

fn find_v1(root: &str, mount_point: &str, options: &str, own_groups: &str) -> Option<Hierarchy> {
    let controllers: Vec<Controller> = options.split(',').filter_map(Controller::of_v1).collect();
    let any = options.split(',').find(|name| Controller::of_v1(name).is_some())?;
    let own = own_groups.lines().find_map(|line| {
        let (_, names_and_path) = line.split_once(':')?;
        let (names, path) = names_and_path.split_once(':')?;
        names.split(',').any(|name| name == any).then_some(path)
    })?;
    let folder = below_mount(root, mount_point, own);
    Some(Hierarchy { version: Version::V1, folder, top: mount_point.into(), controllers })
}

/// Where the group `own` is to be seen, when the tree is mounted from its group `root` on.
fn below_mount(root: &str, mount_point: &str, own: &str) -> PathBuf {
    let below = Path::new(own).strip_prefix(root).unwrap_or(Path::new(""));
    if below.as_os_str().is_empty() { PathBuf::from(mount_point) } else { Path::new(mount_point).join(below) }
}

impl Hierarchy {
    /// A version 2 tree with memory, cpu and pids controllers passed down to the groups that we make, as far as
    /// the tree has them and lets us.
    pub(crate) fn with_controllers_enabled(mut self) -> Self {
        let wanted = self.offered();
        if wanted.is_empty() {
            return self;
        }
        // Only groups without processes of their own (and the topmost) may pass controllers down. Our own group
        // can be one when we move aside; a group beside ours at the top is the next best.
        let mut enabled = enable(&self.folder, &wanted) || self.step_aside_and_enable(&wanted);
        if !enabled && self.folder != self.top {
            let top = Self { folder: self.top.clone(), ..self.clone() };
            enabled = enable(&top.folder, &top.offered());
            if enabled {
                self = top;
            }
        }
        if enabled {
            self.controllers.extend(self.offered());
        }
        self
    }

    /// The controllers that the parent passes to our group.
    fn offered(&self) -> Vec<Controller> {
        let names = fs::read_to_string(self.folder.join("cgroup.controllers")).unwrap_or_default();
        names
            .split_whitespace()
            .filter_map(Controller::of_v1)
            .filter(|controller| {
                matches!(controller, Controller::Memory | Controller::Cpu | Controller::Pids)
            })
            .collect()
    }

    fn step_aside_and_enable(&self, wanted: &[Controller]) -> bool {
        let aside = self.folder.join(format!("{}-host", super::NAME));
        let myself = std::process::id().to_string();
        if fs::create_dir(&aside).is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
            return false;
        }
        if fs::write(aside.join("cgroup.procs"), &myself).is_ok() && enable(&self.folder, wanted) {
            return true;
        }
        // Others are in the group as well; go back to them. The folder may be another process's by now.
        let _ = fs::write(self.folder.join("cgroup.procs"), &myself);
        let _ = fs::remove_dir(&aside);
        false
    }
}

fn enable(folder: &Path, controllers: &[Controller]) -> bool {
    let change: Vec<&str> = controllers
        .iter()
        .map(|controller| match controller {
            Controller::Memory => "+memory",
            Controller::Cpu => "+cpu",
            _ => "+pids",
        })
        .collect();
    fs::write(folder.join("cgroup.subtree_control"), change.join(" ")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mixed_host_has_both_versions() {
        let mounts = "31 30 0:26 / /sys/fs/cgroup/unified rw shared:7 - cgroup2 cgroup2 rw\n\
                      33 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
                      34 30 0:29 /outer /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      35 30 0:30 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n";
        let own = "4:memory:/outer/inner\n3:cpu,cpuacct:/\n2:blkio:/\n0::/user.slice\n";
        let found = find(mounts, own);
        let folders: Vec<_> = found.iter().map(|tree| tree.folder.to_str().expect("plain text")).collect();
        assert_eq!(
            folders,
            [
                "/sys/fs/cgroup/unified/user.slice",
                "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/memory/inner"
            ]
        );
        assert_eq!(found[0].version, Version::V2);
        assert_eq!(found[1].controllers, [Controller::Cpu, Controller::CpuTime]);
        assert_eq!(found[2].controllers, [Controller::Memory]);
    }

    #[test]
    fn a_host_without_control_groups_has_none() {
        assert!(find("22 27 0:21 / /proc rw - proc proc rw\n", "").is_empty());
        assert!(find("garbage - \n - cgroup2", "0::/").is_empty());
    }

    #[test]
    fn a_version_2_tree_passes_on_what_it_is_offered() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("cgroup.controllers"), "cpuset cpu io memory pids\n").expect("written");
        let tree = Hierarchy {
            version: Version::V2,
            folder: folder.path().into(),
            top: folder.path().into(),
            controllers: vec![Controller::Freezer],
        };
        let tree = tree.with_controllers_enabled();
        let all = [Controller::Freezer, Controller::Cpu, Controller::Memory, Controller::Pids];
        assert_eq!(tree.controllers, all);
        let change = fs::read_to_string(folder.path().join("cgroup.subtree_control")).expect("written");
        assert_eq!(change, "+cpu +memory +pids");
    }
}
