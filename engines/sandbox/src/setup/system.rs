//! The parts of the host's system that every sandbox sees, found and prepared once.
#![allow(unsafe_code)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{SandboxError, User};

/// Folders with programs and libraries. Links among them (`/bin` → `usr/bin`) are repeated as links.
const PROGRAMS: [&str; 9] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"];
/// What of `/etc` is shown as it is: certificates, the choice of alternatives, language runtimes' settings.
const SHOWN_IN_ETC: [&str; 5] = ["ssl", "pki", "ca-certificates", "alternatives", "crypto-policies"];
/// What of `/etc` is copied when it exists.
const COPIED_IN_ETC: [&str; 5] = ["ld.so.cache", "resolv.conf", "localtime", "services", "protocols"];

/// The system as sandboxes see it.
#[derive(Debug)]
pub(crate) struct System {
    /// An empty folder, where each sandbox builds its root in a mount namespace of its own.
    pub(crate) mount_point: PathBuf,
    /// A folder that is shown as `/etc`.
    pub(crate) etc: PathBuf,
    pub(crate) shown: Vec<PathBuf>,
    pub(crate) shown_in_etc: Vec<PathBuf>,
    /// Link and target.
    pub(crate) links: Vec<(PathBuf, PathBuf)>,
    pub(crate) mount_setattr: bool,
}

impl System {
    /// Looks at the host and prepares `/etc` below `state_dir`.
    pub(crate) fn prepare(state_dir: &Path) -> Result<Self, SandboxError> {
        let within = |name: &str| {
            let folder = state_dir.join(name);
            fs::create_dir_all(&folder)
                .map_err(SandboxError::setup(format!("making the folder {}", folder.display())))?;
            folder.canonicalize().map_err(SandboxError::setup(format!("finding {}", folder.display())))
        };
        let mut system = Self {
            mount_point: within("root")?,
            etc: within("etc")?,
            shown: Vec::new(),
            shown_in_etc: shown_in_etc(),
            links: Vec::new(),
            mount_setattr: has_mount_setattr(),
        };
        for path in PROGRAMS.map(Path::new) {
            match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_symlink() => {
                    system.links.extend(fs::read_link(path).map(|target| (path.to_path_buf(), target)));
                }
                Ok(metadata) if metadata.is_dir() => system.shown.push(path.to_path_buf()),
                _ => {}
            }
        }
        let readable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&system.etc, readable)
            .and_then(|()| system.write_etc())
            .map_err(SandboxError::setup(format!("preparing {}", system.etc.display())))?;
        Ok(system)
    }

    fn write_etc(&self) -> io::Result<()> {
        let User { uid, gid } = User::default();
        let passwd = format!(
            "root:x:0:0:root:/root:/bin/sh\nsandbox:x:{uid}:{gid}:sandbox:/tmp:/bin/sh\n\
             nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"
        );
        let group = format!("root:x:0:\nsandbox:x:{gid}:\nnogroup:x:65534:\n");
        self.place("passwd", passwd.as_bytes())?;
        self.place("group", group.as_bytes())?;
        self.place("hosts", b"127.0.0.1 localhost\n127.0.0.1 sandbox\n")?;
        self.place("nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")?;
        for name in COPIED_IN_ETC {
            if let Ok(content) = fs::read(Path::new("/etc").join(name)) {
                self.place(name, &content)?;
            }
        }
        for path in &self.shown_in_etc {
            if let Some(name) = path.file_name() {
                fs::create_dir_all(self.etc.join(name))?;
            }
        }
        Ok(())
    }

    /// Writes whole or not at all, as another process may share the folder; and only what has changed, so that
    /// running sandboxes keep what they see.
    fn place(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.etc.join(name);
        if fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        let draft = self.etc.join(format!(".{name}.{}", std::process::id()));
        fs::write(&draft, content)?;
        fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
        fs::rename(&draft, &path)
    }
}

fn shown_in_etc() -> Vec<PathBuf> {
    let etc = Path::new("/etc");
    let mut shown: Vec<PathBuf> = SHOWN_IN_ETC.iter().map(|name| etc.join(name)).collect();
    // Debian keeps the settings of its Java runtimes there, and links to them from /usr/lib/jvm.
    for entry in fs::read_dir(etc).into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"java") {
            shown.push(entry.path());
        }
    }
    shown.retain(|path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()));
    shown
}

fn has_mount_setattr() -> bool {
    // SAFETY: no pointers; descriptor -1 and size 0 make the call fail, and only how it fails matters.
    let result = unsafe { libc::syscall(libc::SYS_mount_setattr, -1, c"".as_ptr(), 0, 0, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::ENOSYS)
}

/// Asks the kernel whether it knows an action of seccomp filters.
pub(crate) fn try_seccomp_action(action: u32) -> io::Result<()> {
    // SAFETY: the kernel reads one word at the pointer.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_ACTION_AVAIL, 0, &raw const action) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
