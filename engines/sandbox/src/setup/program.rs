//! The last steps of the program's own process: limits, identity, privileges, exec.

use std::borrow::Cow;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use rustix::process::{Resource, getrlimit};

use super::{Abilities, Ending, write_file};
use crate::plan::{Phase, Plan, Tolerate, fd};
use crate::{Mode, SandboxError, Spec, seccomp};

/// The highest capability number that is tried; unknown ones are refused, which does no harm.
const CAPABILITIES: u64 = 63;
/// Without a memory group each process is bounded by its writable private memory. Thread stacks count in full
/// there although hardly used, so that bound has this much air.
const STACKS_ALLOWANCE_BYTES: u64 = 256 << 20;

const PROGRAM: Phase = Phase::Program;

pub(crate) fn build(
    plan: &mut Plan,
    spec: &Spec,
    abilities: &Abilities,
    ending: Ending,
) -> Result<(), SandboxError> {
    plan.step(PROGRAM, "closing the host's socket", libc::SYS_close, &[fd::STATUS as u64]);
    plan.tolerant_step(PROGRAM, "closing the plan", Tolerate::Anything, libc::SYS_close, &[3]);
    let close_on_exec = [fd::READY as u64, libc::F_SETFD as u64, libc::FD_CLOEXEC as u64];
    plan.step(PROGRAM, "marking the error pipe", libc::SYS_fcntl, &close_on_exec);
    if abilities.mode == Mode::PlainProcess {
        let die = [libc::PR_SET_PDEATHSIG as u64, libc::SIGKILL as u64];
        plan.step(PROGRAM, "tying the program's life to ours", libc::SYS_prctl, &die);
    }
    plan.step(PROGRAM, "setting the file mode mask", libc::SYS_umask, &[0o022]);
    limit_resources(plan, spec, abilities);
    become_user(plan, spec, abilities)?;
    drop_capabilities(plan, PROGRAM);
    enter_working_dir(plan, spec, abilities)?;
    if abilities.seccomp {
        filter_calls(plan);
    }
    match ending {
        Ending::Program => execute(plan, spec, abilities),
        Ending::Trial => {
            plan.step(PROGRAM, "ending the trial", libc::SYS_exit_group, &[0]);
            Ok(())
        }
    }
}

fn limit_resources(plan: &mut Plan, spec: &Spec, abilities: &Abilities) {
    let mut limits = vec![
        ("open files", Resource::Nofile, libc::RLIMIT_NOFILE, spec.max_open_files),
        ("the size of files", Resource::Fsize, libc::RLIMIT_FSIZE, spec.max_file_bytes),
        ("core dumps", Resource::Core, libc::RLIMIT_CORE, 0),
    ];
    if !abilities.memory_group {
        // Not the address space: runtimes such as Node, Java and Go reserve far more of that than they use.
        let bytes = spec.memory_bytes.saturating_add(STACKS_ALLOWANCE_BYTES);
        limits.push(("memory", Resource::Data, libc::RLIMIT_DATA, bytes));
    }
    if !abilities.pids_group {
        limits.push(("processes", Resource::Nproc, libc::RLIMIT_NPROC, spec.max_processes));
    }
    for (what, resource, number, wanted) in limits {
        // A limit can only be lowered without privilege.
        let bound = getrlimit(resource).maximum.map_or(wanted, |hard| hard.min(wanted));
        let address = plan.words(&[bound, bound]);
        let arguments = [0, u64::from(number), address, 0];
        plan.step(PROGRAM, format!("limiting {what}"), libc::SYS_prlimit64, &arguments);
    }
}

fn become_user(plan: &mut Plan, spec: &Spec, abilities: &Abilities) -> Result<(), SandboxError> {
    let (uid, gid) = (u64::from(spec.user.uid), u64::from(spec.user.gid));
    match abilities.mode {
        // The only id that we may use there is our own, as 0. A second user namespace gives it another number.
        Mode::UserNamespace if abilities.own_proc => {
            let flags = [libc::CLONE_NEWUSER as u64];
            plan.step(PROGRAM, "making a user namespace", libc::SYS_unshare, &flags);
            let free = 3;
            write_file(
                plan,
                PROGRAM,
                Path::new("/proc/self/uid_map"),
                format!("{uid} 0 1").as_bytes(),
                free,
            )?;
            write_file(
                plan,
                PROGRAM,
                Path::new("/proc/self/gid_map"),
                format!("{gid} 0 1").as_bytes(),
                free,
            )?;
            drop_bounding_set(plan);
        }
        Mode::UserNamespace => drop_bounding_set(plan),
        Mode::PlainProcess if !rustix::process::geteuid().is_root() => {}
        Mode::Namespaces | Mode::PlainProcess => {
            plan.step(PROGRAM, "leaving groups", libc::SYS_setgroups, &[0, 0]);
            plan.step(PROGRAM, "changing the group", libc::SYS_setresgid, &[gid, gid, gid]);
            drop_bounding_set(plan);
            plan.step(PROGRAM, "changing the user", libc::SYS_setresuid, &[uid, uid, uid]);
        }
    }
    Ok(())
}

/// Empties the set of capabilities that any later exec could bring back.
fn drop_bounding_set(plan: &mut Plan) {
    for capability in 0..=CAPABILITIES {
        let arguments = [libc::PR_CAPBSET_DROP as u64, capability];
        plan.tolerant_step(PROGRAM, "dropping capabilities", Tolerate::Anything, libc::SYS_prctl, &arguments);
    }
}

/// No capabilities, and none to be gained by a set-user-id file or otherwise.
pub(crate) fn drop_capabilities(plan: &mut Plan, phase: Phase) {
    // Version 3 of the header, for the calling process; then two sets of three empty words.
    let header = plan.words(&[0x2008_0522]);
    let none = plan.words(&[0; 3]);
    plan.step(phase, "dropping capabilities", libc::SYS_capset, &[header, none]);
    let forever = [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0];
    plan.step(phase, "renouncing privileges", libc::SYS_prctl, &forever);
}

fn enter_working_dir(plan: &mut Plan, spec: &Spec, abilities: &Abilities) -> Result<(), SandboxError> {
    let path = seen_path(spec, abilities, &spec.working_dir);
    let address = plan.path(&path)?;
    plan.step(PROGRAM, format!("entering working directory {}", path.display()), libc::SYS_chdir, &[address]);
    Ok(())
}

fn filter_calls(plan: &mut Plan) {
    let filter = seccomp::filter();
    let length = seccomp::instructions(&filter);
    let instructions = plan.bytes(&filter);
    let program = plan.words(&[u64::from(length), instructions]);
    let arguments = [u64::from(libc::SECCOMP_SET_MODE_FILTER), 0, program];
    plan.step(PROGRAM, "filtering system calls", libc::SYS_seccomp, &arguments);
}

fn execute(plan: &mut Plan, spec: &Spec, abilities: &Abilities) -> Result<(), SandboxError> {
    let path = seen_path(spec, abilities, &spec.program);
    let program = plan.path(&path)?;
    let name = std::iter::once(Cow::Borrowed(spec.program.as_os_str()));
    let arguments = plan.strings(name.chain(spec.args.iter().map(|arg| Cow::Borrowed(arg.as_os_str()))))?;
    let mut variables = Vec::with_capacity(spec.env.len());
    for (key, value) in &spec.env {
        if key.is_empty() || key.as_encoded_bytes().contains(&b'=') {
            let key = key.to_string_lossy();
            return Err(SandboxError::Invalid(format!("an environment variable cannot be named {key:?}")));
        }
        let mut variable = OsString::with_capacity(key.len() + value.len() + 1);
        variable.extend([key.as_os_str(), "=".as_ref(), value.as_os_str()]);
        variables.push(variable);
    }
    let environment = plan.strings(variables.into_iter().map(Cow::Owned))?;
    plan.step(
        PROGRAM,
        format!("executing {}", path.display()),
        libc::SYS_execve,
        &[program, arguments, environment],
    );
    Ok(())
}

/// A path of the specification as the program's process sees it.
fn seen_path<'a>(spec: &Spec, abilities: &Abilities, path: &'a Path) -> Cow<'a, Path> {
    match abilities.mode {
        Mode::PlainProcess => Cow::Owned(spec.host_path(path)),
        _ => Cow::Borrowed(path),
    }
}

/// Whether the kernel has seccomp filters, without installing one.
pub(crate) fn has_seccomp() -> io::Result<()> {
    let action = libc::SECCOMP_RET_ERRNO;
    super::system::try_seccomp_action(action)
}
