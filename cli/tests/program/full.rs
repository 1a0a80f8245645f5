//! Disks that are full: the file is named, nothing is left, and no library speaks for itself.

use crate::Place;
use crate::stream::{on_a_full_disk, repeated, small_matrices};
use std::fs::OpenOptions;
use std::process::Command;

#[test]
fn every_format_names_the_file_and_leaves_nothing() {
    let place = Place::new();
    place.matinv("gen random -n 150 -o A.npy").assert().code(0);
    for name in ["X.npy", "X.npz", "X.mtx", "X.csv", "X.tsv", "X.txt", "X.csv.gz", "X.npz.gz"] {
        // Files below the first page fail when they are flushed, longer ones amidst.
        for kilobytes in [1, 90] {
            let ended = on_a_full_disk(&place, &format!("inv A.npy -o {name}"), kilobytes);
            let words = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(2), "{name}: {words}");
            let expected = format!("matinv: {name}: File too large (os error 27)\n");
            assert_eq!(words, expected, "{name} in {kilobytes} KiB");
            assert_eq!(place.files(), ["A.npy"], "{name}");
        }
    }
}

#[test]
fn reports_and_journals_are_named_too() {
    let place = Place::new();
    place.write("A.npy", small_matrices(2000)).write("B.npy", repeated(&[4.0], 1, 9000));
    // A limit between the two.
    let whole = "inv - -o X.npy.gz --report X.json <B.npy";
    assert!(on_a_full_disk(&place, whole, 1 << 20).status.success());
    let lengths = ["X.npy.gz", "X.json"].map(|name| {
        let length = std::fs::metadata(place.path(name)).unwrap().len();
        std::fs::remove_file(place.path(name)).unwrap();
        u32::try_from(length / 1024).unwrap()
    });
    assert!(lengths[0] + 8 < lengths[1], "{lengths:?}");
    let between = lengths[0].midpoint(lengths[1]);
    for (run, kilobytes, words) in [
        // As a whole, and piece by piece.
        (whole, between, "X.json: File too large"),
        (
            "inv A.npy -o X.npy --report X.json --on-failure nan",
            100,
            "X.json: the lines for it: File too large",
        ),
        ("inv A.npy -o X.npy --resume", 1, "X.npy.partial.json: File too large"),
        ("gen random -n 200 -o Y.npz", 100, "Y.npz: File too large"),
    ] {
        let ended = on_a_full_disk(&place, run, kilobytes);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{run}: {said}");
        assert!(said.starts_with(&format!("matinv: {words} (os error 27)\n")), "{run}: {said}");
        assert!(!said.contains("drop failed"), "{run}: {said}");
        for name in ["X.npy.gz", "X.npy.partial"] {
            let _ = std::fs::remove_file(place.path(name));
        }
        assert_eq!(place.files(), ["A.npy", "B.npy"], "{run}");
    }
}

#[test]
fn an_archive_down_a_full_pipe_says_one_thing() {
    let place = Place::new();
    // Longer than every buffer: it fails amidst, and once more when the archive is ended.
    place.matinv("gen random -n 150 -o A.npy").assert().code(0);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut ran = Command::new(env!("CARGO_BIN_EXE_matinv"));
    ran.args(["inv", "A.npy", "--format", "npz", "-q"]).current_dir(place.0.path()).stdout(full);
    let ran = ran.output().unwrap();
    let words = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(words, "matinv: standard output: No space left on device (os error 28)\n");
    assert_eq!(ran.status.code(), Some(2));
    let ran = place.matinv("inv A.npy -o /dev/full --format npz -q").assert().code(2);
    ran.stderr("matinv: /dev/full: No space left on device (os error 28)\n");
}
