//! The host's side: what it allows, found out once, and the start of each sandbox.

mod probe;

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SocketFlags, SocketType, recvmsg,
    socketpair,
};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use crate::cgroup::{Group, Groups, Limits};
use crate::plan::Labels;
use crate::setup::{Abilities, Ending, System, plan};
use crate::spawn::{Start, plan_file, spawn};
use crate::{HostReport, Mode, Network, Output, Sandbox, SandboxError, Spec, reaper};

/// A failure's record is 12 bytes; two processes could each send one.
const FAILURE_LIMIT_BYTES: u64 = 64;

/// How much isolation is tried for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// The most that the host allows.
    #[default]
    Best,
    /// Namespaces without using privileges, even when there are some; plain processes where that fails.
    UserNamespace,
    /// Plain processes under whatever limits can be set.
    PlainProcess,
}

/// The means to run programs in isolation on this host. Cheap to clone.
///
/// Sandboxes end when the process that started them ends, however it ends.
#[derive(Debug, Clone)]
pub struct Sandboxes(Arc<Host>);

#[derive(Debug)]
struct Host {
    abilities: Abilities,
    system: System,
    groups: Groups,
    init: OwnedFd,
    /// Every program's standard input.
    nothing: OwnedFd,
    report: HostReport,
}

impl Sandboxes {
    /// Finds out what the host allows, by trying, and removes what a killed earlier process has left behind.
    ///
    /// `state_dir` is a folder of ours for a few small prepared files; it is made when missing. Blocks for some
    /// milliseconds. Fails only when not even a plain process can be started.
    pub fn probe(state_dir: &Path, preference: Isolation) -> Result<Self, SandboxError> {
        probe::host(state_dir, preference).map(|host| Self(Arc::new(host)))
    }

    /// What is in force on this host.
    pub fn report(&self) -> &HostReport {
        &self.0.report
    }

    /// Starts a program. Returns when it has been executed, or with the reason why it could not be.
    pub async fn start(&self, spec: Spec) -> Result<Sandbox, SandboxError> {
        spec.check()?;
        let host = &*self.0;
        let host_listeners = host.listen_for(&spec.network)?;
        let mut group = PendingGroup(host.make_group(&spec)?);
        let (start, ends, labels) =
            host.arrange(&spec, &host.abilities, group.0.as_ref(), Ending::Program)?;
        let process = spawn(start).await.map_err(SandboxError::setup("starting a process"))?;
        let Ends { stdout, stderr, ready, status } = ends;
        // From here on a failure, or a cancellation, kills it by dropping it.
        let mut sandbox = Sandbox::new(process, status, group.0.take());

        let mut failure = Vec::new();
        pipe::Receiver::from_owned_fd(ready)
            .map_err(SandboxError::setup("reading from the first process"))?
            .take(FAILURE_LIMIT_BYTES)
            .read_to_end(&mut failure)
            .await
            .map_err(SandboxError::setup("reading from the first process"))?;
        if !failure.is_empty() {
            return Err(labels.explain(&failure));
        }
        sandbox.listeners = greeting(sandbox.status_socket())?;
        sandbox.listeners.extend(host_listeners);
        let output = |pipe| Output::new(pipe).map(Some).map_err(SandboxError::setup("reading the output"));
        sandbox.stdout = output(stdout)?;
        sandbox.stderr = output(stderr)?;
        Ok(sandbox)
    }

    /// Waits until every sandbox that was dropped so far is gone, with its control groups.
    pub async fn settled(&self) {
        reaper::settled().await;
    }

    /// The control groups of this process's sandboxes that exist now.
    pub fn control_groups(&self) -> Vec<PathBuf> {
        self.0.groups.present()
    }
}

/// Our ends of what connects us with a sandbox.
struct Ends {
    stdout: OwnedFd,
    stderr: OwnedFd,
    /// Ends when the program has been executed; a record comes first when that failed.
    ready: OwnedFd,
    /// Brings the greeting and the program's end.
    status: OwnedFd,
}

impl Host {
    fn make_group(&self, spec: &Spec) -> Result<Option<Group>, SandboxError> {
        if self.groups.is_empty() {
            return Ok(None);
        }
        let limits = Limits {
            memory_bytes: spec.memory_bytes,
            cpu: spec.cpu,
            // The first process counts as well.
            processes: spec.max_processes.saturating_add(1),
        };
        self.groups.make(&limits).map(Some).map_err(SandboxError::setup("making a control group"))
    }

    /// The host's own ports, where a sandbox cannot have a network of its own.
    fn listen_for(&self, network: &Network) -> Result<Vec<TcpListener>, SandboxError> {
        if self.abilities.isolates(network) {
            return Ok(Vec::new());
        }
        let listen = |&port: &u16| {
            TcpListener::bind((Ipv4Addr::LOCALHOST, port))
                .map_err(|source| SandboxError::Port { port, source })
        };
        network.ports().iter().map(listen).collect()
    }

    /// Writes the plan and makes the pipes.
    fn arrange(
        &self,
        spec: &Spec,
        abilities: &Abilities,
        group: Option<&Group>,
        ending: Ending,
    ) -> Result<(Start, Ends, Labels), SandboxError> {
        let joins = group.map_or(Ok(Vec::new()), Group::join_files);
        let joins = joins.map_err(SandboxError::setup("opening a control group"))?;
        let group = group.map_or(Ok(None), Group::birth_place);
        let group = group.map_err(SandboxError::setup("opening a control group"))?;
        let written = plan(spec, abilities, &self.system, joins.len() as i32, ending)?;
        let (image, labels) = written.finish(spec.program.clone())?;
        let connect = || -> io::Result<_> {
            let (stdout, program_stdout) = pipe_with(PipeFlags::CLOEXEC)?;
            let (stderr, program_stderr) = pipe_with(PipeFlags::CLOEXEC)?;
            let (ready, first_ready) = pipe_with(PipeFlags::CLOEXEC)?;
            let (status, first_status) =
                socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
            if abilities.mode != Mode::UserNamespace && rustix::process::geteuid().is_root() {
                give_to_user(&program_stdout, spec)?;
                give_to_user(&program_stderr, spec)?;
            }
            let plan = plan_file(&image)?;
            let nothing = self.nothing.try_clone()?;
            let mut files = vec![nothing, program_stdout, program_stderr, plan, first_ready, first_status];
            files.extend(joins);
            let init = self.init.try_clone()?;
            let namespaces = abilities.namespaces(&spec.network);
            Ok((Start { init, files, namespaces, group }, Ends { stdout, stderr, ready, status }))
        };
        let (start, ends) = connect().map_err(SandboxError::setup("making pipes"))?;
        Ok((start, ends, labels))
    }
}

/// Lets the program open its output by name, too, as `/dev/stdout`.
fn give_to_user(pipe: &OwnedFd, spec: &Spec) -> io::Result<()> {
    std::os::unix::fs::fchown(pipe.as_fd(), Some(spec.user.uid), Some(spec.user.gid))
}

/// A control group without a process yet; removed when the start does not come about.
struct PendingGroup(Option<Group>);

impl Drop for PendingGroup {
    fn drop(&mut self) {
        if let Some(group) = self.0.take() {
            reaper::remove(group);
        }
    }
}

/// Receives the first process's greeting and the listeners that come with it. It was sent before the program was
/// executed, so it is here or never comes.
fn greeting(socket: &OwnedFd) -> Result<Vec<TcpListener>, SandboxError> {
    let mut space = [MaybeUninit::uninit(); 512];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = recvmsg(socket, &mut [io::IoSliceMut::new(&mut byte)], &mut control, flags);
    if !received.is_ok_and(|message| message.bytes == 1) {
        return Err(SandboxError::EndedEarly);
    }
    let mut listeners = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sockets) = message {
            listeners.extend(sockets.map(TcpListener::from));
        }
    }
    Ok(listeners)
}
