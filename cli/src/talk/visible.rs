//! Text from elsewhere, such as names of files and what stands in them, made fit for a terminal:
//! whatever would steer it, or change the order of what is read, is shown as an escape.

use std::borrow::Cow;
use std::fmt::Write;

/// The text in one line: `\n` is escaped, too.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

/// The text, whose line breaks are ours.
pub(crate) fn visible_lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c != '\n' && steers(c))
}

/// JSON of the same meaning: what it holds of them stands in strings, where JSON has escapes of its
/// own.
pub(crate) fn visible_json(json: &str) -> Cow<'_, str> {
    replaced(
        json,
        |c| c != '\n' && steers(c),
        |c, out| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // A string takes all that is written to it.
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn escaped(text: &str, is_wanted: impl Fn(char) -> bool) -> Cow<'_, str> {
    replaced(text, is_wanted, |c, out| out.extend(c.escape_default()))
}

fn replaced(
    text: &str,
    is_wanted: impl Fn(char) -> bool,
    replace: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&is_wanted) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_wanted(c) {
            replace(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Control characters (C0, DEL and C1), those that set the direction of writing, line separators,
/// and what is invisible without a script that needs it. (Joiners stay: Persian and Hindi use them.)
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_means_the_same() {
        let text = "\u{9b}\u{202e}\u{e0041}\u{7f}\n\t é\"\\";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let shown = visible_json(&json);
        assert!(!shown.contains(|c| c != '\n' && steers(c)), "{shown}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [text]);
    }

    #[test]
    fn what_steers_a_terminal_is_escaped_and_letters_stay() {
        assert_eq!(visible("a\u{1b}[2J\n\u{9b}1m\u{7f}"), "a\\u{1b}[2J\\n\\u{9b}1m\\u{7f}");
        assert_eq!(visible("x\u{202e}yp\u{2066}n.\u{2028}"), "x\\u{202e}yp\\u{2066}n.\\u{2028}");
        assert_eq!(visible_lines("one\n  two\r\t"), "one\n  two\\r\\t");
        for text in ["Größe ‖A‖₁ 3×3 …", "می\u{200c}خواهم", "行列.npy", "क\u{94d}\u{200d}ष", "a\\b"]
        {
            assert_eq!(visible(text), text);
        }
        // Escaped twice is escaped once.
        let once = visible("\u{1b}\u{202e}").into_owned();
        assert_eq!(visible(&once), once);
    }
}
