use crate::{Place, fallback};
use predicates::prelude::*;
use predicates::str::{contains, is_match};

#[test]
fn a_quick_run_prints_both_tables_and_draws_the_chart() {
    let place = Place::new();
    place.write("speed.svg", "an older one");
    let arguments = "bench --quick --type f32 --threads 2 --svg speed.svg --force";
    let mut ran = place.matinv(arguments).assert().code(0);
    ran = ran.stdout(contains(", float32, 2 threads, native (")).stdout(contains("wrong").not());
    for order in [8, 32, 128, 512] {
        let row = format!(r"(?m)^ *{order} +[0-9.]+ [nµm]s +[0-9.]+  [A-Za-z]+ ");
        ran = ran.stdout(is_match(row).unwrap());
    }
    if fallback() == "lapack" {
        ran.stdout(is_match(r"(?m)^ +4 +65536 +[0-9.]+ ns +[0-9.]+ [nµ]s +[0-9.]+$").unwrap());
    } else {
        ran.stdout(is_match(r"(?m)^ +4 +65536 +[0-9.]+ ns ").unwrap());
    }
    let chart = place.text("speed.svg");
    assert!(chart.starts_with("<svg ") && chart.trim_end().ends_with("</svg>"));
    assert!(chart.contains("float32, 2 threads") && chart.contains("\nlapack\n"));
    assert_eq!(place.files(), ["speed.svg"]);
}

#[test]
fn a_chart_that_exists_is_kept_and_nothing_is_measured() {
    let place = Place::new();
    place.write("speed.svg", "mine");
    let ran = place.matinv("bench --quick --svg speed.svg").assert().code(2).stdout("");
    ran.stderr(contains("speed.svg"));
    assert_eq!(place.text("speed.svg"), "mine");
    place.matinv("bench --quick --force").assert().code(2).stderr(contains("--svg"));
}
