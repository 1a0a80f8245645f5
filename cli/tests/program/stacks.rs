use crate::{Place, TIME, whole};
use ndarray::{Array, ArrayD, ArrayView2, Axis, IxDyn, s};
use predicates::prelude::*;
use predicates::str::contains;

/// Matrices of order 2, of which every one whose position is a multiple of `step` is singular.
fn stack(leading: &[usize], step: usize) -> ArrayD<f64> {
    let shape: Vec<usize> = leading.iter().copied().chain([2, 2]).collect();
    let count: usize = leading.iter().product();
    let elements = (0..count).flat_map(|k| {
        let corner = if k % step == 0 { 4.0 } else { 5.0 };
        [1.0, 2.0, 2.0, corner]
    });
    Array::from_shape_vec(IxDyn(&shape), elements.collect()).unwrap()
}

/// One matrix of a stack.
fn matrix(stack: &ArrayD<f64>, k: usize) -> ArrayView2<'_, f64> {
    stack.index_axis(Axis(0), k).into_dimensionality().unwrap()
}

#[test]
fn under_fail_every_failure_is_named_and_nothing_written() {
    let place = Place::new();
    place.save("A.npy", &stack(&[2, 3], 4)).write("X.npy", "before");
    place.matinv("inv A.npy -o X.npy --force").assert().code(1).stdout("").stderr(whole(&format!(
        "matinv: A.npy: 2 of 6 matrices could not be inverted; nothing was written\n  \
         \\[0, 0\\]: the matrix is singular: column 1 depends on the columns before it\n  \
         \\[1, 1\\]: the matrix is singular: column 1 depends on the columns before it\n\
         hint: --on-failure pinv writes the pseudo-inverse\n\
         inverted 4 of 6 matrices 2×2 float64, 2 failed, positive definite, .*{TIME}"
    )));
    assert_eq!(place.text("X.npy"), "before");
    assert_eq!(place.files(), ["A.npy", "X.npy"]);
}

#[test]
fn of_many_failures_ten_are_named() {
    let place = Place::new();
    place.save("A.npy", &stack(&[40], 2));
    let ran = place.matinv("inv A.npy -q --format npy").assert().code(1).stdout("");
    let stderr = String::from_utf8(ran.get_output().stderr.clone()).unwrap();
    assert!(
        stderr.starts_with("matinv: A.npy: 20 of 40 matrices could not be inverted"),
        "{stderr}"
    );
    assert_eq!(stderr.matches("\n  [").count(), 10);
    assert!(stderr.contains("\n  … and 10 more; --report FILE.json lists all\n"), "{stderr}");
    let ran = place.matinv("inv A.npy -q --format npy --report r.json").assert().code(1);
    ran.stderr(contains("\n  … and 10 more, all in r.json\n"));
}

#[test]
fn each_policy_writes_what_it_says_in_the_place_of_failures() {
    let place = Place::new();
    let a = stack(&[5], 3);
    place.save("A.npy", &a);
    for (policy, words) in [
        ("nan", "NaN stands in their place"),
        ("keep", "they were left as they were"),
        ("pinv", "pseudo-inverses stand in their place"),
    ] {
        let out = format!("{policy}.npy");
        let ran = place.matinv(&format!("inv A.npy -o {out} --on-failure {policy}")).assert();
        let named = contains("2 of 5 matrices could not be inverted")
            .and(contains(words))
            .and(contains("  [0]: the matrix is singular"))
            .and(contains("  [3]: the matrix is singular"));
        ran.code(1).stdout("").stderr(named);
        let x = place.load_f64(&out);
        for k in [1, 2, 4] {
            let product = matrix(&a, k).dot(&matrix(&x, k));
            let rest = product - ndarray::Array2::<f64>::eye(2);
            assert!(rest.iter().all(|x| x.abs() < 1e-14), "{policy} {k}");
        }
        for k in [0, 3] {
            let (a, x) = (matrix(&a, k), matrix(&x, k));
            assert!(match policy {
                "nan" => x.iter().all(|x| x.is_nan()),
                "keep" => x == a,
                _ => (a.dot(&x).dot(&a) - a).iter().all(|x| x.abs() < 1e-14),
            });
        }
    }
}

#[test]
fn a_stack_is_counted_by_structure_and_names_its_least_rcond() {
    let place = Place::new();
    let mut a = Array::zeros(IxDyn(&[4, 2, 2]));
    for (k, elements) in
        [[1.0, 2.0, 3.0, 5.0], [2.0, 0.0, 0.0, 4.0], [1.0, 3.0, 2.0, 7.0], [1.0, 0.0, 0.0, 1e-20]]
            .iter()
            .enumerate()
    {
        a.slice_mut(s![k, .., ..]).iter_mut().zip(elements).for_each(|(x, &e)| *x = e);
    }
    place.save("A.npy", &a);
    place.matinv("inv A.npy -o X.npy").assert().code(0).stderr(whole(&format!(
        r"warning: A.npy: 1 of 4 matrices with rcond below ε = 2\.2e-16, the least 1\.0e-20 at \[3\]: perhaps no digit of such an inverse is right\ninverted 4 matrices 2×2 float64, 2 general, 2 diagonal, native, least rcond 1\.0e-20 at \[3\], {TIME}"
    )));
}

#[test]
fn text_holds_no_stack_and_says_what_does_before_any_work() {
    let place = Place::new();
    place.save("A.npy", &stack(&[3], 7));
    let ran = place.matinv("inv A.npy").assert().code(2).stdout("");
    ran.stderr(contains("found shape [3, 2, 2]")).stderr(contains("hint: --format npy"));
    for name in ["X.csv", "X.tsv.gz", "X.mtx"] {
        let ran = place.matinv(&format!("inv A.npy -o {name}")).assert().code(2);
        ran.stderr(contains("write .npy or .npz instead"));
    }
    assert_eq!(place.files(), ["A.npy"]);
}
