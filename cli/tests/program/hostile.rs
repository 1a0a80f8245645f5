//! Names and contents that would steer the terminal, and promises that would fill the memory.

use crate::Place;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// An npy file of this header, and nothing behind it.
fn header(text: &str) -> Vec<u8> {
    let text = format!("{text}\n");
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes()].concat()
}

fn promise(shape: &str) -> Vec<u8> {
    header(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"))
}

/// Clears the screen, is read from right to left, and begins a line of its own.
const EVIL: &str = "e\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\rx\nhint: y";

#[test]
fn no_name_and_no_content_steers_the_terminal() {
    let place = Place::new();
    let name = format!("{EVIL}.npy");
    place.write(&name, header(&format!("{{'descr': '<f8{EVIL}', }}")));
    place.write("descr.npy", header("{'descr': '<f8\u{1b}[2J\u{202e}', }"));
    place.write("rest.npy", header("{\u{1b}[2J\u{202e}"));
    place.write("field.txt", "1 \u{1b}]0;owned\u{7}\u{9b}\u{202e}\n");
    place.write("banner.mtx", "%%MatrixMarket \u{1b}[2J \u{202e} real general\n");
    place.write(&format!("{EVIL}.txt"), "1 2\n2 4\n");
    place.write(&format!("{EVIL}2.txt"), "2 0\n0 4\n");
    let archive = {
        use std::io::Write;
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for key in ["a", "b"] {
            let options = zip::write::SimpleFileOptions::default();
            writer.start_file(format!("{key}{EVIL}.npy"), options).unwrap();
            writer.write_all(&promise("(1, 1)")).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    place.write("keys.npz", archive);
    let text = format!("{EVIL}.txt");
    let (second, key, option) = (format!("{EVIL}2.txt"), format!("a{EVIL}"), format!("--{EVIL}"));
    let commands: &[&[&str]] = &[
        &["inv", &name],
        &["info", &name],
        &["check", &name, &name],
        &["inv", "descr.npy"],
        &["inv", "rest.npy"],
        &["info", "field.txt"],
        &["inv", "banner.mtx"],
        &["inv", "keys.npz"],
        &["inv", "keys.npz", "--key", &key],
        &["inv", "keys.npz", "--key", EVIL],
        &["inv", &text],
        &["info", &text],
        &["inv", &text, "-o", &name],
        &["inv", &text, "--report", &second],
        &["inv", &text, &second, &name, "missing\u{202e}", "--out-dir", "out\u{1b}[2J"],
        &["inv", "*\u{1b}[2J", "-o", "x.npy"],
        &["inv", "***\u{1b}[2J", "-o", "x.npy"],
        &["inv", &option],
        &["gen", "random", "-n", "2", "-o", EVIL],
        &["gen", EVIL, "-n", "2"],
        &["bench", EVIL],
    ];
    for arguments in commands {
        let ran = place.matinv("").args(*arguments).output().unwrap();
        let shown = [ran.stdout, ran.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        let steers = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!shown.is_empty() && !shown.contains(steers), "{arguments:?}: {shown:?}");
        let is_clap = ran.status.code() == Some(2) && shown.starts_with("error: ");
        assert!(is_clap || !shown.contains("\nhint: y"), "{arguments:?}: {shown:?}");
    }
}

/// Runs the program with so little address space that what it counts wrongly ends it.
fn within(place: &Place, kibibytes: usize, arguments: &str) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_matinv");
    let line =
        format!("ulimit -v {kibibytes}; OPENBLAS_NUM_THREADS=1 exec '{program}' {arguments}");
    let ran = Command::new("sh").args(["-c", &line]).current_dir(place.0.path()).output().unwrap();
    let words = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.signal(), None, "{arguments}: {words}");
    (ran.status.code(), words)
}

#[test]
fn matrices_without_elements_take_no_memory_each() {
    let place = Place::new();
    place.write("empty.npy", promise("(100000000, 0, 0)"));
    place.write("deep.npy", promise("(10000, 10000, 0, 0)"));
    for file in ["empty.npy", "deep.npy"] {
        let inv = format!("inv {file} -o X.npy --force --memory 1M --threads 1");
        let (code, words) = within(&place, 1_500_000, &inv);
        assert_eq!(code, Some(0), "{words}");
        assert!(words.contains("inverted 100000000 matrices 0×0"), "{words}");
        let (code, words) = within(&place, 1_500_000, &format!("{inv} --report r.json"));
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains("the limit is 1048576 bytes"), "{words}");
        let check = format!("check {file} {file} --memory 1M");
        let (code, words) = within(&place, 1_500_000, &check);
        assert_eq!(code, Some(2), "{words}");
        assert!(words.contains("the limit is 1048576 bytes"), "{words}");
        assert_eq!(within(&place, 1_500_000, &format!("info {file} --memory 1M")).0, Some(0));
    }
}

#[test]
fn promises_of_text_formats_take_no_memory() {
    let place = Place::new();
    let banner = |kind: &str| format!("%%MatrixMarket matrix {kind} real general\n");
    let coordinate = banner("coordinate");
    place.write("sizes.mtx", format!("{coordinate}4000000000 4000000000 1\n1 1 1.0\n"));
    place.write("entries.mtx", format!("{coordinate}2 2 18446744073709551615\n1 1 1.0\n"));
    place.write("many.mtx", format!("{coordinate}2 2 4000000000\n1 1 1.0\n"));
    place.write("array.mtx", format!("{}100000 100000\n1.0\n", banner("array")));
    // A line for which the numbers and its text do not both have room.
    place.write("line.txt", "1 ".repeat(500_000));
    for file in ["sizes.mtx", "entries.mtx", "many.mtx", "array.mtx", "line.txt"] {
        for command in ["inv", "info"] {
            let (code, words) = within(&place, 1_500_000, &format!("{command} {file} --memory 4M"));
            assert_eq!(code, Some(2), "{command} {file}: {words}");
            assert!(words.starts_with(&format!("matinv: {file}")), "{words}");
        }
    }
}

#[test]
fn what_is_only_looked_at_counts_too() {
    let place = Place::new();
    place.matinv("gen random -n 200 -o A.npy").assert().code(0);
    let few = place.matinv(&format!("info A.npy --memory {}", 200 * 200 * 8 + 1000)).assert();
    few.code(0).stdout(predicates::str::contains("not looked at, it would take"));
    let many = place.matinv("info A.npy --memory 4M").assert().code(0);
    many.stdout(predicates::str::contains("rcond"));
}

#[test]
fn workspaces_count_in_whole_matrices_too() {
    let place = Place::new();
    place.matinv("gen random -n 200 -o A.npy").assert().code(0);
    let elements = 2 * 200 * 200 * 8;
    for option in ["--on-failure pinv", "--quality"] {
        let few = format!("inv A.npy -o X.npy --force --memory {} {option}", elements + 500_000);
        let refused = place.matinv(&few).assert().code(2);
        refused.stderr(predicates::str::contains("with what is needed beside them"));
        let many = format!("inv A.npy -o X.npy --force --memory {} {option}", 8 * elements);
        place.matinv(&many).assert().code(0);
    }
}
