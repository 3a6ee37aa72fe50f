//! The `brume` program: starts a region, and asks a running one how it is.

mod admin;
mod commands;
mod data_dir;
mod failure;
mod region;
mod services;

use std::process::ExitCode;

use clap::Parser;

use commands::Command;

/// The region makes and drops many small values on every thread; the system's allocator took an eighth of the CPU.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An AWS-compatible region on your own machine.
#[derive(Parser)]
#[command(name = "brume", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // A kernel that does not know it has no huge pages to give. With them, a buffer of which a few bytes are in use
    // takes all of its memory.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    match Arguments::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("brume: {failure}");
            ExitCode::FAILURE
        }
    }
}
