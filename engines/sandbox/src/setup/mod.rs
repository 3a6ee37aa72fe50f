//! What a sandbox is made of, written as a plan: the root file system, the network, the program's last steps.

mod network;
mod program;
mod root;
mod system;

use std::path::Path;

pub(crate) use program::has_seccomp;
pub(crate) use system::System;

use crate::plan::{Phase, Plan, Tolerate, fd};
use crate::{Mode, SandboxError, Spec};

/// What the host allows, as far as a plan depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Abilities {
    pub(crate) mode: Mode,
    pub(crate) network_namespace: bool,
    pub(crate) own_proc: bool,
    pub(crate) seccomp: bool,
    pub(crate) memory_group: bool,
    pub(crate) pids_group: bool,
}

impl Abilities {
    /// Whether the program gets a network of its own.
    pub(crate) fn isolates(&self, network: &crate::Network) -> bool {
        self.network_namespace && matches!(network, crate::Network::Isolated { .. })
    }

    /// The flags of clone for a sandbox.
    pub(crate) fn namespaces(&self, network: &crate::Network) -> u64 {
        let base = libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;
        let mut flags = match self.mode {
            Mode::Namespaces => base,
            Mode::UserNamespace => base | libc::CLONE_NEWUSER,
            Mode::PlainProcess => 0,
        };
        if self.isolates(network) {
            flags |= libc::CLONE_NEWNET;
        }
        flags as u64
    }
}

/// What the plan ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Program,
    /// Exit at once: to learn whether the host allows everything before.
    Trial,
}

/// Writes the whole plan for `spec`. `groups` is the number of control group files among the descriptors.
pub(crate) fn plan(
    spec: &Spec,
    abilities: &Abilities,
    system: &System,
    groups: i32,
    ending: Ending,
) -> Result<Plan, SandboxError> {
    let mut plan = Plan::default();
    let isolated = abilities.mode != Mode::PlainProcess;
    settle_process(&mut plan, groups);
    if isolated {
        root::build(&mut plan, spec, abilities, system)?;
        let name = plan.text(c"sandbox");
        plan.step(Phase::Setup, "naming the host", libc::SYS_sethostname, &[name, 7]);
    } else {
        // Orphans of the program become ours, so that their end is noticed.
        let arguments = [libc::PR_SET_CHILD_SUBREAPER as u64, 1];
        plan.step(Phase::Setup, "adopting orphans", libc::SYS_prctl, &arguments);
    }
    let ports = if abilities.isolates(&spec.network) { spec.network.ports() } else { &[] };
    network::build(&mut plan, abilities.isolates(&spec.network), ports);
    program::build(&mut plan, spec, abilities, ending)?;
    supervise(&mut plan);
    Ok(plan)
}

/// Makes the first process independent of how the host process happens to be set up, and mortal with it.
fn settle_process(plan: &mut Plan, groups: i32) {
    let setup = Phase::Setup;
    let die = [libc::PR_SET_PDEATHSIG as u64, libc::SIGKILL as u64];
    plan.step(setup, "tying the sandbox's life to ours", libc::SYS_prctl, &die);
    plan.step(setup, "starting a session", libc::SYS_setsid, &[]);
    let first_unknown = (fd::GROUPS + groups) as u64;
    // Absent before Linux 5.9; then closing on exec, which everything of ours has, must do.
    let absent = Tolerate::Errno(libc::ENOSYS);
    let all = [first_unknown, u64::from(u32::MAX), 0];
    plan.tolerant_step(setup, "closing inherited files", absent, libc::SYS_close_range, &all);
    // An ignored signal stays ignored across exec, and Rust programs ignore SIGPIPE.
    let default_action = plan.words(&[0; 4]);
    for signal in 1..=31 {
        let arguments = [signal, default_action, 0, 8];
        plan.tolerant_step(
            setup,
            "resetting signals",
            Tolerate::Anything,
            libc::SYS_rt_sigaction,
            &arguments,
        );
    }
    let none = plan.words(&[0]);
    plan.step(setup, "unblocking signals", libc::SYS_rt_sigprocmask, &[libc::SIG_SETMASK as u64, none, 0, 8]);
    plan.step(setup, "setting the file mode mask", libc::SYS_umask, &[0]);
    let myself = plan.bytes(b"0");
    for file in fd::GROUPS..fd::GROUPS + groups {
        plan.step(setup, "joining a control group", libc::SYS_write, &[file as u64, myself, 1]);
        plan.step(setup, "joining a control group", libc::SYS_close, &[file as u64]);
    }
}

/// Leaves process 1 without anything worth attacking.
fn supervise(plan: &mut Plan) {
    let phase = Phase::Supervise;
    let nobody_looks = [libc::PR_SET_DUMPABLE as u64, 0];
    plan.tolerant_step(phase, "hiding the first process", Tolerate::Anything, libc::SYS_prctl, &nobody_looks);
    program::drop_capabilities(plan, phase);
    // Asking the session to end is meant for the program.
    let ignore = plan.words(&[libc::SIG_IGN as u64, 0, 0, 0]);
    let arguments = [libc::SIGTERM as u64, ignore, 0, 8];
    plan.step(phase, "ignoring requests to end", libc::SYS_rt_sigaction, &arguments);
    for file in [0, 1, 2, fd::READY as u64] {
        plan.step(phase, "closing the program's files", libc::SYS_close, &[file]);
    }
}

/// Opens `path`, writes `content` and closes it again, all by the lowest free descriptor.
fn write_file(
    plan: &mut Plan,
    phase: Phase,
    path: &Path,
    content: &[u8],
    free_fd: u64,
) -> Result<(), SandboxError> {
    let label = format!("writing {}", path.display());
    let (path, address) = (plan.path(path)?, plan.bytes(content));
    let open = [libc::AT_FDCWD as u64, path, libc::O_WRONLY as u64, 0];
    plan.step(phase, label.clone(), libc::SYS_openat, &open);
    plan.step(phase, label.clone(), libc::SYS_write, &[free_fd, address, content.len() as u64]);
    plan.step(phase, label, libc::SYS_close, &[free_fd]);
    Ok(())
}
