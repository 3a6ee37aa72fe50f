//! The root file system of a sandbox: a small tmpfs that shows the system's programs read-only, its own `/proc`,
//! a handful of devices, a private `/tmp`, and what the caller mounts.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Abilities, System};
use crate::plan::{Phase, Plan, Tolerate};
use crate::{Mode, SandboxError, Spec};

const SETUP: Phase = Phase::Setup;
/// Room for mount points; nothing else is ever written there.
const ROOT_OPTIONS: &str = "size=4m,mode=755";
const SHARED_MEMORY_BYTES: u64 = 64 << 20;

/// The devices that a program may expect, with their numbers.
const DEVICES: [(&str, u32, u32); 6] =
    [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

const KERNEL_SETTINGS: [&str; 5] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"];

// linux/mount.h
const ATTR_RDONLY: u64 = 1;
const ATTR_NOSUID: u64 = 2;
const ATTR_NODEV: u64 = 4;
const AT_RECURSIVE: u64 = 0x8000;

pub(crate) fn build(
    plan: &mut Plan,
    spec: &Spec,
    abilities: &Abilities,
    system: &System,
) -> Result<(), SandboxError> {
    let mut root =
        Root { plan, base: &system.mount_point, made: HashSet::new(), setattr: system.mount_setattr };
    root.start()?;
    for (name, target) in &system.links {
        root.link(Path::new(name), Path::new(target))?;
    }
    for path in &system.shown {
        root.show(path, path, true, Kind::Folder)?;
    }
    root.show(&system.etc, Path::new("/etc"), true, Kind::Folder)?;
    for path in &system.shown_in_etc {
        // The mount point is part of the prepared /etc.
        root.bind(path, path, true)?;
    }
    root.devices(abilities.mode)?;
    root.folder(Path::new("/proc"))?;
    if abilities.own_proc {
        root.file_system("proc", Path::new("/proc"), libc::MS_NOEXEC, "")?;
    }
    if abilities.own_proc && program_may_be_root(spec, abilities) {
        root.protect_proc()?;
    }
    root.folder(Path::new("/tmp"))?;
    let size = spec.private_tmp_bytes.max(4096);
    root.file_system("tmpfs", Path::new("/tmp"), 0, &format!("size={size},mode=1777"))?;
    for mount in &spec.mounts {
        let kind = Kind::of(&mount.source)?;
        root.show(&mount.source, &mount.target, mount.read_only, kind)?;
    }
    root.enter()
}

/// Whether the program has the host's user 0 towards files, if without capabilities.
fn program_may_be_root(spec: &Spec, abilities: &Abilities) -> bool {
    let by_user_namespace = abilities.mode == Mode::UserNamespace && rustix::process::geteuid().is_root();
    spec.user.uid == 0 || by_user_namespace
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
}

impl Kind {
    fn of(source: &Path) -> Result<Self, SandboxError> {
        let metadata = fs::metadata(source)
            .map_err(SandboxError::setup(format!("looking at the mount source {}", source.display())))?;
        Ok(if metadata.is_dir() { Self::Folder } else { Self::File })
    }
}

/// The root under construction, at `base` in a mount namespace of its own.
struct Root<'a> {
    plan: &'a mut Plan,
    base: &'a Path,
    made: HashSet<PathBuf>,
    /// Whether the kernel can change mounts recursively (Linux 5.12).
    setattr: bool,
}

impl Root<'_> {
    fn start(&mut self) -> Result<(), SandboxError> {
        let slash = self.plan.text(c"/");
        let private = libc::MS_REC | libc::MS_PRIVATE;
        let label = "separating mounts from the host's";
        self.plan.step(SETUP, label, libc::SYS_mount, &[0, slash, 0, private, 0]);
        self.file_system("tmpfs", Path::new("/"), 0, ROOT_OPTIONS)
    }

    /// The path of `inside` before the root is entered.
    fn outside(&self, inside: &Path) -> PathBuf {
        match inside.strip_prefix("/") {
            Ok(rest) if !rest.as_os_str().is_empty() => self.base.join(rest),
            _ => self.base.to_path_buf(),
        }
    }

    fn folder(&mut self, inside: &Path) -> Result<(), SandboxError> {
        if inside == Path::new("/") || !self.made.insert(inside.to_path_buf()) {
            return Ok(());
        }
        if let Some(parent) = inside.parent() {
            self.folder(parent)?;
        }
        let address = self.plan.path(&self.outside(inside))?;
        // It may exist within another mount; when it cannot be made, mounting on it says so.
        self.plan.tolerant_step(
            SETUP,
            "making a folder",
            Tolerate::Anything,
            libc::SYS_mkdirat,
            &[libc::AT_FDCWD as u64, address, 0o755],
        );
        Ok(())
    }

    fn node(&mut self, inside: &Path, mode: u32, device: u64) -> Result<(), SandboxError> {
        let address = self.plan.path(&self.outside(inside))?;
        self.plan.tolerant_step(
            SETUP,
            format!("making {}", inside.display()),
            Tolerate::Errno(libc::EEXIST),
            libc::SYS_mknodat,
            &[libc::AT_FDCWD as u64, address, u64::from(mode), device],
        );
        Ok(())
    }

    fn link(&mut self, inside: &Path, target: &Path) -> Result<(), SandboxError> {
        let (address, target) = (self.plan.path(&self.outside(inside))?, self.plan.path(target)?);
        let label = format!("linking {}", inside.display());
        self.plan.step(SETUP, label, libc::SYS_symlinkat, &[target, libc::AT_FDCWD as u64, address]);
        Ok(())
    }

    fn file_system(
        &mut self,
        kind: &str,
        inside: &Path,
        flags: u64,
        options: &str,
    ) -> Result<(), SandboxError> {
        let address = self.plan.path(&self.outside(inside))?;
        let (name, options) = (self.plan.string(kind.as_ref())?, self.plan.string(options.as_ref())?);
        let device_free = if inside == Path::new("/") { 0 } else { libc::MS_NODEV };
        let flags = flags | libc::MS_NOSUID | device_free;
        let label = format!("mounting {kind} at {}", inside.display());
        self.plan.step(SETUP, label, libc::SYS_mount, &[name, address, name, flags, options]);
        Ok(())
    }

    fn show(
        &mut self,
        source: &Path,
        inside: &Path,
        read_only: bool,
        kind: Kind,
    ) -> Result<(), SandboxError> {
        match kind {
            Kind::Folder => self.folder(inside)?,
            Kind::File => {
                if let Some(parent) = inside.parent() {
                    self.folder(parent)?;
                }
                self.node(inside, libc::S_IFREG | 0o644, 0)?;
            }
        }
        self.bind(source, inside, read_only)
    }

    fn bind(&mut self, source: &Path, inside: &Path, read_only: bool) -> Result<(), SandboxError> {
        let label = format!("mounting {} at {}", source.display(), inside.display());
        let (from, to) = (self.plan.path(source)?, self.plan.path(&self.outside(inside))?);
        let flags = libc::MS_BIND | libc::MS_REC;
        self.plan.step(SETUP, label, libc::SYS_mount, &[from, to, 0, flags, 0]);
        self.restrict(to, inside, read_only, true)
    }

    /// Takes away what a mount must not offer.
    fn restrict(
        &mut self,
        address: u64,
        inside: &Path,
        read_only: bool,
        with_devices_off: bool,
    ) -> Result<(), SandboxError> {
        let label = format!("protecting {}", inside.display());
        if self.setattr {
            let mut set = ATTR_NOSUID;
            set |= if read_only { ATTR_RDONLY } else { 0 };
            set |= if with_devices_off { ATTR_NODEV } else { 0 };
            let attributes = self.plan.words(&[set, 0, 0, 0]);
            let recursive = if inside == Path::new("/") { 0 } else { AT_RECURSIVE };
            let arguments = [libc::AT_FDCWD as u64, address, recursive, attributes, 32];
            self.plan.step(SETUP, label, libc::SYS_mount_setattr, &arguments);
        } else {
            let mut flags = libc::MS_BIND | libc::MS_REMOUNT | libc::MS_NOSUID;
            flags |= if read_only { libc::MS_RDONLY } else { 0 };
            flags |= if with_devices_off { libc::MS_NODEV } else { 0 };
            self.plan.step(SETUP, label, libc::SYS_mount, &[0, address, 0, flags, 0]);
        }
        Ok(())
    }

    /// Closes the kernel's settings: files there belong to user 0, who may write some of them without any capability.
    fn protect_proc(&mut self) -> Result<(), SandboxError> {
        for path in KERNEL_SETTINGS.map(Path::new).into_iter().filter(|path| path.exists()) {
            self.bind(&self.outside(path), path, true)?;
        }
        Ok(())
    }

    fn devices(&mut self, mode: Mode) -> Result<(), SandboxError> {
        let folder = Path::new("/dev");
        self.folder(folder)?;
        for (name, major, minor) in DEVICES {
            let path = folder.join(name);
            if mode == Mode::Namespaces {
                self.node(&path, libc::S_IFCHR | 0o666, libc::makedev(major, minor))?;
            } else if path.exists() {
                // Without privilege no device can be made, only shown.
                self.node(&path, libc::S_IFREG | 0o666, 0)?;
                let (from, to) = (self.plan.path(&path)?, self.plan.path(&self.outside(&path))?);
                let label = format!("mounting {}", path.display());
                self.plan.step(SETUP, label, libc::SYS_mount, &[from, to, 0, libc::MS_BIND, 0]);
            }
        }
        for (name, target) in DEVICE_LINKS {
            self.link(&folder.join(name), Path::new(target))?;
        }
        let shared_memory = folder.join("shm");
        self.folder(&shared_memory)?;
        self.file_system("tmpfs", &shared_memory, 0, &format!("size={SHARED_MEMORY_BYTES},mode=1777"))
    }

    /// Makes the new root the only one, and read-only.
    fn enter(&mut self) -> Result<(), SandboxError> {
        let base = self.plan.path(self.base)?;
        let (here, slash) = (self.plan.text(c"."), self.plan.text(c"/"));
        let label = "entering the new root";
        self.plan.step(SETUP, label, libc::SYS_chdir, &[base]);
        self.plan.step(SETUP, label, libc::SYS_pivot_root, &[here, here]);
        self.plan.step(SETUP, label, libc::SYS_umount2, &[here, libc::MNT_DETACH as u64]);
        self.plan.step(SETUP, label, libc::SYS_chdir, &[slash]);
        self.restrict(slash, Path::new("/"), true, false)
    }
}
