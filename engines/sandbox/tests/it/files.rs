//! What a program sees and can change of the file system.

use std::fs;

use sandbox::{Isolation, Mount, SandboxError, Sandboxes, Spec, User};

use crate::kit::{best, best_with, run, shell, state_dir};

#[tokio::test]
async fn the_hosts_files_are_out_of_sight() {
    let Some(sandboxes) = best_with(&["mount namespace"]) else { return };
    let secret = tempfile::NamedTempFile::new().expect("a temporary file");
    let script = format!(
        "cat {} && exit 1; cat {}/etc/passwd && exit 2; ls /root /home /var 2>/dev/null && exit 3; \
         cat /etc/shadow && exit 4; ls / | tr '\\n' ' '",
        secret.path().display(),
        state_dir().display(),
    );
    let ran = run(&sandboxes, shell(&script)).await;
    ran.assert_code(0);
    for name in ["root", "home", "var", "srv", "mnt", "sys", "boot"] {
        assert!(!ran.stdout.split(' ').any(|seen| seen == name), "{name} is among {}", ran.stdout);
    }
}

#[tokio::test]
async fn only_the_private_tmp_is_writable() {
    let Some(sandboxes) = best_with(&["mount namespace"]) else { return };
    let script = "for folder in / /usr /etc /dev /var/task /proc/sys/kernel; do \
                  (: > $folder/new) 2>/dev/null && echo wrote $folder; done; \
                  echo kept > /tmp/new && cat /tmp/new";
    let code = tempfile::tempdir().expect("a temporary folder");
    let mut spec = shell(script);
    spec.mounts.push(Mount::read_only(code.path(), "/var/task"));
    let ran = run(&sandboxes, spec).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "kept\n");
    assert!(!std::path::Path::new("/tmp/new").exists());
    let again = run(&sandboxes, shell("ls -A /tmp")).await;
    assert_eq!(again.stdout, "", "another sandbox has another /tmp");
}

#[tokio::test]
async fn a_full_tmp_says_so() {
    let Some(sandboxes) = best_with(&["mount namespace"]) else { return };
    let mut spec = shell("head -c 3000000 /dev/zero > /tmp/big");
    spec.private_tmp_bytes = 2 << 20;
    let ran = run(&sandboxes, spec).await;
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
}

#[tokio::test]
async fn mounts_show_what_was_asked_for() {
    let Some(sandboxes) = best_with(&["mount namespace"]) else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("code"), "hello").expect("written");
    let file = folder.path().join("code");
    let mut spec =
        shell("cat code /deep/er/file && (echo no > code) 2>/dev/null && exit 3; echo yes > /out/made");
    let out = tempfile::tempdir().expect("a temporary folder");
    fs::set_permissions(out.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("changed");
    fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("changed");
    spec.working_dir = "/var/task".into();
    spec.mounts = vec![
        Mount::read_only(folder.path(), "/var/task"),
        Mount::read_only(&file, "/deep/er/file"),
        Mount::writable(out.path(), "/out"),
    ];
    let ran = run(&sandboxes, spec).await;
    ran.assert_code(0);
    assert_eq!(ran.stdout, "hellohello");
    assert_eq!(fs::read_to_string(out.path().join("made")).expect("made"), "yes\n");
}

#[tokio::test]
async fn a_mount_of_nothing_is_an_error_that_names_it() {
    let Some(sandboxes) = best_with(&["mount namespace"]) else { return };
    let mut spec = shell("true");
    spec.mounts.push(Mount::read_only("/does/not/exist", "/var/task"));
    let error = sandboxes.start(spec).await.expect_err("there is no such folder");
    assert!(error.to_string().contains("/does/not/exist"), "{error}");
    sandboxes.settled().await;
}

#[tokio::test]
async fn a_missing_program_is_an_error_that_names_it() {
    let sandboxes = best();
    let error =
        sandboxes.start(Spec::new("/var/task/bootstrap")).await.expect_err("there is no such program");
    match error {
        SandboxError::Program { program, source, .. } => {
            assert_eq!(program.to_str(), Some("/var/task/bootstrap"));
            assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
        }
        other => panic!("unexpected: {other}"),
    }
    let mut spec = shell("true");
    spec.working_dir = "/nowhere".into();
    let error = sandboxes.start(spec).await.expect_err("there is no such folder");
    assert!(error.to_string().contains("working directory /nowhere"), "{error}");
}

#[tokio::test]
async fn devices_and_proc_are_the_sandboxes_own() {
    let Some(sandboxes) = best_with(&["mount namespace", "own /proc", "pid namespace"]) else { return };
    let script = "head -c 4 /dev/urandom | wc -c; echo x > /dev/null; echo shared > /dev/shm/x && cat /dev/shm/x; \
                  echo named > /dev/stdout; ls /proc | grep -c '^[0-9]'; readlink /proc/1/exe || cat /proc/1/environ || echo closed";
    let ran = run(&sandboxes, shell(script)).await;
    let lines: Vec<&str> = ran.stdout.lines().map(str::trim).collect();
    // The processes are the first one, the shell, and the two of the pipe.
    assert_eq!(lines[..3], ["4", "shared", "named"], "{} {}", ran.stdout, ran.stderr);
    assert!(lines[3].parse::<u32>().is_ok_and(|processes| processes <= 5), "{}", ran.stdout);
    assert_eq!(lines[4], "closed", "the first process is closed to the program");
}

#[tokio::test]
async fn a_program_that_is_user_0_cannot_change_the_kernels_settings() {
    let Some(sandboxes) = best_with(&["mount namespace", "own /proc", "unprivileged user"]) else { return };
    let without_privileges = Sandboxes::probe(&state_dir(), Isolation::UserNamespace).expect("probed");
    for sandboxes in [sandboxes, without_privileges] {
        // Opened for writing, but nothing is written: this must be harmless when it fails.
        let script = "for file in kernel/core_pattern kernel/modprobe vm/overcommit_memory; do \
                      (: >> /proc/sys/$file) 2>/dev/null && echo $file; done; \
                      (: >> /proc/sysrq-trigger) 2>/dev/null && echo sysrq; id -u";
        let mut spec = shell(script);
        spec.user = User { uid: 0, gid: 0 };
        assert_eq!(run(&sandboxes, spec).await.stdout, "0\n");
    }
}
