//! A running sandbox: its output, its end, and the means to stop it.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::net::{RecvFlags, recv};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::cgroup::Group;
use crate::spawn::Process;
use crate::{CpuShare, Output, SandboxError, reaper};

/// How long freezing may take before it is reported as failed.
const FREEZE_ATTEMPTS: u32 = 500;
const FREEZE_PAUSE: Duration = Duration::from_millis(1);
/// Checks that are made before pausing at all: freezing takes microseconds as a rule.
const FREEZE_EAGER_ATTEMPTS: u32 = 50;

/// A program running in isolation. Dropping it kills everything in it and cleans up in the background.
#[derive(Debug)]
pub struct Sandbox {
    /// Everything the program writes to standard output; `take` it to read while waiting.
    pub stdout: Option<Output>,
    /// Everything the program writes to standard error.
    pub stderr: Option<Output>,
    /// The listening sockets, in the order of the ports asked for. They accept connections from inside only,
    /// and still exist after the program has ended.
    pub listeners: Vec<TcpListener>,
    pid: i32,
    status: OwnedFd,
    /// Until it has been waited for.
    process: Option<Process>,
    group: Option<Group>,
    ended: Option<(Exit, Usage)>,
}

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It exited with this code.
    Code(i32),
    /// It was ended by this signal.
    Signal(i32),
}

/// How the program ended, and whether memory was the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// How the program ended. `Signal(9)` when the sandbox was killed.
    pub status: Status,
    /// Whether the kernel killed any of its processes because the memory limit was reached.
    pub oom_killed: bool,
}

/// What a sandbox has used so far. `None` where the host does not count it; after the end, the program's own
/// figures stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// The most memory in use at once.
    pub peak_memory_bytes: Option<u64>,
    /// Processor time of all processes together.
    pub cpu_time: Option<Duration>,
}

impl Sandbox {
    pub(crate) fn new(process: Process, status: OwnedFd, group: Option<Group>) -> Self {
        Self {
            stdout: None,
            stderr: None,
            listeners: Vec::new(),
            pid: process.pid,
            status,
            process: Some(process),
            group,
            ended: None,
        }
    }

    pub(crate) fn status_socket(&self) -> &OwnedFd {
        &self.status
    }

    /// The host's process id of the sandbox's first process, which is an ancestor of the program.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Waits for the program to end. Whatever it leaves behind is killed. Can be cancelled and called again.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        if let Some((exit, _)) = self.ended {
            return Ok(exit);
        }
        if let Some(process) = &self.process {
            // SAFETY: the descriptor is borrowed from `process`, which outlives this block.
            let ending =
                unsafe { AsyncFd::register_with_interest(process.pidfd.as_fd(), Interest::READABLE)? };
            let _ready = ending.readable().await?;
        }
        Ok(self.finish())
    }

    /// Kills the whole tree and waits until nothing of it is left, control groups included.
    pub async fn close(mut self) -> io::Result<Exit> {
        self.kill();
        let exit = self.wait().await?;
        drop(self);
        reaper::settled().await;
        Ok(exit)
    }

    /// Kills the whole tree at once, frozen or not. Does nothing after the end.
    pub fn kill(&self) {
        if let Some(process) = &self.process {
            reaper::kill(process, self.group.as_ref());
        }
    }

    /// Asks the program and its session to end, with SIGTERM. They may take their time, or not do it.
    pub fn terminate(&self) -> Result<(), SandboxError> {
        self.signal(Signal::TERM)
    }

    /// Stops every process of the tree, and returns when they have stopped.
    pub async fn freeze(&self) -> Result<(), SandboxError> {
        let asked = match (&self.process, &self.group) {
            (None, _) => return Ok(()),
            (Some(_), Some(group)) => group.set_frozen(true).map_err(SandboxError::setup("freezing"))?,
            (Some(_), None) => false,
        };
        let Some(group) = self.group.as_ref().filter(|_| asked) else {
            return self.signal(Signal::STOP);
        };
        for attempt in 0..FREEZE_ATTEMPTS {
            if group.is_frozen() {
                return Ok(());
            }
            if attempt < FREEZE_EAGER_ATTEMPTS {
                tokio::task::yield_now().await;
            } else {
                tokio::time::sleep(FREEZE_PAUSE).await;
            }
        }
        let source = io::Error::from(io::ErrorKind::TimedOut);
        Err(SandboxError::Setup { step: "freezing".to_owned(), source })
    }

    /// Lets every process go on.
    pub fn thaw(&self) -> Result<(), SandboxError> {
        let asked = match (&self.process, &self.group) {
            (None, _) => return Ok(()),
            (Some(_), Some(group)) => group.set_frozen(false).map_err(SandboxError::setup("thawing"))?,
            (Some(_), None) => false,
        };
        if asked { Ok(()) } else { self.signal(Signal::CONT) }
    }

    /// Signals the session's process group, for hosts without control groups. A process that has started a session
    /// of its own is not reached.
    fn signal(&self, signal: Signal) -> Result<(), SandboxError> {
        let pid = Pid::from_raw(self.pid).filter(|_| self.process.is_some());
        pid.map_or(Ok(()), |pid| kill_process_group(pid, signal))
            .map_err(|errno| SandboxError::setup("signalling")(errno.into()))
    }

    /// Changes the limit of processor time.
    pub fn limit_cpu(&self, share: CpuShare) -> Result<(), SandboxError> {
        let group = self.group.as_ref();
        group
            .map_or(Ok(()), |group| group.limit_cpu(share))
            .map_err(SandboxError::setup("limiting the processor"))
    }

    /// What has been used so far, or in all once it has ended.
    pub fn usage(&self) -> Usage {
        self.ended.map_or_else(|| self.counted(), |(_, usage)| usage)
    }

    fn counted(&self) -> Usage {
        self.group.as_ref().map_or_else(Usage::default, |group| Usage {
            peak_memory_bytes: group.peak_memory_bytes(),
            cpu_time: group.cpu_time(),
        })
    }

    /// Takes note of the end of the first process.
    fn finish(&mut self) -> Exit {
        let record = EndRecord::receive(&self.status);
        let counted = self.counted();
        let usage = Usage {
            peak_memory_bytes: counted.peak_memory_bytes.or(record.map(|record| record.peak_memory_bytes)),
            cpu_time: counted.cpu_time.or(record.map(|record| record.cpu_time)),
        };
        let oom_killed = self.group.as_ref().is_some_and(|group| group.out_of_memory_kills() > 0);
        let status = record.map_or(Status::Signal(libc::SIGKILL), |record| record.status);
        let exit = Exit { status, oom_killed };
        self.ended = Some((exit, usage));
        // Without a PID namespace others may be left, and the process's number must still be its own then.
        self.kill();
        if let Some(process) = self.process.take()
            && let Err(error) = reaper::wait(&process)
        {
            tracing::debug!(pid = process.pid, %error, "a sandbox was waited for by somebody else");
        }
        if let Some(group) = self.group.take() {
            reaper::remove(group);
        }
        exit
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            reaper::bury(process, self.group.take());
        }
    }
}

/// What the first process sends when the program has ended; `Ended` in `init/main.rs`.
#[derive(Debug, Clone, Copy)]
struct EndRecord {
    status: Status,
    cpu_time: Duration,
    peak_memory_bytes: u64,
}

impl EndRecord {
    const BYTES: usize = 8 + 18 * 8;

    /// `None` when the first process was killed before it could send one.
    fn receive(socket: &OwnedFd) -> Option<Self> {
        let mut bytes = [0u8; Self::BYTES];
        let (_, length) = recv(socket, &mut bytes[..], RecvFlags::DONTWAIT).ok()?;
        if length != Self::BYTES {
            return None;
        }
        let mut words = bytes.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_ne_bytes);
        let wait_status = words.next()? as i32;
        let status = if libc::WIFSIGNALED(wait_status) {
            Status::Signal(libc::WTERMSIG(wait_status))
        } else {
            Status::Code(libc::WEXITSTATUS(wait_status))
        };
        // struct rusage: user and system time as seconds and microseconds, then the peak in KiB.
        let mut time = || Some(Duration::from_secs(words.next()?) + Duration::from_micros(words.next()?));
        let cpu_time = time()? + time()?;
        Some(Self { status, cpu_time, peak_memory_bytes: words.next()? * 1024 })
    }
}
