use crate::{DIAGONAL, Place};
use predicates::prelude::*;
use predicates::str::contains;

#[test]
fn help_goes_to_stdout_and_tells_the_exit_codes() {
    let place = Place::new();
    for arguments in ["--help", "inv --help", "check --help", "gen --help", "help inv"] {
        let ran = place.matinv(arguments).assert().code(0).stderr("");
        ran.stdout(contains("Usage: matinv"));
    }
    for arguments in ["--help", "inv -h", "check -h"] {
        place.matinv(arguments).assert().stdout(contains("Exit codes:"));
    }
    place.matinv("inv --help").assert().stdout(contains("pseudo_inverted"));
}

#[test]
fn the_version_is_one_line() {
    let expected = format!("matinv {}\n", env!("CARGO_PKG_VERSION"));
    Place::new().matinv("--version").assert().code(0).stdout(expected);
}

#[test]
fn bad_usage_is_exit_code_2_and_says_what_is_possible() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    for (arguments, expected) in [
        ("", "Usage: matinv"),
        ("invert A.txt", "unrecognized subcommand 'invert'"),
        ("inv", "<INPUT>"),
        ("inv A.txt --engine magma", "[possible values: auto, native, lapack]"),
        ("inv A.txt --structure spd", "[possible values: auto, general,"),
        ("inv A.txt --on-failure ignore", "[possible values: fail, nan, keep, pinv]"),
        ("inv A.txt --min-rcond 2", "between 0 and 1"),
        ("inv A.txt --min-rcond nan", "between 0 and 1"),
        ("inv A.txt --threads 0", "from 1 to 1024"),
        ("inv A.txt --threads 100000", "from 1 to 1024"),
        ("inv A.txt --blas-threads -3", "-3"),
        ("inv A.txt --memory lots", "as 500M, 1.5G"),
        ("inv A.txt --format xls", "[possible values: npy, npz,"),
        ("inv A.txt --lower --upper --structure pos", "cannot be used with '--upper'"),
        ("inv A.txt --lower", "--structure pos, sym or her"),
        ("inv A.txt --upper --structure general", "--structure pos, sym or her"),
        ("inv A.txt --report -", "give --report the name of a file"),
        ("inv A.txt --key a", "--key"),
        ("check - -", "only one of the two"),
        ("gen random", "--order <N>"),
        ("gen random -n 2 --cond 5", "--cond is for `matinv gen ill`"),
        ("gen ill -n 2 --cond 0.5", "at least 1"),
        ("completions tcsh", "[possible values: bash,"),
    ] {
        let ran = place.matinv(arguments).assert().code(2).stdout("");
        ran.stderr(contains(expected));
    }
    assert_eq!(place.files(), ["A.txt"]);
}

#[test]
fn every_shell_has_its_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let mentions = contains("on-failure").and(contains("completions"));
        place.matinv(&format!("completions {shell}")).assert().code(0).stdout(mentions).stderr("");
    }
}

#[test]
fn lapack_is_refused_by_a_build_without_it_or_with_one_that_is_not_sound() {
    let place = Place::new();
    place.write("A.txt", DIAGONAL);
    let mut ran = place.matinv("inv A.txt -o X.npy --engine lapack");
    match matinv::platform().blas {
        Some(blas) if blas.sound => drop(ran.assert().code(0)),
        Some(_) => {
            let ran = ran.assert().code(2).stdout("").stderr(contains("gives wrong results"));
            ran.stderr(contains("OPENBLAS_CORETYPE"));
        }
        None => drop(ran.assert().code(2).stdout("").stderr(contains("this build has no LAPACK"))),
    }
}
