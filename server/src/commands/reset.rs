//! `brume reset`

use std::path::PathBuf;

use clap::Args;

use crate::data_dir;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Reset {
    /// The region's data directory.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl Reset {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let path = match self.data {
            Some(path) => path,
            None => data_dir::default_path()?,
        };
        let state = path.join("state");
        if !state.is_dir() {
            println!("There is nothing stored in {}.", path.display());
            return Ok(());
        }
        // Opening takes the lock, so a region that is up keeps its data.
        let engine = kv::EmbeddedEngine::open(&state, &kv::EmbeddedOptions::default())?;
        if !self.yes && !confirmed(&path)? {
            println!("Nothing was deleted.");
            return Ok(());
        }
        drop(engine);
        // Only what a region makes, in case the directory holds something else as well.
        for part in ["state", "blobs", "functions"] {
            let part = path.join(part);
            if part.exists() {
                std::fs::remove_dir_all(&part).map_err(|error| {
                    Failure::new(format!("{} cannot be deleted: {error}", part.display()))
                })?;
            }
        }
        println!("Everything stored in {} is deleted.", path.display());
        Ok(())
    }
}

fn confirmed(path: &std::path::Path) -> Result<bool, Failure> {
    println!("This deletes everything stored in {}. Type yes to go on:", path.display());
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
