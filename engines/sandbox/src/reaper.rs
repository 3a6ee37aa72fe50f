//! The end of sandboxes that nobody waits for: kills them, waits for them, removes their control groups.

use std::io;
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_send_signal, waitid};
use tokio::sync::oneshot;

use crate::cgroup::Group;
use crate::spawn::Process;

enum Work {
    Bury(Process, Option<Group>),
    Remove(Group),
    Mark(oneshot::Sender<()>),
}

/// Kills a process with everything in it, and cleans up behind it in the background.
pub(crate) fn bury(process: Process, group: Option<Group>) {
    kill(&process, group.as_ref());
    submit(Work::Bury(process, group));
}

/// Removes the control group of a sandbox that has ended, in the background.
pub(crate) fn remove(group: Group) {
    submit(Work::Remove(group));
}

/// Waits until everything handed over so far is gone.
pub(crate) async fn settled() {
    let (mark, reached) = oneshot::channel();
    submit(Work::Mark(mark));
    // An error means that the work was done in place, so nothing is pending.
    let _ = reached.await;
}

/// Kills the whole tree. Process 1 of a PID namespace takes all others with it, however fast they fork.
pub(crate) fn kill(process: &Process, group: Option<&Group>) {
    // Failing means that it has ended already.
    let _ = pidfd_send_signal(&process.pidfd, Signal::KILL);
    if let Some(pid) = Pid::from_raw(process.pid) {
        // Without a PID namespace the session's process group is what can be reached. The process has not been
        // waited for, so its number is not anybody else's.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    if let Some(group) = group {
        group.kill();
    }
}

fn submit(work: Work) {
    static REAPER: OnceLock<Option<mpsc::Sender<Work>>> = OnceLock::new();
    let start_thread = || {
        let (sender, queue) = mpsc::channel();
        let serve = move || {
            while let Ok(work) = queue.recv() {
                perform(work);
            }
        };
        thread::Builder::new().name("sandbox-reaper".to_owned()).spawn(serve).map(|_| sender).ok()
    };
    match REAPER.get_or_init(start_thread) {
        Some(sender) => {
            if let Err(mpsc::SendError(work)) = sender.send(work) {
                perform(work);
            }
        }
        None => perform(work),
    }
}

fn perform(work: Work) {
    match work {
        Work::Bury(process, group) => {
            if let Err(error) = wait(&process) {
                tracing::debug!(pid = process.pid, %error, "a sandbox was waited for by somebody else");
            }
            if let Some(group) = group {
                group.remove();
            }
        }
        Work::Remove(group) => group.remove(),
        Work::Mark(mark) => {
            let _ = mark.send(());
        }
    }
}

/// Waits for a process that is ending.
pub(crate) fn wait(process: &Process) -> io::Result<Option<rustix::process::WaitIdStatus>> {
    loop {
        match waitid(WaitId::PidFd(process.pidfd.as_fd()), WaitIdOptions::EXITED) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(result?),
        }
    }
}
