//! Finding out what the host allows. Nothing is concluded from version numbers: a trial sandbox is started, and
//! what it fails at is left out of the next one.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Ends, Host, Isolation, PendingGroup, greeting};
use crate::cgroup::{Controller, Groups, Version};
use crate::setup::{Abilities, Ending, System, has_seccomp};
use crate::spawn::{init_program, spawn_and_block};
use crate::{Feature, HostReport, Mode, Network, SandboxError, Spec, State, User, reaper};

/// Why parts of the isolation had to be left out.
#[derive(Default)]
struct Refusals {
    namespaces: Vec<String>,
    network: Option<String>,
    own_proc: Option<String>,
    seccomp: Option<String>,
}

pub(super) fn host(state_dir: &Path, preference: Isolation) -> Result<Host, SandboxError> {
    std::fs::create_dir_all(state_dir)
        .map_err(SandboxError::setup(format!("making the folder {}", state_dir.display())))?;
    let mut refusals = Refusals::default();
    let seccomp = has_seccomp();
    refusals.seccomp = seccomp.as_ref().err().map(ToString::to_string);
    let groups = Groups::probe();
    let abilities = Abilities {
        mode: Mode::PlainProcess,
        network_namespace: false,
        own_proc: false,
        seccomp: seccomp.is_ok(),
        memory_group: groups.has(Controller::Memory),
        pids_group: groups.has(Controller::Pids),
    };
    let nothing = File::open("/dev/null").map_err(SandboxError::setup("opening /dev/null"))?.into();
    let init = init_program(state_dir).map_err(SandboxError::setup("preparing the first process"))?;
    let report = HostReport { mode: Mode::PlainProcess, features: Vec::new() };
    let system = System::prepare(state_dir)?;
    let mut host = Host { abilities, system, groups, init, nothing, report };

    host.settle_groups();
    // What cannot be started at all is an error; everything beyond is tried for.
    host.trial(&host.abilities)?;
    for mode in modes(preference) {
        if let Some(abilities) = host.try_mode(mode, &mut refusals) {
            host.abilities = abilities;
            break;
        }
    }
    host.report = host.describe(&refusals, preference);
    Ok(host)
}

fn modes(preference: Isolation) -> Vec<Mode> {
    match preference {
        Isolation::Best if rustix::process::geteuid().is_root() => {
            vec![Mode::Namespaces, Mode::UserNamespace]
        }
        Isolation::Best | Isolation::UserNamespace => vec![Mode::UserNamespace],
        Isolation::PlainProcess => Vec::new(),
    }
}

impl Host {
    /// Learns how processes get into control groups, and does without when they cannot.
    fn settle_groups(&mut self) {
        if self.groups.is_empty() || self.trial(&self.abilities).is_ok() {
            return;
        }
        self.groups.born_inside = false;
        if let Err(error) = self.trial(&self.abilities) {
            self.groups.give_up(describe(&error));
            self.abilities.memory_group = false;
            self.abilities.pids_group = false;
        }
    }

    /// The most that works in this mode, or `None` when the mode does not work at all.
    fn try_mode(&self, mode: Mode, refusals: &mut Refusals) -> Option<Abilities> {
        let mut abilities =
            Abilities { mode, network_namespace: true, own_proc: true, ..self.abilities.clone() };
        refusals.network = None;
        refusals.own_proc = None;
        loop {
            let error = match self.trial(&abilities) {
                Ok(()) => return Some(abilities),
                Err(error) => error,
            };
            let reason = describe(&error);
            let step = match &error {
                SandboxError::Setup { step, .. } => step.as_str(),
                _ => "",
            };
            if abilities.own_proc && step.contains("/proc") {
                abilities.own_proc = false;
                refusals.own_proc = Some(reason);
            } else if abilities.network_namespace && (step.contains("loopback") || step.contains("a process"))
            {
                abilities.network_namespace = false;
                refusals.network = Some(reason);
            } else {
                let mode = if mode == Mode::Namespaces { "with privileges" } else { "in a user namespace" };
                refusals.namespaces.push(format!("{mode}: {reason}"));
                return None;
            }
        }
    }

    /// Starts a sandbox whose program is nothing.
    fn trial(&self, abilities: &Abilities) -> Result<(), SandboxError> {
        let mut spec = Spec::new("/");
        spec.network =
            if abilities.network_namespace { Network::Isolated { listen: vec![80] } } else { Network::Host };
        let mut group = PendingGroup(self.make_group(&spec)?);
        let (start, ends, labels) = self.arrange(&spec, abilities, group.0.as_ref(), Ending::Trial)?;
        let process = spawn_and_block(start).map_err(SandboxError::setup("starting a process"))?;
        let Ends { ready, status, .. } = ends;
        let mut failure = Vec::new();
        let read = File::from(ready).read_to_end(&mut failure);
        reaper::bury(process, group.0.take());
        read.map_err(SandboxError::setup("reading from the first process"))?;
        if !failure.is_empty() {
            return Err(labels.explain(&failure));
        }
        greeting(&status).map(|_| ())
    }

    fn describe(&self, refusals: &Refusals, preference: Isolation) -> HostReport {
        let mode = self.abilities.mode;
        let no_namespaces = match preference {
            Isolation::PlainProcess => "plain processes were asked for".to_owned(),
            _ => refusals.namespaces.join("; "),
        };
        let within = |how: &str| match mode {
            Mode::PlainProcess => State::Missing(no_namespaces.clone()),
            _ => State::InForce(how.to_owned()),
        };
        let refused = |refusal: &Option<String>, how: &str| match refusal {
            Some(reason) if mode != Mode::PlainProcess => State::Missing(reason.clone()),
            _ => within(how),
        };
        let features = vec![
            ("user namespace", self.describe_user_namespace(&no_namespaces)),
            ("mount namespace", within("a read-only root and a private /tmp")),
            ("pid namespace", within("other processes are out of sight")),
            ("network namespace", refused(&refusals.network, "nothing but given ports is reachable")),
            ("ipc namespace", within("no shared memory or queues with others")),
            ("uts namespace", within("a host name of its own")),
            ("own /proc", refused(&refusals.own_proc, "shows the sandbox's processes")),
            ("whole-tree kill", self.describe_kill()),
            ("unprivileged user", self.describe_user()),
            ("no_new_privs", State::InForce("no capabilities, none to be gained".to_owned())),
            (
                "seccomp",
                match &refusals.seccomp {
                    None => State::InForce("dangerous system calls are refused".to_owned()),
                    Some(reason) => State::Missing(reason.clone()),
                },
            ),
            ("memory limit", self.describe_limit(Controller::Memory, "RLIMIT_DATA per process")),
            ("cpu limit", self.describe_controller(Controller::Cpu)),
            ("process limit", self.describe_limit(Controller::Pids, "RLIMIT_NPROC per user")),
            ("freezer", self.describe_limit(Controller::Freezer, "SIGSTOP to the process group")),
            ("cpu accounting", self.describe_limit(Controller::CpuTime, "at the program's end only")),
        ];
        let features = features.into_iter().map(|(name, state)| Feature { name, state }).collect();
        HostReport { mode, features }
    }

    fn describe_user_namespace(&self, no_namespaces: &str) -> State {
        match self.abilities.mode {
            Mode::Namespaces => State::InForce("not needed: programs run as a user of their own".to_owned()),
            Mode::UserNamespace => State::InForce("privileges inside are none outside".to_owned()),
            Mode::PlainProcess => State::Missing(no_namespaces.to_owned()),
        }
    }

    fn describe_user(&self) -> State {
        let User { uid, .. } = User::default();
        let is_root = rustix::process::geteuid().is_root();
        match self.abilities.mode {
            Mode::Namespaces => State::InForce(format!("user {uid} unless told otherwise")),
            Mode::PlainProcess if is_root => State::InForce(format!("user {uid} unless told otherwise")),
            Mode::PlainProcess => State::Degraded("programs run as the same user as this process".to_owned()),
            Mode::UserNamespace if self.abilities.own_proc => {
                State::Degraded(format!("user {uid} inside, but this process's user towards mounted files"))
            }
            Mode::UserNamespace => State::Degraded("user 0 inside, this process's user outside".to_owned()),
        }
    }

    fn describe_kill(&self) -> State {
        if self.abilities.mode != Mode::PlainProcess {
            State::InForce("by the pid namespace".to_owned())
        } else if !self.groups.is_empty() {
            State::InForce("by the control group".to_owned())
        } else {
            State::Degraded("processes that start a session of their own survive".to_owned())
        }
    }

    fn describe_controller(&self, controller: Controller) -> State {
        match self.groups.version_of(controller) {
            Some(Version::V1) => State::InForce("cgroup v1".to_owned()),
            Some(Version::V2) if self.groups.born_inside => State::InForce("cgroup v2".to_owned()),
            Some(Version::V2) => State::InForce("cgroup v2, slow to join on this kernel".to_owned()),
            None => State::Missing(self.groups.why_not(controller)),
        }
    }

    fn describe_limit(&self, controller: Controller, instead: &str) -> State {
        match self.describe_controller(controller) {
            State::Missing(reason) => State::Degraded(format!("{instead}; {reason}")),
            in_force => in_force,
        }
    }
}

/// An error with its cause, in one line.
fn describe(error: &SandboxError) -> String {
    let cause = std::error::Error::source(error).map(|cause: &dyn std::error::Error| cause.to_string());
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
