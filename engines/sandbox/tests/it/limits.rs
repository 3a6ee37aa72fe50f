//! Memory, processor time, processes, files.

use std::time::{Duration, Instant};

use sandbox::{CpuShare, Status};

use crate::kit::{best, best_with, run, shell};

#[tokio::test]
async fn a_program_that_needs_too_much_memory_is_killed_and_that_is_reported() {
    let Some(sandboxes) = best_with(&["memory limit"]) else { return };
    // tail keeps the only line that there is.
    let mut spec = shell("exec tail /dev/zero");
    spec.memory_bytes = 32 << 20;
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    let exit = sandbox.wait().await.expect("waited");
    assert_eq!(exit.status, Status::Signal(9));
    assert!(exit.oom_killed);
    let peak = sandbox.usage().peak_memory_bytes.expect("counted");
    assert!((16 << 20..=32 << 20).contains(&peak), "{peak}");
}

#[tokio::test]
async fn a_fork_bomb_is_contained_and_dies_at_once() {
    let Some(sandboxes) = best_with(&["process limit", "pid namespace"]) else { return };
    let mut spec = shell("(bomb() { bomb | bomb & }; bomb) & while :; do :; done");
    spec.max_processes = 50;
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    // It has hit the wall when one of the shells complains.
    let mut stderr = sandbox.stderr.take().expect("not taken");
    let complaint = tokio::io::AsyncReadExt::read_u8(&mut stderr).await;
    assert!(complaint.is_ok());
    let drain = tokio::spawn(async move { stderr.collect(100).await });
    let asked = Instant::now();
    sandbox.kill();
    let exit = sandbox.wait().await.expect("waited");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!(exit.status, Status::Signal(9));
    // Its end says that nobody holds the pipe any more.
    drain.await.expect("no panic").expect("read");
}

#[tokio::test]
async fn processor_time_is_limited() {
    let Some(sandboxes) = best_with(&["cpu limit", "cpu accounting"]) else { return };
    let mut spec = shell("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done");
    spec.cpu = CpuShare::thousandths(200);
    let begun = Instant::now();
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    sandbox.wait().await.expect("waited");
    let (used, passed) = (sandbox.usage().cpu_time.expect("counted"), begun.elapsed());
    // A fifth, plus one period's quota at the start and one at the end.
    assert!(used <= passed / 5 + Duration::from_millis(16), "{used:?} of processor in {passed:?}");
}

#[tokio::test]
async fn the_share_of_processor_time_can_be_raised_later() {
    let Some(sandboxes) = best_with(&["cpu limit"]) else { return };
    let mut spec = shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    spec.cpu = CpuShare::thousandths(10);
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    sandbox.limit_cpu(CpuShare::cores(2)).expect("changed");
    let begun = Instant::now();
    assert_eq!(sandbox.wait().await.expect("waited").status, Status::Code(0));
    // At a hundredth of a core this takes half a minute.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn open_files_and_file_sizes_are_limited() {
    let mut spec = shell("ulimit -n; ulimit -c; head -c 100000 /dev/zero > /tmp/sandbox-limit-test");
    spec.max_open_files = 77;
    spec.max_file_bytes = 50_000;
    let ran = run(&best(), spec).await;
    assert_eq!(ran.stdout, "77\n0\n");
    assert_ne!(ran.exit.status, Status::Code(0), "{}", ran.stderr);
}
