//! Starts the first process of a sandbox.
//!
//! One thread of the host process does all of it, for two reasons. The kernel kills a sandbox when the *thread*
//! that started it ends, so that thread must live as long as the process. And the new process borrows our memory
//! until it has executed the init program (as with vfork), which keeps the cost independent of our size.
#![allow(unsafe_code)]

use std::fs;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc;
use std::thread;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use tokio::sync::oneshot;

static INIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sandbox-init"));

/// A process of ours that nobody has waited for yet.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) pidfd: OwnedFd,
}

/// What the new process starts from.
pub(crate) struct Start {
    /// The init program; see [`init_program`].
    pub(crate) init: OwnedFd,
    /// These become the new process's descriptors 0, 1, 2, ...
    pub(crate) files: Vec<OwnedFd>,
    /// Namespace flags of clone.
    pub(crate) namespaces: u64,
    /// A version 2 control group's folder to be born in.
    pub(crate) group: Option<OwnedFd>,
}

type Started = io::Result<Process>;
type Done = Box<dyn FnOnce(Started) -> Result<(), Started> + Send>;

struct Job {
    start: Start,
    /// Takes the result, or gives it back when nobody wants it any more.
    done: Done,
}

/// Starts a process. When the caller is gone by the time it runs, it is killed again.
pub(crate) async fn spawn(start: Start) -> io::Result<Process> {
    let (sender, result) = oneshot::channel();
    let done = Box::new(|result| sender.send(result));
    starter()?.send(Job { start, done }).map_err(|_| starter_is_gone())?;
    result.await.map_err(|_| starter_is_gone())?
}

/// As [`spawn`], outside of a runtime.
pub(crate) fn spawn_and_block(start: Start) -> io::Result<Process> {
    let (sender, result) = mpsc::sync_channel(1);
    let done = Box::new(move |result| sender.send(result).map_err(|error| error.0));
    starter()?.send(Job { start, done }).map_err(|_| starter_is_gone())?;
    result.recv().map_err(|_| starter_is_gone())?
}

fn starter_is_gone() -> io::Error {
    io::Error::other("the thread that starts sandboxes has ended")
}

fn starter() -> io::Result<mpsc::Sender<Job>> {
    static STARTER: OnceLock<Result<mpsc::Sender<Job>, String>> = OnceLock::new();
    let start_thread = || {
        let (jobs, queue) = mpsc::channel();
        let thread = thread::Builder::new().name("sandbox-start".to_owned());
        thread.spawn(move || serve(&queue)).map(|_| jobs).map_err(|error| error.to_string())
    };
    STARTER.get_or_init(start_thread).clone().map_err(io::Error::other)
}

fn serve(queue: &mpsc::Receiver<Job>) {
    block_signals();
    while let Ok(job) = queue.recv() {
        let result = clone_process(&job.start);
        if let Err(Ok(orphan)) = (job.done)(result) {
            crate::reaper::bury(orphan, None);
        }
    }
}

/// A signal handler must not run in the new process while it borrows our memory.
fn block_signals() {
    // SAFETY: the set is initialised by sigfillset before it is read.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, std::ptr::null_mut());
    }
}

/// The init program as an executable descriptor that nobody can write to: in memory, or in `state_dir` where the
/// host forbids executing from memory.
pub(crate) fn init_program(state_dir: &Path) -> io::Result<OwnedFd> {
    let in_memory = || -> io::Result<OwnedFd> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // MFD_EXEC is asked for by newer kernels and unknown to older ones.
        let file = memfd_create(c"sandbox-init", flags | MemfdFlags::EXEC)
            .or_else(|_| memfd_create(c"sandbox-init", flags))?;
        let mut file = fs::File::from(file);
        file.write_all(INIT)?;
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
        Ok(file.into())
    };
    let executable_from_memory =
        fs::read_to_string("/proc/sys/vm/memfd_noexec").map_or(true, |setting| setting.trim() != "2");
    if executable_from_memory && let Ok(file) = in_memory() {
        return Ok(file);
    }
    let (path, draft) = (state_dir.join("init"), state_dir.join(format!(".init.{}", std::process::id())));
    fs::write(&draft, INIT)?;
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755))?;
    fs::rename(&draft, &path)?;
    Ok(fs::File::open(&path)?.into())
}

/// A plan's image as a file that the init program can map.
pub(crate) fn plan_file(image: &[u8]) -> io::Result<OwnedFd> {
    let mut file = fs::File::from(memfd_create(c"sandbox-plan", MemfdFlags::CLOEXEC)?);
    file.write_all(image)?;
    Ok(file.into())
}

/// linux/sched.h; wider than the older flags.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of Linux 5.7.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Everything that the new process needs until its exec, prepared so that it allocates nothing.
struct Birth {
    init: i32,
    files: Vec<i32>,
    /// A number above all descriptors in use here.
    spare: i32,
    /// File and content, in order, that map our ids into a new user namespace.
    id_maps: Option<[(&'static std::ffi::CStr, Vec<u8>); 3]>,
    arguments: [*const libc::c_char; 2],
    environment: [*const libc::c_char; 1],
    errno: i32,
}

fn clone_process(start: &Start) -> io::Result<Process> {
    let files: Vec<i32> = start.files.iter().map(AsRawFd::as_raw_fd).collect();
    let init = start.init.as_raw_fd();
    let highest = files.iter().copied().max().unwrap_or(0).max(init).max(files.len() as i32);
    let new_user = start.namespaces & libc::CLONE_NEWUSER as u64 != 0;
    let mut birth = Birth {
        init,
        spare: highest + 1,
        files,
        id_maps: new_user.then(id_maps),
        arguments: [c"sandbox-init".as_ptr(), std::ptr::null()],
        environment: [std::ptr::null()],
        errno: 0,
    };
    let mut pidfd: i32 = -1;
    let flags = start.namespaces | (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64;
    let group = start.group.as_ref().map(|group| group.as_fd().as_raw_fd() as u64);
    // SAFETY: all pointers are to live locals; the new process runs only `be_born`, on the part of this thread's
    // stack that lies beyond this frame, while this thread is suspended.
    let pid = unsafe {
        let arguments = CloneArguments {
            flags: flags | group.map_or(0, |_| CLONE_INTO_CGROUP),
            pidfd: (&raw mut pidfd) as u64,
            exit_signal: libc::SIGCHLD as u64,
            cgroup: group.unwrap_or(0),
            ..CloneArguments::default()
        };
        let size = std::mem::size_of::<CloneArguments>() as u64;
        let mut pid = call_and_run_child(
            libc::SYS_clone3,
            [(&raw const arguments) as u64, size, 0, 0, 0],
            &raw mut birth,
        );
        let unknown = pid == -i64::from(libc::ENOSYS) || pid == -i64::from(libc::EPERM);
        if unknown && group.is_none() {
            // Some container runtimes hide clone3 from their programs.
            let flags = flags | libc::SIGCHLD as u64;
            let words = [flags, 0, (&raw mut pidfd) as u64, 0, 0];
            pid = call_and_run_child(libc::SYS_clone, words, &raw mut birth);
        }
        pid
    };
    if pid < 0 {
        return Err(io::Error::from_raw_os_error(-pid as i32));
    }
    // SAFETY: the kernel made this descriptor for us.
    let process = Process { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } };
    if birth.errno != 0 {
        let error = io::Error::from_raw_os_error(birth.errno);
        crate::reaper::bury(process, None);
        return Err(error);
    }
    Ok(process)
}

/// Maps user and group 0 inside to ours: the only mapping that needs no privilege.
fn id_maps() -> [(&'static std::ffi::CStr, Vec<u8>); 3] {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    [
        (c"/proc/self/setgroups", b"deny".to_vec()),
        (c"/proc/self/uid_map", format!("0 {uid} 1").into_bytes()),
        (c"/proc/self/gid_map", format!("0 {gid} 1").into_bytes()),
    ]
}

/// Makes a clone-like call with CLONE_VM and CLONE_VFORK whose child runs [`be_born`] and never comes back here.
#[cfg(target_arch = "x86_64")]
unsafe fn call_and_run_child(number: libc::c_long, words: [u64; 5], birth: *mut Birth) -> i64 {
    let result;
    // SAFETY: as no `nostack` is given the red zone is unused, so the child may use the stack below; it does not
    // return, and this thread resumes with all registers but rax, rcx and r11 as they were.
    unsafe {
        std::arch::asm!(
            "syscall", "test rax, rax", "jnz 2f", "xor ebp, ebp", "mov rdi, r12", "call r13", "ud2", "2:",
            inlateout("rax") number => result,
            in("rdi") words[0], in("rsi") words[1], in("rdx") words[2], in("r10") words[3], in("r8") words[4],
            in("r12") birth, in("r13") be_born as extern "C" fn(*mut Birth) -> !,
            out("rcx") _, out("r11") _,
        );
    }
    result
}

/// Makes a clone-like call with CLONE_VM and CLONE_VFORK whose child runs [`be_born`] and never comes back here.
#[cfg(target_arch = "aarch64")]
unsafe fn call_and_run_child(number: libc::c_long, words: [u64; 5], birth: *mut Birth) -> i64 {
    let result;
    // SAFETY: the child uses the stack below this frame and does not return; this thread resumes with all
    // registers but x0 as they were.
    unsafe {
        std::arch::asm!(
            "svc #0", "cbnz x0, 2f", "mov x0, x20", "blr x21", "brk #1", "2:",
            in("x8") number,
            inlateout("x0") words[0] => result,
            in("x1") words[1], in("x2") words[2], in("x3") words[3], in("x4") words[4],
            in("x20") birth, in("x21") be_born as extern "C" fn(*mut Birth) -> !,
        );
    }
    result
}

/// The new process until its exec. Only system calls: the memory is still the host's.
extern "C" fn be_born(birth: *mut Birth) -> ! {
    // SAFETY: the host's thread is suspended until this process has executed or ended, so the pointer is unique;
    // all strings and lists were prepared by it.
    unsafe {
        let birth = &mut *birth;
        if prepare(birth).is_some() {
            libc::syscall(
                libc::SYS_execveat,
                birth.init,
                c"".as_ptr(),
                birth.arguments.as_ptr(),
                birth.environment.as_ptr(),
                libc::AT_EMPTY_PATH,
            );
        }
        birth.errno = *libc::__errno_location();
        libc::_exit(127)
    }
}

/// Maps ids and puts the descriptors in place; `None` when a call failed.
unsafe fn prepare(birth: &mut Birth) -> Option<()> {
    let worked = |result: i64| (result >= 0).then_some(result);
    // SAFETY: plain system calls on descriptors and on memory that the host prepared.
    unsafe {
        for (file, content) in birth.id_maps.iter().flatten() {
            let file = worked(libc::open(file.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC).into())? as i32;
            worked(libc::write(file, content.as_ptr().cast(), content.len()) as i64)?;
            libc::close(file);
        }
        // First out of the way of each other, then to their places.
        birth.init = worked(libc::fcntl(birth.init, libc::F_DUPFD_CLOEXEC, birth.spare).into())? as i32;
        for file in &mut birth.files {
            *file = worked(libc::fcntl(*file, libc::F_DUPFD_CLOEXEC, birth.spare).into())? as i32;
        }
        for (place, &file) in birth.files.iter().enumerate() {
            worked(libc::dup2(file, place as i32).into())?;
        }
    }
    Some(())
}
