//! What stands beside an output under `--resume` is not trusted.

use crate::Place;
use crate::stream::{least_memory, on_a_full_disk, small_matrices};
use flate2::Crc;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const RUN: &str = "inv A.npy -o X.npy --resume --on-failure nan --report X.json --quality";
const COUNT: usize = 1500;
const LEFT: [&str; 3] = ["X.npy.partial", "X.npy.partial.json", "X.npy.partial.report"];

/// A run that was ended half way.
struct Ended {
    place: Place,
    /// So small that there are many pieces.
    run: String,
    left: Vec<Vec<u8>>,
    expected: Vec<u8>,
    matrices: Value,
}

impl Ended {
    fn new() -> Self {
        let place = Place::new();
        let mut stack = small_matrices(COUNT);
        for singular in [3, 200, 1400] {
            stack[128 + 512 * singular..][..512].fill(0);
        }
        place.write("A.npy", stack);
        let run = format!("{RUN} --memory {}", least_memory(&place, RUN) + 60_000);
        let whole = run.replace("--resume", "--force");
        place.matinv(&whole).assert().code(1);
        let expected = fs::read(place.path("X.npy")).unwrap();
        let matrices = report(&place);
        for name in ["X.npy", "X.json"] {
            fs::remove_file(place.path(name)).unwrap();
        }
        let ended = on_a_full_disk(&place, &run, 400);
        assert_eq!(ended.status.code(), Some(2));
        let left = LEFT.map(|name| fs::read(place.path(name)).unwrap()).to_vec();
        let ended = Ended { place, run, left, expected, matrices };
        let done = ended.journal()["state"]["done"].as_u64().unwrap();
        assert!(300 < done && done < 1000, "{done}");
        ended
    }

    fn journal(&self) -> Value {
        serde_json::from_slice(&self.left[1]).unwrap()
    }

    /// Puts back what the run has left, with another journal.
    fn with(&self, journal: &[u8]) {
        for name in ["X.npy", "X.json"] {
            let _ = fs::remove_file(self.place.path(name));
        }
        for (name, content) in LEFT.iter().zip([&self.left[0], journal, &self.left[2]]) {
            self.place.write(name, content);
        }
    }

    /// Goes on, and must make what an undisturbed run makes. Returns what was said.
    fn ends_right(&self, what: &str) -> String {
        let ended = self.place.matinv(&self.run).output().unwrap();
        let words = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{what}: {words}");
        assert!(!words.contains("bug") && !words.contains('\x1b'), "{what}: {words}");
        assert!(fs::read(self.place.path("X.npy")).unwrap() == self.expected, "{what}");
        assert!(report(&self.place) == self.matrices, "{what}: the report differs");
        assert_eq!(self.place.files(), ["A.npy", "X.json", "X.npy"], "{what}");
        words
    }
}

/// The matrices of a report.
fn report(place: &Place) -> Value {
    let report: Value = serde_json::from_str(&place.text("X.json")).unwrap();
    report["matrices"].clone()
}

/// With a checksum that is right, as only somebody who means it would make.
fn sealed(mut journal: Value) -> Vec<u8> {
    let mut crc = Crc::new();
    for part in ["identity", "state"] {
        crc.update(journal[part].to_string().as_bytes());
    }
    journal["checksum"] = crc.sum().into();
    journal.to_string().into_bytes()
}

/// All values in a value, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found));
        }
        Value::Array(list) => {
            let list = list.iter().enumerate();
            list.for_each(|(k, value)| pointers(value, &format!("{at}/{k}"), found));
        }
        _ => {}
    }
}

/// What could stand in the place of a value.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let n = number.as_u64().unwrap();
            let near = [n.wrapping_add(1), n.wrapping_sub(1), 0, 4000, 1 << 63, u64::MAX];
            near.iter().map(|&n| json!(n)).chain([json!(-1), json!(1.5), json!("1")]).collect()
        }
        Value::String(_) => vec![json!(""), json!("\u{1b}[2J"), json!(7)],
        Value::Array(list) => {
            let mut more = list.clone();
            more.extend(list.last().cloned());
            let less = list[..list.len().saturating_sub(1)].to_vec();
            vec![json!(more), json!(less), json!([]), Value::Null]
        }
        _ => vec![Value::Null, json!({})],
    }
}

#[test]
fn whatever_a_journal_says_the_output_is_right() {
    let case = Ended::new();
    let real = case.journal();
    case.with(&case.left[1]);
    assert!(!case.ends_right("the journal as it is").contains("from the beginning"));
    // Sealed again, its form does not matter.
    case.with(&sealed(real.clone()));
    assert!(!case.ends_right("the journal as it is, sealed").contains("from the beginning"));
    let mut places = Vec::new();
    pointers(&real["state"], "/state", &mut places);
    assert!(places.len() > 30, "{places:?}");
    let mut begun_again = 0;
    for place in &places {
        let value = real.pointer(place).unwrap();
        for (k, other) in others(value).into_iter().filter(|other| other != value).enumerate() {
            let what = format!("{place}: {other}");
            let mut journal = real.clone();
            *journal.pointer_mut(place).unwrap() = other;
            if k == 0 {
                // By accident.
                case.with(&serde_json::to_vec(&journal).unwrap());
                let words = case.ends_right(&what);
                let expected = "warning: X.npy.partial.json: its checksum is wrong; all is done \
                                from the beginning\n";
                assert!(words.starts_with(expected), "{what}: {words}");
            }
            case.with(&sealed(journal));
            let words = case.ends_right(&what);
            begun_again += usize::from(words.contains("all is done from the beginning"));
        }
    }
    // All but values that could be: a little more time, another least rcond.
    assert!(begun_again > 3 * places.len(), "{begun_again} of {}", places.len());
}

#[test]
fn lengths_that_contradict_the_journal_begin_again() {
    let case = Ended::new();
    for (cut, words) in [(0, "the partial output has 1000 bytes"), (2, "the partial report has")] {
        case.with(&case.left[1]);
        case.place.write(LEFT[cut], &case.left[cut][..1000]);
        let said = case.ends_right(words);
        assert!(said.contains(words) && said.contains("all is done from the beginning"), "{said}");
    }
    let mut other = case.left[0].clone();
    other[20] ^= 1;
    case.with(&case.left[1]);
    case.place.write(LEFT[0], other);
    assert!(case.ends_right("another header").contains("does not begin with its header"));
    for text in ["", "{", "[]", "null", "{\"checksum\": 0}"] {
        case.with(text.as_bytes());
        assert!(case.ends_right(text).contains("all is done from the beginning"));
    }
}

#[test]
fn a_journal_of_another_machine_or_input_is_refused() {
    let case = Ended::new();
    let mut places = Vec::new();
    pointers(&case.journal()["identity"], "/identity", &mut places);
    for part in [
        "/machine/instruction set",
        "/machine/BLAS",
        "/input/stamp/inode",
        "/input/stamp/changed/0",
        "/input/stamp/samples",
        "/options/engine",
    ] {
        assert!(places.contains(&format!("/identity{part}")), "{part} in {places:?}");
    }
    for place in places {
        let mut journal = case.journal();
        *journal.pointer_mut(&place).unwrap() = json!("\u{1b}other");
        let journal = sealed(journal);
        case.with(&journal);
        let refused = case.place.matinv(&case.run).assert().code(2);
        let words = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
        assert!(words.contains("belongs to another run: ") && !words.contains('\x1b'), "{words}");
        assert!(words.contains("hint: give --force to start over"), "{words}");
        assert!(fs::read(case.place.path(LEFT[1])).unwrap() == journal);
    }
    case.place.matinv(&format!("{} --force", case.run)).assert().code(1);
    assert!(fs::read(case.place.path("X.npy")).unwrap() == case.expected);
}

#[test]
fn another_input_with_the_size_and_time_of_the_first_is_refused() {
    let case = Ended::new();
    let path = case.place.path("A.npy");
    let (first, time) =
        (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
    let keep_time = |name: &str| {
        let file = fs::File::options().append(true).open(case.place.path(name)).unwrap();
        file.set_modified(time).unwrap();
    };
    let refused = |how: &str| {
        case.with(&case.left[1]);
        let refused = case.place.matinv(&case.run).assert().code(2);
        refused.stderr(predicates::str::contains(format!("or is another one ({how}")));
    };
    // Written over, where only the samples and the time of change show it.
    let mut other = first.clone();
    other[128 + 512 * 1499] ^= 1;
    fs::write(&path, &other).unwrap();
    keep_time("A.npy");
    refused("its content is another");
    // The same bytes in another file.
    fs::write(case.place.path("B.npy"), &first).unwrap();
    keep_time("B.npy");
    fs::rename(case.place.path("B.npy"), &path).unwrap();
    refused("it is another file of the same size and time");
}

#[test]
fn links_and_pipes_beside_the_output_are_refused_and_never_followed() {
    let case = Ended::new();
    let names = [&LEFT[..], &["X.npy.partial.json.next"]].concat();
    for name in names {
        for kind in ["link", "dangling", "hard", "pipe", "directory"] {
            case.with(&case.left[1]);
            case.place.write("victim", "mine");
            let path = case.place.path(name);
            let _ = fs::remove_file(&path);
            let pipe = || {
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.unwrap().success());
            };
            match kind {
                "link" => symlink("victim", &path).unwrap(),
                "dangling" => symlink("nowhere", &path).unwrap(),
                "hard" => fs::hard_link(case.place.path("victim"), &path).unwrap(),
                "pipe" => pipe(),
                _ => fs::create_dir(&path).unwrap(),
            }
            let what = format!("{name} {kind}");
            let ended = case.place.matinv(&case.run).output().unwrap();
            let words = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(2), "{what}: {words}");
            assert!(words.contains(&format!("matinv: {name}: ")), "{what}: {words}");
            assert!(words.contains("hint: delete it, or give --force"), "{what}: {words}");
            let forced = case.place.matinv(&format!("{} --force", case.run)).output().unwrap();
            let words = String::from_utf8(forced.stderr).unwrap();
            if kind == "directory" {
                assert_eq!(forced.status.code(), Some(2), "{what}: {words}");
                fs::remove_dir(&path).unwrap();
            } else {
                assert_eq!(forced.status.code(), Some(1), "{what}: {words}");
                assert!(fs::read(case.place.path("X.npy")).unwrap() == case.expected, "{what}");
                assert!(report(&case.place) == case.matrices, "{what}");
            }
            assert_eq!(case.place.text("victim"), "mine", "{what}");
            assert!(!case.place.path("nowhere").exists(), "{what}");
        }
    }
}

#[test]
fn what_is_kept_has_no_more_permissions_than_what_it_will_be() {
    let case = Ended::new();
    let mode = |name: &str| fs::metadata(case.place.path(name)).unwrap().mode() & 0o777;
    for (output, report) in [(0o600, 0o640), (0o640, 0o600)] {
        for name in LEFT {
            fs::remove_file(case.place.path(name)).unwrap();
        }
        for (name, mode) in [("X.npy", output), ("X.json", report)] {
            case.place.write(name, "before");
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(case.place.path(name), mode).unwrap();
        }
        let ended = on_a_full_disk(&case.place, &format!("{} --force", case.run), 400);
        assert_eq!(ended.status.code(), Some(2));
        for (name, most) in LEFT.iter().zip([output, output, report]) {
            assert_eq!(mode(name) & !most, 0, "{name}: {:o}, {most:o}", mode(name));
        }
    }
    // Another run may have begun when there was nothing to replace.
    for name in LEFT {
        let mode = fs::Permissions::from_mode(0o666);
        fs::set_permissions(case.place.path(name), mode).unwrap();
    }
    let ended = on_a_full_disk(&case.place, &format!("{} --force", case.run), 600);
    assert_eq!(ended.status.code(), Some(2));
    assert_eq!(LEFT.map(mode).map(|mode| mode & 0o077 & !0o040), [0; 3]);
    case.place.matinv(&format!("{} --force", case.run)).assert().code(1);
    assert_eq!([mode("X.npy"), mode("X.json")], [0o640, 0o600]);
    assert!(fs::read(case.place.path("X.npy")).unwrap() == case.expected);
}
