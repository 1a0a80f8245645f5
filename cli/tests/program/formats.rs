use crate::{GENERAL, Place, save};
use matinv_cli::format::Data;
use ndarray::{ArrayD, Axis, array, stack};
use predicates::str::contains;

/// Every extension that can be written.
const EXTENSIONS: [&str; 12] = [
    "npy", "npz", "mtx", "csv", "tsv", "txt", "npy.gz", "npz.gz", "mtx.gz", "csv.gz", "tsv.gz",
    "dat",
];

fn matrix() -> ArrayD<f64> {
    array![[0.0, 4.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 0.5]].into_dyn()
}

#[test]
fn every_format_goes_in_and_out() {
    let place = Place::new();
    for extension in EXTENSIONS {
        save(&place.path(&format!("A.{extension}")), &matrix());
    }
    let inverse = array![[0.0, 0.5, 0.0], [0.25, 0.0, 0.0], [0.0, 0.0, 2.0]].into_dyn();
    for from in EXTENSIONS {
        for to in ["npy", "npz", "mtx", "csv", "tsv", "txt", "csv.gz"] {
            let out = format!("{from}.X.{to}");
            place.matinv(&format!("inv A.{from} -q -o {out}")).assert().code(0).stderr("");
            assert_eq!(place.load_f64(&out), inverse, "{out}");
        }
    }
}

#[test]
fn input_is_told_by_its_content_not_by_its_name() {
    let place = Place::new();
    save(&place.path("A.npy"), &matrix());
    std::fs::rename(place.path("A.npy"), place.path("A.csv")).unwrap();
    place.matinv("inv A.csv -o X.npy").assert().code(0);
}

#[test]
fn complex_matrices_go_in_and_out_of_text() {
    let place = Place::new();
    place.write("A.csv", "2j,0\n0,4j\n");
    place.matinv("inv A.csv -q").assert().code(0).stdout("0-0.5j 0+0j\n0+0j 0-0.25j\n");
    place.matinv("inv A.csv -q -o X.mtx").assert().code(0);
    assert_eq!(place.load("X.mtx").type_name(), "complex128");
}

#[test]
fn the_format_can_be_chosen_whatever_the_name() {
    let place = Place::new();
    save(&place.path("A.npy"), &matrix());
    let ran = place.matinv("inv A.npy -o X.data").assert().code(2);
    ran.stderr(contains("cannot tell the format from the extension")).stderr(contains("--format"));
    place.matinv("inv A.npy -o X.data --format mtx").assert().code(0);
    assert!(place.text("X.data").starts_with("%%MatrixMarket matrix array real general\n3 3\n"));
    place.write("G.txt", GENERAL);
    place.matinv("inv G.txt -q --format csv").assert().stdout("0.5,-0.5\n-0.25,0.5\n");
    place.matinv("inv A.npy -q --format csv -o X.gz").assert().code(0);
    assert_eq!(place.load("X.gz").shape(), [3, 3]);
}

#[test]
fn archives_of_several_arrays_need_a_key() {
    let place = Place::new();
    let several = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/npz/several.npz");
    std::fs::copy(several, place.path("several.npz")).unwrap();
    let ran = place.matinv("inv several.npz").assert().code(2).stdout("");
    ran.stderr(contains("choose one with --key"));
    let ran = place.matinv("inv several.npz --key nothing").assert().code(2);
    ran.stderr(contains("holds no array named \"nothing\""));
}

#[test]
fn the_array_of_an_npz_output_has_a_name() {
    let place = Place::new();
    save(&place.path("A.npy"), &matrix());
    place.matinv("inv A.npy -o X.npz").assert().code(0);
    place.matinv("inv X.npz --key inverse -o B.npy").assert().code(0);
    assert_eq!(place.load_f64("B.npy"), matrix());
}

#[test]
fn fortran_order_and_more_axes_are_inverted_in_place_of_each_other() {
    let place = Place::new();
    let a = matrix();
    let twice = stack![Axis(0), a, a];
    let fortran = ArrayD::from_shape_fn(ndarray::ShapeBuilder::f(twice.raw_dim()), |i| twice[&i]);
    place.save("C.npy", &twice).save("F.npy", &fortran);
    place.matinv("inv C.npy -o CX.npy").assert().code(0);
    place.matinv("inv F.npy -o FX.npy").assert().code(0);
    let (Data::F64(c), Data::F64(f)) = (place.load("CX.npy"), place.load("FX.npy")) else {
        panic!("both are float64");
    };
    assert_eq!(c, f);
}
