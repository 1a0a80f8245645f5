use crate::Place;
use predicates::str::contains;

/// An npy file whose header promises `shape` in float64, and which holds nothing of it.
fn promise(shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    file.extend(header.bytes());
    file
}

#[test]
fn a_header_that_promises_more_than_memory_is_refused_with_both_numbers() {
    let place = Place::new();
    place.write("big.npy", promise("(1000000, 1000000)"));
    for command in ["inv big.npy -o X.npy", "info big.npy", "check big.npy big.npy"] {
        let ran = place.matinv(command).assert().code(2).stdout("");
        ran.stderr(contains("needs 8000000000000 bytes of memory, the limit is "));
    }
    place.write("huge.npy", promise("(99999999999, 99999999999, 99999999999)"));
    place.matinv("inv huge.npy").assert().code(2).stdout("");
    assert_eq!(place.files(), ["big.npy", "huge.npy"]);
}

#[test]
fn the_limit_can_be_set_and_counts_the_inverse_too() {
    let place = Place::new();
    place.matinv("gen random -n 10 -o A.npy").assert().code(0);
    place.matinv("inv A.npy -q --memory 1600").assert().code(0);
    let ran = place.matinv("inv A.npy --memory 1599").assert().code(2).stdout("");
    ran.stderr(contains(
        "input and inverse need 1600 bytes of memory (1.6 KiB), the limit is 1599",
    ))
    .stderr(contains("hint: "))
    .stderr(contains("--memory SIZE"));
    let ran = place.matinv("inv A.npy --memory 0.5K").assert().code(2);
    ran.stderr(contains("needs 800 bytes of memory, the limit is 512 bytes"));
    for command in ["check A.npy A.npy --memory 1599", "info A.npy --memory 799"] {
        place
            .matinv(command)
            .assert()
            .code(2)
            .stdout("")
            .stderr(contains("the limit is 799 bytes"));
    }
}
