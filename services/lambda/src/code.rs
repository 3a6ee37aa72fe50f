//! Deployment packages: what a zip file may hold, and its files on disk for environments to see.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use blobs::{BlobId, Blobs};
use bytes::Bytes;
use shapes::ApiError;
use tokio::sync::Mutex;
use zip::ZipArchive;

use crate::function::Code;
use crate::{Config, errors};

/// Of a zip file in a request (AWS Lambda Developer Guide, "Lambda quotas").
pub(crate) const MOST_ZIPPED_BYTES: usize = 50 << 20;
/// Of all files together.
pub(crate) const MOST_UNZIPPED_BYTES: u64 = 250 << 20;
const MOST_ENTRIES: usize = 50_000;
const LONGEST_NAME_BYTES: usize = 1024;
const LONGEST_LINK_BYTES: u64 = 1024;

/// Zip files as blobs, and their files below a folder, unpacked once for all environments.
pub(crate) struct CodeStore {
    blobs: Arc<dyn Blobs>,
    folder: PathBuf,
    next: AtomicU64,
    /// One at a time: the second of two that want the same files finds them.
    unpacking: Mutex<()>,
}

impl CodeStore {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            blobs: Arc::clone(&config.blobs),
            folder: config.data_dir.join("code"),
            next: AtomicU64::new(0),
            unpacking: Mutex::new(()),
        }
    }

    /// Checks a zip file by unpacking it, and keeps it.
    pub(crate) async fn keep(&self, zip: Bytes, operation: &str) -> Result<Code, ApiError> {
        if zip.is_empty() {
            return Err(errors::empty_zip());
        }
        if zip.len() > MOST_ZIPPED_BYTES {
            return Err(errors::zip_too_large(MOST_ZIPPED_BYTES, operation));
        }
        let id = BlobId::of(&zip);
        self.files(id, Some(zip.clone())).await?;
        let zipped_bytes = zip.len() as u64;
        self.blobs.put(zip).await.map_err(ApiError::internal)?;
        Ok(Code { digest: *id.digest(), zipped_bytes })
    }

    /// The folder with the files of a package.
    pub(crate) async fn unpacked(&self, code: &Code) -> Result<PathBuf, ApiError> {
        self.files(BlobId::from_digest(code.digest), None).await
    }

    async fn files(&self, id: BlobId, zip: Option<Bytes>) -> Result<PathBuf, ApiError> {
        let place = self.folder.join(id.to_string());
        if tokio::fs::try_exists(&place).await.map_err(ApiError::internal)? {
            return Ok(place);
        }
        let _one_at_a_time = self.unpacking.lock().await;
        if tokio::fs::try_exists(&place).await.map_err(ApiError::internal)? {
            return Ok(place);
        }
        let zip = match zip {
            Some(zip) => zip,
            None => self.blobs.get(id).await.map_err(ApiError::internal)?,
        };
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let draft = self.folder.join(format!(".{}-{number}", std::process::id()));
        let target = place.clone();
        tokio::task::spawn_blocking(move || {
            let outcome = unpack(&zip, &draft).and_then(|()| Ok(fs::rename(&draft, &target)?));
            if outcome.is_err() {
                let _ = fs::remove_dir_all(&draft);
            }
            outcome.map_err(Refusal::into_api)
        })
        .await
        .map_err(ApiError::internal)??;
        Ok(place)
    }
}

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
    fn into_api(self) -> ApiError {
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
