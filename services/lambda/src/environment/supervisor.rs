//! The one task that owns an environment's process: reads what it writes, freezes it, notices its end.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use sandbox::{CpuShare, Exit, Sandbox, Status};
use shapes::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::output::Lines;
use super::pool::PoolKey;
use super::{Command, system_log};
use crate::Lambda;
use crate::function::Version;
use crate::logs::Stream;
use crate::runtime_api::Exchange;

/// An environment that is soon needed again is not worth the freezing.
const FREEZE_AFTER: Duration = Duration::from_millis(100);
/// Of an invocation's log, for `LogType=Tail` (API Reference, Invoke).
const TAIL_BYTES: usize = 4096;
/// Memory per core (Developer Guide, "Configure Lambda function memory").
const MEMORY_MB_PER_CORE: u32 = 1769;
const NEVER: Duration = Duration::from_secs(86_400 * 365);

/// A process with everything around it that ends with it.
pub(crate) struct Running {
    pub sandbox: Sandbox,
    pub tasks: Vec<AbortHandle>,
    /// Kept until the end: stops whoever serves the region to the program.
    pub _region: Option<oneshot::Sender<()>>,
    pub tmp: Option<PathBuf>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        if let Some(tmp) = self.tmp.take() {
            // A folder of many files takes a while, and nobody waits for it.
            std::thread::spawn(move || {
                let _ = std::fs::remove_dir_all(tmp);
            });
        }
    }
}

pub(crate) struct Supervisor {
    pub lambda: Weak<Lambda>,
    pub key: PoolKey,
    pub id: u128,
    pub version: Version,
    pub exchange: Arc<Exchange>,
    pub exit: Arc<OnceLock<Exit>>,
    pub is_kept: Arc<AtomicBool>,
    pub stream: Arc<Stream>,
    /// Held as long as the environment uses memory.
    pub memory: OwnedSemaphorePermit,
}

/// What the supervisor keeps between its steps.
struct Course {
    out: Lines,
    err: Lines,
    tail: VecDeque<u8>,
    freeze_at: Option<Instant>,
    reap_at: Option<Instant>,
    is_frozen: bool,
    has_ended: bool,
}

enum Step {
    Command(Option<Command>),
    Lines(Vec<String>),
    Ended(std::io::Result<Exit>),
    Freeze,
    Reap,
}

impl Supervisor {
    /// Runs until all handles of the environment are gone; then nothing is left of it.
    pub(crate) async fn run(self, mut running: Running, mut inbox: mpsc::UnboundedReceiver<Command>) {
        let mut course = Course {
            out: Lines::new(running.sandbox.stdout.take()),
            err: Lines::new(running.sandbox.stderr.take()),
            tail: VecDeque::new(),
            freeze_at: None,
            reap_at: None,
            is_frozen: false,
            has_ended: false,
        };
        loop {
            match course.step(&mut running.sandbox, &mut inbox).await {
                Step::Command(Some(command)) => self.obey(command, &mut course, &running.sandbox).await,
                Step::Command(None) => break,
                Step::Lines(lines) => self.log(&mut course, lines),
                Step::Ended(exit) => {
                    course.has_ended = true;
                    self.drain(&mut course).await;
                    if let Ok(exit) = exit {
                        let _ = self.exit.set(exit);
                    }
                    self.exchange.end();
                    if let Some(lambda) = self.lambda.upgrade() {
                        lambda.pools.remove(&self.key, self.id);
                    }
                }
                Step::Freeze => {
                    course.freeze_at = None;
                    course.is_frozen = running.sandbox.freeze().await.is_ok();
                }
                Step::Reap => {
                    course.reap_at = None;
                    if self.is_kept.load(Ordering::Relaxed) {
                        course.reap_at = Some(self.reap_time());
                    } else if let Some(lambda) = self.lambda.upgrade() {
                        lambda.pools.remove(&self.key, self.id);
                    }
                }
            }
        }
        running.sandbox.kill();
        let _ = running.sandbox.wait().await;
        self.exchange.end();
        drop(running);
        drop(self.memory);
        if let Some(lambda) = self.lambda.upgrade() {
            lambda.provisions.wake();
        }
    }

    async fn obey(&self, command: Command, course: &mut Course, sandbox: &Sandbox) {
        match command {
            Command::Initialised => {
                let thousandths = self.version.memory_mb * 1000 / MEMORY_MB_PER_CORE;
                if let Err(error) = sandbox.limit_cpu(CpuShare::thousandths(thousandths)) {
                    tracing::debug!(%error, "the processor share of an environment could not be set");
                }
            }
            Command::Begin { request_id } => {
                course.freeze_at = None;
                course.reap_at = None;
                if std::mem::take(&mut course.is_frozen)
                    && let Err(error) = sandbox.thaw()
                {
                    tracing::warn!(%error, "an environment could not be thawed");
                    sandbox.kill();
                }
                course.tail.clear();
                let line = system_log::start(&self.version, &request_id, self.now());
                self.log(course, line.into_iter().collect());
            }
            Command::Finish(report) => {
                self.drain(course).await;
                let peak = sandbox.usage().peak_memory_bytes.map_or(0, |bytes| bytes.div_ceil(1 << 20));
                let lines = system_log::end(&self.version, &report, peak, self.now());
                self.log(course, lines);
                if let Some(tail) = report.tail {
                    let _ = tail.send(course.tail.iter().copied().collect());
                }
            }
            Command::Idle => {
                course.freeze_at = (!course.has_ended).then_some(Instant::now() + FREEZE_AFTER);
                course.reap_at = Some(self.reap_time());
            }
        }
    }

    /// Reads what the program wrote before it answered.
    async fn drain(&self, course: &mut Course) {
        for _ in 0..2 {
            let mut lines = course.out.read_present().await;
            lines.extend(course.out.rest());
            lines.extend(course.err.read_present().await);
            lines.extend(course.err.rest());
            self.log(course, lines);
            // The runtime may not have noticed yet that there is something to read.
            tokio::task::yield_now().await;
        }
    }

    /// When an environment that has no work from now on ends.
    fn reap_time(&self) -> Instant {
        let idle = self.lambda.upgrade().map_or(Duration::ZERO, |lambda| lambda.config.idle);
        Instant::now() + idle.min(NEVER)
    }

    fn now(&self) -> Timestamp {
        self.lambda.upgrade().map_or(Timestamp::EPOCH, |lambda| lambda.cloud.clock().now())
    }

    fn log(&self, course: &mut Course, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        for line in &lines {
            course.tail.extend(line.as_bytes());
            course.tail.push_back(b'\n');
        }
        let excess = course.tail.len().saturating_sub(TAIL_BYTES);
        course.tail.drain(..excess);
        if let Some(lambda) = self.lambda.upgrade() {
            let now: Timestamp = lambda.cloud.clock().now();
            lines.iter().for_each(|line| lambda.logs.write(&self.stream, now, line));
        }
    }
}

impl Course {
    async fn step(&mut self, sandbox: &mut Sandbox, inbox: &mut mpsc::UnboundedReceiver<Command>) -> Step {
        let far = Instant::now() + NEVER;
        let (freeze_at, reap_at) = (self.freeze_at, self.reap_at);
        tokio::select! {
            biased;
            command = inbox.recv() => Step::Command(command),
            lines = self.out.read() => Step::Lines(lines),
            lines = self.err.read() => Step::Lines(lines),
            exit = sandbox.wait(), if !self.has_ended => Step::Ended(exit),
            () = tokio::time::sleep_until(freeze_at.unwrap_or(far)), if freeze_at.is_some() => Step::Freeze,
            () = tokio::time::sleep_until(reap_at.unwrap_or(far)), if reap_at.is_some() => Step::Reap,
        }
    }
}

/// How the end of a program is told to whoever waited for its answer.
pub(crate) fn exit_message(exit: Option<Exit>) -> String {
    match exit.map(|exit| exit.status) {
        Some(Status::Code(0)) => "Runtime exited without providing a reason".to_owned(),
        Some(Status::Code(code)) => format!("Runtime exited with error: exit status {code}"),
        Some(Status::Signal(9)) | None => "Runtime exited with error: signal: killed".to_owned(),
        Some(Status::Signal(6)) => "Runtime exited with error: signal: aborted".to_owned(),
        Some(Status::Signal(11)) => "Runtime exited with error: signal: segmentation fault".to_owned(),
        Some(Status::Signal(15)) => "Runtime exited with error: signal: terminated".to_owned(),
        Some(Status::Signal(signal)) => format!("Runtime exited with error: signal: {signal}"),
    }
}
