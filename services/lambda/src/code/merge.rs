//! Several layers in one folder, as functions see them below `/opt`.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Makes the new folder `target` of the files of all `folders`; of files of one name the last one's stays. The files
/// are the same on disk, since nobody writes to them.
pub(super) fn merge(folders: &[PathBuf], target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    folders.iter().try_for_each(|folder| overlay(folder, target))
}

fn overlay(folder: &Path, target: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, place) = (entry.file_type()?, target.join(entry.file_name()));
        let present = fs::symlink_metadata(&place).ok();
        if kind.is_dir() && present.as_ref().is_some_and(fs::Metadata::is_dir) {
            overlay(&entry.path(), &place)?;
            continue;
        }
        match present {
            Some(present) if present.is_dir() => fs::remove_dir_all(&place)?,
            Some(_) => fs::remove_file(&place)?,
            None => {}
        }
        if kind.is_dir() {
            fs::create_dir(&place)?;
            overlay(&entry.path(), &place)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &place)?;
        } else {
            fs::hard_link(entry.path(), &place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::merge;

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (name, text) in
            [("a/bin/x", "1"), ("a/bin/y", "1"), ("a/f", "1"), ("b/bin/x", "2"), ("b/f/g", "2")]
        {
            fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            fs::write(path(name), text).unwrap();
        }
        merge(&[path("a"), path("b")], &path("all")).unwrap();
        let read = |name: &str| fs::read_to_string(path(name)).unwrap();
        assert_eq!([read("all/bin/x"), read("all/bin/y"), read("all/f/g")], ["2", "1", "2"]);
        assert_eq!(read("a/bin/x"), "1");
    }
}
