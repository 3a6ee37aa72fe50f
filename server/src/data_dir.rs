//! Where a region keeps what it must not lose.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A data directory, perhaps one that goes away with the region.
pub(crate) struct DataDir {
    path: PathBuf,
    is_ephemeral: bool,
}

impl DataDir {
    /// The directory given, or the user's own: `$XDG_DATA_HOME/brume`, which is `~/.local/share/brume` by default.
    pub(crate) fn at(given: Option<PathBuf>) -> Result<Self, Failure> {
        let path = match given {
            Some(path) => path,
            None => default_path()?,
        };
        create(&path)?;
        Ok(Self { path, is_ephemeral: false })
    }

    /// A new directory that is removed when this value is dropped.
    pub(crate) fn ephemeral() -> Result<Self, Failure> {
        let name = format!("brume-{}-{}", std::process::id(), cloud::Ids::System.hex(8));
        let path = std::env::temp_dir().join(name);
        create(&path)?;
        Ok(Self { path, is_ephemeral: true })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.is_ephemeral {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

pub(crate) fn default_path() -> Result<PathBuf, Failure> {
    let base = std::env::var_os("XDG_DATA_HOME").filter(|base| !base.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = base.or_else(home);
    base.map(|base| base.join("brume"))
        .ok_or_else(|| Failure::new("there is no home directory to keep data in: give one with --data DIR"))
}

/// Only its owner may look inside: it holds secret keys.
fn create(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        Failure::new(format!("the data directory {} cannot be made: {error}", path.display()))
    })
}
