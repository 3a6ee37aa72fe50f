//! The files of the log: their names, how they begin, and how they come and go.
//!
//! A segment is made under another name and gets its own only once its header is on disk. So whatever is named like a
//! segment has a sound header, or the disk lost it. Segments are numbered without gaps, and the oldest goes first.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::record::{Salt, number};
use crate::KvError;

pub(super) const HEADER_BYTES: usize = 32;
/// Says what the file is, and the version of its form.
const MAGIC: u64 = u64::from_le_bytes(*b"brumelg1");
/// A segment in the making.
const NEXT: &str = "next";
/// A segment that is no longer needed. Its blocks are written already, so that writing them again changes no metadata,
/// which makes waiting for the disk cheaper.
const SPARE: &str = "spare";

/// How a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) salt: Salt,
}

/// A segment without records.
#[derive(Debug)]
pub(in crate::embedded) struct Fresh {
    pub(super) file: File,
    pub(super) header: Header,
    /// Up to here its blocks are written.
    pub(super) written_bytes: u64,
}

impl Header {
    fn encode(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        for (place, field) in bytes.chunks_exact_mut(8).zip([MAGIC, self.number, self.salt.0]) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        let checksum = xxh3_64(&bytes[..HEADER_BYTES - 8]);
        bytes[HEADER_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..HEADER_BYTES)?;
        let checksum = xxh3_64(&bytes[..HEADER_BYTES - 8]);
        let is_sound = number(bytes, 0)? == MAGIC && number(bytes, HEADER_BYTES - 8)? == checksum;
        is_sound.then_some(())?;
        Some(Self { number: number(bytes, 8)?, salt: Salt(number(bytes, 16)?) })
    }
}

pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.log"))
}

/// The numbers of the segments in `directory`, ascending, after removing what was left half-made.
pub(super) fn list(directory: &Path) -> Result<Vec<u64>, KvError> {
    let io_error = |error| KvError::io(directory, error);
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io_error)? {
        let entry = entry.map_err(io_error)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        match name.strip_suffix(".log").map(str::parse) {
            Some(Ok(number)) => numbers.push(number),
            _ if name == NEXT => std::fs::remove_file(entry.path()).map_err(io_error)?,
            _ if name == SPARE => {}
            _ => {
                let detail = format!("{name} is not a segment of the log");
                return Err(KvError::Corrupt { path: directory.to_path_buf(), detail });
            }
        }
    }
    numbers.sort_unstable();
    for pair in numbers.windows(2) {
        if pair[0] + 1 != pair[1] {
            let detail = format!("segment {} of the log is missing", pair[0] + 1);
            return Err(KvError::Corrupt { path: path(directory, pair[0] + 1), detail });
        }
    }
    Ok(numbers)
}

/// Makes the segment with this number, which is not there yet.
pub(in crate::embedded) fn create(directory: &Path, number: u64) -> io::Result<Fresh> {
    let (next, path) = (directory.join(NEXT), path(directory, number));
    if path.try_exists()? {
        return Err(io::Error::new(ErrorKind::AlreadyExists, format!("{} is there already", path.display())));
    }
    if let Err(error) = std::fs::rename(directory.join(SPARE), &next)
        && error.kind() != ErrorKind::NotFound
    {
        return Err(error);
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&next)?;
    let header = Header { number, salt: Salt(RandomState::new().hash_one(number)) };
    file.write_all_at(&header.encode(), 0)?;
    file.sync_all()?;
    std::fs::rename(&next, path)?;
    sync_directory(directory)?;
    let written_bytes = file.metadata()?.len();
    Ok(Fresh { file, header, written_bytes })
}

/// Takes the last segment, which was never written to, out of the log. It makes a good spare.
pub(super) fn remove_unused(directory: &Path, number: u64) -> io::Result<()> {
    std::fs::rename(path(directory, number), directory.join(SPARE))?;
    sync_directory(directory)
}

/// Removes segments that are no longer needed, oldest first, so that no gap can arise. Keeps one as a spare, unless it
/// is longer than `spare_bytes`.
pub(in crate::embedded) fn retire(directory: &Path, numbers: &[u64], spare_bytes: u64) -> io::Result<()> {
    for &number in numbers {
        let path = path(directory, number);
        if std::fs::metadata(&path)?.len() <= spare_bytes {
            std::fs::rename(&path, directory.join(SPARE))?;
        } else {
            std::fs::remove_file(&path)?;
        }
        sync_directory(directory)?;
    }
    Ok(())
}

/// Space that the files of the log take. A spare one counts.
pub(in crate::embedded) fn disk_bytes(directory: &Path) -> io::Result<u64> {
    const BLOCK_BYTES: u64 = 512;
    let mut bytes = 0;
    for entry in std::fs::read_dir(directory)? {
        match entry?.metadata() {
            Ok(metadata) => bytes += metadata.blocks() * BLOCK_BYTES,
            // Retired since it was listed.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

/// Makes files that came into `directory`, or went, do so for good.
pub(in crate::embedded) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
