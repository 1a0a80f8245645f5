//! Numbers, shapes and times for people.

use std::time::Duration;

/// Two digits and an exponent, as C prints them: `3.1e-07`.
pub(crate) fn short(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let text = format!("{x:.1e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text.to_lowercase();
    };
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}

/// A residual ratio: plain digits while they are few.
pub(crate) fn ratio(x: f64) -> String {
    if (0.001..100_000.0).contains(&x) { format!("{x:.3}") } else { short(x) }
}

/// A time to two or three digits.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.000_999_5 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 0.999_5 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60)
    }
}

/// Seconds that are few, to three digits: `38.1 ns`.
pub(crate) fn seconds(seconds: f64) -> String {
    let (x, unit) = match seconds {
        s if s < 999.5e-9 => (s * 1e9, "ns"),
        s if s < 999.5e-6 => (s * 1e6, "µs"),
        s if s < 999.5e-3 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    let digits = match x {
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    };
    format!("{x:.digits$} {unit}")
}

/// A shape: `3×147×147`.
pub(crate) fn shape(lengths: &[usize]) -> String {
    let lengths: Vec<String> = lengths.iter().map(ToString::to_string).collect();
    lengths.join("×")
}

/// A count with its noun.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(short(3.14e-7), "3.1e-07");
        assert_eq!(short(1.0), "1.0e+00");
        assert_eq!(short(1e-123), "1.0e-123");
        assert_eq!(short(0.0), "0");
        assert_eq!(short(f64::NAN), "nan");
        assert_eq!(short(f64::INFINITY), "inf");
        assert_eq!(ratio(0.5), "0.500");
        assert_eq!(ratio(1e9), "1.0e+09");
        assert_eq!(ratio(f64::NAN), "nan");
    }

    #[test]
    fn short_times_read_well() {
        for (time, text) in [
            (3.814e-8, "38.1 ns"),
            (9.996e-7, "1.00 µs"),
            (1.234e-4, "123 µs"),
            (0.0999, "99.9 ms"),
            (0.9996, "1.00 s"),
        ] {
            assert_eq!(seconds(time), text);
        }
    }

    #[test]
    fn times_read_well() {
        for (seconds, text) in [
            (0.000_012, "12 µs"),
            (0.0012, "1.2 ms"),
            (0.25, "250.0 ms"),
            (3.44, "3.4 s"),
            (61.5, "1 min 1 s"),
        ] {
            assert_eq!(duration(Duration::from_secs_f64(seconds)), text);
        }
    }
}
