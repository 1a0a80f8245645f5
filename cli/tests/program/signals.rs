use crate::Place;
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
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut child = start(&place, "inv A.npy -o X.npy --on-failure pinv");
        std::thread::sleep(Duration::from_secs(1));
        send(signal, &child);
        assert_eq!(end(&mut child).code(), Some(code));
    }
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn a_signal_ends_the_wait_for_input() {
    let place = Place::new();
    let mut child = start(&place, "inv -");
    std::thread::sleep(Duration::from_millis(500));
    send("INT", &child);
    assert_eq!(end(&mut child).code(), Some(130));
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
    assert_eq!(end(&mut child).code(), Some(130));
    assert_eq!(place.files(), ["X.csv.gz"]);
    assert_eq!(place.text("X.csv.gz"), "before");
}
