use crate::{DIAGONAL, Place, SINGULAR};
use predicates::str::contains;

#[test]
fn an_existing_file_stays_unless_forced() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("X.txt", "before");
    let ran = place.matinv("inv A.txt -o X.txt").assert().code(2).stdout("");
    ran.stderr("matinv: X.txt: exists already; give --force to replace it, or another name\n");
    assert_eq!(place.text("X.txt"), "before");
    place.matinv("inv A.txt -o X.txt --force").assert().code(0).stdout("");
    assert_eq!(place.text("X.txt"), "0.5 0\n0 0.25\n");
}

#[test]
fn failures_leave_an_existing_file_as_it_was() {
    let place = Place::new();
    place.write("S.txt", SINGULAR).write("bad.txt", "1 x\n").write("X.txt", "before");
    for (input, code) in [("S.txt", 1), ("bad.txt", 2), ("missing.txt", 2)] {
        place.matinv(&format!("inv {input} -o X.txt --force")).assert().code(code);
        assert_eq!(place.text("X.txt"), "before");
    }
    assert_eq!(place.files(), ["S.txt", "X.txt", "bad.txt"]);
}

#[test]
fn input_is_replaced_only_if_forced() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    place.matinv("inv A.txt -o A.txt").assert().code(2);
    assert_eq!(place.text("A.txt"), DIAGONAL);
    place.matinv("inv A.txt -o A.txt --force").assert().code(0);
    assert_eq!(place.text("A.txt"), "0.5 0\n0 0.25\n");
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_any_work() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    std::fs::create_dir(place.path("directory.npy")).unwrap();
    for (output, words) in [
        ("directory.npy", "is a directory"),
        ("nowhere/X.npy", "nowhere"),
        ("X", "cannot tell the format"),
        ("X.docx", "known are .npy"),
    ] {
        let ran = place.matinv(&format!("inv A.txt -o {output}")).assert().code(2).stdout("");
        ran.stderr(contains(words));
    }
    assert_eq!(place.files(), ["A.txt", "directory.npy"]);
}

#[test]
fn a_minus_is_standard_output() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    place.matinv("inv A.txt -q -o -").assert().code(0).stdout("0.5 0\n0 0.25\n");
    let npy = place.matinv("inv A.txt -q -o - --format npy").assert().code(0);
    assert!(npy.get_output().stdout.starts_with(b"\x93NUMPY"));
    assert_eq!(place.files(), ["A.txt"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut ran = std::process::Command::new(env!("CARGO_BIN_EXE_matinv"));
    let ran = ran.args(["inv", "A.txt"]).current_dir(place.0.path()).stdout(full).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(stderr.starts_with("matinv: standard output: No space left on device"), "{stderr}");
}
