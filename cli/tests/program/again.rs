//! The same command with `--resume` once more, after all was done.

use crate::stream::small_matrices;
use crate::{Place, whole};
use std::fs;
use std::time::{Duration, SystemTime};

const DONE: &str = "X.npy is whole already, nothing was done: 16 of 300 matrices, inverted again, \
                    have the bits that it holds";

fn place() -> Place {
    let place = Place::new();
    place.write("A.npy", small_matrices(300));
    place
}

#[test]
fn the_same_command_after_success_has_nothing_to_do() {
    let place = place();
    let run = "inv A.npy -o X.npy --resume";
    place.matinv(run).assert().code(0);
    let made = fs::metadata(place.path("X.npy")).unwrap().modified().unwrap();
    let again = place.matinv(run).assert().code(0);
    again.stdout("").stderr(format!("{DONE}\n"));
    place.matinv(&format!("{run} -q --threads 1")).assert().code(0).stderr("");
    assert_eq!(fs::metadata(place.path("X.npy")).unwrap().modified().unwrap(), made);
    assert_eq!(place.files(), ["A.npy", "X.npy"]);
    // Only under --resume.
    place.matinv("inv A.npy -o X.npy").assert().code(2);
}

#[test]
fn any_other_output_is_refused_with_the_reason() {
    let place = place();
    let run = "inv A.npy -o X.npy --resume";
    place.matinv(run).assert().code(0);
    let refused = |run: &str, why: &str| {
        let pattern = format!(
            "matinv: X.npy: exists already; give --force .*\nhint: it is not known to be what this \
             command makes: {why}.*\n"
        );
        place.matinv(run).assert().code(2).stderr(whole(&pattern));
    };
    let nan = format!("{run} --on-failure nan");
    refused(&nan, "whether all its matrices were inverted cannot be told");
    let right = fs::read(place.path("X.npy")).unwrap();
    let mut other = right.clone();
    *other.last_mut().unwrap() ^= 1;
    place.write("X.npy", &other);
    refused(run, r"it holds something else at \[299\]");
    place.write("X.npy", &right[..right.len() - 1]);
    refused(run, "its type, shape or length is another");
    place.write("X.npy", "");
    refused(run, "its type, shape or length is another");
    place.write("X.npy", &right);
    place.matinv(run).assert().code(0);
    // The input was changed since, somewhere.
    let later = SystemTime::now() + Duration::from_secs(3600);
    let input = fs::File::options().append(true).open(place.path("A.npy")).unwrap();
    input.set_modified(later).unwrap();
    refused(run, "the input was written, renamed or linked after it was made");
    place.matinv(&format!("{run} --force")).assert().code(0);
    // What cannot be streamed is refused as ever.
    place.write("B.txt", crate::DIAGONAL);
    let refused = place.matinv("inv B.txt -o X.npy --resume").assert().code(2);
    refused.stderr("matinv: X.npy: exists already; give --force to replace it, or another name\n");
}

#[test]
fn a_report_tells_what_became_of_the_matrices() {
    let place = Place::new();
    let mut stack = small_matrices(300);
    stack[128 + 512 * 200..][..512].fill(0);
    place.write("A.npy", stack);
    let run = "inv A.npy -o X.npy --resume --on-failure nan --report X.json";
    place.matinv(run).assert().code(1);
    let again = place.matinv(run).assert().code(1);
    again.stderr(format!("{DONE}; 1 could not be inverted\n"));
    let kept = place.text("X.json");
    for (other, why) in [
        (kept.replace("\"nan\"", "\"keep\""), "X.json is no report of it"),
        (kept.replace("\"count\": 300", "\"count\": 301"), "X.json is no report of it"),
        (kept[..kept.len() - 2].to_owned(), "X.json is no report of it"),
        (String::new(), "X.json is no report of it"),
    ] {
        place.write("X.json", other);
        place.matinv(run).assert().code(2).stderr(predicates::str::contains(why));
    }
    fs::remove_file(place.path("X.json")).unwrap();
    let refused = place.matinv(run).assert().code(2);
    refused.stderr(predicates::str::contains("its report X.json is missing"));
}
