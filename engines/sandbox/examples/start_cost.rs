//! Prints what a sandbox adds to the start of a program: `cargo run -p sandbox --example start_cost [rounds]`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sandbox::{Isolation, Mount, Sandboxes, Spec, Status};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let rounds: usize = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let folder = std::env::temp_dir().join(format!("sandbox-start-cost-{}", std::process::id()));
    let sandboxes = Sandboxes::probe(&folder, Isolation::Best)?;
    println!("{}\n", sandboxes.report());

    let mut plain = Spec::new("/bin/true");
    plain.memory_bytes = 512 << 20;
    measure(&sandboxes, "/bin/true", &plain, rounds).await?;
    if let Some(python) = python() {
        let prefix = python.parent().and_then(Path::parent).unwrap_or(Path::new("/usr")).to_path_buf();
        let mut spec = plain.clone();
        spec.program = python;
        spec.args = vec!["-c".into(), "pass".into()];
        if !prefix.starts_with("/usr") {
            spec.mounts.push(Mount::read_only(&prefix, &prefix));
        }
        measure(&sandboxes, "python3 -c pass", &spec, rounds.min(100)).await?;
    }
    sandboxes.settled().await;
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

fn python() -> Option<PathBuf> {
    let output = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().ok()?;
    Path::new(String::from_utf8_lossy(&output.stdout).trim()).canonicalize().ok()
}

async fn measure(
    sandboxes: &Sandboxes,
    name: &str,
    spec: &Spec,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let (mut bare, mut starts, mut lives) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        Command::new(&spec.program).args(&spec.args).env_clear().stdout(Stdio::null()).status()?;
        bare.push(begun.elapsed());

        let begun = Instant::now();
        let mut sandbox = sandboxes.start(spec.clone()).await?;
        starts.push(begun.elapsed());
        let exit = sandbox.wait().await?;
        lives.push(begun.elapsed());
        if exit.status != Status::Code(0) {
            return Err(format!("{name} ended with {exit:?}").into());
        }
    }
    println!("{name}, {rounds} rounds, p50 / p99:");
    print_line("bare, start to end", &mut bare);
    print_line("sandbox, start to exec", &mut starts);
    print_line("sandbox, start to end", &mut lives);
    Ok(())
}

fn print_line(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("  {what:<24} {:>9.3?} / {:>9.3?}", at(50), at(99));
}
