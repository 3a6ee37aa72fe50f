//! `brume doctor`

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use sandbox::{Isolation, Sandboxes};

use crate::data_dir::DataDir;
use crate::failure::Failure;

#[derive(Args)]
pub(crate) struct Doctor {
    /// The data directory whose disk is looked at.
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Doctor {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _inside = runtime.enter();
        let scratch = DataDir::ephemeral()?;
        println!("Isolation of functions");
        println!("{}", Sandboxes::probe(scratch.path(), Isolation::Best)?.report());
        println!("Runtimes");
        for (runtime, program) in [("python", "python3"), ("nodejs", "node")] {
            let found = version(program)
                .unwrap_or_else(|| "not found: functions of this runtime cannot run".to_owned());
            println!("  {runtime:<10} {found}");
        }
        println!("  {:<10} any Linux binary", "provided");
        println!("Disk");
        let data = DataDir::at(self.data)?;
        disk(data.path())
    }
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Some(String::from_utf8_lossy(&text).trim().to_owned())
}

fn disk(path: &Path) -> Result<(), Failure> {
    let time = brume_bench::fdatasync_time(path)?;
    println!("  {}: one small durable write takes {:.2} ms", path.display(), time.as_secs_f64() * 1000.0);
    Ok(())
}
