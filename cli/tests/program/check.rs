use crate::{DIAGONAL, Place};
use ndarray::{Array, ArrayD, IxDyn, array};
use predicates::str::contains;

#[test]
fn an_inverse_passes_and_says_both_sides() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("X.csv", "0.5,0\n0,0.25\n");
    place
        .matinv("check A.txt X.csv")
        .assert()
        .code(0)
        .stderr("")
        .stdout("left   ‖I − XA‖  0\nright  ‖I − AX‖  0\nPASS: the better side is below 30\n");
}

#[test]
fn what_is_no_inverse_fails() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("nan.txt", "nan 0\n0 1\n").write("zero.txt", "0 0\n0 0\n");
    for x in ["A.txt", "nan.txt", "zero.txt"] {
        let ran = place.matinv(&format!("check A.txt {x}")).assert().code(1).stderr("");
        ran.stdout(contains("FAIL: the better side has to be below 30\n"));
    }
}

#[test]
fn stacks_name_the_worst_and_the_failing() {
    let place = Place::new();
    let a = Array::from_shape_fn(IxDyn(&[2, 2, 1, 1]), |i| 1.0 + (2 * i[0] + i[1]) as f64);
    let mut x = a.mapv(|x| 1.0 / x);
    place.save("A.npy", &a).save("X.npy", &x);
    place
        .matinv("check A.npy X.npy")
        .assert()
        .code(0)
        .stdout(contains("[1, 1]"))
        .stdout(contains("PASS: 4 matrices, the better side below 30 in each\n"));
    x[[0, 1, 0, 0]] = 0.6;
    x[[1, 1, 0, 0]] = f64::NAN;
    place.save("Y.npy", &x);
    place
        .matinv("check A.npy Y.npy")
        .assert()
        .code(1)
        .stdout(contains("\nworst: [1, 1] with nan (left) and nan (right)\n"))
        .stdout(contains(
            "\nFAIL: 2 of 4 matrices, the better side not below 30: [0, 1], [1, 1]\n",
        ));
}

#[test]
fn long_stacks_are_not_listed_one_by_one() {
    let place = Place::new();
    let a = ArrayD::from_elem(IxDyn(&[100, 1, 1]), 2.0);
    place.save("A.npy", &a).save("X.npy", &a);
    let ran = place.matinv("check A.npy X.npy").assert().code(1);
    let stdout = String::from_utf8(ran.get_output().stdout.clone()).unwrap();
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert!(stdout.contains("FAIL: 100 of 100 matrices"), "{stdout}");
    assert!(stdout.ends_with("[8], [9], … and 90 more\n"), "{stdout}");
}

#[test]
fn the_unit_is_that_of_the_type_of_x() {
    let place = Place::new();
    let third = ArrayD::from_elem(IxDyn(&[1, 1]), 3.0);
    let single = ArrayD::from_elem(IxDyn(&[1, 1]), 1.0_f32 / 3.0);
    let integers = ArrayD::from_elem(IxDyn(&[1, 1]), 3_i16);
    let wide = single.mapv(f64::from);
    place.save("A.npy", &third).save("I.npy", &integers);
    place.save("single.npy", &single).save("wide.npy", &wide);
    for a in ["A.npy", "I.npy"] {
        place.matinv(&format!("check {a} single.npy")).assert().code(0);
        place.matinv(&format!("check {a} wide.npy")).assert().code(1);
    }
    let i = num_complex::Complex64::new(0.0, 1.0);
    place.save("C.npy", &array![[i]].into_dyn()).save("J.npy", &array![[-i]].into_dyn());
    place.matinv("check C.npy J.npy").assert().code(0);
    place.matinv("check C.npy A.npy").assert().code(1);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL).write("B.txt", "1\n").write("wide.txt", "1 2 3\n4 5 6\n");
    let ran = place.matinv("check A.txt B.txt").assert().code(2).stdout("");
    ran.stderr("matinv: B.txt: the shapes differ: expected [2, 2], found [1, 1]\n");
    place.matinv("check wide.txt wide.txt").assert().code(2).stderr(contains("2 rows"));
    place.matinv("check A.txt missing").assert().code(2).stderr(contains("matinv: missing: "));
}
