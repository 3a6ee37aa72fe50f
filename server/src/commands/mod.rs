//! The commands. `up` runs a region; the others ask one that is up.

mod account;
mod ask;
mod bench;
mod clock;
mod doctor;
mod env;
mod reset;
mod show;
mod up;

use clap::Subcommand;

use crate::failure::Failure;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start a region and run it until Ctrl-C.
    Up(up::Up),
    /// Print the exports that point AWS clients at the region: eval "$(brume env)".
    Env(env::Env),
    /// Show whether the region is up and how it is.
    Status(ask::Endpoint),
    /// Show how many operations of each service are implemented.
    Services(show::Services),
    /// Show the region's clock, or advance it: brume clock advance 30d.
    Clock(clock::Clock),
    /// Show the background work that is due.
    Jobs(ask::Endpoint),
    /// Show the hops of a trace with their times.
    Trace(show::Trace),
    /// Show the mail that the region did not send out.
    Mail(show::Mail),
    /// Show what this machine can and cannot do.
    Doctor(doctor::Doctor),
    /// Declare accounts with access keys of their own.
    Account(account::Account),
    /// Measure a service at any AWS-compatible endpoint.
    Bench(bench::Bench),
    /// Delete everything that a region stored.
    Reset(reset::Reset),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Up(command) => command.run(),
            Self::Env(command) => command.run(),
            Self::Status(endpoint) => show::status(&endpoint),
            Self::Services(command) => command.run(),
            Self::Clock(command) => command.run(),
            Self::Jobs(endpoint) => show::jobs(&endpoint),
            Self::Trace(command) => command.run(),
            Self::Mail(command) => command.run(),
            Self::Doctor(command) => command.run(),
            Self::Account(command) => command.run(),
            Self::Bench(command) => command.run(),
            Self::Reset(command) => command.run(),
        }
    }
}
