//! Compares embedded storage libraries at what the region asks of one: many small durable writes that share a disk
//! sync, point reads, short scans, and being back quickly after a kill. Not a test, and no part of the product.
//!
//! `cargo run --release -p engine-comparison -- DIRECTORY [CONTENDER ...]`, where DIRECTORY is on the disk to measure.
//! The figures behind docs/decisions/0001-embedded-engine.md come from here.

mod contenders;
mod figures;
mod phases;
mod rivals;
mod writer;

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["phase", phase, contender, directory] => phases::run(phase, contender, Path::new(directory)),
        [directory, chosen @ ..] => compare(Path::new(directory), chosen),
        [] => Err("usage: engine-comparison DIRECTORY [CONTENDER ...]".into()),
    }
}

/// Runs every phase in a process of its own, so that memory and CPU time are the phase's.
fn compare(directory: &Path, chosen: &[&str]) -> Result<()> {
    std::fs::create_dir_all(directory)?;
    for contender in contenders::NAMES.iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        // Before each, because a shared disk is not the same from one minute to the next.
        println!("{contender:14} fdatasync after appending 4 KiB: {}", figures::sync_latency(directory)?);
        let data = directory.join(contender);
        for phase in ["relaxed-512", "durable-1", "durable-64", "durable-512", "load", "read"] {
            if phase != "read" && data.exists() {
                std::fs::remove_dir_all(&data)?;
            }
            run_phase(phase, contender, &data)?;
        }
        std::fs::remove_dir_all(&data)?;
    }
    Ok(())
}

fn run_phase(phase: &str, contender: &str, data: &Path) -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["phase", phase, contender])
        .arg(data)
        .stdout(Stdio::piped())
        .spawn()?;
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        println!("{contender:14} {}", line?);
    }
    child.wait()?;
    Ok(())
}
