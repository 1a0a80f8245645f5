//! Two runs with `--resume` for one output.

use crate::Place;
use crate::stream::{least_memory, small_matrices};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const RUN: &str = "inv A.npy -o X.npy --resume";

#[test]
fn two_runs_at_once_never_harm_the_output() {
    let place = Place::new();
    place.write("A.npy", small_matrices(40));
    place.matinv("inv A.npy -o Y.npy").assert().code(0);
    let expected = fs::read(place.path("Y.npy")).unwrap();
    let memory = format!("--memory {}", least_memory(&place, RUN) + 30_000);
    let start = |force: &str| -> Child {
        Command::new(env!("CARGO_BIN_EXE_matinv"))
            .args(format!("{RUN} {memory} {force}").split_whitespace())
            .current_dir(place.0.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut both = 0;
    for round in 0..120_u64 {
        let force = if round % 3 == 0 { "--force" } else { "" };
        let first = start(force);
        // Now and then the second begins when the first is just coming to its end.
        std::thread::sleep(Duration::from_micros(round * 150));
        let second = start(force);
        let ended = [first, second].map(|child| child.wait_with_output().unwrap());
        for ended in &ended {
            let words = String::from_utf8_lossy(&ended.stderr);
            match ended.status.code() {
                Some(0) => {}
                Some(2) => assert!(
                    words.contains("another run is writing it") || words.contains("exists already"),
                    "round {round}: {words}"
                ),
                other => panic!("round {round}: {other:?}: {words}"),
            }
        }
        let done = ended.iter().filter(|ended| ended.status.success()).count();
        assert!(done > 0, "round {round}: neither has made it");
        both += usize::from(done == 2);
        let found = fs::read(place.path("X.npy")).unwrap();
        assert!(found == expected, "round {round}: {} bytes", found.len());
        // A run that was forced may have begun while the other one was clearing up.
        assert_eq!(place.files(), ["A.npy", "X.npy", "Y.npy"], "round {round}");
        fs::remove_file(place.path("X.npy")).unwrap();
    }
    assert!(both < 120, "they never met");
}
