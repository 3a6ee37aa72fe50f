//! The filter of system calls: what an ordinary program never needs and an attacker of the kernel does.
//!
//! Refused calls fail with EPERM, so that a program that merely tries one goes on. `clone3` fails with ENOSYS,
//! as its flags are out of a filter's sight; C libraries then fall back to `clone`, whose flags are checked.

use std::mem;

#[cfg(target_arch = "x86_64")]
use libc::BPF_JGE;
use libc::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W};

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// Calls of x86's 32-bit-pointer mode have this bit; they would slip past the comparison by number.
#[cfg(target_arch = "x86_64")]
const X32_BIT: u32 = 0x4000_0000;

const NUMBER_OFFSET: u32 = 0;
const ARCH_OFFSET: u32 = 4;
/// The low half of the first argument (both machines are little-endian).
const FIRST_ARGUMENT_OFFSET: u32 = 16;

const NEW_NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

/// What an ordinary program talks through. Of the others some reach around a network namespace, such as the one
/// between a virtual machine and its host, and the rest are seldom-used code of the kernel.
const SOCKET_FAMILIES: &[i32] = &[libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    libc::SYS_vmsplice,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_sysfs,
];

/// The filter as the kernel takes it: an array of `struct sock_filter`.
pub(crate) fn filter() -> Vec<u8> {
    let refuse = answer(libc::EPERM);
    let mut program = vec![load(ARCH_OFFSET), jump(BPF_JEQ, AUDIT_ARCH, 1, 0), refuse, load(NUMBER_OFFSET)];
    #[cfg(target_arch = "x86_64")]
    program.extend([jump(BPF_JGE, X32_BIT, 0, 1), refuse]);
    program.extend([jump(BPF_JEQ, libc::SYS_clone3 as u32, 0, 1), answer(libc::ENOSYS)]);
    for &number in REFUSED {
        program.extend([jump(BPF_JEQ, number as u32, 0, 1), refuse]);
    }
    let allow = give(libc::SECCOMP_RET_ALLOW);
    program.extend([
        jump(BPF_JEQ, libc::SYS_clone as u32, 0, 4),
        load(FIRST_ARGUMENT_OFFSET),
        jump(BPF_JSET, NEW_NAMESPACES, 0, 1),
        refuse,
        allow,
        jump(BPF_JEQ, libc::SYS_socket as u32, 1, 0),
        allow,
        load(FIRST_ARGUMENT_OFFSET),
    ]);
    for &family in SOCKET_FAMILIES {
        program.extend([jump(BPF_JEQ, family as u32, 0, 1), allow]);
    }
    program.push(answer(libc::EAFNOSUPPORT));
    debug_assert!(program.len() < 4096, "the kernel's limit");
    program.iter().flat_map(encode).collect()
}

/// The number of instructions in an encoded filter.
pub(crate) fn instructions(filter: &[u8]) -> u16 {
    (filter.len() / mem::size_of::<libc::sock_filter>()) as u16
}

fn load(offset: u32) -> libc::sock_filter {
    libc::sock_filter { code: (BPF_LD | BPF_W | BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

fn jump(test: u32, value: u32, if_true: u8, if_false: u8) -> libc::sock_filter {
    libc::sock_filter { code: (BPF_JMP | test | BPF_K) as u16, jt: if_true, jf: if_false, k: value }
}

fn give(action: u32) -> libc::sock_filter {
    libc::sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k: action }
}

fn answer(errno: i32) -> libc::sock_filter {
    give(libc::SECCOMP_RET_ERRNO | errno as u32)
}

fn encode(instruction: &libc::sock_filter) -> [u8; 8] {
    let [code_low, code_high] = instruction.code.to_ne_bytes();
    let [a, b, c, d] = instruction.k.to_ne_bytes();
    [code_low, code_high, instruction.jt, instruction.jf, a, b, c, d]
}
