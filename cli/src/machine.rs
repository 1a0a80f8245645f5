//! The memory of this machine, and sizes in words.

use crate::stop::Stop;
use matinv::DefaultThreads;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// Memory of the machine, or of the container if that has less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Bytes in all.
    pub(crate) total: u64,
    /// Bytes that programs can still have.
    pub(crate) free: u64,
}

/// Looks at the memory. Where the system does not tell, it has no end.
pub(crate) fn memory() -> Memory {
    let kind = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(kind);
    let known = |bytes: u64| if bytes == 0 { u64::MAX } else { bytes };
    let (total, free) = (known(system.total_memory()), known(system.available_memory()));
    match system.cgroup_limits() {
        Some(group) => {
            Memory { total: total.min(group.total_memory), free: free.min(group.free_memory) }
        }
        None => Memory { total, free },
    }
}

/// How many threads there are where no option says, and why.
///
/// # Errors
///
/// Where the environment variable for it means nothing.
pub(crate) fn default_threads() -> Result<DefaultThreads, Stop> {
    matinv::default_threads().map_err(|error| Stop::new(error.to_string()))
}

/// The number of threads that the option asks for or, without it, the environment.
///
/// # Errors
///
/// Those of [`default_threads`].
pub(crate) fn asked_threads(option: Option<usize>) -> Result<Option<usize>, Stop> {
    Ok(match option {
        None => match default_threads()? {
            DefaultThreads::Variable(count) => Some(count),
            _ => None,
        },
        asked => asked,
    })
}

/// Threads that work is cut for where nobody has said how many; that it can be told was looked at.
pub(crate) fn threads() -> usize {
    default_threads().map_or(1, DefaultThreads::count)
}

/// The memory that a command may use: what `--memory` says, or 80 % of what is free.
pub(crate) fn memory_limit(asked: Option<u64>) -> u64 {
    asked.unwrap_or_else(|| memory().free / 5 * 4)
}

/// Reads a size such as `500000`, `1.5G`, `16GiB` or `200MB`; all units are powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || "must be a number of bytes, as 500M, 1.5G or 1000000".to_owned();
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(wrong()),
    };
    let number: f64 = digits.trim_end().parse().map_err(|_| wrong())?;
    let bytes = number * f64::from(1_u32 << (shift / 2)) * f64::from(1_u32 << (shift - shift / 2));
    if !bytes.is_finite() || bytes < 0.0 {
        return Err(wrong());
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // not negative, and `as` saturates
    Ok(bytes as u64)
}

/// A number of bytes for people, such as `1.5 GiB`.
pub(crate) fn bytes(count: u128) -> String {
    const UNITS: [&str; 7] = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if count < 1024 {
        return format!("{count} bytes");
    }
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1023.95 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, size) in [
            ("0", 0),
            ("1000000", 1_000_000),
            ("500M", 500 << 20),
            ("1.5G", 3 << 29),
            ("16GiB", 16 << 30),
            ("2 kb", 2048),
            ("1t", 1 << 40),
        ] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "G", "-1", "1X", "1e999", "nan", "five"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_written() {
        assert_eq!(bytes(0), "0 bytes");
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1024), "1.0 KiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(bytes((1 << 30) - 1), "1.0 GiB");
    }

    #[test]
    fn there_is_memory() {
        let memory = memory();
        assert!(0 < memory.free && memory.free <= memory.total);
    }
}
