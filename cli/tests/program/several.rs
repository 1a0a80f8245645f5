//! Several inputs at once.

use crate::stream::small_matrices;
use crate::{DIAGONAL, GENERAL, Place, SINGULAR, TIME, whole};
use std::fs;

fn place() -> Place {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("B.csv", "2,0\n0,4\n").write("S.txt", SINGULAR);
    place.write("C.npy", small_matrices(3));
    place
}

fn made(place: &Place) -> Vec<String> {
    let entries = fs::read_dir(place.path("out")).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn each_becomes_a_file_of_its_own_format() {
    let place = place();
    place.matinv("inv A.txt -o D.mtx.gz").assert().code(0);
    let run = place.matinv("inv A.txt B.csv C.npy D.mtx.gz --out-dir out").assert().code(0);
    let pattern = format!("4 files, 4 written to out: 6 matrices, 0 not inverted; {TIME}");
    run.stdout("").stderr(whole(&pattern));
    assert_eq!(made(&place), ["A.txt", "B.csv", "C.npy", "D.mtx"]);
    assert_eq!(place.text("out/A.txt"), "0.5 0\n0 0.25\n");
    assert_eq!(place.text("out/B.csv"), "0.5,0\n0,0.25\n");
    place.matinv("inv C.npy -o C1.npy").assert().code(0);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert!(read("out/C.npy") == read("C1.npy"));
    place.matinv("inv A.txt B.csv --out-dir npy --format npy -q").assert().code(0).stderr("");
    assert_eq!(place.load_f64("npy/A.npy")[[1, 1]], 0.25);
    assert_eq!(place.load_f64("npy/B.npy")[[1, 1]], 0.25);
}

#[test]
fn patterns_are_expanded_where_no_shell_does() {
    let place = place();
    let run = place.matinv("inv [AB].* C.np? --out-dir out").assert().code(0);
    run.stderr(predicates::str::starts_with("3 files, 3 written to out"));
    assert_eq!(made(&place), ["A.txt", "B.csv", "C.npy"]);
    // A file of that very name is that file, and one match is one input.
    place.write("[A].txt", "1 0\n0 8\n");
    place.matinv("inv [A].txt -o X.txt").assert().code(0);
    assert_eq!(place.text("X.txt"), "1 0\n0 0.125\n");
    place.matinv("inv B.c* -o Y.txt").assert().code(0);
    assert_eq!(place.text("Y.txt"), "0.5 0\n0 0.25\n");
    let refused = place.matinv("inv none*.npy --out-dir other").assert().code(2);
    refused.stderr("matinv: none*.npy: no file matches this pattern\n");
    let refused = place.matinv("inv a[.npy --out-dir other").assert().code(2);
    refused.stderr(predicates::str::contains("a[.npy: neither a file nor a pattern"));
    assert!(!place.path("other").exists());
}

#[test]
fn what_is_wrong_with_one_does_not_keep_the_others() {
    let place = place();
    place.write("bad.txt", "1 2\n3\n").write("R.txt", "1 2 3\n4 5 6\n");
    let run = place.matinv("inv S.txt A.txt --out-dir out").assert().code(1);
    let pattern = format!(
        "matinv: S.txt: the matrix is singular.*\n\
         2 files, 1 written to out: 2 matrices, 1 not inverted \\(in S.txt\\); {TIME}"
    );
    run.stderr(whole(&pattern));
    assert_eq!(made(&place), ["A.txt"]);
    let run = place.matinv("inv none.npy S.txt bad.txt A.txt R.txt --out-dir out --force");
    let pattern = format!(
        "matinv: S.txt: the matrix is singular.*\n\
         matinv: none.npy: No such file.*\n\
         matinv: bad.txt:2: row of length 1, .*\n\
         matinv: R.txt: only square matrices .*\n\
         5 files, 1 written to out: 2 matrices, 1 not inverted \\(in S.txt\\); \
         3 files refused \\(none.npy, bad.txt, R.txt\\); {TIME}"
    );
    { run }.assert().code(2).stderr(whole(&pattern));
    assert_eq!(made(&place), ["A.txt"]);
    let run = place.matinv("inv S.txt A.txt --out-dir out --force --on-failure nan").assert();
    run.code(1).stderr(predicates::str::contains("2 files, 2 written"));
    assert_eq!(place.text("out/S.txt"), "NaN NaN\nNaN NaN\n".to_lowercase());
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = place();
    fs::create_dir(place.path("other")).unwrap();
    place.write("other/A.txt", GENERAL).write("other/A.csv", "1,0\n0,1\n");
    for (arguments, words) in [
        (
            "inv A.txt other/A.txt --out-dir out",
            "A.txt and other/A.txt would both become out/A.txt",
        ),
        ("inv other/A.* --out-dir out --format npy", "would both become out/A.npy"),
        ("inv A.txt A.txt --out-dir out", "would both become out/A.txt"),
        ("inv A.txt B.csv --out-dir . --force", "A.txt: would replace an input"),
        ("inv A.txt B.csv --out-dir other", "A.txt: exists already"),
        ("inv A.txt - --out-dir out", "standard input has no name"),
        ("inv A.txt B.csv", "--out-dir DIR"),
        ("inv A.txt B.csv -o X.txt", "--out-dir DIR"),
        ("inv A.txt B.csv -o X.txt --out-dir out", "cannot be used with"),
        ("inv A.txt B.csv --report X.json --out-dir out", "cannot be used with"),
        ("inv A.txt B.csv --resume --out-dir out", "cannot be used with"),
        ("inv A.txt --out-dir B.csv", "B.csv"),
    ] {
        let refused = place.matinv(arguments).assert().code(2);
        refused.stdout("").stderr(predicates::str::contains(words));
    }
    assert!(!place.path("out").exists());
    assert_eq!(place.text("other/A.txt"), GENERAL);
}
