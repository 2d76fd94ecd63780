//! `nnz bench --on ssh:HOST`, with an `ssh` and an `scp` that stay on this machine.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use nnz_tests::command::{self, Ran};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Runs the command behind the host's name; leaves the names of hosts beside it.
const SSH: &str =
    "#!/bin/sh\necho \"$1\" >> \"$(dirname \"$0\")/hosts\"\nshift\nexec sh -c \"$*\"\n";
/// Copies files whose names may begin with a host's.
const SCP: &str = "#!/bin/sh\nwhile [ \"${1#-}\" != \"$1\" ]; do shift; done\n\
    exec cp -p \"${1#board:}\" \"${2#board:}\"\n";

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The command line with only these two in front of what the machine has.
fn nnz(tools: &Path, args: &[&str]) -> Ran {
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let output = Command::new(command::binary())
        .args(args)
        .envs([("NO_COLOR", "1"), ("PATH", &path)])
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[test]
fn a_bench_on_another_machine_reports_from_there_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path();
    script(&tools.join("ssh"), SSH);
    script(&tools.join("scp"), SCP);
    let model = tools.join("small.nnz");
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/tests/small.nnz");
    fs::copy(small, &model).unwrap();
    let model = model.display().to_string();
    let on = ["bench", &model, "--on", "ssh:board", "--seconds", "0.02"];
    let report = nnz(tools, &[&on[..], &["--json"]].concat()).json();
    assert_eq!(report["target"], "ssh:board");
    assert!(report["latency_us"]["median"].as_f64().unwrap() > 0.0);
    assert!(report["environment"]["kernels"].is_string());
    let hosts = fs::read_to_string(tools.join("hosts")).unwrap();
    assert!(hosts.lines().all(|host| host == "board"), "{hosts}");
    let ran = nnz(tools, &on);
    assert!(ran.stdout.contains("ssh:board"), "{ran:?}");
}

#[test]
fn a_machine_that_cannot_be_reached_is_named_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path();
    script(
        &tools.join("ssh"),
        "#!/bin/sh\necho no route to host >&2\nexit 255\n",
    );
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime/tests/small.nnz");
    let model = model.display().to_string();
    let ran = nnz(tools, &["bench", &model, "--on", "ssh:board"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("no route to host"), "{ran:?}");
    assert!(ran.stderr.contains("help:"), "{ran:?}");
    let ran = nnz(tools, &["bench", &model, "--on", "ssh:-oProxyCommand=x"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("is no name of a machine"), "{ran:?}");
}
