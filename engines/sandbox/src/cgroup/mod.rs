//! Control groups: the limits of memory, processor time and processes, and freezing, of a whole process tree.
//!
//! Version 1 (one tree per controller) and version 2 (one tree) are both used as found, also side by side. A
//! group is made below the group that this process is in itself, so that limits set on us hold for sandboxes,
//! too. The interface is described in the kernel's cgroup-v1 and cgroup-v2 admin guides.

mod group;
mod hierarchy;
mod leftovers;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use group::{Group, Limits};
pub(crate) use hierarchy::{Controller, Version};
use hierarchy::{Hierarchy, Place};

/// Every group's name begins with this, then come its owner's process id and start time.
const NAME: &str = "brume-sandbox";

/// The trees in which groups are made.
#[derive(Debug)]
pub(crate) struct Groups {
    homes: Vec<Hierarchy>,
    problems: Vec<Problem>,
    owner: leftovers::Owner,
    /// Whether the kernel can start a process inside a version 2 group (Linux 5.7). Joining one later works, too,
    /// but waits for a global lock.
    pub(crate) born_inside: bool,
}

/// Why controllers are missing.
#[derive(Debug)]
struct Problem {
    /// All, when empty.
    controllers: Vec<Controller>,
    reason: String,
}

/// Numbers groups across all [`Groups`] of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

impl Groups {
    /// Finds the trees that we may use, by making a group in each, and removes what dead owners left there.
    pub(crate) fn probe() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self::among(hierarchy::find(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup")))
    }

    fn among(found: Vec<Hierarchy>) -> Self {
        let mut groups = Self::none();
        let (unified, separate): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|hierarchy| hierarchy.version == Version::V2);
        if unified.is_empty() && separate.is_empty() {
            groups.give_up("no control groups are mounted".to_owned());
        }
        for candidates in unified {
            groups.adopt(candidates.with_controllers_enabled());
        }
        for mut hierarchy in separate {
            // What the unified tree already does is not done twice.
            hierarchy.controllers.retain(|controller| !groups.has(*controller));
            if !hierarchy.controllers.is_empty() {
                groups.adopt(hierarchy);
            }
        }
        groups
    }

    /// Groups in no tree at all.
    fn none() -> Self {
        let owner = leftovers::Owner::ourselves();
        Self { homes: Vec::new(), problems: Vec::new(), owner, born_inside: true }
    }

    fn adopt(&mut self, hierarchy: Hierarchy) {
        leftovers::remove(&hierarchy.folder);
        match self.make_in(&hierarchy).and_then(|place| {
            let usable = place.check();
            group::remove_folder(&place.folder);
            usable
        }) {
            Ok(()) => self.homes.push(hierarchy),
            Err(error) => {
                let reason = format!("{}: {error}", hierarchy.folder.display());
                self.problems.push(Problem { controllers: hierarchy.controllers, reason });
            }
        }
    }

    /// Does without groups.
    pub(crate) fn give_up(&mut self, reason: String) {
        self.homes.clear();
        self.problems.push(Problem { controllers: Vec::new(), reason });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.homes.is_empty()
    }

    pub(crate) fn has(&self, controller: Controller) -> bool {
        self.version_of(controller).is_some()
    }

    pub(crate) fn version_of(&self, controller: Controller) -> Option<Version> {
        self.homes.iter().find(|home| home.controllers.contains(&controller)).map(|home| home.version)
    }

    /// Why a controller is missing.
    pub(crate) fn why_not(&self, controller: Controller) -> String {
        let concerns =
            |problem: &&Problem| problem.controllers.is_empty() || problem.controllers.contains(&controller);
        let reasons: Vec<&str> =
            self.problems.iter().filter(concerns).map(|problem| problem.reason.as_str()).collect();
        if reasons.is_empty() { "the controller is not offered to us".to_owned() } else { reasons.join("; ") }
    }

    /// Makes a group with these limits.
    pub(crate) fn make(&self, limits: &Limits) -> io::Result<Group> {
        // As it grows, what has been made is removed when a later step fails.
        let places = Vec::with_capacity(self.homes.len());
        let mut group = Group { places, born_inside: self.born_inside };
        for home in &self.homes {
            match self.make_in(home) {
                Ok(place) => group.places.push(place),
                Err(error) => {
                    group.remove();
                    return Err(error);
                }
            }
        }
        match group.limit(limits) {
            Ok(()) => Ok(group),
            Err(error) => {
                group.remove();
                Err(error)
            }
        }
    }

    fn make_in(&self, home: &Hierarchy) -> io::Result<Place> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder: PathBuf = home.folder.join(format!("{NAME}-{}-{number}", self.owner));
        fs::create_dir(&folder)?;
        Ok(Place { folder, version: home.version, controllers: home.controllers.clone() })
    }

    /// The groups of this process that exist, for tests and diagnosis.
    pub(crate) fn present(&self) -> Vec<PathBuf> {
        let prefix = format!("{NAME}-{}-", self.owner);
        let mut present = Vec::new();
        for home in &self.homes {
            for entry in fs::read_dir(&home.folder).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with(&prefix) {
                    present.push(entry.path());
                }
            }
        }
        present
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::CpuShare;

    /// A host where version 1 is all there is.
    fn version_1_alone() -> Option<Groups> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let mut found = hierarchy::find(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"));
        found.retain(|hierarchy| hierarchy.version == Version::V1);
        let groups = Groups::among(found);
        if !groups.has(Controller::Freezer) || !groups.has(Controller::CpuTime) {
            println!("skipped: this host has no version 1 freezer for us: {:?}", groups.problems);
            return None;
        }
        Some(groups)
    }

    #[test]
    fn version_1_alone_freezes_counts_and_kills() {
        let Some(groups) = version_1_alone() else { return };
        let limits = Limits { memory_bytes: 64 << 20, cpu: CpuShare::cores(1), processes: 10 };
        let group = groups.make(&limits).expect("made");
        assert_eq!(groups.present().len(), group.places.len());
        let mut busy = Command::new("/bin/sh")
            .args(["-c", "read go; while :; do :; done"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("started");
        for place in &group.places {
            fs::write(place.folder.join("cgroup.procs"), busy.id().to_string()).expect("joined");
        }
        drop(busy.stdin.take());
        while group.cpu_time().expect("counted") < Duration::from_millis(2) {
            std::thread::yield_now();
        }
        assert!(group.set_frozen(true).expect("asked"));
        while !group.is_frozen() {
            std::thread::yield_now();
        }
        let before = group.cpu_time();
        // Work of our own stands in for the passing of time.
        assert!((0..3_000_000u64).map(std::hint::black_box).sum::<u64>() > 0);
        assert_eq!(group.cpu_time(), before);
        group.kill();
        assert!(!busy.wait().expect("waited").success(), "killed although frozen");
        assert_eq!(group.out_of_memory_kills(), 0);
        group.remove();
        assert_eq!(groups.present(), Vec::<PathBuf>::new());
    }
}
