//! Blobs as files of a folder.
//!
//! `blobs/ab/abcd...` holds a blob; a blob under way is a file in `incoming`, which is renamed to its place once its
//! bytes are on disk. So a file in its place is whole, whatever happened, and what a crash leaves in `incoming` is
//! swept at the next start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use crate::{BlobError, BlobId, BlobReader, Blobs, BoxFuture};

/// Blobs under a folder of the local disk, for one process at a time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct DirectoryBlobs(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    blobs: PathBuf,
    incoming: PathBuf,
    /// Names files in `incoming`.
    next: AtomicU64,
}

impl DirectoryBlobs {
    /// Opens the folder `root`, which is made when missing, and sweeps what a crash has left half written.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let folders =
            Folders { blobs: root.join("blobs"), incoming: root.join("incoming"), next: AtomicU64::new(0) };
        folders.prepare().map_err(BlobError::io("preparing the folder of blobs"))?;
        Ok(Self(Arc::new(folders)))
    }

    /// Runs blocking work where it holds nobody up.
    fn work<T: Send + 'static>(
        &self,
        step: &'static str,
        work: impl FnOnce(&Folders) -> Result<T, BlobError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, BlobError>> {
        let folders = Arc::clone(&self.0);
        Box::pin(async move {
            tokio::task::spawn_blocking(move || work(&folders))
                .await
                .unwrap_or_else(|panic| Err(BlobError::Io { step, source: io::Error::other(panic) }))
        })
    }
}

impl Blobs for DirectoryBlobs {
    fn put(&self, bytes: Bytes) -> BoxFuture<'_, Result<BlobId, BlobError>> {
        let step = "keeping a blob";
        self.work(step, move |folders| {
            let id = BlobId::of(&bytes);
            folders.put(id, &bytes).map_err(BlobError::io(step))?;
            Ok(id)
        })
    }

    fn get(&self, id: BlobId) -> BoxFuture<'_, Result<Bytes, BlobError>> {
        self.work("reading a blob", move |folders| {
            let bytes = fs::read(folders.path(id)).map_err(missing_or(id, "reading a blob"))?;
            if BlobId::of(&bytes) == id { Ok(bytes.into()) } else { Err(BlobError::Damaged(id)) }
        })
    }

    fn open(&self, id: BlobId) -> BoxFuture<'_, Result<(u64, BlobReader), BlobError>> {
        self.work("opening a blob", move |folders| {
            let file = File::open(folders.path(id)).map_err(missing_or(id, "opening a blob"))?;
            let length = file.metadata().map_err(BlobError::io("opening a blob"))?.len();
            Ok((length, Box::pin(tokio::fs::File::from_std(file)) as BlobReader))
        })
    }

    fn delete(&self, id: BlobId) -> BoxFuture<'_, Result<(), BlobError>> {
        self.work("deleting a blob", move |folders| match fs::remove_file(folders.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::io("deleting a blob")(error))
            }
            _ => Ok(()),
        })
    }

    fn exists(&self, id: BlobId) -> BoxFuture<'_, Result<bool, BlobError>> {
        self.work("looking for a blob", move |folders| {
            folders.path(id).try_exists().map_err(BlobError::io("looking for a blob"))
        })
    }
}

impl Folders {
    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.blobs)?;
        fs::create_dir_all(&self.incoming)?;
        for entry in fs::read_dir(&self.incoming)? {
            fs::remove_file(entry?.path())?;
        }
        if let Some(root) = self.blobs.parent() {
            sync_folder(root)?;
        }
        Ok(())
    }

    fn path(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        self.blobs.join(&name[..2]).join(name)
    }

    fn put(&self, id: BlobId, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(id);
        let folder = self.blobs.join(&id.to_string()[..2]);
        if path.try_exists()? {
            // Whoever put it may not have reached this point yet.
            return sync_folder(&folder);
        }
        if !folder.try_exists()? {
            fs::create_dir_all(&folder)?;
            sync_folder(&self.blobs)?;
        }
        let draft = Draft(self.incoming.join(self.next.fetch_add(1, Ordering::Relaxed).to_string()));
        let mut file = File::create_new(&draft.0)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft.0, &path)?;
        sync_folder(&folder)
    }
}

/// A file in `incoming`; removed when its writing fails.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        // Not there any more once it was renamed.
        let _ = fs::remove_file(&self.0);
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn missing_or(id: BlobId, step: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => BlobError::Missing(id),
        _ => BlobError::io(step)(error),
    }
}
