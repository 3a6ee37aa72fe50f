//! The first process of a sandbox: carries out a plan that the host wrote, then waits for the program.
//!
//! A plan is a memory image holding lists of system calls whose pointers are already absolute, because the
//! image is always mapped at the same address. This file therefore knows nothing about what a sandbox is made
//! of: `src/plan.rs` encodes plans and `src/setup/` decides what goes into them. No standard library, no
//! allocation, no panics.

#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

/// Where the plan's image is mapped. The same constant is in `src/plan.rs`.
const PLAN_ADDRESS: u64 = 0x10_0000_0000;
/// The longest plan. The same constant is in `src/plan.rs`.
const PLAN_LIMIT: u64 = 8 << 20;
const PLAN_MAGIC: u64 = 0x314e_414c_5058_4253;

// File descriptors that the host arranges before this program starts; also in `src/plan.rs`.
const PLAN_FD: u64 = 3;
const READY_FD: u64 = 4;
const STATUS_FD: u64 = 5;

const ANY_ERROR: i64 = -1;

#[repr(C)]
struct Header {
    magic: u64,
    /// Address and number of steps, per phase.
    setup: [u64; 2],
    program: [u64; 2],
    supervise: [u64; 2],
}

#[repr(C)]
struct Step {
    number: i64,
    arguments: [u64; 6],
    /// An errno that does not stop the plan, `ANY_ERROR`, or 0.
    tolerated: i64,
}

/// What goes to the host when a step fails.
#[repr(C)]
struct Failure {
    phase: u32,
    step: u32,
    errno: i32,
}

/// What goes to the host when the program has ended: its wait status and the kernel's `struct rusage`.
#[repr(C)]
struct Ended {
    status: i64,
    usage: [u64; 18],
}

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: i64 = 1;
    pub const MMAP: i64 = 9;
    pub const CLONE: i64 = 56;
    pub const WAIT4: i64 = 61;
    pub const EXIT_GROUP: i64 = 231;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: i64 = 64;
    pub const MMAP: i64 = 222;
    pub const CLONE: i64 = 220;
    pub const WAIT4: i64 = 260;
    pub const EXIT_GROUP: i64 = 94;
}

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "and rsp, -16", "call {run}", "ud2", run = sym run);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, xzr", "bl {run}", "brk #1", run = sym run);

#[cfg(target_arch = "x86_64")]
unsafe fn call(number: i64, a: [u64; 6]) -> i64 {
    let result;
    // SAFETY: the kernel preserves all registers but rax, rcx and r11; the caller vouches for the arguments.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2],
            in("r10") a[3], in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

#[cfg(target_arch = "aarch64")]
unsafe fn call(number: i64, a: [u64; 6]) -> i64 {
    let result;
    // SAFETY: the kernel preserves all registers but x0; the caller vouches for the arguments.
    unsafe {
        asm!("svc #0", in("x8") number, inlateout("x0") a[0] => result, in("x1") a[1], in("x2") a[2],
            in("x3") a[3], in("x4") a[4], in("x5") a[5], options(nostack));
    }
    result
}

fn exit(code: u64) -> ! {
    loop {
        // SAFETY: exit_group takes no pointers and does not return.
        unsafe { call(number::EXIT_GROUP, [code, 0, 0, 0, 0, 0]) };
    }
}

/// Sends one record; a host that is gone is noticed by its absence of an answer, not here.
fn send<T>(fd: u64, record: &T) {
    let address = (&raw const *record) as u64;
    // SAFETY: the record is live and as long as its type says.
    unsafe { call(number::WRITE, [fd, address, size_of::<T>() as u64, 0, 0, 0]) };
}

/// Carries out one list of steps, or reports the one that failed and exits.
unsafe fn carry_out(phase: u32, list: [u64; 2]) {
    let mut index = 0;
    while index < list[1] {
        // SAFETY: the host encoded `list[1]` steps at `list[0]`, inside the mapped image.
        let step = unsafe { &*((list[0] + index * size_of::<Step>() as u64) as *const Step) };
        // SAFETY: the pointers in the arguments point into the mapped image.
        let result = unsafe { call(step.number, step.arguments) };
        if result < 0 && step.tolerated != ANY_ERROR && step.tolerated != -result {
            send(READY_FD, &Failure { phase, step: index as u32, errno: -result as i32 });
            exit(127);
        }
        index += 1;
    }
}

unsafe extern "C" fn run() -> ! {
    // PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_FIXED_NOREPLACE.
    // SAFETY: nothing else is mapped at that address in this program.
    let mapped = unsafe { call(number::MMAP, [PLAN_ADDRESS, PLAN_LIMIT, 3, 0x10_0002, PLAN_FD, 0]) };
    if mapped != PLAN_ADDRESS as i64 {
        send(
            READY_FD,
            &Failure { phase: u32::MAX, step: 0, errno: if mapped < 0 { -mapped as i32 } else { 0 } },
        );
        exit(127);
    }
    // SAFETY: the host wrote a header at the start of the image.
    let plan = unsafe { &*(PLAN_ADDRESS as *const Header) };
    if plan.magic != PLAN_MAGIC {
        send(READY_FD, &Failure { phase: u32::MAX, step: 1, errno: 0 });
        exit(127);
    }
    // SAFETY: the lists are the plan's; clone without CLONE_VM is a fork (17 is SIGCHLD).
    let program = unsafe {
        carry_out(0, plan.setup);
        call(number::CLONE, [17, 0, 0, 0, 0, 0])
    };
    if program == 0 {
        // SAFETY: the list is the plan's, and ends in execve.
        unsafe { carry_out(1, plan.program) };
        exit(127);
    }
    if program < 0 {
        send(READY_FD, &Failure { phase: u32::MAX, step: 2, errno: -program as i32 });
        exit(127);
    }
    // SAFETY: the list is the plan's.
    unsafe { carry_out(2, plan.supervise) };
    wait_for(program)
}

/// Reaps every orphan, and ends with the program: as this is process 1, everything else ends then, too.
fn wait_for(program: i64) -> ! {
    loop {
        let mut ended = Ended { status: 0, usage: [0; 18] };
        let status = (&raw mut ended.status) as u64;
        let usage = (&raw mut ended.usage) as u64;
        // SAFETY: both pointers are to live memory of the size that the kernel writes.
        let process = unsafe { call(number::WAIT4, [-1i64 as u64, status, 0, usage, 0, 0]) };
        if process == program {
            send(STATUS_FD, &ended);
            exit(0);
        }
        if process == -10 {
            // ECHILD: the program was reaped by nobody but us, so this cannot be; do not spin.
            exit(126);
        }
    }
}

/// # Safety
/// As C's memset; the compiler calls it to fill structures.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, length: usize) -> *mut u8 {
    let mut index = 0;
    while index < length {
        // SAFETY: the caller vouches for `length` bytes. Volatile, or this becomes a call of itself.
        unsafe { to.add(index).write_volatile(value as u8) };
        index += 1;
    }
    to
}

/// # Safety
/// As C's memcpy; the compiler calls it to copy structures.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8 {
    let mut index = 0;
    while index < length {
        // SAFETY: the caller vouches for `length` bytes. Volatile, or this becomes a call of itself.
        unsafe { to.add(index).write_volatile(*from.add(index)) };
        index += 1;
    }
    to
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(125)
}
