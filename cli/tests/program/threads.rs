//! How many threads there are where no option says.

use crate::{DIAGONAL, Place};
use predicates::str::contains;
use serde_json::Value;

const VARIABLE: &str = "MATINV_NUM_THREADS";

fn threads_in_report(place: &Place) -> Value {
    let report: Value = serde_json::from_str(&place.text("r.json")).unwrap();
    report["options"]["threads"].clone()
}

#[test]
fn the_variable_is_obeyed_and_the_option_wins() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    let inv = "inv A.txt -o X.npy --report r.json --force";
    for (value, option, expected) in
        [("3", "", Value::from(3)), ("3", " --threads 2", Value::from(2)), ("", "", Value::Null)]
    {
        place.matinv(&format!("{inv}{option}")).env(VARIABLE, value).assert().code(0);
        assert_eq!(threads_in_report(&place), expected, "{value:?}{option}");
    }
    let info = place.matinv("info").env(VARIABLE, "3").assert().code(0);
    info.stdout(contains("threads    3, as MATINV_NUM_THREADS says\n"));
    let info = place.matinv("info").env_remove(VARIABLE).assert().code(0);
    let available = std::thread::available_parallelism().unwrap();
    info.stdout(contains(format!("threads    {available}, by processors and CPU quota\n")));
}

#[test]
fn a_variable_that_means_nothing_is_refused_by_name() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    for value in ["0", "many", "1025"] {
        for command in ["inv A.txt -o X.npy", "inv A.txt --out-dir out", "info", "info A.txt"] {
            let ran = place.matinv(command).env(VARIABLE, value).assert().code(2).stdout("");
            ran.stderr(contains(format!("{VARIABLE} is \"{value}\"")))
                .stderr(contains("1 to 1024"));
        }
    }
    assert_eq!(place.files(), ["A.txt"]);
    place.matinv("inv A.txt -o X.npy --threads 2").env(VARIABLE, "many").assert().code(0);
}

/// With control groups as a container may have them, before the real ones: only a process that may
/// mount can be shown others.
#[cfg(target_os = "linux")]
#[test]
fn the_quota_of_a_container_is_respected() {
    use std::process::Command;
    let available = std::thread::available_parallelism().unwrap().get();
    let may_mount = |script: &str| {
        let ran = Command::new("unshare").args(["--mount", "sh", "-ec", script]).status();
        ran.is_ok_and(|status| status.success())
    };
    if available < 2 || !may_mount("mount -t tmpfs none /mnt") {
        eprintln!("skipped: this needs two processors, and to be allowed to mount");
        return;
    }
    // The quota may be that of a group further up, and is rounded down, but not to nothing.
    let (v1, v2) = ("4:cpu,cpuacct:/a/b", "0::/a/b");
    for (group, files, expected) in [
        (v2, "echo 150000 100000 >a/b/cpu.max", 1),
        (v2, "echo 50000 100000 >a/cpu.max; echo max 100000 >a/b/cpu.max", 1),
        (v2, "echo max 100000 >a/b/cpu.max", available),
        (v1, "echo 100000 >cpu/a/b/cpu.cfs_quota_us; echo 100000 >cpu/a/b/cpu.cfs_period_us", 1),
        (v1, "echo 30000 >cpu/a/cpu.cfs_quota_us; echo 20000 >cpu/a/cpu.cfs_period_us", 1),
        (v1, "echo -1 >cpu/a/b/cpu.cfs_quota_us; echo 20000 >cpu/a/b/cpu.cfs_period_us", available),
    ] {
        let script = format!(
            "mount -t tmpfs none /sys/fs/cgroup; cd /sys/fs/cgroup
             mkdir -p a/b; if [ {group} = {v1} ]; then mkdir -p cpu/a/b; fi
             echo cpu >a/b/cgroup.controllers
             {files}
             echo {group} >group; mount --bind group /proc/$$/cgroup
             exec {} info",
            env!("CARGO_BIN_EXE_matinv")
        );
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-ec", &script]).env_remove(VARIABLE);
        let ran = command.output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        let line = format!("threads    {expected}, by processors and CPU quota\n");
        assert!(ran.status.success() && out.contains(&line), "{group}, {files}: {out}{err}");
    }
}
