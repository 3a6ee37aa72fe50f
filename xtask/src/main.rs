//! The project's own tooling: `cargo xtask models`, `cargo xtask coverage`, `cargo xtask tidy`.

mod coverage;
mod models;
mod tidy;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["models", services @ ..] => models::write(services),
        ["coverage"] => coverage::write(),
        ["tidy"] => tidy::check(),
        _ => Err("usage: cargo xtask models [SERVICE ...] | coverage | tidy".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
