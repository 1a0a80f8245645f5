//! What a terminal shows, through util-linux's `script`.

use crate::stream::{LONG, singular_matrices};
use crate::{DIAGONAL, Place, SINGULAR, fallback};
use predicates::Predicate;
use predicates::str::is_match;
use std::process::{Command, Stdio};

/// Runs a command line of the program on a terminal. `None` where there is no `script`.
fn on_terminal(place: &Place, arguments: &str, environment: &[(&str, &str)]) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_matinv");
    let mut command = Command::new("script");
    // What asks for colour or against it, wherever the tests run.
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        command.env_remove(name);
    }
    let ran = command
        .args(["-qec", &format!("stty cols 60 rows 20; '{program}' {arguments}"), "/dev/null"])
        .current_dir(place.0.path())
        .env("TERM", "xterm")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output();
    match ran {
        Ok(ran) => Some(String::from_utf8(ran.stdout).unwrap().replace("\r\n", "\n")),
        Err(error) => {
            eprintln!("skipped: no `script` to make a terminal ({error})");
            None
        }
    }
}

#[test]
fn a_terminal_shows_rounded_aligned_numbers() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    place.matinv("gen hilbert -n 30 -o H.npy").assert().code(0);
    let Some(shown) = on_terminal(&place, "inv A.txt -q", &[]) else { return };
    assert_eq!(shown, "  0.500000         0\n         0  0.250000\n");
    let shown = on_terminal(&place, "gen hilbert -n 30", &[]).unwrap();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 16);
    assert_eq!(lines[0], "  1.00000  0.50000  0.33333  …  0.03571  0.03448  0.03333");
    assert!(lines.iter().all(|line| line.chars().count() <= 60), "{shown}");
}

#[test]
fn binary_bytes_do_not_go_to_a_terminal_but_text_in_full_does() {
    let place = Place::new();
    place.write("A.txt", "3 0\n0 1\n");
    let Some(shown) = on_terminal(&place, "inv A.txt --format npy", &[("NO_COLOR", "1")]) else {
        return;
    };
    assert!(shown.starts_with("matinv: standard output is a terminal"), "{shown}");
    assert!(shown.contains("\nhint: give -o FILE"), "{shown}");
    let shown = on_terminal(&place, "inv A.txt -q --format text", &[]).unwrap();
    assert_eq!(shown, "0.3333333333333333 0\n0 1\n");
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let place = Place::new();
    place.write("S.txt", SINGULAR);
    let Some(shown) = on_terminal(&place, "inv S.txt", &[]) else { return };
    assert!(
        shown.starts_with("\u{1b}[1m\u{1b}[31mmatinv:\u{1b}[0m S.txt: the matrix"),
        "{shown:?}"
    );
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_terminal(&place, "inv S.txt", &[environment]).unwrap();
        assert!(shown.starts_with("matinv: S.txt: the matrix is singular"), "{shown:?}");
    }
}

fn has(shown: &str, pattern: &str) -> bool {
    Predicate::eval(&is_match(pattern).unwrap(), shown)
}

/// What a terminal shows, of work that is made longer until there is a bar of this pattern: no size
/// takes long on every machine. `None` where there is no `script`.
fn with_bar(
    bar: &str,
    sizes: &[usize],
    make: impl Fn(usize),
    (place, inv): (&Place, &str),
) -> Option<String> {
    let mut shown = String::new();
    for &size in sizes {
        make(size);
        shown = on_terminal(place, inv, &[])?;
        if has(&shown, bar) {
            return Some(shown);
        }
    }
    panic!("no bar in {shown:?}");
}

#[test]
fn long_work_shows_progress_and_leaves_nothing_of_it() {
    let place = Place::new();
    let make = |order| {
        let singular = format!("gen singular -n {order} -o A.npy --force");
        place.matinv(&singular).assert().code(0);
    };
    let inv = "inv A.npy -o X.npy --force --on-failure pinv";
    let bar = "inverting [0-9]+×[0-9]+ float64  [0-9]+s";
    let Some(shown) = with_bar(bar, &[1200, 2400, 4800], make, (&place, inv)) else { return };
    let end = shown.rsplit("\u{1b}[2K").next().unwrap();
    let summary = format!("\npseudo-inverted [0-9]+×[0-9]+ float64, {}", fallback());
    assert!(has(end, &summary), "{shown:?}");
    assert!(!end.contains("inverting"), "{shown:?}");
    let dumb = on_terminal(&place, inv, &[("TERM", "dumb")]).unwrap();
    assert!(!dumb.contains("inverting"), "{dumb:?}");
}

#[test]
fn a_long_stack_ends_with_its_summary() {
    let place = Place::new();
    place.matinv("gen random -n 200 --count 260 --type f32 -o A.npy").assert().code(0);
    let Some(shown) = on_terminal(&place, "inv A.npy -o X.npy --threads 1", &[]) else { return };
    let end = shown.rsplit("\u{1b}[2K").next().unwrap();
    assert!(end.starts_with("inverted 260 matrices 200×200 float32, general"), "{shown:?}");
    let quiet = on_terminal(&place, "inv A.npy -o X.npy --force --quiet", &[]).unwrap();
    assert_eq!(quiet, "");
}

#[test]
fn a_long_stack_shows_speed_time_left_and_failures() {
    let place = Place::new();
    let make = |count| {
        place.write("A.npy", singular_matrices(count));
    };
    let inv = "inv A.npy -o X.npy --force --on-failure pinv --structure general --threads 1 \
               --memory 8M";
    let counts = [1, 4, 16].map(|times| times * LONG);
    let bar = r"/[0-9,]+  [0-9,]+/s, [0-9]+[ms].* left, [0-9,]+ failed";
    let _ = with_bar(bar, &counts, make, (&place, inv));
}
