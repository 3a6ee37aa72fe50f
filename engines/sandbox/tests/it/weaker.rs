//! Hosts that allow less: what still holds there, and that the report says what does not.

use sandbox::{Isolation, Mode, Mount, Network, Sandboxes, State, Status};

use crate::kit::{best, run, shell, state_dir};

fn with(preference: Isolation) -> Sandboxes {
    Sandboxes::probe(&state_dir(), preference).expect("a host that can run programs")
}

#[tokio::test]
async fn a_plain_process_runs_and_is_reported_as_such() {
    let sandboxes = with(Isolation::PlainProcess);
    let report = sandboxes.report();
    assert_eq!(report.mode, Mode::PlainProcess);
    assert!(!report.isolates_files() && !report.isolates_network());
    assert!(report.warnings()[0].contains("plain processes"), "{report}");
    assert!(matches!(report.state("pid namespace"), Some(State::Missing(_))));
    let ran = run(&sandboxes, shell("echo $PATH; exit 5")).await;
    ran.assert_code(5);
    assert_eq!(ran.stdout, "/usr/bin:/bin\n");
}

#[tokio::test]
async fn a_plain_process_finds_its_program_at_the_mounts_source() {
    let sandboxes = with(Isolation::PlainProcess);
    let mut spec = shell("pwd");
    spec.mounts = vec![Mount::read_only("/usr/bin", "/var/task"), Mount::read_only("/usr/lib", "/var/lib2")];
    spec.working_dir = "/var/lib2".into();
    spec.program = "/var/task/sh".into();
    assert_eq!(run(&sandboxes, spec).await.stdout, "/usr/lib\n");
}

#[tokio::test]
async fn a_plain_processs_children_are_killed_too() {
    let sandboxes = with(Isolation::PlainProcess);
    let mut sandbox = sandboxes.start(shell("sleep 1000 & sleep 1000")).await.expect("started");
    let mut stdout = sandbox.stdout.take().expect("not taken");
    sandbox.freeze().await.expect("frozen");
    sandbox.kill();
    // The output ends when the last holder of the pipe has ended.
    let (rest, exit) = tokio::join!(stdout.collect(10), sandbox.wait());
    assert_eq!(rest.expect("read").bytes, b"");
    assert_eq!(exit.expect("waited").status, Status::Signal(9));
}

#[tokio::test]
async fn without_a_network_namespace_ports_are_the_hosts() {
    let sandboxes = with(Isolation::PlainProcess);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let port = taken.local_addr().expect("bound").port();
    let mut spec = shell("true");
    spec.network = Network::Isolated { listen: vec![port] };
    let error = sandboxes.start(spec.clone()).await.expect_err("the port is taken");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    drop(taken);
    let sandbox = sandboxes.start(spec).await.expect("started");
    assert_eq!(sandbox.listeners[0].local_addr().expect("bound").port(), port);
}

#[tokio::test]
async fn a_user_namespace_does_without_privileges() {
    let sandboxes = with(Isolation::UserNamespace);
    if sandboxes.report().mode != Mode::UserNamespace {
        println!("skipped: this host has no user namespaces: {}", sandboxes.report());
        return;
    }
    let mut spec =
        shell("id -u; ls /home 2>/dev/null; (echo no > /etc/x) 2>/dev/null; echo yes > /tmp/x && cat /tmp/x");
    spec.network = Network::Isolated { listen: vec![9001] };
    let ran = run(&sandboxes, spec).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "993\nyes\n", "{}", sandboxes.report());
}

#[test]
fn the_report_names_every_wall() {
    let sandboxes = best();
    let text = sandboxes.report().to_string();
    println!("{text}");
    for name in
        ["mount namespace", "network namespace", "memory limit", "cpu limit", "process limit", "seccomp"]
    {
        assert!(text.contains(name), "{text}");
    }
}
