//! Kernels at the edge of memory that may be touched: a byte too far ends the test.

use crate::columnwise::MAX_SINGLE;
use crate::contract::{Kind, Norm};
use crate::interleaved::MAX_ORDER;
use crate::interleaved::args::Request;
use crate::kernel::tests::NOTHING;
use crate::kernel::tests::structured::KINDS;
use crate::kernel::{Group, Kernel, Scratch};
use crate::scalar::Scalar;
use crate::simd::set::Set;
use crate::testing::{Parts, for_every_scalar, random, sets};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::ptr::NonNull;

/// Scalars between two pages that nobody may read or write.
struct Guarded<T> {
    pages: NonNull<libc::c_void>,
    bytes: usize,
    first: *mut T,
    len: usize,
}

impl<T: Scalar> Guarded<T> {
    /// `values`, up to the last byte before a forbidden page, or from the first one behind.
    fn new(values: &[T], at_end: bool) -> Self {
        let inner = size_of_val(values);
        // SAFETY: the arguments ask for new private memory, and forbid pages of it; the scalars
        // are written inside of what is left, at a multiple of their size.
        unsafe {
            let page = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)).expect("a page size");
            let room = inner.div_ceil(page) * page;
            let bytes = room + 2 * page;
            let (access, kind) =
                (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
            let pages = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
            assert_ne!(pages, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(pages, page, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(pages.byte_add(page + room), page, libc::PROT_NONE), 0);
            let first = pages.byte_add(page + if at_end { room - inner } else { 0 }).cast::<T>();
            first.copy_from_nonoverlapping(values.as_ptr(), values.len());
            let pages = NonNull::new(pages).expect("not null");
            Guarded { pages, bytes, first, len: values.len() }
        }
    }

    fn slice(&mut self) -> &mut [T] {
        // SAFETY: `new` has written them; they are borrowed with `self`.
        unsafe { std::slice::from_raw_parts_mut(self.first, self.len) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: these are the pages that `new` has mapped; nothing borrows them.
        unsafe { libc::munmap(self.pages.as_ptr(), self.bytes) };
    }
}

/// What a kernel writes does not depend on where it is read or written, or past which cache, and
/// nothing beside it is touched.
fn stays_inside<T: Parts>(kind: Kind) {
    let rng = &mut StdRng::seed_from_u64(11);
    let mut work = Scratch::default();
    let every = u32::MAX;
    for (set, n) in sets().into_iter().flat_map(|set| orders(kind).map(move |n| (set, n))) {
        let kernel = Kernel::<T>::of(set);
        let lanes = kernel.lanes();
        if n > 64 && lanes == 1 && kind != Kind::General {
            continue;
        }
        let counts = if n > 18 { vec![1, lanes + 1] } else { vec![1, lanes, 2 * lanes + 3] };
        for count in counts {
            let matrix = |rng: &mut StdRng| match kind {
                Kind::General => random::<T>(n * n, rng),
                _ => kind.matrix(n, rng),
            };
            let a: Vec<T> = (0..count).flat_map(|_| matrix(rng)).collect();
            for rcond in [None, Some(Norm::One), Some(Norm::Infinity)] {
                let request = Request { rcond, determinant: rcond.is_some(), ..NOTHING };
                let mut expected = a.clone();
                let group = Group::InPlace(&mut expected);
                let outcome = kernel.invert_as(kind, every, &mut work, n, group, request);
                let last = (count - 1) / lanes * lanes;
                let what = format!("{} {} {kind:?} {count} of order {n}", set.name(), T::NAME);
                assert_eq!(outcome.first(), last, "{what}");
                assert_eq!(outcome.inverted(), (1 << (count - last)) - 1, "{what}");
                for (at_end, stream) in [(true, true), (true, false), (false, true), (false, false)]
                {
                    let request = Request { stream, ..request };
                    let mut from = Guarded::new(&a, at_end);
                    let mut to = Guarded::new(&vec![T::nan(); a.len()], at_end);
                    let group = Group::Into(from.slice(), to.slice());
                    kernel.invert_as(kind, every, &mut work, n, group, request);
                    assert!(to.slice() == &expected[..], "{what}, streamed: {stream}");
                    let group = Group::InPlace(from.slice());
                    kernel.invert_as(kind, every, &mut work, n, group, request);
                    assert!(from.slice() == &expected[..], "{what}, in place");
                }
            }
        }
    }
}

/// Orders that a kernel takes of this kind.
fn orders(kind: Kind) -> impl Iterator<Item = usize> + Clone {
    let most = match kind {
        Kind::General | Kind::PositiveDefinite(_) => MAX_SINGLE,
        _ => MAX_ORDER,
    };
    let few = if kind == Kind::General { 18 } else { 9 };
    let large = [12, 16, 17, 18, 23, 31, 33, 64, 67, 97, 128].into_iter();
    (1..=few).chain(large.filter(move |n| (few + 1..=most).contains(n)))
}

#[test]
fn no_kernel_touches_what_is_beside_its_matrices() {
    for kind in [Kind::General].into_iter().chain(KINDS) {
        for_every_scalar!(stays_inside(kind));
    }
}

/// A run is inverted up to the first group with a matrix that has no inverse, whole groups only.
#[test]
fn a_run_stops_at_the_group_of_a_singular_matrix() {
    let mut work = Scratch::default();
    for set in Set::ALL.iter().copied().filter(|set| set.is_available()) {
        let kernel = Kernel::<f64>::of(set);
        let lanes = kernel.lanes();
        for n in [1, 2, 3, 6, 8, 17, 66, 115] {
            let mut a = vec![0.0; 5 * lanes * n * n];
            for matrix in a.chunks_exact_mut(n * n) {
                matrix.iter_mut().step_by(n + 1).for_each(|x| *x = 2.0);
            }
            let singular = 2 * lanes + lanes / 2;
            a[singular * n * n..][..n].fill(0.0);
            let request = Request {
                detect: false,
                rcond: None,
                report: false,
                min_rcond: None,
                determinant: false,
                reject_tiny_pivots: false,
                stream: true,
            };
            let mut x = vec![f64::NAN; a.len()];
            let outcome = kernel.invert(&mut work, n, Group::Into(&a, &mut x), request);
            assert_eq!(outcome.first(), 2 * lanes, "order {n}");
            let all = u32::MAX >> (32 - lanes);
            assert_eq!(outcome.inverted(), all & !(1 << (lanes / 2)), "order {n}");
            assert_eq!(outcome.singular(lanes / 2), Some(0), "order {n}");
            for (i, x) in x.chunks_exact(n * n).enumerate() {
                let inverted = i < 3 * lanes && i != singular;
                assert_eq!(x[0] == 0.5, inverted, "order {n}, matrix {i}");
            }
        }
    }
}
