//! Stacks that are inverted piece by piece.

use crate::Place;
use matinv_cli::format::ElementType;
use matinv_cli::format::npy::{Header, Order};
use serde_json::Value;
use std::fs;
use std::process::Output;

const COUNT: usize = 15;

/// Matrices of order 3 in any type and byte order, at least two of them singular.
fn small_stack(element: ElementType, big: bool) -> Vec<u8> {
    let one: &[u8] = match element {
        ElementType::F16 => &[0x00, 0x3c],
        ElementType::F32 | ElementType::Complex32 => &[0, 0, 0x80, 0x3f],
        ElementType::F64 | ElementType::Complex64 => &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f],
        _ => &[1],
    };
    let mut header = Header::encode(element, Order::C, &[5, 3, 3, 3]).unwrap();
    if let Some(place) = header.iter().position(|&byte| byte == b'<').filter(|_| big) {
        header[place] = b'>';
    }
    let mut data = Vec::new();
    for matrix in 0..COUNT {
        for (i, j) in (0..3).flat_map(|i| (0..3).map(move |j| (i, j))) {
            let small = match matrix {
                4 => 0,
                9 => 1,
                _ => u8::from(((matrix + 1) >> ((i + 2 * j) % 5)) & 1 == 1 || i == j),
            };
            let start = data.len();
            data.extend(one.iter().map(|byte| byte * small));
            data.resize(start + element.size(), 0);
        }
    }
    if big {
        let complex = matches!(element, ElementType::Complex32 | ElementType::Complex64);
        let part = if complex { element.size() / 2 } else { element.size() };
        data.chunks_exact_mut(part).for_each(<[u8]>::reverse);
    }
    [header, data].concat()
}

/// A stack of one matrix over and over.
pub(crate) fn repeated(matrix: &[f64], order: usize, count: usize) -> Vec<u8> {
    let mut file = Header::encode(ElementType::F64, Order::C, &[count, order, order]).unwrap();
    let matrix: Vec<u8> = matrix.iter().flat_map(|x| x.to_le_bytes()).collect();
    file.extend(std::iter::repeat_n(matrix, count).flatten());
    file
}

/// Matrices in a [`long_stack`].
pub(crate) const LONG: usize = 128;

/// A stack of singular matrices. Each takes a singular value decomposition, so that some pieces are
/// done long before all are, however fast the program is at everything else.
pub(crate) fn long_stack() -> Vec<u8> {
    singular_matrices(LONG)
}

/// Matrices of rank one or two.
pub(crate) fn singular_matrices(count: usize) -> Vec<u8> {
    const ORDER: usize = 200;
    let mut file = repeated(&vec![1.0; ORDER * ORDER], ORDER, count);
    let matrices = file[128..].chunks_exact_mut(8 * ORDER * ORDER);
    for (matrix, first) in matrices.zip((1..8).cycle()) {
        matrix[..8].copy_from_slice(&f64::from(first).to_le_bytes());
    }
    file
}

/// A stack whose matrices differ.
pub(crate) fn small_matrices(count: usize) -> Vec<u8> {
    let matrix: Vec<f64> = (0..64).map(|k| f64::from(k % 9 * 7 % 11) + 1.0).collect();
    let mut file = repeated(&matrix, 8, count);
    for (matrix, k) in file[128..].chunks_exact_mut(512).zip((0..64).cycle()) {
        matrix[6] ^= k;
    }
    file
}

/// The least memory that the program says it needs.
pub(crate) fn least_memory(place: &Place, arguments: &str) -> u64 {
    let refused = place.matinv(&format!("{arguments} --memory 1")).output().unwrap();
    let words = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{words}");
    assert!(words.contains("one matrix at a time needs"), "{words}");
    let least = words.split("--memory ").nth(1).unwrap().split(' ').next().unwrap();
    least.parse().unwrap()
}

/// Exit code and talk, but for the time.
fn said(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let text = text.replace("standard input", "A.npy");
    let end = text.rfind(", ").filter(|_| text.contains("inverted ")).unwrap_or(text.len());
    (output.status.code(), text[..end].to_owned())
}

/// The same without what depends on run and way.
fn report(place: &Place, name: &str) -> Value {
    let mut report: Value = serde_json::from_str(&place.text(name)).unwrap();
    for key in ["seconds", "input", "output"] {
        report[key] = Value::Null;
    }
    report
}

/// Inverts A.npy as a whole (from standard input) and by pieces, and compares all that comes out.
fn compare(place: &Place, options: &str, memory: &[&str]) {
    let whole = place
        .matinv(&format!("inv - -o whole.npy --report whole.json {options}"))
        .pipe_stdin(place.path("A.npy"))
        .unwrap()
        .output()
        .unwrap();
    for memory in memory {
        let arguments = format!("inv A.npy -o X.npy --report X.json {options} {memory}");
        let stream = place.matinv(&arguments).output().unwrap();
        assert_eq!(said(&stream), said_of(&whole), "{arguments}");
        let written = fs::read(place.path("X.npy")).ok();
        assert!(written == fs::read(place.path("whole.npy")).ok(), "{arguments}");
        assert_eq!(written.is_some(), stream.status.success() || !options.contains("fail "));
        assert_eq!(report(place, "X.json"), report(place, "whole.json"), "{arguments}");
        let _ = fs::remove_file(place.path("X.npy"));
        fs::remove_file(place.path("X.json")).unwrap();
    }
    let _ = fs::remove_file(place.path("whole.npy"));
    fs::remove_file(place.path("whole.json")).unwrap();
}

/// As it is said of the streamed one.
fn said_of(whole: &Output) -> (Option<i32>, String) {
    let (code, text) = said(whole);
    (code, text.replace("whole.json", "X.json"))
}

#[test]
fn every_type_and_policy_gives_the_bits_of_the_whole_stack() {
    let place = Place::new();
    for &element in ElementType::ALL {
        for big in [false, true] {
            place.write("A.npy", small_stack(element, big));
            let least = least_memory(&place, "inv A.npy -o X.npy --on-failure pinv");
            let least = format!("--memory {least}");
            for policy in ["fail", "nan", "keep", "pinv"] {
                compare(&place, &format!("--on-failure {policy} -q"), &[&least]);
            }
        }
    }
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn every_length_of_a_piece_and_every_option_gives_the_bits_of_the_whole_stack() {
    let place = Place::new();
    place.write("A.npy", small_stack(ElementType::F32, true));
    let least = least_memory(&place, "inv A.npy -o X.npy --on-failure pinv --quality");
    // From one matrix at a time to all at once.
    let lengths: Vec<String> =
        [0, 3_000, 8_000, 1 << 20].map(|more| format!("--memory {}", least + more)).into();
    let lengths: Vec<&str> = lengths.iter().map(String::as_str).collect();
    for options in [
        "--on-failure nan --min-rcond 0.1",
        "--on-failure pinv --structure pos --upper --quality",
        "--on-failure keep --structure lower --threads 1",
        "--on-failure fail --structure general --threads 5 --no-check-finite",
    ] {
        compare(&place, options, &lengths);
    }
}

#[test]
fn failures_far_into_a_stack_are_all_found_and_the_first_ten_named() {
    let place = Place::new();
    let mut file = repeated(&[0.0, 4.0, 2.0, 0.0], 2, 3000);
    for matrix in (1000..3000).step_by(100) {
        file[128 + 32 * matrix..][..32].fill(0);
    }
    place.write("A.npy", file);
    let least = least_memory(&place, "inv A.npy -o X.npy");
    let memory = format!("--memory {}", least + 20_000);
    compare(&place, "--on-failure fail ", &[&memory]);
    compare(&place, "--on-failure nan", &[&memory]);
    let refused = place.matinv(&format!("inv A.npy -o X.npy {memory}")).assert().code(1);
    let words = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(words.contains("20 of 3000 matrices could not be inverted"), "{words}");
    assert!(words.contains("\n  [1900]: "), "{words}");
    assert!(words.contains("and 10 more"), "{words}");
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn fortran_order_is_inverted_as_a_whole_or_refused_with_the_way_out() {
    let place = Place::new();
    let mut file = Header::encode(ElementType::F64, Order::Fortran, &[2, 2, 2]).unwrap();
    for x in [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 4.0, 8.0_f64] {
        file.extend(x.to_le_bytes());
    }
    place.write("A.npy", file);
    place.matinv("inv A.npy -o X.npy").assert().code(0);
    assert_eq!(place.load_f64("X.npy")[[1, 1, 1]], 0.125);
    for memory in ["--memory 1", "--memory 100"] {
        let refused = place.matinv(&format!("inv A.npy -o Y.npy {memory}")).assert().code(2);
        refused.stderr(predicates::str::contains("numpy.ascontiguousarray"));
    }
    let refused = place.matinv("inv A.npy -o Y.npy --resume").assert().code(2);
    refused.stderr(predicates::str::contains("stored in Fortran order"));
    assert_eq!(place.files(), ["A.npy", "X.npy"]);
}

#[test]
fn a_file_of_the_wrong_length_is_refused_before_anything_is_done() {
    let place = Place::new();
    let file = repeated(&[0.0, 4.0, 2.0, 0.0], 2, 10);
    place.write("A.npy", &file[..file.len() - 1]);
    place.matinv("inv A.npy -o X.npy").assert().code(2).stderr(predicates::str::contains(
        "A.npy: byte 447: the data ends early: found 319 bytes, expected 320",
    ));
    place.write("A.npy", [&file[..], &[0]].concat());
    let refused = place.matinv("inv A.npy -o X.npy").assert().code(2);
    refused.stderr(predicates::str::contains("A.npy: byte 448: more bytes follow the 320 bytes"));
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn the_input_may_be_replaced_by_its_inverse() {
    let place = Place::new();
    place.write("A.npy", small_matrices(100));
    place.matinv("inv A.npy -o X.npy").assert().code(0);
    place.matinv("inv A.npy -o A.npy --force").assert().code(0);
    assert!(fs::read(place.path("A.npy")).unwrap() == fs::read(place.path("X.npy")).unwrap());
}

/// Starts a run of some seconds under a memory so small that it makes many pieces, and waits for its
/// temporary output.
#[cfg(unix)]
fn started(place: &Place) -> std::process::Child {
    place.write("A.npy", long_stack());
    let least = least_memory(place, "inv A.npy -o X.npy --on-failure pinv");
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_matinv"))
        .args(["inv", "A.npy", "-o", "X.npy", "--on-failure", "pinv", "--threads", "1"])
        .args(["--memory", &(least + 1_000_000).to_string()])
        .current_dir(place.0.path())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while place.files().len() < 2 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child
}

#[test]
#[cfg(unix)]
fn input_that_is_cut_short_meanwhile_is_an_error_with_words() {
    let place = Place::new();
    let child = started(&place);
    let input = fs::OpenOptions::new().write(true).open(place.path("A.npy")).unwrap();
    input.set_len(1_000_000).unwrap();
    let ended = child.wait_with_output().unwrap();
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{words}");
    let expected =
        "A.npy: byte 1000000: the data ends early: found 999872 bytes, expected 40960000";
    assert!(words.contains(expected), "{words}");
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
#[cfg(unix)]
fn input_that_is_written_meanwhile_gives_no_output() {
    let place = Place::new();
    let child = started(&place);
    let input = fs::OpenOptions::new().append(true).open(place.path("A.npy")).unwrap();
    input.set_len(40_960_129).unwrap();
    let ended = child.wait_with_output().unwrap();
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{words}");
    assert!(words.contains("A.npy: was changed while it was read"), "{words}");
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
#[cfg(unix)]
fn a_signal_leaves_nothing_behind() {
    use std::os::unix::process::ExitStatusExt;
    let place = Place::new();
    let mut child = started(&place);
    let kill = format!("kill -INT {}", child.id());
    std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    assert_eq!(place.files(), ["A.npy"]);
}

/// Runs the program where no file may become larger than so many KiB, as on a disk that is full.
#[cfg(target_os = "linux")]
pub(crate) fn on_a_full_disk(place: &Place, arguments: &str, kilobytes: u32) -> Output {
    let program = env!("CARGO_BIN_EXE_matinv");
    let command = format!("ulimit -f {kilobytes}; exec '{program}' {arguments}");
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &command]).current_dir(place.0.path()).output().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_with_words_and_leaves_nothing() {
    let place = Place::new();
    place.write("A.npy", small_matrices(2000));
    let ended = on_a_full_disk(&place, "inv A.npy -o X.npy", 500);
    let words = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2), "{words}");
    assert!(words.contains("X.npy: File too large"), "{words}");
    assert!(words.contains("nothing is left of it"), "{words}");
    let ended = on_a_full_disk(&place, "inv A.npy -o X.npy --report X.json --on-failure nan", 100);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(place.files(), ["A.npy"]);
}

#[test]
fn a_bound_that_holds_no_matrix_says_the_least() {
    let place = Place::new();
    place.write("A.npy", small_matrices(10));
    let least = least_memory(&place, "inv A.npy -o X.npy");
    place.matinv(&format!("inv A.npy -o X.npy --memory {}", least - 1)).assert().code(2);
    assert_eq!(place.files(), ["A.npy"]);
    place.matinv(&format!("inv A.npy -o X.npy --memory {least}")).assert().code(0);
}

/// The most memory that a run of the program has held, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(place: &Place, arguments: &str) -> u64 {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_matinv"))
        .args(arguments.split_whitespace())
        .current_dir(place.0.path())
        .spawn()
        .unwrap();
    let mut peak = 0;
    // The system keeps the peak, so that it is enough to look from time to time.
    while child.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) << 10);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    peak
}

#[test]
#[cfg(target_os = "linux")]
fn memory_stays_within_the_bound() {
    /// Threads and buffers of BLAS.
    const BLAS: u64 = 8 << 20;
    let place = Place::new();
    // What the program itself takes depends on how it was built.
    place.write("A.npy", repeated(&[2.0], 1, 2));
    let program = peak_memory(&place, "inv A.npy -o X.npy -q --threads 2");
    // 256 MiB in matrices that are large against the bound, and 48 MiB in small ones.
    for (order, count, bound) in [(1024, 32, 64_u64 << 20), (64, 1536, 4 << 20)] {
        let mut matrix = vec![0.0; order * order];
        matrix.iter_mut().step_by(order + 1).for_each(|x| *x = 2.0);
        place.write("A.npy", repeated(&matrix, order, count));
        let run = "inv A.npy -o X.npy -q --force --structure diagonal --memory";
        let peak = peak_memory(&place, &format!("{run} {bound} --threads 2"));
        assert!(peak > 4 << 20, "{peak} bytes cannot be");
        assert!(peak < bound + program + BLAS, "order {order}: {peak} bytes, {program} alone");
        let first = matrix.len() * 8;
        let written = fs::read(place.path("X.npy")).unwrap();
        assert_eq!(written.len(), 128 + count * first);
        assert_eq!(written[128..136], 0.5_f64.to_le_bytes());
    }
}
