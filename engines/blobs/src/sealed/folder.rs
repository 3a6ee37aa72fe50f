//! Where sealed blobs lie: `blobs/ab/...ab`, and `incoming` for those under way.

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::buffers::Buffers;
use super::hot::{Blob, HotStretches};
use super::{BATCH_BYTES, Key, SealedId, SealedReader, SealedWriter, file_length};
use crate::{BlobError, directory};

/// How blobs are kept.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Wait for the disk; else a crash of the machine may lose what was acknowledged.
    pub is_durable: bool,
    /// Bytes of memory for what is read again and again; 0 reads everything from the disk.
    pub hot_bytes: u64,
}

/// Sealed blobs under a folder of the local disk, for one process at a time. Cheap to clone. Its functions block.
#[derive(Clone, Debug)]
pub struct SealedBlobs(Arc<Folders>);

#[derive(Debug)]
struct Folders {
    blobs: PathBuf,
    incoming: PathBuf,
    is_durable: bool,
    /// Written or being written, and not yet kept.
    held: Mutex<HashSet<SealedId>>,
    /// Bytes written since this was opened.
    written: AtomicU64,
    buffers: Arc<Buffers>,
    hot: Arc<HotStretches>,
}

impl SealedBlobs {
    /// Opens the folder `root`, which is made when missing, and removes what a crash has left half written.
    pub fn open(root: &Path, options: Options) -> Result<Self, BlobError> {
        let folders = Folders {
            blobs: root.join("blobs"),
            incoming: root.join("incoming"),
            is_durable: options.is_durable,
            held: Mutex::default(),
            written: AtomicU64::new(0),
            buffers: Arc::default(),
            hot: Arc::new(HotStretches::new(options.hot_bytes)),
        };
        folders.prepare().map_err(BlobError::io("preparing the folder of sealed blobs"))?;
        Ok(Self(Arc::new(folders)))
    }

    /// Begins a blob. `id` is fresh and random, and so is `salt`.
    pub fn create(&self, id: SealedId, key: &Key, salt: u128) -> Result<SealedWriter, BlobError> {
        let hold = self.hold(id);
        let path = self.0.incoming.join(id.to_string());
        let file = File::create_new(&path).map_err(BlobError::io("beginning a blob"))?;
        Ok(SealedWriter::new(file, key, salt, hold))
    }

    /// Puts a written file in its place, durably.
    pub(super) fn place(&self, file: &File, hold: &Placed) -> io::Result<()> {
        let id = hold.id;
        let folder = self.shard(id)?;
        if self.0.is_durable {
            file.sync_data()?;
        }
        self.0.written.fetch_add(file.metadata()?.len(), Ordering::Relaxed);
        fs::rename(self.0.incoming.join(id.to_string()), self.path(id))?;
        self.sync(&folder)
    }

    /// Gives the blob `from` a second name, without copying where the disk can do that. Each name is deleted on its own.
    pub fn link(&self, from: SealedId, to: SealedId) -> Result<Placed, BlobError> {
        let hold = self.hold(to);
        let work = || {
            let folder = self.shard(to)?;
            if let Err(error) = fs::hard_link(self.path(from), self.path(to)) {
                if error.kind() == io::ErrorKind::NotFound {
                    return Err(error);
                }
                self.copy(from, to)?;
            }
            self.sync(&folder)
        };
        work().map_err(missing_or(from, "linking a blob"))?;
        Ok(hold)
    }

    /// For disks without links, or a blob that has too many.
    fn copy(&self, from: SealedId, to: SealedId) -> io::Result<()> {
        let draft = self.0.incoming.join(to.to_string());
        fs::copy(self.path(from), &draft)?;
        if self.0.is_durable {
            File::open(&draft)?.sync_data()?;
        }
        fs::rename(draft, self.path(to))
    }

    /// Opens a blob of `length` bytes. [`BlobError::Damaged`] when its file is not that long or no such file at all.
    pub fn read(&self, id: SealedId, key: &Key, length: u64) -> Result<SealedReader, BlobError> {
        let file = File::open(self.path(id)).map_err(missing_or(id, "opening a blob"))?;
        let found = file.metadata().map_err(BlobError::io("opening a blob"))?.len();
        if found != file_length(length) {
            return Err(BlobError::DamagedSealed(id));
        }
        let memory = (Arc::clone(&self.0.buffers), Arc::clone(&self.0.hot));
        SealedReader::new(file, id, key, length, memory)
    }

    /// The pieces of `range` of a blob, where all of them are in memory.
    pub(super) fn recall(&self, id: SealedId, key: &Key, range: &Range<u64>) -> Option<VecDeque<Bytes>> {
        if range.is_empty() {
            return None;
        }
        let (hot, blob) = (&self.0.hot, Blob::new(id, key));
        let batches = range.start / BATCH_BYTES..=(range.end - 1) / BATCH_BYTES;
        batches.map(|batch| hot.get(blob, batch).map(|bytes| within(&bytes, batch, range))).collect()
    }

    /// Forgets a blob. One that is not there is forgotten already.
    pub fn delete(&self, id: SealedId) -> Result<(), BlobError> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(BlobError::io("deleting a blob")(error))
            }
            _ => Ok(()),
        }
    }

    /// Visits the blobs of one of 256 folders that nobody holds, with their length on disk.
    pub fn visit(&self, folder: u8, mut visit: impl FnMut(SealedId, u64)) -> Result<(), BlobError> {
        let step = "listing blobs";
        let entries = match fs::read_dir(self.0.blobs.join(format!("{folder:02x}"))) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(BlobError::io(step)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(BlobError::io(step))?;
            let Ok(id) = SealedId::parse(&entry.file_name().to_string_lossy()) else { continue };
            // One that was deleted meanwhile has no length any more.
            let Ok(metadata) = entry.metadata() else { continue };
            if !self.is_held(id) {
                visit(id, metadata.len());
            }
        }
        Ok(())
    }

    /// Deletes the blobs of one of 256 folders that nothing needs: what a crash between a blob and what names it has left.
    /// Returns how many. `nameless` picks those out that nothing durable names; it is asked only once the folder was read,
    /// for a blob that was not held then has its name by now, or never gets one.
    pub fn sweep<E>(
        &self,
        folder: u8,
        wrap: fn(BlobError) -> E,
        nameless: impl FnOnce(Vec<SealedId>) -> Result<Vec<SealedId>, E>,
    ) -> Result<usize, E> {
        let mut found = Vec::new();
        self.visit(folder, |id, _| found.push(id)).map_err(wrap)?;
        if found.is_empty() {
            return Ok(0);
        }
        let mut deleted = 0;
        for id in nameless(found)? {
            if !self.is_held(id) {
                self.delete(id).map_err(wrap)?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Whether a blob is being written, or written and not yet kept.
    pub fn is_held(&self, id: SealedId) -> bool {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }

    /// Bytes written since this was opened.
    pub fn bytes_written(&self) -> u64 {
        self.0.written.load(Ordering::Relaxed)
    }

    fn hold(&self, id: SealedId) -> Placed {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        Placed { blobs: self.clone(), id, is_kept: false }
    }

    fn release(&self, id: SealedId) {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn path(&self, id: SealedId) -> PathBuf {
        let name = id.to_string();
        self.0.blobs.join(&name[30..]).join(name)
    }

    /// The folder of a blob, made when missing.
    fn shard(&self, id: SealedId) -> io::Result<PathBuf> {
        let folder = self.0.blobs.join(&id.to_string()[30..]);
        if !folder.try_exists()? {
            fs::create_dir_all(&folder)?;
            self.sync(&self.0.blobs)?;
        }
        Ok(folder)
    }

    fn sync(&self, folder: &Path) -> io::Result<()> {
        if self.0.is_durable { directory::sync_folder(folder) } else { Ok(()) }
    }
}

impl Folders {
    fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.blobs)?;
        fs::create_dir_all(&self.incoming)?;
        for entry in fs::read_dir(&self.incoming)? {
            fs::remove_file(entry?.path())?;
        }
        match self.blobs.parent() {
            Some(root) if self.is_durable => directory::sync_folder(root),
            _ => Ok(()),
        }
    }
}

/// A blob that nothing names yet. Dropped without [`Placed::keep`], it goes away.
#[derive(Debug)]
pub struct Placed {
    pub(super) blobs: SealedBlobs,
    pub(super) id: SealedId,
    is_kept: bool,
}

impl Placed {
    pub fn id(&self) -> SealedId {
        self.id
    }

    /// Something durable names the blob now.
    pub fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(self.blobs.0.incoming.join(self.id.to_string()));
            let _ = self.blobs.delete(self.id);
        }
        self.blobs.release(self.id);
    }
}

/// What a range has of a batch.
pub(super) fn within(bytes: &Bytes, batch: u64, range: &Range<u64>) -> Bytes {
    let begin = batch * BATCH_BYTES;
    let from = range.start.saturating_sub(begin) as usize;
    let to = ((range.end - begin) as usize).min(bytes.len());
    bytes.slice(from..to)
}

fn missing_or(id: SealedId, step: &'static str) -> impl FnOnce(io::Error) -> BlobError {
    move |error| match error.kind() {
        io::ErrorKind::NotFound => BlobError::MissingSealed(id),
        _ => BlobError::io(step)(error),
    }
}
