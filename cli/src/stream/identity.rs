//! What must be the same for a partial output to be of use.

use super::source::Source;
use crate::job::Job;
use crate::stop::Stop;
use serde_json::{Map, Value, json};

/// All that shapes the result: the input, the options, and the program with its processor.
pub(super) fn identity(job: &Job<'_>, source: &Source) -> Result<Value, Stop> {
    let args = job.args;
    let mut options = match serde_json::to_value(job.options()) {
        Ok(Value::Object(options)) => options,
        _ => Map::new(),
    };
    // The threads do not shape the result, and BLAS has one for each matrix of a stack.
    options.remove("threads");
    if source.count() > 1 {
        options.remove("blas_threads");
    }
    // As a word, which comes back to the bit.
    options.insert("min_rcond".to_owned(), args.min_rcond.map(|x| x.to_string()).into());
    options.insert("quality".to_owned(), args.quality.into());
    options.insert("report".to_owned(), args.report.is_some().into());
    let stamp = serde_json::to_value(&source.stamp)
        .map_err(|error| Stop::new(format!("{}: {error}", job.name)))?;
    Ok(json!({
        "matinv": env!("CARGO_PKG_VERSION"),
        "machine": machine(),
        "input": {
            "stamp": stamp,
            "shape": source.shape,
            "type": source.header.element.name(),
            "byte order": format!("{:?}", source.header.endian),
            "offset": source.header.data_offset,
        },
        "options": options,
    }))
}

/// What computes: other kernels round otherwise.
fn machine() -> Value {
    let platform = matinv::platform();
    let blas = platform.blas.map(|mut blas| {
        // These do not shape the inverses of a stack, and the option is there for a single matrix.
        blas.threads = 0;
        format!("{blas:?}")
    });
    json!({
        "processor": std::env::consts::ARCH,
        "instruction set": platform.native_set,
        "BLAS": blas,
    })
}

/// The first difference in words.
pub(super) fn difference(before: &Value, now: &Value) -> Option<String> {
    if before["input"] != now["input"] {
        let (before, now) = (&before["input"]["stamp"], &now["input"]["stamp"]);
        let how = [
            ("bytes", "its size is another"),
            ("modified", "it was written since"),
            ("samples", "its content is another"),
            ("inode", "it is another file of the same size and time"),
            ("changed", "its time of change is another: it was written, renamed or linked since"),
        ];
        let how = how.iter().find(|(key, _)| before[key] != now[key]);
        let how = how.map_or("its header is another", |(_, how)| how);
        return Some(format!("the input has changed since, or is another one ({how})"));
    }
    if before["matinv"] != now["matinv"] {
        return Some(format!("matinv {}, this is {}", before["matinv"], now["matinv"]));
    }
    let of = |value: &Value| match value {
        Value::String(word) => shown(word),
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    };
    ["machine", "options"].iter().find_map(|part| {
        let (before, now) = (&before[part], &now[part]);
        let mut keys = now.as_object().into_iter().flat_map(Map::keys);
        let key = keys.find(|&key| before[key] != now[key])?;
        let (name, before, now) = (key.replace('_', "-"), of(&before[key]), of(&now[key]));
        Some(format!("{name} was {before}, now it is {now}"))
    })
}

/// A word of a file, for a terminal.
fn shown(word: &str) -> String {
    let mut text = String::new();
    for c in word.chars() {
        if c.is_control() { text.extend(c.escape_debug()) } else { text.push(c) }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_machine_counts() {
        let now = json!({ "machine": machine(), "input": 1, "matinv": 2, "options": {} });
        assert_eq!(difference(&now, &now), None);
        for key in ["processor", "instruction set", "BLAS"] {
            let mut before = now.clone();
            before["machine"][key] = "other\x1b".into();
            let words = difference(&before, &now).unwrap();
            assert!(words.starts_with(&format!(r"{key} was other\u{{1b}}, now it is ")), "{words}");
        }
    }
}
