//! Times of several contenders, taken in turn so that all meet the same state of the machine.

use std::time::Instant;

/// Does its work so many times over.
pub(super) type Contender<'a> = Box<dyn FnMut(usize) + 'a>;

/// How much time to spend.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Seconds that one measurement should last: shorter work is repeated.
    pub(super) slice: f64,
    /// Seconds for one contender.
    pub(super) budget: f64,
    /// Measurements of one contender at most; at least three.
    pub(super) rounds: usize,
}

/// What came of a contender.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Figure {
    /// Seconds of one piece of work: the median, and the distance of the quartiles as a share of
    /// it.
    Time { median: f64, spread: f64 },
    /// Its result is wrong, so its time says nothing.
    Wrong,
}

impl Figure {
    /// Of one of `count` equal parts of the work.
    pub(super) fn over(self, count: usize) -> Self {
        match self {
            Figure::Time { median, spread } => {
                Figure::Time { median: median / count as f64, spread }
            }
            Figure::Wrong => Figure::Wrong,
        }
    }

    pub(super) fn median(&self) -> Option<f64> {
        match self {
            Figure::Time { median, .. } => Some(*median),
            Figure::Wrong => None,
        }
    }

    pub(super) fn spread(&self) -> Option<f64> {
        match self {
            Figure::Time { spread, .. } => Some(*spread),
            Figure::Wrong => None,
        }
    }
}

/// Measures the contenders round by round.
pub(super) fn measure(mut contenders: Vec<Contender<'_>>, effort: Effort) -> Vec<Figure> {
    let time = |contender: &mut Contender<'_>, times: usize| {
        let start = Instant::now();
        contender(times);
        start.elapsed().as_secs_f64() / times as f64
    };
    // The first call pays for caches and threads; the second tells how often to repeat.
    let once: Vec<f64> = contenders
        .iter_mut()
        .map(|contender| {
            time(contender, 1);
            time(contender, 1)
        })
        .collect();
    let times: Vec<usize> = once.iter().map(|once| whole(effort.slice / once)).collect();
    let slowest = once.iter().zip(&times).map(|(once, &times)| once * times as f64);
    let rounds = whole(effort.budget / slowest.fold(0.0, f64::max)).clamp(3, effort.rounds);
    let mut seconds = vec![Vec::with_capacity(rounds); contenders.len()];
    for _ in 0..rounds {
        for ((contender, &times), seconds) in contenders.iter_mut().zip(&times).zip(&mut seconds) {
            seconds.push(time(contender, times));
        }
    }
    seconds.into_iter().map(figure).collect()
}

/// At least 1.
fn whole(x: f64) -> usize {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // not negative, and `as` saturates
    let whole = x as usize;
    whole.clamp(1, 1_000_000)
}

fn figure(mut seconds: Vec<f64>) -> Figure {
    seconds.sort_by(f64::total_cmp);
    let median = quantile(&seconds, 0.5);
    Figure::Time { median, spread: (quantile(&seconds, 0.75) - quantile(&seconds, 0.25)) / median }
}

/// Of sorted numbers, at least one, by linear interpolation.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let below = sorted[whole(at + 1.0) - 1];
    let above = sorted[whole(at + 1.0).min(sorted.len() - 1)];
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        assert_eq!(quantile(&[3.0], 0.75), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0], 0.5), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), 3.0);
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 1.0), 8.0);
        let expected = Figure::Time { median: 2.0, spread: 1.0 };
        assert_eq!(figure(vec![5.0, 1.0, 2.0, 3.0, 1.0]), expected);
    }

    #[test]
    fn contenders_take_turns() {
        let turns = std::cell::RefCell::new(Vec::new());
        let contender = |name| -> Contender<'_> {
            let turns = &turns;
            Box::new(move |_| {
                turns.borrow_mut().push(name);
                std::thread::sleep(std::time::Duration::from_millis(1));
            })
        };
        let effort = Effort { slice: 0.0, budget: 0.0, rounds: 9 };
        let figures = measure(vec![contender('a'), contender('b')], effort);
        assert!(figures.iter().all(|figure| figure.median() >= Some(0.001)));
        assert_eq!(turns.borrow().iter().collect::<String>(), "aabbababab");
    }
}
