use crate::{DIAGONAL, GENERAL, Place, SINGULAR, TIME, fallback, whole};
use matinv_cli::format::Data;
use ndarray::{Array2, ArrayD, Axis, IxDyn, array};
use predicates::str::contains;

#[test]
fn one_matrix_is_data_on_stdout_and_one_line_on_stderr() {
    let place = Place::new();
    place.write("D.txt", DIAGONAL).write("A.txt", GENERAL);
    place
        .matinv("inv D.txt")
        .assert()
        .code(0)
        .stdout("0.5 0\n0 0.25\n")
        .stderr(whole(&format!(r"inverted 2×2 float64, diagonal, native, rcond 5\.0e-01, {TIME}")));
    place
        .matinv("inv A.txt")
        .assert()
        .code(0)
        .stdout("0.5 -0.5\n-0.25 0.5\n")
        .stderr(whole(&format!(r"inverted 2×2 float64, general, native, rcond 1\.2e-01, {TIME}")));
    place.matinv("inv A.txt --quiet").assert().code(0).stdout("0.5 -0.5\n-0.25 0.5\n").stderr("");
}

#[test]
fn a_singular_matrix_names_its_column_and_the_way_out() {
    let place = Place::new();
    place.write("S.txt", SINGULAR);
    place.matinv("inv S.txt").assert().code(1).stdout("").stderr(
        "matinv: S.txt: the matrix is singular: column 1 depends on the columns before it (no \
         non-zero pivot is left); a pseudo-inverse exists\n\
         hint: --on-failure pinv writes the pseudo-inverse\n",
    );
}

#[test]
fn no_failure_is_silent_under_any_policy() {
    let place = Place::new();
    place.write("S.txt", SINGULAR);
    let singular =
        "matinv: S.txt: the matrix is singular: column 1 depends on the columns before it";
    for (policy, stdout, words) in [
        ("nan", "nan nan\nnan nan\n", "NaN stands in its place"),
        ("keep", "1 2\n2 4\n", "it was left as it was"),
    ] {
        place
            .matinv(&format!("inv S.txt --quiet --on-failure {policy}"))
            .assert()
            .code(1)
            .stdout(stdout)
            .stderr(format!("{singular}; {words}\n"));
    }
    let pinv = place.matinv("inv S.txt --on-failure pinv -o P.npy").assert().code(1).stdout("");
    pinv.stderr(whole(&format!(
        "{singular}; the pseudo-inverse stands in its place\npseudo-inverted 2×2 float64, .*{TIME}"
    )));
    let expected = array![[0.04, 0.08], [0.08, 0.16]].into_dyn();
    assert!((place.load_f64("P.npy") - expected).iter().all(|x| x.abs() < 1e-15));
}

#[test]
fn every_failure_has_its_hint() {
    let place = Place::new();
    place.write("nan.txt", "1 nan\n2 3\n").write("indefinite.txt", "1 2\n2 1\n");
    place.write("wide.txt", "1 2 3\n4 5 6\n").write("tiny.txt", "1e-310 0\n0 1\n");
    for (arguments, code, message, hint) in [
        ("nan.txt", 1, "element (0, 1) is NaN or infinite", "--no-check-finite"),
        (
            "indefinite.txt --structure pos",
            1,
            "leading minor of order 2 is not positive",
            "--structure sym",
        ),
        ("indefinite.txt --min-rcond 0.9", 1, "below the limit 9.000e-1", "a smaller --min-rcond"),
        ("tiny.txt", 1, "overflows; scale the matrix", "--no-check-finite"),
        ("wide.txt", 2, "found 2 rows and 3 columns", "least-squares"),
    ] {
        let ran = place.matinv(&format!("inv {arguments}")).assert().code(code).stdout("");
        ran.stderr(contains(message)).stderr(contains("\nhint: ")).stderr(contains(hint));
    }
    place.matinv("inv nan.txt --no-check-finite").assert().code(0).stdout(contains("nan"));
}

#[test]
fn the_warning_of_a_near_singular_matrix_is_one_line() {
    let place = Place::new();
    place.matinv("gen hilbert -n 14 -o H.npy").assert().code(0);
    let ran = place.matinv("inv H.npy -o X.npy").assert().code(0);
    ran.stderr(whole(&format!(
        r"warning: H.npy: rcond [0-9.e-]+ is below ε = 2\.2e-16: perhaps no digit of the inverse is right\ninverted 14×14 .*{TIME}"
    )));
    place.matinv("inv H.npy --force -o X.npy -q").assert().code(0).stderr("");
    let refused = place.matinv("inv H.npy --min-rcond 1e-16").assert().code(1);
    refused.stderr(contains("ill-conditioned"));
}

#[test]
fn types_stay_or_become_what_the_help_says() {
    let place = Place::new();
    place.save("f32.npy", &array![[0.0_f32, 4.0], [2.0, 0.0]].into_dyn());
    place.save("i64.npy", &array![[0_i64, 4], [2, 0]].into_dyn());
    place.save("bool.npy", &array![[false, true], [true, false]].into_dyn());
    let half = |x| half::f16::from_f32(x);
    place.save("f16.npy", &array![[half(0.0), half(4.0)], [half(2.0), half(0.0)]].into_dyn());
    let i = num_complex::Complex32::new(0.0, 2.0);
    place.save("c64.npy", &ArrayD::from_elem(IxDyn(&[1, 1]), i));
    for (name, words, found) in [
        ("f32", "2×2 float32,", "float32"),
        ("i64", "2×2 int64 as float64,", "float64"),
        ("bool", "2×2 bool as float64,", "float64"),
        ("f16", "2×2 float16 as float32,", "float32"),
        ("c64", "1×1 complex64,", "complex64"),
    ] {
        let ran = place.matinv(&format!("inv {name}.npy -o {name}.out.npy")).assert().code(0);
        ran.stderr(contains(words));
        assert_eq!(place.load(&format!("{name}.out.npy")).type_name(), found);
    }
    let expected = Data::Complex32(ArrayD::from_elem(IxDyn(&[1, 1]), 1.0 / i));
    assert!(place.load("c64.out.npy").same(&expected));
}

#[test]
fn a_declared_triangle_is_the_only_one_read() {
    let place = Place::new();
    place.write("A.txt", "4 9\n2 2\n").write("B.txt", "4 2\n9 2\n");
    let lower = place.matinv("inv A.txt -q --structure pos --lower").assert().code(0);
    let expected = String::from_utf8(lower.get_output().stdout.clone()).unwrap();
    place.matinv("inv A.txt -q --structure pos").assert().code(0).stdout(expected.clone());
    place.matinv("inv B.txt -q --structure pos --upper").assert().code(0).stdout(expected);
    place.matinv("inv A.txt -q --structure sym --upper").assert().code(0);
    for (structure, stdout) in [
        ("diagonal", "0.25 0\n0 0.5\n"),
        ("lower", "0.25 0\n-0.25 0.5\n"),
        ("upper", "0.25 -1.125\n0 0.5\n"),
    ] {
        let ran = place.matinv(&format!("inv A.txt -q --structure {structure}")).assert();
        ran.code(0).stdout(stdout);
    }
}

#[test]
fn threads_do_not_change_a_stack_and_quality_is_said() {
    let place = Place::new();
    place.matinv("gen random -n 20 --count 50 -o A.npy").assert().code(0);
    place.matinv("inv A.npy -o one.npy --threads 1").assert().code(0);
    let ran = place.matinv("inv A.npy -o three.npy --threads 3 --quality").assert().code(0);
    ran.stderr(contains(", worst residual 0."));
    assert!(place.load("one.npy").same(&place.load("three.npy")));
    place.matinv("gen random -n 150 -o B.npy").assert().code(0);
    let options = format!("--blas-threads 2 --quality --engine {}", fallback());
    let mut ran = place.matinv(&format!("inv B.npy -o X.npy {options}"));
    ran.assert().code(0).stderr(contains(", residual 0."));
    place.matinv("check B.npy X.npy").assert().code(0);
}

#[test]
fn a_long_run_is_whole_and_says_one_line_without_a_terminal() {
    let place = Place::new();
    // Enough work for several steps of the progress bar.
    place.matinv("gen random -n 200 --count 130 -o A.npy").assert().code(0);
    let ran = place.matinv("inv A.npy -o X.npy --report r.json").assert().code(0);
    // Who inverts them depends on the instruction set.
    let summary = "inverted 130 matrices 200×200 float64, general, (native|lapack), [^\n]*";
    ran.stderr(whole(&format!("{summary}{TIME}")));
    let (a, x) = (place.load_f64("A.npy"), place.load_f64("X.npy"));
    for k in [0, 15, 16, 129] {
        let matrix = |stack: &ArrayD<f64>| -> Array2<f64> {
            stack.index_axis(Axis(0), k).to_owned().into_dimensionality().unwrap()
        };
        let rest = matrix(&x).dot(&matrix(&a)) - Array2::<f64>::eye(200);
        assert!(rest.iter().all(|x| x.abs() < 1e-9), "matrix {k}");
    }
    assert_eq!(place.text("r.json").matches("\"index\":[").count(), 130);
}

#[test]
fn empty_matrices_are_their_own_inverses() {
    let place = Place::new();
    place.save("none.npy", &ArrayD::<f64>::zeros(IxDyn(&[0, 0])));
    place.save("stack.npy", &ArrayD::<f64>::zeros(IxDyn(&[0, 3, 3])));
    place.matinv("inv none.npy -o X.npy").assert().code(0).stderr(contains("inverted 0×0 float64"));
    assert_eq!(place.load("X.npy").shape(), [0, 0]);
    let ran = place.matinv("inv stack.npy -o Y.npy").assert().code(0);
    ran.stderr(contains("inverted 0 matrices 3×3 float64"));
    assert_eq!(place.load("Y.npy").shape(), [0, 3, 3]);
    place.matinv("check stack.npy Y.npy").assert().code(0);
    place.matinv("inv none.npy").assert().code(2).stderr(contains("--format npy"));
}

#[test]
fn what_is_no_matrix_is_refused() {
    let place = Place::new();
    place.save("vector.npy", &ArrayD::<f64>::zeros(IxDyn(&[3])));
    let ran = place.matinv("inv vector.npy -o X.npy").assert().code(2).stdout("");
    ran.stderr(contains("matinv: vector.npy: the array has 1 axes"));
    place.matinv("inv missing.npy").assert().code(2).stderr(contains("matinv: missing.npy: "));
    place.write("bad.csv", "1,2\n3,x\n");
    let ran = place.matinv("inv bad.csv -o X.npy").assert().code(2);
    ran.stderr(contains("matinv: bad.csv:2: field 2 is \"x\""));
    assert_eq!(place.files(), ["bad.csv", "vector.npy"]);
}
