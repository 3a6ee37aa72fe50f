//! Language runtimes work inside as they do outside.

use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox::{Mount, Sandboxes, Spec};

use crate::kit::{best_with, run};

/// The program's real path, and what must be mounted to see it when it is installed outside of /usr.
fn installed(name: &str, query: &[&str]) -> Option<(PathBuf, Vec<Mount>)> {
    let output = Command::new(name).args(query).output().ok().filter(|output| output.status.success());
    let Some(output) = output else {
        println!("skipped: {name} is not installed");
        return None;
    };
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let path = path.canonicalize().ok()?;
    let mounts = if path.starts_with("/usr") {
        Vec::new()
    } else {
        let prefix = path.parent().and_then(Path::parent)?;
        vec![Mount::read_only(prefix, prefix)]
    };
    Some((path, mounts))
}

fn runtime(program: PathBuf, mounts: Vec<Mount>, arguments: &[&str]) -> Spec {
    let mut spec = Spec::new(program);
    spec.args = arguments.iter().map(Into::into).collect();
    spec.mounts = mounts;
    spec.memory_bytes = 512 << 20;
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into()), ("HOME".into(), "/tmp".into())];
    spec
}

fn sandboxes() -> Option<Sandboxes> {
    best_with(&["mount namespace", "own /proc"])
}

#[tokio::test]
async fn python_runs_with_threads_processes_and_certificates() {
    let Some(sandboxes) = sandboxes() else { return };
    let Some((python, mounts)) = installed("python3", &["-c", "import sys; print(sys.executable)"]) else {
        return;
    };
    let script = "import ssl, threading, subprocess, tempfile, multiprocessing, json\n\
                  thread = threading.Thread(target=lambda: print('thread', flush=True)); thread.start(); thread.join()\n\
                  print(subprocess.check_output(['echo', 'process'], text=True), end='', flush=True)\n\
                  with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))\n\
                  import os, sys; top = '/' + sys.executable.split('/')[1]\n\
                  print(len(os.listdir(top)) if top != '/usr' else 1)";
    let ran = run(&sandboxes, runtime(python, mounts, &["-c", script])).await;
    ran.assert_code(0);
    assert!(ran.stdout.starts_with("thread\nprocess\n[1, 2]\n"), "{}", ran.stdout);
    // An interpreter in somebody's home shows nothing else of that home.
    assert!(ran.stdout.ends_with("]\n1\n"), "{}", ran.stdout);
}

#[tokio::test]
async fn node_runs_with_workers_and_children() {
    let Some(sandboxes) = sandboxes() else { return };
    let Some((node, mounts)) = installed("node", &["-p", "process.execPath"]) else { return };
    let script = "const {Worker} = require('worker_threads'); \
                  console.log(require('child_process').execFileSync('echo', ['child']).toString().trim()); \
                  require('fs').writeFileSync('/tmp/x', 'y'); \
                  new Worker('require(\"worker_threads\").parentPort.postMessage(\"worker\")', {eval: true}) \
                  .on('message', m => console.log(m))";
    let ran = run(&sandboxes, runtime(node, mounts, &["-e", script])).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "child\nworker\n");
}

#[tokio::test]
async fn java_and_perl_run() {
    let Some(sandboxes) = sandboxes() else { return };
    for (program, arguments, expected) in
        [("/usr/bin/perl", vec!["-e", "print 6*7"], "42"), ("/usr/bin/java", vec!["-version"], "")]
    {
        if !Path::new(program).exists() {
            println!("skipped: {program} is not installed");
            continue;
        }
        let ran = run(&sandboxes, runtime(program.into(), Vec::new(), &arguments)).await;
        ran.assert_code(0);
        assert_eq!(ran.stdout, expected);
    }
}
