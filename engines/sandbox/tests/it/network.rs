//! What a program reaches of the network.

use std::io::{Read, Write};
use std::net::TcpListener;

use sandbox::{Network, Spec};

use crate::kit::{best, best_with, run, shell};

/// A shell script for bash, which has TCP built in.
fn bash(script: &str, network: Network) -> Option<Spec> {
    if !std::path::Path::new("/bin/bash").exists() {
        println!("skipped: this host has no bash");
        return None;
    }
    let mut spec = shell(script);
    spec.program = "/bin/bash".into();
    spec.network = network;
    Some(spec)
}

#[tokio::test]
async fn a_listener_of_the_host_is_out_of_reach() {
    let Some(sandboxes) = best_with(&["network namespace"]) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    let Some(spec) = bash(&script, Network::Isolated { listen: Vec::new() }) else { return };
    let ran = run(&sandboxes, spec).await;
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("refused"), "{}", ran.stderr);
    let Some(spec) = bash(&script, Network::Host) else { return };
    assert_eq!(run(&sandboxes, spec).await.stdout, "connected\n");
}

#[tokio::test]
async fn handed_back_listeners_serve_the_program_and_nobody_else() {
    let Some(sandboxes) = best_with(&["network namespace"]) else { return };
    let script = "for port in 9001 80; do exec 3<>/dev/tcp/127.0.0.1/$port; echo ask >&3; cat <&3; done";
    let Some(spec) = bash(script, Network::Isolated { listen: vec![9001, 80] }) else { return };
    let mut sandbox = sandboxes.start(spec).await.expect("started");
    let ports: Vec<u16> =
        sandbox.listeners.iter().map(|listener| listener.local_addr().expect("bound").port()).collect();
    assert_eq!(ports, [9001, 80]);
    assert!(std::net::TcpStream::connect("127.0.0.1:9001").is_err(), "the port is not the host's");
    let listeners = std::mem::take(&mut sandbox.listeners);
    let serve = tokio::task::spawn_blocking(move || {
        for (listener, answer) in listeners.iter().zip(["first ", "second"]) {
            let (mut connection, _) = listener.accept().expect("accepted");
            let mut question = [0; 4];
            connection.read_exact(&mut question).expect("asked");
            assert_eq!(&question, b"ask\n");
            connection.write_all(answer.as_bytes()).expect("answered");
        }
    });
    let mut stdout = sandbox.stdout.take().expect("not taken");
    let (answers, exit) = tokio::join!(stdout.collect(100), sandbox.wait());
    serve.await.expect("served");
    assert_eq!(answers.expect("read").bytes, b"first second");
    assert_eq!(exit.expect("waited").status, sandbox::Status::Code(0));
}

#[tokio::test]
async fn two_sandboxes_can_have_the_same_port() {
    let Some(sandboxes) = best_with(&["network namespace"]) else { return };
    let mut spec = shell("sleep 1000");
    spec.network = Network::Isolated { listen: vec![9001] };
    let first = sandboxes.start(spec.clone()).await.expect("started");
    let second = sandboxes.start(spec).await.expect("started as well");
    assert_eq!((first.listeners.len(), second.listeners.len()), (1, 1));
}

#[tokio::test]
async fn only_the_loopback_interface_exists() {
    let Some(sandboxes) = best_with(&["network namespace", "own /proc"]) else { return };
    let ran = run(&sandboxes, shell("tail -n +3 /proc/net/dev | awk '{print $1}'")).await;
    // Kernels with tunnel modules make their fallback devices in every namespace; none of them is up.
    assert!(ran.stdout.lines().any(|name| name == "lo:"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("eth") && !ran.stdout.contains("ens"), "{}", ran.stdout);
    let hosts = run(&best(), shell("cat /etc/hosts")).await;
    assert!(hosts.stdout.contains("127.0.0.1 localhost"));
}

#[tokio::test]
async fn sockets_that_reach_around_the_network_namespace_are_refused() {
    let Some(sandboxes) = best_with(&["seccomp"]) else { return };
    if !std::path::Path::new("/usr/bin/perl").exists() {
        println!("skipped: this host has no perl");
        return;
    }
    let mut spec = Spec::new("/usr/bin/perl");
    // 40 is vsock, 38 the kernel's cryptography; then the internet and local sockets.
    let script = "for my $family (40, 38, 2, 10, 1) { \
                  print socket(my $socket, $family, 1, 0) ? 'made ' : $!{EAFNOSUPPORT} ? 'refused ' : \"$! \" }";
    spec.args = vec!["-e".into(), script.into()];
    spec.env = vec![("LC_ALL".into(), "C".into())];
    assert_eq!(run(&sandboxes, spec).await.stdout, "refused refused made made made ");
}
