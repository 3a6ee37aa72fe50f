//! The data directory: whose it is, and whether it is one at all.
//!
//! | name | what |
//! |---|---|
//! | `lock` | locked while a process has the directory open |
//! | `format` | says what this is, and in which version |
//! | `log/` | batches that are not in a table yet |
//! | `tree/` | tables, and the list of those that count |
//! | `doomed/` | second names of tables, see [`Directory::defer_deletions`] |

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::KvError;
use crate::embedded::log::sync_directory;

const LOCK: &str = "lock";
const FORMAT: &str = "format";
const FORMAT_IN_THE_MAKING: &str = "format.new";
const FORMAT_TEXT: &str = "brume kv 1\n";

/// Holds the directory until it is dropped.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Takes the directory, creating it if need be.
    ///
    /// Errors: [`KvError::Locked`], [`KvError::Corrupt`] when it holds something else, [`KvError::Io`].
    pub(super) fn take(path: &Path) -> Result<Self, KvError> {
        let io_error = |error| KvError::io(path, error);
        std::fs::create_dir_all(path).map_err(io_error)?;
        // Before anything is written to what may not be ours.
        let is_new = !has_format(path)?;
        let lock = File::options().create(true).truncate(false).write(true).open(path.join(LOCK));
        let lock = lock.map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(KvError::Locked { path: path.to_path_buf() }),
            Err(TryLockError::Error(error)) => return Err(io_error(error)),
        }
        if is_new {
            write_format(path).map_err(io_error)?;
        }
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    pub(super) fn tree(&self) -> PathBuf {
        self.path.join("tree")
    }

    /// Gives every table a second name, until [`delete_doomed`](Self::delete_doomed).
    ///
    /// Opening the tree deletes what a merge that was cut short left behind, which takes a tenth of a second for each
    /// table. With a second name it takes nothing, and the space comes back a little later. A file system that has no
    /// second names opens a little later instead.
    pub(super) fn defer_deletions(&self) {
        let doomed = self.doomed();
        let link = || -> io::Result<()> {
            std::fs::create_dir_all(&doomed)?;
            for entry in std::fs::read_dir(self.tree().join("tables"))? {
                let entry = entry?;
                std::fs::hard_link(entry.path(), doomed.join(entry.file_name()))?;
            }
            Ok(())
        };
        // What is there already, from a start that was cut short, is as good.
        let _ = link();
    }

    /// Takes the second names away again.
    pub(super) fn delete_doomed(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(self.doomed()) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn doomed(&self) -> PathBuf {
        self.path.join("doomed")
    }
}

/// Whether the directory is one of this engine already. If not, it must be empty.
fn has_format(path: &Path) -> Result<bool, KvError> {
    let corrupt = |detail: String| Err(KvError::Corrupt { path: path.to_path_buf(), detail });
    match std::fs::read(path.join(FORMAT)) {
        Ok(text) if text == FORMAT_TEXT.as_bytes() => return Ok(true),
        Ok(text) => {
            let text = String::from_utf8_lossy(&text[..text.len().min(40)]).trim_end().to_owned();
            return corrupt(format!(
                "it is of the format {text:?}, and this version reads {:?}",
                FORMAT_TEXT.trim_end()
            ));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(KvError::io(path, error)),
    }
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| KvError::io(path, error))? {
        let name = entry.map_err(|error| KvError::io(path, error))?.file_name();
        names.push(name.to_string_lossy().into_owned());
    }
    if names.iter().any(|name| name == "keyspaces" || name.ends_with(".jnl")) {
        return corrupt(
            "it was written by a development version before the first release, which kept its data in fjall's \
             format: there is no migration, so delete the directory or choose another one"
                .to_owned(),
        );
    }
    match names.iter().find(|name| *name != LOCK && *name != FORMAT_IN_THE_MAKING) {
        Some(name) => corrupt(format!("it is not a directory of this engine: it holds {name}")),
        None => Ok(false),
    }
}

fn write_format(path: &Path) -> io::Result<()> {
    let in_the_making = path.join(FORMAT_IN_THE_MAKING);
    let mut file = File::create(&in_the_making)?;
    file.write_all(FORMAT_TEXT.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(in_the_making, path.join(FORMAT))?;
    sync_directory(path)
}
