use crate::Place;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

fn start(place: &Place, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_matinv"))
        .args(arguments.split_whitespace())
        .current_dir(place.0.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn send(signal: &str, child: &Child) {
    let command = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

/// Waits, but not for ever.
fn end(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            panic!("the program goes on after a signal");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_signal_ends_a_long_computation() {
    let place = Place::new();
    // A pseudo-inverse of this order takes many seconds.
    place.matinv("gen singular -n 2500 -o A.npy").assert().code(0);
    for (signal, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
        let mut child = start(&place, "inv A.npy -o X.npy --on-failure pinv");
        std::thread::sleep(Duration::from_secs(1));
        send(signal, &child);
        assert_eq!(end(&mut child).signal(), Some(number));
    }
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn a_signal_ends_the_wait_for_input() {
    let place = Place::new();
    let mut child = start(&place, "inv -");
    std::thread::sleep(Duration::from_millis(500));
    send("INT", &child);
    assert_eq!(end(&mut child).signal(), Some(2));
}

#[test]
fn a_signal_while_writing_leaves_no_half_file() {
    let place = Place::new();
    place.write("X.csv.gz", "before");
    // Compressed text takes long to write.
    let mut child = start(&place, "gen random -n 3000 -o X.csv.gz --force");
    let start = Instant::now();
    while place.files().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(60), "no temporary file appeared");
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(50));
    send("INT", &child);
    assert_eq!(end(&mut child).signal(), Some(2));
    assert_eq!(place.files(), ["X.csv.gz"]);
    assert_eq!(place.text("X.csv.gz"), "before");
}

#[test]
fn a_terminal_that_goes_away_leaves_no_half_file() {
    let place = Place::new();
    let mut child = start(&place, "gen random -n 3000 -o X.csv.gz");
    let start = Instant::now();
    while place.files().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60), "no temporary file appeared");
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(1));
    }
    send("HUP", &child);
    assert_eq!(end(&mut child).signal(), Some(1));
    assert!(place.files().is_empty(), "{:?}", place.files());
}

#[test]
fn an_ignored_signal_stays_ignored() {
    for signal in ["INT", "TERM", "HUP"] {
        let place = Place::new();
        let line = format!("trap '' {signal}; exec '{}' inv - -q", env!("CARGO_BIN_EXE_matinv"));
        let mut child = Command::new("sh")
            .args(["-c", &line])
            .current_dir(place.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Long enough for the program to be watching for signals, if it did.
        std::thread::sleep(Duration::from_millis(700));
        send(signal, &child);
        std::thread::sleep(Duration::from_millis(100));
        let written = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"2 0\n0 4\n");
        assert!(written.is_ok(), "SIG{signal} ended the program");
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "SIG{signal}");
        assert_eq!(ended.stdout, b"0.5 0\n0 0.25\n");
    }
}

/// A user who may not start another thread: the signals end the program all the same.
#[test]
#[cfg(target_os = "linux")]
fn signals_end_a_program_that_may_start_no_thread() {
    let place = Place::new();
    let binary = place.path("matinv");
    std::fs::copy(env!("CARGO_BIN_EXE_matinv"), &binary).unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.0.path(), open).unwrap();
    for (signal, number) in [("INT", 2), ("TERM", 15)] {
        // As nobody, who has no process: root is held to no limit. One process, the program
        // itself, is all that is left to it; OpenBLAS is told to start none.
        let line = "OPENBLAS_NUM_THREADS=1 exec prlimit --nproc=1:1 setpriv --reuid=65534 \
                    --regid=65534 --clear-groups ./matinv inv -";
        let mut child = Command::new("sh")
            .args(["-c", line])
            .current_dir(place.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(700));
        if child.try_wait().unwrap().is_some() {
            let ended = child.wait_with_output().unwrap();
            let words = String::from_utf8_lossy(&ended.stderr);
            eprintln!("skipped: nobody cannot run it here ({words})");
            return;
        }
        send(signal, &child);
        assert_eq!(end(&mut child).signal(), Some(number), "SIG{signal}");
    }
}
