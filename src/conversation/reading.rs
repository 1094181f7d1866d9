//! What is the same wherever a text is read that somebody else has written: a file, or what a peer says.
//!
//! Such a text may hold a secret, also where nobody expects one: a key in place of a certificate, a
//! token in a recording. The errors of parsers repeat what they stumbled over, as it is or in some other
//! form, so they are told in words of our own.

use serde_json::error::Category;

/// A byte order mark, which some editors put before a text in UTF-8. It says nothing there
/// (RFC 3629 section 6).
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A text without the byte order mark that it may begin with.
pub fn without_byte_order_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK.as_bytes())
        .unwrap_or(text)
}

/// What is wrong with a text that should be JSON, or the JSON of something, in words that hold nothing
/// of the text: what kind of fault it is, which field is missing or there twice, and where.
pub fn json_fault(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Io => "it cannot be read".to_owned(),
        Category::Syntax => "it is not JSON".to_owned(),
        Category::Eof => "it is JSON that is cut off".to_owned(),
        Category::Data => match named_field(&error.to_string()) {
            Some(fault) => fault,
            None => "a value in it is not of the kind that belongs there".to_owned(),
        },
    };
    // A value that has been read before has no positions in it.
    match error.column() {
        0 => what,
        column => format!("{what} (column {column})"),
    }
}

/// The name of a field is our own if it is missing, or there twice.
fn named_field(error: &str) -> Option<String> {
    ["missing field", "duplicate field"]
        .into_iter()
        .find_map(|fault| {
            let (name, _) = error
                .strip_prefix(fault)?
                .strip_prefix(" `")?
                .split_once('`')?;
            Some(format!("{fault} {name:?}"))
        })
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Pair {
        number: u64,
        kind: Kind,
    }

    #[derive(Debug, Deserialize)]
    enum Kind {
        Known,
    }

    fn fault(text: &str) -> String {
        json_fault(&serde_json::from_str::<Pair>(text).unwrap_err())
    }

    #[test]
    fn a_fault_is_told_without_what_it_was_found_in() {
        for (text, expected) in [
            ("s3cr3t", "it is not JSON (column 1)"),
            (r#"{"number":"#, "it is JSON that is cut off (column 10)"),
            (r#"{"number":1}"#, "missing field \"kind\" (column 12)"),
            (
                r#"{"number":1,"number":2}"#,
                "duplicate field \"number\" (column 20)",
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
        for text in [
            r#"{"number":"s3cr3t"}"#,
            r#"{"number":-4711}"#,
            r#"{"number":1,"kind":"s3cr3t"}"#,
            r#"["missing field `s3cr3t`", 4711]"#,
        ] {
            let fault = fault(text);
            assert!(fault.starts_with("a value in it is not"), "{fault}");
            assert!(
                !fault.contains("s3cr3t") && !fault.contains("4711"),
                "{fault}"
            );
        }
    }

    #[test]
    fn only_one_mark_at_the_beginning_is_left_out() {
        let without = |text: &str| {
            String::from_utf8(without_byte_order_mark(text.as_bytes()).to_vec()).unwrap()
        };
        assert_eq!(without("\u{feff}text"), "text");
        assert_eq!(without("text\u{feff}"), "text\u{feff}");
        assert_eq!(without("\u{feff}\u{feff}"), "\u{feff}");
        assert_eq!(without(""), "");
    }
}
