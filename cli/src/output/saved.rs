//! The parts of a tally that serde cannot save by itself: words of the library, and numbers that
//! JSON has not. For `#[serde(with = "…")]`.

use crate::cli::EngineArg;
use clap::ValueEnum;
use matinv::{Error, Failure};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number to the bit, NaN and infinity too.
#[derive(Serialize, Deserialize)]
struct Bits(u64);

impl From<f64> for Bits {
    fn from(x: f64) -> Self {
        Bits(x.to_bits())
    }
}

impl From<Bits> for f64 {
    fn from(bits: Bits) -> Self {
        f64::from_bits(bits.0)
    }
}

/// A position and a number.
pub(crate) mod extreme {
    use super::{Bits, Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option)] // serde's signature
    pub(crate) fn serialize<S: Serializer>(
        extreme: &Option<(usize, f64)>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        extreme.map(|(position, x)| (position, Bits::from(x))).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<(usize, f64)>, D::Error> {
        let extreme = Option::<(usize, Bits)>::deserialize(from)?;
        Ok(extreme.map(|(position, bits)| (position, bits.into())))
    }
}

/// Counts of structures, by their words.
pub(crate) mod structures {
    use super::{Deserialize, Deserializer, Serialize, Serializer, known};
    use matinv::Structure;

    pub(crate) fn serialize<S: Serializer>(
        structures: &[(Structure, usize)],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let words: Vec<_> = structures.iter().map(|(s, count)| (s.to_string(), *count)).collect();
        words.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<(Structure, usize)>, D::Error> {
        let words = Vec::<(String, usize)>::deserialize(from)?;
        words.into_iter().map(|(word, n)| Ok((known(Structure::ALL, &word)?, n))).collect()
    }
}

/// Engines, by their words.
pub(crate) mod engines {
    use super::{Deserialize, Deserializer, EngineArg, Serialize, Serializer, ValueEnum, known};
    use matinv::Engine;

    pub(crate) fn serialize<S: Serializer>(engines: &[Engine], to: S) -> Result<S::Ok, S::Error> {
        engines.iter().map(Engine::to_string).collect::<Vec<_>>().serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Engine>, D::Error> {
        let known_ones = || EngineArg::value_variants().iter().map(|&engine| Engine::from(engine));
        let words = Vec::<String>::deserialize(from)?;
        words.into_iter().map(|word| known(known_ones(), &word)).collect()
    }
}

/// The one of some things that displays as this word.
fn known<T: ToString, E: serde::de::Error>(
    things: impl IntoIterator<Item = T>,
    word: &str,
) -> Result<T, E> {
    let found = things.into_iter().find(|thing| thing.to_string() == word);
    found.ok_or_else(|| E::custom(format!("{word:?} is unknown")))
}

/// Why a matrix failed: what the library says of single matrices.
#[derive(Serialize, Deserialize)]
enum Reason {
    NonFinite { row: usize, col: usize },
    Singular { pivot: usize },
    NotPositiveDefinite { minor: usize },
    IllConditioned { rcond: Bits, limit: Bits },
    Overflow { row: usize, col: usize },
    NoConvergence,
}

impl Reason {
    fn of(error: &Error) -> Option<Self> {
        Some(match *error {
            Error::NonFinite { row, col } => Reason::NonFinite { row, col },
            Error::Singular { pivot } => Reason::Singular { pivot },
            Error::NotPositiveDefinite { minor } => Reason::NotPositiveDefinite { minor },
            Error::IllConditioned { rcond, limit } => {
                Reason::IllConditioned { rcond: rcond.into(), limit: limit.into() }
            }
            Error::Overflow { row, col } => Reason::Overflow { row, col },
            Error::NoConvergence => Reason::NoConvergence,
            _ => return None,
        })
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::NonFinite { row, col } => Error::NonFinite { row, col },
            Reason::Singular { pivot } => Error::Singular { pivot },
            Reason::NotPositiveDefinite { minor } => Error::NotPositiveDefinite { minor },
            Reason::IllConditioned { rcond, limit } => {
                Error::IllConditioned { rcond: rcond.into(), limit: limit.into() }
            }
            Reason::Overflow { row, col } => Error::Overflow { row, col },
            Reason::NoConvergence => Error::NoConvergence,
        }
    }
}

/// Failures with their indices.
pub(crate) mod failures {
    use super::{Deserialize, Deserializer, Failure, Reason, Serialize, Serializer};
    use serde::ser::Error as _;

    pub(crate) fn serialize<S: Serializer>(failures: &[Failure], to: S) -> Result<S::Ok, S::Error> {
        let reason = |failure: &Failure| {
            let reason = Reason::of(&failure.error);
            let unknown = || S::Error::custom(format!("{failure} cannot be saved"));
            Ok((failure.index.clone(), reason.ok_or_else(unknown)?))
        };
        failures.iter().map(reason).collect::<Result<Vec<_>, _>>()?.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<Failure>, D::Error> {
        let reasons = Vec::<(Vec<usize>, Reason)>::deserialize(from)?;
        let failure = |(index, reason): (_, Reason)| Failure { index, error: reason.into() };
        Ok(reasons.into_iter().map(failure).collect())
    }
}
