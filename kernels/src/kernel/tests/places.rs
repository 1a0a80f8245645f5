//! Inverses are the same wherever they are written, and nothing else is.

use crate::contract::{Kind, Symmetry, Triangle};
use crate::interleaved::args::Request;
use crate::kernel::tests::NOTHING;
use crate::kernel::{Group, Kernel, Scratch};
use crate::testing::{Parts, bits, for_every_scalar, random, sets};
use rand::SeedableRng;
use rand::rngs::StdRng;

const KINDS: [Kind; 5] = [
    Kind::General,
    Kind::PositiveDefinite(Triangle::Lower),
    Kind::PositiveDefinite(Triangle::Upper),
    Kind::Indefinite(Symmetry::Hermitian, Triangle::Lower),
    Kind::Triangular(Triangle::Upper),
];

/// Every place of the first number in a line of the cache, past the cache and through it, with and
/// without a matrix in the second group that stops the run.
fn places<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(21);
    let mut work = Scratch::default();
    let line = 64 / size_of::<T>();
    let orders = [1, 2, 3, 4, 5, 6, 8, 9, 12, 16, 20, 32, 67];
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        let (lanes, count) = (kernel.lanes(), 2 * kernel.lanes() + 3);
        for (kind, n) in KINDS.into_iter().flat_map(|kind| orders.map(|n| (kind, n))) {
            if n > 64 && kind != Kind::General {
                continue;
            }
            let size = n * n;
            let matrix = |rng: &mut StdRng| match kind {
                Kind::General => random(size, rng),
                _ => kind.matrix(n, rng),
            };
            let good: Vec<T> = (0..count).flat_map(|_| matrix(rng)).collect();
            let mut expected = good.clone();
            for group in expected.chunks_mut(lanes * size) {
                let all = u32::MAX;
                kernel.invert_as(kind, all, &mut work, n, Group::InPlace(group), NOTHING);
            }
            let mut bad = good.clone();
            bad[(lanes + 1) * size..][..size].fill(T::zero());
            for offset in [0, 1, 2, 3, line / 2, line - 1] {
                for (stream, stops) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let what = format!(
                        "{} {} {kind:?} of order {n}, {offset}, streamed: {stream}, stops: {stops}",
                        set.name(),
                        T::NAME
                    );
                    let mut memory = vec![T::nan(); count * size + 3 * line];
                    let first = memory.as_ptr().align_offset(64) % line + line + offset;
                    let to = &mut memory[first..first + count * size];
                    let group = Group::Into(if stops { &bad } else { &good }, to);
                    let request = Request { stream, ..NOTHING };
                    let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, request);
                    // A run stops behind the group with the zero matrix.
                    let stopped = (lanes + 1) / lanes * lanes;
                    let last = if stops { stopped } else { (count - 1) / lanes * lanes };
                    assert_eq!(outcome.first(), last, "{what}");
                    let inverted = (last + lanes).min(count);
                    for (i, x) in memory[first..].chunks_exact(size).take(count).enumerate() {
                        if i < inverted && !(stops && i == lanes + 1) {
                            assert_eq!(bits(x), bits(&expected[i * size..][..size]), "{what}, {i}");
                        } else {
                            assert!(x.iter().all(|x| !x.is_finite()), "{what}, {i}");
                        }
                    }
                    let beside = memory[..first].iter().chain(&memory[first + count * size..]);
                    assert!(beside.into_iter().all(|x| !x.is_finite()), "{what}");
                }
            }
        }
    }
}

#[test]
fn inverses_are_the_same_wherever_they_are_written() {
    for_every_scalar!(places());
}
