use crate::{DIAGONAL, Place};
use ndarray::{Array, IxDyn, array};
use predicates::str::contains;
use serde_json::{Value, json};

fn report(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.text(name)).unwrap()
}

#[test]
fn the_report_of_one_matrix_says_everything() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    place.matinv("inv A.txt -o X.npy --report r.json --quality --threads 1").assert().code(0);
    let mut found = report(&place, "r.json");
    assert!(found["seconds"].take().as_f64().unwrap() > 0.0);
    let log = found["matrices"][0]["log_abs_det"].take().as_f64().unwrap();
    assert!((log - 8.0_f64.ln()).abs() < 1e-15);
    assert_eq!(
        found,
        json!({
            "matinv": env!("CARGO_PKG_VERSION"), "input": "A.txt", "output": "X.npy",
            "shape": [2, 2], "dtype": "float64", "computed_in": "float64",
            "options": {
                "structure": "auto", "triangle": "lower", "on_failure": "fail", "min_rcond": null,
                "check_finite": true, "engine": "auto", "threads": 1, "blas_threads": 1,
            },
            "seconds": null, "count": 1, "inverted": 1, "pseudo_inverted": 0, "failed": 0,
            "matrices": [{
                "index": [], "status": "inverted", "error": null, "pivot": null, "minor": null,
                "rcond": 0.5, "structure": "diagonal", "engine": "native", "sign": 1.0,
                "log_abs_det": null, "quality": 0.0,
            }],
        })
    );
}

#[test]
fn the_report_lists_every_failure_also_where_nothing_is_written() {
    let place = Place::new();
    let mut a = Array::zeros(IxDyn(&[2, 15, 2, 2]));
    a[[1, 14, 0, 0]] = f64::NAN;
    place.save("A.npy", &a);
    place.matinv("inv A.npy -o X.npy --report r.json").assert().code(1);
    let found = report(&place, "r.json");
    assert_eq!(found["output"], Value::Null);
    assert_eq!((&found["count"], &found["failed"]), (&json!(30), &json!(30)));
    let matrices = found["matrices"].as_array().unwrap();
    assert_eq!(matrices.len(), 30);
    assert_eq!(matrices[16]["index"], json!([1, 1]));
    assert_eq!(matrices[16]["status"], "failed");
    assert_eq!(matrices[16]["error"]["kind"], "Singular");
    assert_eq!((&matrices[16]["pivot"], &matrices[16]["rcond"]), (&json!(0), &json!(0.0)));
    assert_eq!(matrices[16]["log_abs_det"], "-Infinity");
    assert_eq!(matrices[29]["error"]["kind"], "NonFinite");
    assert_eq!((&matrices[29]["rcond"], &matrices[29]["sign"]), (&json!("NaN"), &json!("NaN")));
    assert_eq!(place.files(), ["A.npy", "r.json"]);
}

#[test]
fn pseudo_inverses_minors_and_complex_signs_are_reported() {
    let place = Place::new();
    let i = num_complex::Complex64::new(0.0, 1.0);
    place.save("I.npy", &array![[2.0 * i]].into_dyn());
    place.matinv("inv I.npy -o X.npy --report i.json").assert().code(0);
    assert_eq!(report(&place, "i.json")["matrices"][0]["sign"], json!([0.0, 1.0]));
    place.write("S.txt", "1 2\n2 1\n");
    place.matinv("inv S.txt --structure pos --on-failure pinv --report s.json").assert().code(1);
    let found = report(&place, "s.json");
    assert_eq!(found["output"], "-");
    assert_eq!((&found["pseudo_inverted"], &found["failed"]), (&json!(1), &json!(0)));
    assert_eq!(found["matrices"][0]["status"], "pseudo-inverted");
    assert_eq!(found["matrices"][0]["minor"], 2);
}

#[test]
fn an_empty_stack_has_an_empty_list() {
    let place = Place::new();
    place.save("A.npy", &Array::<f64, _>::zeros(IxDyn(&[0, 2, 2])));
    place.matinv("inv A.npy -o X.npy --report r.json").assert().code(0);
    assert_eq!(report(&place, "r.json")["matrices"], json!([]));
}

#[test]
fn a_report_replaces_nothing_unless_forced_and_never_the_input() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("r.json", "before");
    let ran = place.matinv("inv A.txt -o X.npy --report r.json").assert().code(2);
    ran.stderr(contains("r.json: exists already"));
    for report in ["A.txt", "./A.txt", "X.npy"] {
        let arguments = format!("inv A.txt -o X.npy --force --report {report}");
        let ran = place.matinv(&arguments).assert().code(2);
        ran.stderr(contains("the report needs a file of its own"));
    }
    assert_eq!(place.text("A.txt"), DIAGONAL);
    assert_eq!(place.files(), ["A.txt", "r.json"]);
    place.matinv("inv A.txt -o X.npy --force --report r.json").assert().code(0);
}
