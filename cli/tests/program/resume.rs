//! `--resume`: what a killed run has done is kept, and becomes what an undisturbed run makes.

use crate::stream::{LONG, least_memory, long_stack, on_a_full_disk, small_matrices};
use crate::{Place, whole};
use assert_cmd::assert::Assert;
use predicates::prelude::PredicateBooleanExt;
use serde_json::Value;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RUN: &str = "inv A.npy -o X.npy --resume --on-failure pinv --report X.json --quality";

/// It has to last until the first entry of the journal has been seen.
const SLOWLY: &str = "--threads 1";

/// A stack of which every matrix fails.
struct Case {
    place: Place,
    /// So small that there are many pieces.
    memory: String,
}

impl Case {
    fn new() -> Self {
        let place = Place::new();
        place.write("A.npy", long_stack());
        let least = least_memory(&place, RUN);
        let memory = format!("--memory {}", least + 500_000);
        Case { place, memory }
    }

    fn run(&self, options: &str) -> Assert {
        self.place.matinv(&format!("{RUN} {} {options}", self.memory)).assert()
    }

    fn journal(&self) -> Option<Value> {
        let text = fs::read(self.place.path("X.npy.partial.json")).ok()?;
        Some(serde_json::from_slice(&text).unwrap())
    }

    fn done(&self) -> u64 {
        self.journal().map_or(0, |journal| journal["state"]["done"].as_u64().unwrap())
    }

    /// Begins, and is killed once the journal counts more matrices than before.
    fn killed(&self, signal: &str) -> u64 {
        let before = self.done();
        let mut child: Child = Command::new(env!("CARGO_BIN_EXE_matinv"))
            .args(format!("{RUN} {} {SLOWLY}", self.memory).split_whitespace())
            .current_dir(self.place.0.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while self.done() <= before {
            assert!(start.elapsed() < Duration::from_secs(20), "the journal does not go on");
            assert!(child.try_wait().unwrap().is_none(), "the program has ended");
            std::thread::sleep(Duration::from_millis(1));
        }
        let kill = format!("kill -{signal} {}", child.id());
        Command::new("sh").args(["-c", &kill]).status().unwrap();
        child.wait().unwrap();
        let done = self.done();
        assert!(before < done && done < LONG as u64, "{done}");
        done
    }

    /// The report without what differs between runs.
    fn report(&self, name: &str) -> Value {
        let mut report: Value = serde_json::from_str(&self.place.text(name)).unwrap();
        for key in ["seconds", "output"] {
            report[key] = Value::Null;
        }
        report
    }
}

const PARTIAL: [&str; 4] = ["A.npy", "X.npy.partial", "X.npy.partial.json", "X.npy.partial.report"];

#[test]
fn a_killed_run_goes_on_and_makes_the_same_files() {
    let case = Case::new();
    let undisturbed = "inv A.npy -o Y.npy --on-failure pinv --report Y.json --quality";
    let expected = case.place.matinv(undisturbed).assert().code(1);
    for file in ["Y.npy", "Y.json"] {
        fs::rename(case.place.path(file), case.place.0.path().join(format!("{file}.kept")))
            .unwrap();
    }
    case.killed("KILL");
    assert!(PARTIAL.iter().all(|name| case.place.path(name).exists()));
    assert!(!case.place.path("X.npy").exists() && !case.place.path("X.json").exists());
    // What follows the last entry is not trusted.
    let output = fs::OpenOptions::new().append(true).open(case.place.path("X.npy.partial"));
    std::io::Write::write_all(&mut output.unwrap(), &[1; 777]).unwrap();
    case.killed("INT");
    let ended = case.run("").code(1);
    let words = |assert: &Assert| {
        let text = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        text[..text.rfind(", ").unwrap()].replace("Y.json", "X.json")
    };
    assert_eq!(words(&ended), words(&expected));
    let read = |name: &str| fs::read(case.place.path(name)).unwrap();
    assert!(read("X.npy") == read("Y.npy.kept"));
    assert!(case.report("X.json") == case.report("Y.json.kept"), "the reports differ");
    assert_eq!(case.place.files(), ["A.npy", "X.json", "X.npy", "Y.json.kept", "Y.npy.kept"]);
}

#[test]
fn other_options_and_other_input_are_refused() {
    let case = Case::new();
    let done = case.killed("KILL");
    let refused = |options: &str, words: &str| {
        let pattern = format!("matinv: .*{words}.*\nhint: give --force to start over.*\n");
        case.run(options).code(2).stderr(whole(&pattern));
    };
    refused("--structure general", "structure was auto, now it is general");
    refused("--min-rcond 1e-9", "min-rcond was none, now it is 0.000000001");
    refused("--no-check-finite", "check-finite was true, now it is false");
    assert_eq!(case.done(), done);

    // Without its journal it could be anything.
    let journal = case.place.path("X.npy.partial.json");
    fs::rename(&journal, case.place.path("kept")).unwrap();
    refused("", "X.npy.partial: its journal X.npy.partial.json is missing");
    fs::rename(case.place.path("kept"), &journal).unwrap();

    let stack = small_matrices(800);
    case.place.write("A.npy", &stack);
    refused("", "the input has changed since, or is another one .its size is another");
    case.run("--force").code(0);
    case.place.matinv("inv A.npy -o Y.npy").assert().code(0);
    let read = |name: &str| fs::read(case.place.path(name)).unwrap();
    assert!(read("X.npy") == read("Y.npy"));
    assert_eq!(case.place.files(), ["A.npy", "X.json", "X.npy", "Y.npy"]);
}

#[test]
fn after_a_full_disk_it_goes_on() {
    let case = Case::new();
    let arguments = format!("{RUN} {} {SLOWLY}", case.memory);
    let ended = on_a_full_disk(&case.place, &arguments, 24_000);
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{words}");
    assert!(words.contains("X.npy: File too large"), "{words}");
    assert!(words.contains("the same command goes on from there"), "{words}");
    assert_eq!(case.place.files(), PARTIAL);
    // All matrices that have found room are kept; each is a piece.
    let length = fs::metadata(case.place.path("X.npy.partial")).unwrap().len();
    let (done, matrix) = (case.done(), 8 * 200 * 200);
    assert!(done > 0 && length - 128 - done * matrix < matrix, "{done} in {length} bytes");
    // The number of threads does not shape the result.
    case.run("").code(1);
    case.place.matinv("inv A.npy -o Y.npy --on-failure pinv").assert().code(1);
    let read = |name: &str| fs::read(case.place.path(name)).unwrap();
    assert!(read("X.npy") == read("Y.npy"));
}

#[test]
fn under_fail_a_failure_is_remembered_and_nothing_is_left() {
    let case = Case::new();
    let run = format!("inv A.npy -o X.npy --resume {}", case.memory);
    let refused = case.place.matinv(&run).assert().code(1);
    refused.stderr(predicates::str::contains(format!(
        "{LONG} of {LONG} matrices could not be inverted; nothing was written"
    )));
    assert_eq!(case.place.files(), ["A.npy"]);
}

#[test]
fn only_stacks_in_npy_files_are_resumed() {
    let place = Place::new();
    place.write("A.txt", crate::DIAGONAL).write("B.npy", small_matrices(2));
    for (arguments, words) in [
        ("inv A.txt -o X.npy --resume", "the input is no plain npy file"),
        ("inv - -o X.npy --resume", "the input is no plain npy file"),
        ("inv none.npy -o X.npy --resume", "none.npy: No such file"),
        ("inv B.npy -o X.npz --resume", "the output is no plain npy file"),
        ("inv B.npy --resume", "--output <FILE>"),
    ] {
        place.matinv(arguments).assert().code(2).stderr(predicates::str::contains(words));
    }
    assert_eq!(place.files(), ["A.txt", "B.npy"]);
}

#[test]
fn two_runs_do_not_write_the_same_output() {
    let case = Case::new();
    fs::File::create(case.place.path("X.npy.partial")).unwrap();
    let held = fs::File::options().write(true).open(case.place.path("X.npy.partial")).unwrap();
    held.lock().unwrap();
    for options in ["", "--force"] {
        let run = case.run(options).code(2);
        run.stderr(predicates::str::contains(
            "X.npy.partial: another run is writing it\nhint: wait",
        ));
        assert_eq!(case.place.files(), ["A.npy", "X.npy.partial"]);
    }
    drop(held);
    case.run("").code(1);
    assert_eq!(case.place.files(), ["A.npy", "X.json", "X.npy"]);
}

#[test]
fn ctrl_c_says_how_much_is_kept_and_what_goes_on_there() {
    use std::os::unix::process::ExitStatusExt;
    let case = Case::new();
    let before = case.killed("KILL");
    let child = Command::new(env!("CARGO_BIN_EXE_matinv"))
        .args(format!("{RUN} {} {SLOWLY}", case.memory).split_whitespace())
        .current_dir(case.place.0.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while case.done() <= before {
        assert!(start.elapsed() < Duration::from_secs(60), "the journal does not go on");
        std::thread::sleep(Duration::from_millis(1));
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.signal(), Some(15));
    let words = String::from_utf8(ended.stderr).unwrap();
    let done = case.done();
    assert_eq!(
        words,
        format!(
            "X.npy.partial keeps {done} of {LONG} matrices; `matinv {RUN} {} {SLOWLY}` goes on \
             there\n",
            case.memory
        )
    );
    // A run without --resume says what it leaves, and leaves it.
    let other = case.place.matinv("inv A.npy -o X.npy --on-failure nan").assert().code(1);
    other.stderr(predicates::str::starts_with(format!(
        "warning: X.npy.partial keeps {done} of {LONG} matrices of a run with --resume, and stays: \
         the command of that run goes on there, or delete it and X.npy.partial.json\n"
    )));
    assert_eq!(case.done(), done);
    let quiet = case.place.matinv("inv A.npy -o X.npy --on-failure nan -q --force").assert();
    quiet.code(1).stderr(predicates::str::contains("partial").not());
    fs::remove_file(case.place.path("X.npy")).unwrap();
    case.run("").code(1);
    assert_eq!(case.place.files(), ["A.npy", "X.json", "X.npy"]);
}
