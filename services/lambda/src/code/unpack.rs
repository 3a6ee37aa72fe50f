//! Unpacking: what a zip file may hold.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use shapes::ApiError;
use zip::ZipArchive;

use super::MOST_UNZIPPED_BYTES;
use crate::errors;

const MOST_ENTRIES: usize = 50_000;
const LONGEST_NAME_BYTES: usize = 1024;
const LONGEST_LINK_BYTES: u64 = 1024;

/// Why a zip file is not unpacked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What the file's author did.
    Zip(String),
    TooLarge,
    Disk(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Refusal {
    pub(super) fn into_api(self) -> ApiError {
        match self {
            Self::Zip(why) => errors::bad_zip(&why),
            Self::TooLarge => errors::unzipped_too_large(MOST_UNZIPPED_BYTES),
            Self::Disk(error) => ApiError::internal(error),
        }
    }
}

fn refuse<T>(why: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::Zip(why.into()))
}

/// Unpacks a zip file that nobody vouches for into the new folder `root`.
///
/// Links are made last, so that nothing is ever written through one, and must lead to something inside.
pub(crate) fn unpack(zip: &[u8], root: &Path) -> Result<(), Refusal> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|error| Refusal::Zip(error.to_string()))?;
    if archive.len() > MOST_ENTRIES {
        return refuse(format!("it has {} entries; at most {MOST_ENTRIES} are possible", archive.len()));
    }
    fs::create_dir_all(root)?;
    let mut left = MOST_UNZIPPED_BYTES;
    let mut links: BTreeMap<PathBuf, String> = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| Refusal::Zip(error.to_string()))?;
        let name = entry.name().map_err(|error| Refusal::Zip(error.to_string()))?.into_owned();
        let inside = inside(&name)?;
        let Some(inside) = inside else { continue };
        if entry.is_dir() {
            make_folders(root, &inside)?;
            continue;
        }
        if let Some(parent) = inside.parent() {
            make_folders(root, parent)?;
        }
        if entry.is_symlink() {
            let mut target = Vec::new();
            entry
                .by_ref()
                .take(LONGEST_LINK_BYTES + 1)
                .read_to_end(&mut target)
                .map_err(unreadable(&name))?;
            if target.len() as u64 > LONGEST_LINK_BYTES {
                return refuse(format!("the link {name} is too long"));
            }
            let target =
                String::from_utf8(target).or_else(|_| refuse(format!("the link {name} is not text")))?;
            links.insert(inside, target);
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644);
        let place = root.join(&inside);
        let mut file = File::create(&place).or_else(|error| conflict(error, &name))?;
        let copied = io::copy(&mut entry.by_ref().take(left + 1), &mut file).map_err(unreadable(&name))?;
        left = left.checked_sub(copied).ok_or(Refusal::TooLarge)?;
        // Functions run as another user: what their author could read they can.
        let executable = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        file.set_permissions(fs::Permissions::from_mode(executable))?;
    }
    make_links(root, &links)
}

/// The path of an entry below the root; `None` for the root itself.
fn inside(name: &str) -> Result<Option<PathBuf>, Refusal> {
    if name.len() > LONGEST_NAME_BYTES {
        return refuse("an entry's name is too long");
    }
    if name.contains('\0') || name.contains('\\') || name.starts_with('/') {
        return refuse(format!("the entry {name:?} is not a relative path with slashes"));
    }
    let mut path = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            _ => return refuse(format!("the entry {name:?} leaves the folder")),
        }
    }
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

fn make_folders(root: &Path, inside: &Path) -> Result<(), Refusal> {
    let place = root.join(inside);
    fs::create_dir_all(&place).or_else(|error| conflict(error, &inside.display().to_string()))
}

/// Two entries that cannot both be: a file where a folder has to be.
fn conflict<T>(error: io::Error, name: &str) -> Result<T, Refusal> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::PermissionDenied => Err(Refusal::Disk(error)),
        _ => refuse(format!("the entry {name} cannot be unpacked: {error}")),
    }
}

fn unreadable(name: &str) -> impl FnOnce(io::Error) -> Refusal {
    let name = name.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull => Refusal::Disk(error),
        _ => Refusal::Zip(format!("the entry {name} cannot be read: {error}")),
    }
}

fn make_links(root: &Path, links: &BTreeMap<PathBuf, String>) -> Result<(), Refusal> {
    for (path, target) in links {
        if Path::new(target).is_absolute() || target.contains('\0') {
            return refuse(format!("the link {} leads out of the folder", path.display()));
        }
        let place = root.join(path);
        symlink(target, &place).or_else(|error| conflict(error, &path.display().to_string()))?;
    }
    let real_root = root.canonicalize()?;
    for path in links.keys() {
        let stays = root.join(path).canonicalize().is_ok_and(|real| real.starts_with(&real_root));
        if !stays {
            return refuse(format!("the link {} leads to nothing inside of the folder", path.display()));
        }
    }
    Ok(())
}
