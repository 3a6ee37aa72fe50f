//! The network of a sandbox: a loopback interface, and the listening sockets that are handed to the host.
//!
//! A socket belongs for ever to the network namespace it was made in. The sandbox's first process makes the
//! listeners inside and passes them out, so the host process can serve them without entering.

use crate::plan::{Phase, Plan, fd};

/// SIOCSIFFLAGS of linux/sockios.h; its type differs between C libraries.
const SET_INTERFACE_FLAGS: u64 = 0x8914;
const BACKLOG: u64 = 1024;

/// Brings up the loopback interface, listens, and greets the host with the listeners. The greeting is sent in
/// every case: a host that is already gone makes it fail, which closes the gap before the death signal was set.
pub(crate) fn build(plan: &mut Plan, own_network: bool, ports: &[u16]) {
    // The lowest descriptor that is free in the first process, which the kernel gives out next.
    let first = fd::GROUPS as u64;
    if own_network {
        bring_up_loopback(plan, first);
    }
    let sockets = first..first + ports.len() as u64;
    for (&port, socket) in ports.iter().zip(sockets.clone()) {
        listen(plan, socket, port);
    }
    greet(plan, sockets.clone());
    for socket in sockets {
        plan.step(Phase::Setup, "closing a listener", libc::SYS_close, &[socket]);
    }
}

fn bring_up_loopback(plan: &mut Plan, socket: u64) {
    let phase = Phase::Setup;
    let label = "bringing up the loopback interface";
    // struct ifreq: 16 bytes of name, then the flags.
    let mut request = [0u8; 40];
    request[..2].copy_from_slice(b"lo");
    request[16..18].copy_from_slice(&((libc::IFF_UP | libc::IFF_RUNNING) as u16).to_ne_bytes());
    let request = plan.bytes(&request);
    let kind = (libc::SOCK_DGRAM | libc::SOCK_CLOEXEC) as u64;
    plan.step(phase, label, libc::SYS_socket, &[libc::AF_INET as u64, kind, 0]);
    plan.step(phase, label, libc::SYS_ioctl, &[socket, SET_INTERFACE_FLAGS, request]);
    plan.step(phase, label, libc::SYS_close, &[socket]);
}

fn listen(plan: &mut Plan, socket: u64, port: u16) {
    let phase = Phase::Setup;
    let label = format!("listening on port {port}");
    let mut address = [0u8; 16];
    address[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&port.to_be_bytes());
    address[4..8].copy_from_slice(&[127, 0, 0, 1]);
    let address = plan.bytes(&address);
    let kind = (libc::SOCK_STREAM | libc::SOCK_CLOEXEC) as u64;
    plan.step(phase, label.clone(), libc::SYS_socket, &[libc::AF_INET as u64, kind, 0]);
    plan.step(phase, label.clone(), libc::SYS_bind, &[socket, address, 16]);
    plan.step(phase, label, libc::SYS_listen, &[socket, BACKLOG]);
}

fn greet(plan: &mut Plan, sockets: std::ops::Range<u64>) {
    let byte = plan.bytes(b"L");
    let vector = plan.words(&[byte, 1]);
    let mut control = Vec::new();
    if !sockets.is_empty() {
        let length = 16 + 4 * (sockets.end - sockets.start);
        control.extend(length.to_ne_bytes());
        control.extend(libc::SOL_SOCKET.to_ne_bytes());
        control.extend(libc::SCM_RIGHTS.to_ne_bytes());
        control.extend(sockets.flat_map(|socket| (socket as u32).to_ne_bytes()));
        control.resize(control.len().next_multiple_of(8), 0);
    }
    let control_address = plan.bytes(&control);
    // struct msghdr: no name; one vector; the control data; no flags.
    let message = plan.words(&[0, 0, vector, 1, control_address, control.len() as u64, 0]);
    let arguments = [fd::STATUS as u64, message, libc::MSG_NOSIGNAL as u64];
    plan.step(Phase::Setup, "greeting the host", libc::SYS_sendmsg, &arguments);
}
