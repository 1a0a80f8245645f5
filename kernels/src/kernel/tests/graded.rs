//! Symmetric and Hermitian matrices whose elements are of very different sizes, on every set that
//! this machine has: the multipliers of partial pivoting by Bunch and Kaufman have no bound, so
//! every lane must either have a small residual or be left to what bounds them.

use crate::contract::Kind;
use crate::kernel::tests::NOTHING;
use crate::kernel::tests::structured::KINDS;
use crate::kernel::{Group, Kernel, Scratch};
use crate::testing::{Parts, Ratios, bits, for_every_scalar, sets};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A matrix of this kind whose elements are scaled by up to 10^±`powers`.
fn graded<T: Parts>(kind: Kind, n: usize, powers: f64, rng: &mut StdRng) -> Vec<T> {
    let mut a: Vec<T> = kind.matrix(n, rng);
    for j in 0..n {
        a[j * n + j] = a[j * n + j] + T::from_f64(2.0 * n as f64);
        for i in j + 1..n {
            let scale = 10f64.powf(rng.random_range(-powers..powers));
            a[j * n + i] = a[j * n + i].scale(scale);
            a[i * n + j] = kind.image(a[j * n + i]);
        }
    }
    a
}

fn passes_or_is_left<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(23);
    let mut work = Scratch::default();
    let widest = if T::UNIT_ROUNDOFF > 1e-10 { 15.0 } else { 100.0 };
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        let count = kernel.lanes();
        for kind in KINDS.into_iter().filter(|kind| matches!(kind, Kind::Indefinite(..))) {
            let (mut inverted, mut left) = (0, 0);
            for powers in [1.0, widest / 8.0, widest / 4.0, widest] {
                for (n, _) in
                    [2, 3, 5, 8, 12, 16].into_iter().flat_map(|n| (0..25).map(move |k| (n, k)))
                {
                    let what =
                        format!("{} {} {kind:?} of order {n}, {powers}", set.name(), T::NAME);
                    let a: Vec<Vec<T>> = (0..count).map(|_| graded(kind, n, powers, rng)).collect();
                    let mut x = a.concat();
                    let group = Group::InPlace(&mut x);
                    let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, NOTHING);
                    for (i, (a, x)) in a.iter().zip(x.chunks_exact(n * n)).enumerate() {
                        if outcome.inverted() >> i & 1 == 0 {
                            assert_eq!(bits(a), bits(x), "{what}: as it was");
                            left += 1;
                            continue;
                        }
                        inverted += 1;
                        let ratios = Ratios::of(n, a, x);
                        assert!(ratios.passes(), "{what}: {ratios:?}");
                    }
                }
            }
            let what = format!("{} {} {kind:?}", set.name(), T::NAME);
            assert!(inverted > 0 && left > 0, "{what}: {inverted} inverted, {left} left");
        }
    }
}

#[test]
fn what_lanes_cannot_invert_well_they_leave() {
    for_every_scalar!(passes_or_is_left());
}
