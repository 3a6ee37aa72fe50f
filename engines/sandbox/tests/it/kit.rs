//! What the tests share: one probed host, and a way to run a shell script in a sandbox of it.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use sandbox::{Exit, Isolation, Network, Sandboxes, Spec, Status};

/// Far beyond what any of these programs needs; reaching it is a failure, not a delay.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.exit.status, Status::Code(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
    }
}

/// One per user, so that runs do not pile them up.
pub(crate) fn state_dir() -> PathBuf {
    std::env::temp_dir().join(format!("sandbox-tests-{}", rustix::process::geteuid().as_raw()))
}

pub(crate) fn best() -> Sandboxes {
    static BEST: OnceLock<Sandboxes> = OnceLock::new();
    BEST.get_or_init(|| {
        Sandboxes::probe(&state_dir(), Isolation::Best).expect("a host that can run programs")
    })
    .clone()
}

/// The best sandboxes, or `None` with a line that says what is missing.
pub(crate) fn best_with(features: &[&str]) -> Option<Sandboxes> {
    let sandboxes = best();
    for feature in features {
        if !sandboxes.report().has(feature) {
            println!("skipped: this host has no {feature}: {:?}", sandboxes.report().state(feature));
            return None;
        }
    }
    Some(sandboxes)
}

pub(crate) fn shell(script: &str) -> Spec {
    let mut spec = Spec::new("/bin/sh");
    spec.args = vec!["-c".into(), script.into()];
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into())];
    // For sandboxes without a network namespace these would be the host's ports.
    spec.network = Network::Isolated { listen: Vec::new() };
    spec
}

pub(crate) async fn run(sandboxes: &Sandboxes, spec: Spec) -> Ran {
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    let mut stdout = sandbox.stdout.take().expect("not taken yet");
    let mut stderr = sandbox.stderr.take().expect("not taken yet");
    let all = async { tokio::join!(stdout.collect(1 << 20), stderr.collect(1 << 20), sandbox.wait()) };
    let (stdout, stderr, exit) = tokio::time::timeout(PATIENCE, all).await.expect("ended in time");
    let text = |collected: sandbox::Collected| String::from_utf8_lossy(&collected.bytes).into_owned();
    Ran {
        exit: exit.expect("waited"),
        stdout: text(stdout.expect("read")),
        stderr: text(stderr.expect("read")),
    }
}
