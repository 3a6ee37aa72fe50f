//! Compiles `init/main.rs`, the first process of every sandbox, as a freestanding static program.
//!
//! It is a separate executable rather than a fork of ours so that a sandbox never holds a copy of the host
//! process's memory, and so that it starts in microseconds.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=init/main.rs");
    println!("cargo:rerun-if-changed=build.rs");
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let output = PathBuf::from(variable("OUT_DIR")).join("sandbox-init");
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(["init/main.rs", "--edition", "2024", "--crate-name", "sandbox_init", "--crate-type", "bin"]);
    rustc.args(["--target", &variable("TARGET")]);
    rustc.args(["-C", "panic=abort", "-C", "opt-level=s", "-C", "strip=symbols", "-C", "debuginfo=0"]);
    rustc.args(["-C", "relocation-model=static", "-C", "default-linker-libraries=no"]);
    for argument in ["-nostdlib", "-nostartfiles", "-static", "-no-pie", "-Wl,--build-id=none"] {
        rustc.arg("-C").arg(format!("link-arg={argument}"));
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg("-C").arg(format!("linker={linker}"));
    }
    rustc.arg("-o").arg(&output);
    let status = rustc.status().unwrap_or_else(|error| panic!("cannot run the Rust compiler: {error}"));
    assert!(status.success(), "the sandbox's init program did not compile");
}
