//! Starting, ending, killing, freezing, and cleaning up.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use sandbox::{Sandbox, Sandboxes, Spec, Status};
use tokio::io::AsyncReadExt;

use crate::kit::{PATIENCE, best, best_with, run, shell};

/// Reads one line, so that the test goes on when the program has reached that point.
async fn line(sandbox: &mut Sandbox) -> String {
    let output = sandbox.stdout.as_mut().expect("not taken");
    let mut line = String::new();
    let read = async {
        while let Ok(byte) = output.read_u8().await {
            if byte == b'\n' {
                break;
            }
            line.push(byte.into());
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("a line in time");
    line
}

async fn started(sandboxes: &Sandboxes, spec: Spec) -> Sandbox {
    sandboxes.start(spec).await.expect("started")
}

#[tokio::test]
async fn the_environment_is_exactly_what_was_given() {
    let mut spec = Spec::new("/usr/bin/env");
    spec.env =
        vec![("ONE".into(), "1".into()), ("EMPTY".into(), "".into()), ("SPACE D".into(), "a=b c".into())];
    let ran = run(&best(), spec).await;
    assert_eq!(ran.stdout, "ONE=1\nEMPTY=\nSPACE D=a=b c\n");
}

#[tokio::test]
async fn exit_codes_and_signals_come_through() {
    let sandboxes = best();
    run(&sandboxes, shell("exit 0")).await.assert_code(0);
    run(&sandboxes, shell("exit 42")).await.assert_code(42);
    for (name, number) in [("TERM", 15), ("KILL", 9), ("ABRT", 6), ("SEGV", 11), ("PIPE", 13)] {
        let ran = run(&sandboxes, shell(&format!("kill -{name} $$"))).await;
        assert_eq!(ran.exit.status, Status::Signal(number), "{name}");
        assert!(!ran.exit.oom_killed);
    }
}

#[tokio::test]
async fn the_program_has_no_identity_and_no_privileges() {
    let Some(sandboxes) = best_with(&["own /proc", "seccomp"]) else { return };
    let script =
        "id -u; id -g; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | awk '{print $2}' | sort -u";
    let ran = run(&sandboxes, shell(script)).await;
    assert_eq!(ran.stdout, "993\n990\n0000000000000000\n1\n2\n", "{}", ran.stderr);
}

#[tokio::test]
async fn dangerous_calls_are_refused_and_ordinary_ones_are_not() {
    let Some(sandboxes) = best_with(&["seccomp"]) else { return };
    let script = "unshare -U true 2>&1 | grep -c 'not permitted'; unshare -n true 2>/dev/null && exit 1; \
                  mount -t tmpfs none /tmp 2>/dev/null && exit 2; (echo forked); nice -n 1 echo nice";
    let ran = run(&sandboxes, shell(script)).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "1\nforked\nnice\n");
}

#[tokio::test]
async fn nothing_of_the_hosts_open_files_comes_through() {
    let Some(sandboxes) = best_with(&["own /proc"]) else { return };
    // An inheritable file of ours.
    let file = tempfile::tempfile().expect("a temporary file");
    let _leaky = inheritable_copy(&file);
    let ran = run(&sandboxes, shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0")).await;
    // The last one is the folder that ls reads.
    assert_eq!(ran.stdout, "0 1 2 3 /dev/null\n", "{}", ran.stderr);
}

/// Standard library descriptors all close on exec; `dup` makes one that does not.
fn inheritable_copy(file: &fs::File) -> std::os::fd::OwnedFd {
    rustix::io::dup(file).expect("duplicated")
}

#[tokio::test]
async fn many_start_at_once_and_keep_apart() {
    let sandboxes = best();
    let running: Vec<_> = (0..24)
        .map(|number| {
            let sandboxes = sandboxes.clone();
            tokio::spawn(
                async move { run(&sandboxes, shell(&format!("echo {number}; exit {number}"))).await },
            )
        })
        .collect();
    for (number, task) in running.into_iter().enumerate() {
        let ran = task.await.expect("no panic");
        ran.assert_code(number as i32);
        assert_eq!(ran.stdout, format!("{number}\n"));
    }
}

#[tokio::test]
async fn output_beyond_the_limit_is_counted_and_dropped() {
    let mut sandbox = started(&best(), shell("head -c 300000 /dev/zero")).await;
    let mut stdout = sandbox.stdout.take().expect("not taken");
    let (collected, exit) = tokio::join!(stdout.collect(1000), sandbox.wait());
    let collected = collected.expect("read");
    assert_eq!((collected.bytes.len(), collected.dropped_bytes), (1000, 299_000));
    assert_eq!(exit.expect("waited").status, Status::Code(0));
}

#[tokio::test]
async fn killing_takes_grandchildren_and_those_that_hide() {
    let Some(sandboxes) = best_with(&["pid namespace"]) else { return };
    let mut sandbox =
        started(&sandboxes, shell("(setsid sh -c 'echo ready; sleep 1000' &) ; sleep 1000")).await;
    assert_eq!(line(&mut sandbox).await, "ready");
    sandbox.kill();
    let exit = tokio::time::timeout(PATIENCE, sandbox.wait()).await.expect("in time").expect("waited");
    assert_eq!(exit.status, Status::Signal(9));
    // The output ends only when the last process that holds it has ended.
    let rest = sandbox.stdout.take().expect("not taken").collect(10).await.expect("read");
    assert_eq!(rest.bytes, b"");
}

#[tokio::test]
async fn a_program_that_is_asked_to_end_can_do_so_in_its_own_way() {
    let plain = Sandboxes::probe(&crate::kit::state_dir(), sandbox::Isolation::PlainProcess).expect("probed");
    for sandboxes in [best(), plain] {
        let script = "trap 'echo bye; exit 9' TERM; echo on; sleep 1000 & wait";
        let mut sandbox = started(&sandboxes, shell(script)).await;
        assert_eq!(line(&mut sandbox).await, "on");
        sandbox.terminate().expect("asked");
        assert_eq!(line(&mut sandbox).await, "bye");
        assert_eq!(sandbox.wait().await.expect("waited").status, Status::Code(9));
    }
}

#[tokio::test]
async fn what_the_program_leaves_behind_ends_with_it() {
    let mut sandbox = started(&best(), shell("sleep 1000 & exit 7")).await;
    let mut stdout = sandbox.stdout.take().expect("not taken");
    let ended = async { tokio::join!(sandbox.wait(), stdout.collect(10)) };
    let (exit, _) = tokio::time::timeout(PATIENCE, ended).await.expect("in time");
    assert_eq!(exit.expect("waited").status, Status::Code(7));
}

#[tokio::test]
async fn a_frozen_program_uses_no_processor_time() {
    let Some(sandboxes) = best_with(&["freezer", "cpu accounting"]) else { return };
    let mut sandbox = started(&sandboxes, shell("echo spinning; while :; do :; done")).await;
    assert_eq!(line(&mut sandbox).await, "spinning");
    sandbox.freeze().await.expect("frozen");
    let before = sandbox.usage().cpu_time.expect("counted");
    // Work of our own stands in for the passing of time.
    let other = run(&sandboxes, shell("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")).await;
    other.assert_code(0);
    assert_eq!(sandbox.usage().cpu_time, Some(before));
    sandbox.thaw().expect("thawed");
    let deadline = Instant::now() + PATIENCE;
    while sandbox.usage().cpu_time == Some(before) {
        assert!(Instant::now() < deadline, "it does not run again");
        tokio::task::yield_now().await;
    }
    sandbox.freeze().await.expect("frozen");
    let exit = tokio::time::timeout(PATIENCE, sandbox.close()).await.expect("a frozen sandbox can be killed");
    assert_eq!(exit.expect("waited").status, Status::Signal(9));
}

#[tokio::test]
async fn dropping_ends_everything_and_removes_the_control_groups() {
    let Some(sandboxes) = best_with(&["memory limit"]) else { return };
    let mut sandbox = started(&sandboxes, shell("echo on; sleep 1000")).await;
    assert_eq!(line(&mut sandbox).await, "on");
    let pid = sandbox.pid();
    let group = group_of(pid, "memory");
    assert!(group.is_dir());
    drop(sandbox);
    sandboxes.settled().await;
    assert!(!group.exists(), "{} is still there", group.display());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

/// The folder of a process's group that has the controller, among ours.
fn group_of(pid: i32, controller: &str) -> std::path::PathBuf {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("a running process");
    let wanted = |line: &&str| line.contains(&format!(":{controller}:")) || line.starts_with("0::");
    let name = groups
        .lines()
        .filter(wanted)
        .filter_map(|line| line.rsplit('/').next())
        .find(|name| name.starts_with("brume-sandbox-"))
        .expect("a group of ours");
    // The file system's view of the name is independent of where the trees are mounted.
    let unique = name.to_owned();
    let present = best().control_groups();
    present.into_iter().find(|path| path.ends_with(&unique)).expect("a folder for the group")
}

#[tokio::test]
async fn a_cancelled_start_leaves_nothing() {
    let Some(sandboxes) = best_with(&["memory limit"]) else { return };
    let marker = "cancelled-start-marker";
    for patience in 0..20u64 {
        let limit = std::time::Duration::from_micros(patience * 100);
        let start = sandboxes.start(shell(&format!(": {marker}; sleep 1000")));
        drop(tokio::time::timeout(limit, start).await);
    }
    // One complete life behind them in the starter's queue.
    let last = started(&sandboxes, shell("true")).await;
    last.close().await.expect("closed");
    sandboxes.settled().await;
    let running = fs::read_dir("/proc").expect("readable").flatten().any(|process| {
        let command = fs::read(process.path().join("cmdline")).unwrap_or_default();
        command.starts_with(b"/bin/sh") && String::from_utf8_lossy(&command).contains(marker)
    });
    assert!(!running);
}

#[tokio::test]
async fn sandboxes_die_with_the_process_that_started_them_and_the_next_one_cleans_up() {
    if std::env::var_os("SANDBOX_TEST_OWNER").is_some() {
        return;
    }
    let Some(sandboxes) = best_with(&["memory limit"]) else { return };
    // This test binary again, running only the owner below.
    let mut owner = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "life::owner_that_gets_killed", "--nocapture", "--test-threads=1"])
        .env("SANDBOX_TEST_OWNER", "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let output = owner.stdout.take().expect("piped");
    let found = std::io::BufRead::lines(std::io::BufReader::new(output))
        .map_while(Result::ok)
        .find_map(|line| line.split_once("group=").map(|(_, rest)| rest.to_owned()))
        .expect("the owner started a sandbox");
    let (group, pid) = found.split_once(" pid=").expect("both");
    assert!(Path::new(group).is_dir());
    owner.kill().expect("killed");
    owner.wait().expect("waited");
    let deadline = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{pid}/root/usr")).exists() {
        assert!(Instant::now() < deadline, "the sandbox outlived its owner");
        tokio::task::yield_now().await;
    }
    assert!(Path::new(group).is_dir(), "nobody has cleaned up yet");
    let next = Sandboxes::probe(&crate::kit::state_dir(), sandbox::Isolation::Best).expect("probed");
    assert!(!Path::new(group).exists());
    run(&next, shell("exit 3")).await.assert_code(3);
    drop(sandboxes);
}

#[tokio::test]
async fn owner_that_gets_killed() {
    if std::env::var_os("SANDBOX_TEST_OWNER").is_none() {
        return;
    }
    let mut sandbox = started(&best(), shell("echo on; sleep 1000")).await;
    assert_eq!(line(&mut sandbox).await, "on");
    println!("group={} pid={}", group_of(sandbox.pid(), "memory").display(), sandbox.pid());
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn bad_specifications_are_refused_with_the_reason() {
    let sandboxes = best();
    let mut spec = shell("true");
    spec.memory_bytes = 1000;
    let error = sandboxes.start(spec).await.expect_err("too little");
    assert!(error.to_string().contains("memory_bytes is 1000"), "{error}");
    let mut spec = shell("true");
    spec.env.push(("A=B".into(), "c".into()));
    assert!(sandboxes.start(spec).await.expect_err("no name").to_string().contains("A=B"));
    let mut spec = shell("true");
    spec.args.push("zero\0byte".into());
    assert!(sandboxes.start(spec).await.expect_err("no argument").to_string().contains("zero byte"));
}
