use crate::Place;
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.matinv("gen random -n 300 -o A.npy").assert().code(0);
    for arguments in [
        &["gen", "random", "-n", "300"][..],
        &["inv", "A.npy", "--quiet"],
        &["inv", "A.npy", "--quiet", "--format", "npy"],
        &["inv", "A.npy", "--quiet", "-o", "/dev/stdout", "--format", "csv"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_matinv"))
            .args(arguments)
            .current_dir(place.0.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn nobody_listening_on_stderr_is_no_error() {
    let place = Place::new();
    place.write("A.txt", crate::DIAGONAL);
    let mut child = Command::new(env!("CARGO_BIN_EXE_matinv"))
        .args(["inv", "A.txt"])
        .current_dir(place.0.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.stdout, b"0.5 0\n0 0.25\n");
    assert_eq!(ended.status.code(), Some(0));
}

#[test]
fn standard_input_is_read_in_any_format() {
    let place = Place::new();
    for format in ["npy", "npz", "mtx", "csv", "tsv", "text"] {
        let made = place.matinv(&format!("gen minij -n 2 --format {format}")).assert().code(0);
        let bytes = made.get_output().stdout.clone();
        place
            .matinv("inv - -q --format csv --structure general")
            .write_stdin(bytes)
            .assert()
            .code(0)
            .stdout("2,-1\n-1,1\n");
    }
    let ran = place.matinv("inv -").write_stdin("").assert().code(2).stdout("");
    ran.stderr(predicates::str::starts_with("matinv: standard input: no numbers found"));
}
