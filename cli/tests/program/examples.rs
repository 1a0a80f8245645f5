use crate::Place;
use predicates::str::contains;
use std::path::Path;

#[test]
fn real_matrices_invert_and_pass() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data");
    for (name, words) in [
        ("arrowc", "complex128"),
        ("lfat5b", "float64"),
        ("lund_a", "147×147 float64, positive definite"),
        ("west0067", "67×67 float64, general"),
    ] {
        let place = Place::new();
        let source = data.join(format!("{name}.mtx"));
        let mut inv = place.matinv("inv -o X.npy");
        inv.arg(&source).assert().code(0).stderr(contains(words));
        let mut check = place.matinv("check");
        check.arg(&source).arg("X.npy").assert().code(0).stdout(contains("PASS"));
        // What Matrix Market declares, it declares of the inverse too.
        let mut inv = place.matinv("inv -o X.mtx");
        inv.arg(&source).assert().code(0);
        let mut check = place.matinv("check");
        check.arg(&source).arg("X.mtx").assert().code(0);
        assert!(place.load("X.mtx").same(&place.load("X.npy")));
        let banner = place.text("X.mtx").lines().next().unwrap().to_owned();
        if name == "lund_a" {
            assert_eq!(banner, "%%MatrixMarket matrix array real symmetric");
        }
    }
}
