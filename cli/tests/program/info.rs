use crate::{DIAGONAL, Place};
use ndarray::{Array, IxDyn, ShapeBuilder};
use predicates::prelude::*;
use predicates::str::contains;

#[test]
fn the_machine_is_described() {
    let ran = Place::new().matinv("info").assert().code(0).stderr("");
    let version = format!("matinv     {}\n", env!("CARGO_PKG_VERSION"));
    let ran = ran.stdout(contains(version)).stdout(contains("engines    native ("));
    let ran = ran.stdout(contains(" free\n"));
    let Some(blas) = matinv::platform().blas else {
        ran.stdout(contains("; no LAPACK in this build\n")).stdout(contains("BLAS").not());
        return;
    };
    let ran = ran.stdout(contains("BLAS       OpenBLAS ")).stdout(contains("kernels "));
    let says = contains("it fails its test");
    if blas.sound {
        ran.stdout(says.not());
    } else {
        ran.stdout(says).stdout(contains("OPENBLAS_CORETYPE=Haswell"));
    }
}

#[test]
fn a_file_is_described() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    place.matinv("info A.txt").assert().code(0).stderr("").stdout(
        "file       A.txt\nformat     text\ntype       float64\nshape      2×2\n\
         size       8 bytes on disk, 32 bytes in memory\norder      C, row by row\n\
         structure  diagonal\nrcond      5.0e-01\n",
    );
}

#[test]
fn stacks_are_counted_by_structure() {
    let place = Place::new();
    let a = Array::from_shape_fn(IxDyn(&[3, 2, 2]).f(), |i| match (i[0], i[1] == i[2]) {
        (0, true) => 2.0,
        (0, false) => 0.0,
        (1, _) => 1.0,
        (_, equal) => {
            if equal {
                5.0
            } else {
                -1.0
            }
        }
    });
    place.save("A.npy", &a);
    let ran = place.matinv("info A.npy").assert().code(0);
    ran.stdout(contains("shape      3×2×2: 3 matrices 2×2\n"))
        .stdout(contains("order      Fortran, column by column\n"))
        .stdout(contains("1 diagonal"))
        .stdout(contains("1 positive definite"))
        .stdout(contains("inverse    none of 1, the first because the matrix is singular"));
}

#[test]
fn any_shape_and_every_format_can_be_looked_at() {
    let place = Place::new();
    place.save("vector.npy", &Array::from_elem(IxDyn(&[3]), 1_u8));
    let ran = place.matinv("info vector.npy").assert().code(0);
    ran.stdout(contains("3, one axis")).stdout(contains("inverse    none: the array has 1 axes"));
    place.write("wide.csv", "1,2,3\n");
    let ran = place.matinv("info wide.csv").assert().code(0);
    ran.stdout(contains("found 1 rows and 3 columns"));
    for (extension, format) in [
        ("npy", "npy"),
        ("npz", "npz"),
        ("mtx", "Matrix Market"),
        ("mtx.gz", "Matrix Market, gzipped"),
        ("csv", "text"),
    ] {
        let name = format!("A.{extension}");
        place.save(&name, &Array::from_elem(IxDyn(&[1, 1]), 4.0));
        let ran = place.matinv(&format!("info {name}")).assert().code(0);
        ran.stdout(contains(format!("\nformat     {format}\n")));
    }
}

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    let place = Place::new();
    place.write("noise", [0, 1, 2, 3]);
    place.matinv("info noise").assert().code(2).stdout("").stderr(contains("matinv: noise:"));
    place.matinv("info missing").assert().code(2).stdout("");
}
