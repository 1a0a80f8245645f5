//! Threads where no option says how many: each test in a process of its own, which looks at the
//! environment once.

use crate::lapack_matrices::gaussian;
use crate::storage::{Storage, same_bits, stack_of};
use matinv::ndarray::{Array2, Array3, Axis, array};
use matinv::{Error, Inverter, default_threads, inv};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rayon::ThreadPoolBuilder;
use std::process::Command;

const VARIABLE: &str = "MATINV_NUM_THREADS";

/// Runs an ignored test of this program, on the first thread of a process of its own.
fn run(mut command: Command, test: &str, variable: Option<&str>) {
    let test = format!("default_threads::{test}");
    command.args(["--ignored", "--exact", "--test-threads=1", "--nocapture", &test]);
    // Those of BLAS are no concern of these tests, and it ends the process if it is refused some.
    command.env("OPENBLAS_NUM_THREADS", "1").env_remove("RAYON_NUM_THREADS").env_remove(VARIABLE);
    command.envs(variable.map(|value| (VARIABLE, value)));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let ran = output.status.success() && text.contains("1 passed");
    assert!(ran, "{test}: {text}{}", String::from_utf8_lossy(&output.stderr));
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// Worth some threads.
fn stack() -> Array3<f64> {
    let rng = &mut StdRng::seed_from_u64(22);
    let matrices: Vec<Array2<f64>> = (0..40).map(|_| gaussian(60, rng)).collect();
    stack_of(&matrices, Storage::Row)
}

/// How many threads of this library there are, and of all kinds.
#[cfg(target_os = "linux")]
fn threads() -> (usize, usize) {
    let names = std::fs::read_dir("/proc/self/task").unwrap().map(|thread| {
        std::fs::read_to_string(thread.unwrap().path().join("comm")).unwrap_or_default()
    });
    let names: Vec<String> = names.collect();
    // A thread has the name of the one that started it until it gives itself one.
    (names.iter().filter(|name| name.starts_with("matinv-")).count(), names.len())
}

/// There are so many threads, once those that were just started have given themselves their names.
#[cfg(target_os = "linux")]
fn assert_threads(expected: (usize, usize), what: &str) {
    let start = std::time::Instant::now();
    while threads() != expected && start.elapsed().as_secs() < 10 {
        std::thread::yield_now();
    }
    assert_eq!(threads(), expected, "{what}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_variable_says_how_many_threads_there_are() {
    run(this_program(), "three_threads", Some("3"));
    run(this_program(), "one_thread", Some("1"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the variable: see above"]
fn three_threads() {
    let (stack, matrix) = (stack(), array![[4.0]]);
    let alone = Inverter::new().threads(1).inv(&stack).unwrap();
    let (_, all) = threads();
    assert_eq!(default_threads(), Ok(matinv::DefaultThreads::Variable(3)));
    assert_eq!(inv(&matrix), Ok(array![[0.25]]));
    assert_threads((0, all), "one small matrix needs nobody");
    for _ in 0..2 {
        assert!(same_bits(&inv(&stack).unwrap(), &alone));
        assert!(Inverter::new().inv_many(&[stack.index_axis(Axis(0), 0); 40]).is_ok());
        assert_threads((3, all + 3), "all calls share them");
    }
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert!(same_bits(&pool.install(|| inv(&stack)).unwrap(), &alone));
    assert_threads((3, all + 5), "a call from a pool stays there");
    let own = Inverter::new().threads(4);
    assert!(same_bits(&own.inv(&stack).unwrap(), &alone));
    assert_threads((7, all + 9), "the option wins");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the variable: see above"]
fn one_thread() {
    let stack = stack();
    let (_, all) = threads();
    assert!(inv(&stack).is_ok());
    assert_threads((0, all), "the calling thread alone");
}

#[cfg(target_os = "linux")]
#[test]
fn a_forked_child_has_threads_of_its_own() {
    run(this_program(), "fork", Some("3"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "needs the variable: see above"]
#[allow(unsafe_code)]
fn fork() {
    let stack = stack();
    let expected = inv(&stack).unwrap();
    let (_, all) = threads();
    assert_threads((3, all), "one for each");
    // SAFETY: this is the first thread of a program of one test. The child calls what this library
    // offers to forked children and leaves without a look at the parent's affairs; one that hangs is
    // ended by its alarm.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: no memory.
        unsafe { libc::alarm(100) };
        let start = std::time::Instant::now();
        let alone = threads().1 == 1;
        let same = inv(&stack).is_ok_and(|inverse| same_bits(&inverse, &expected));
        // They may not have given themselves their names yet.
        while threads().0 != 3 && start.elapsed().as_secs() < 10 {
            std::thread::yield_now();
        }
        let code = i32::from(!(alone && same && threads().0 == 3));
        // SAFETY: no memory.
        unsafe { libc::_exit(code) };
    }
    let mut status = -1;
    // SAFETY: the child is one, and the status is written to an integer that is there.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child has the same inverses from three threads");
}

#[test]
fn a_variable_that_means_nothing_is_an_error_where_it_is_needed() {
    run(this_program(), "no_number_of_threads", Some("a few"));
}

#[test]
#[ignore = "needs the variable: see above"]
fn no_number_of_threads() {
    let refused = Error::InvalidVariable {
        variable: VARIABLE,
        value: "a few".to_owned(),
        expected: "a whole number from 1 to 1024",
    };
    let a = array![[4.0]];
    assert_eq!(default_threads(), Err(refused.clone()));
    assert_eq!(inv(&a), Err(refused.clone()));
    assert_eq!(Inverter::new().inv_many(&[a.view()]), Err(refused));
    for threads in [1, 2] {
        assert_eq!(Inverter::new().threads(threads).inv(&a), Ok(array![[0.25]]));
    }
    let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    assert_eq!(pool.install(|| inv(&a)), Ok(array![[0.25]]));
}

/// Whether the limit binds this process, by asking for a thread.
fn is_limited() -> bool {
    let limited = std::thread::Builder::new().spawn(|| {}).is_err();
    if !limited {
        eprintln!("skipped: the limit does not bind whoever runs this");
    }
    limited
}

/// This program for somebody who may have one process, if such a user can be had.
#[cfg(target_os = "linux")]
fn with_one_process() -> Option<Command> {
    // The limit does not bind root, who has to be somebody else, but may read this program.
    let other = "setpriv --reuid=65534 --clear-groups --inh-caps=+dac_override \
                 --ambient-caps=+dac_override prlimit --nproc=1";
    let limited = |by: &str| {
        let mut words = by.split_whitespace();
        let mut command = Command::new(words.next()?);
        command.args(words).arg(this_program().get_program());
        Some(command)
    };
    let works = |by: &&str| {
        let listed = limited(by).and_then(|mut command| command.arg("--list").output().ok());
        listed.is_some_and(|listed| listed.status.success())
    };
    [other, "prlimit --nproc=1"].into_iter().find(works).and_then(limited)
}

#[cfg(target_os = "linux")]
#[test]
fn where_the_system_refuses_threads_the_caller_works_alone() {
    for (test, variable) in [("threads_refused", None), ("asked_threads_refused", Some("3"))] {
        match with_one_process() {
            Some(command) => run(command, test, variable),
            None => eprintln!("skipped: nobody here can be limited to one process"),
        }
    }
}

#[test]
#[ignore = "needs a limit: see above"]
fn threads_refused() {
    if !is_limited() {
        return;
    }
    let stack = stack();
    let refused = Inverter::new().threads(3).inv(&stack);
    assert!(matches!(refused, Err(Error::Threads { threads: 3, .. })), "{refused:?}");
    let alone = Inverter::new().threads(1).inv(&stack).unwrap();
    assert!(same_bits(&inv(&stack).unwrap(), &alone));
    assert!(Inverter::new().inv_many(&[stack.index_axis(Axis(0), 0); 40]).is_ok());
}

#[test]
#[ignore = "needs a limit: see above"]
fn asked_threads_refused() {
    if !is_limited() {
        return;
    }
    let stack = stack();
    let many = [stack.index_axis(Axis(0), 0); 40];
    for refused in [inv(&stack).map(drop), Inverter::new().inv_many(&many).map(drop)] {
        assert!(matches!(refused, Err(Error::Threads { threads: 3, .. })), "{refused:?}");
    }
    assert!(Inverter::new().threads(1).inv(&stack).is_ok());
}
