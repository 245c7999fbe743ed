//! JSON strings: comparing them without decoding, decoding them when needed, and writing them.

use std::borrow::Cow;

use super::plain::plain_run;

/// The inside of a JSON string that the scanner found well-formed.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    raw: &'a str,
    /// How many escapes there are in it. A whole word, though what counts is whether there is any: a `bool` would pack the
    /// fields that stand around it into odd pieces, which are slow to copy.
    escapes: usize,
}

impl<'a> Text<'a> {
    pub(super) const fn new(raw: &'a str, escapes: usize) -> Self {
        Self { raw, escapes }
    }

    /// A string that did not come out of JSON.
    pub const fn literal(value: &'a str) -> Self {
        Self::new(value, 0)
    }

    /// The string that was meant. Allocates only when it was written with escapes.
    pub fn decode(self) -> Cow<'a, str> {
        match self.plain() {
            Some(plain) => Cow::Borrowed(plain),
            None => Cow::Owned(unescape(self.raw)),
        }
    }

    /// The string itself, if it was written without escapes.
    #[inline]
    pub fn plain(self) -> Option<&'a str> {
        (self.escapes == 0).then_some(self.raw)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        match self.plain() {
            Some(plain) => plain == other,
            None => unescape(self.raw) == other,
        }
    }
}

/// Appends `value` as a JSON string, quotes included (RFC 8259, section 7).
pub fn write_string(value: &str, out: &mut String) {
    out.push('"');
    // Names and issuers as they are, mostly.
    let (plain, rest) = value
        .split_at_checked(plain_run(value.as_bytes()))
        .unwrap_or(("", value));
    out.push_str(plain);
    for character in rest.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                const HEX: [char; 16] = [
                    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
                ];
                let code = u32::from(character);
                out.push_str("\\u00");
                for nibble in [code >> 4, code & 15] {
                    out.extend(usize::try_from(nibble).ok().and_then(|n| HEX.get(n)));
                }
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Undoes the escapes of a string whose escapes the scanner has checked.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut characters = escape.chars();
        match characters.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('u') => {
                let mut unit = hex_unit(characters.as_str());
                characters = skip(characters.as_str(), 4).chars();
                if (0xd800..0xdc00).contains(&unit) {
                    let low = hex_unit(skip(characters.as_str(), 2));
                    characters = skip(characters.as_str(), 6).chars();
                    unit = 0x1_0000 + ((unit - 0xd800) << 10) + (low.saturating_sub(0xdc00) & 0x3ff);
                }
                out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            Some(other) => out.push(other),
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out
}

fn skip(text: &str, bytes: usize) -> &str {
    text.get(bytes..).unwrap_or_default()
}

fn hex_unit(text: &str) -> u32 {
    text.get(..4)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::json::{Value, scan_object};

    fn first_string(object: &str) -> String {
        let mut found = None;
        scan_object(object, |_, value| {
            if let Value::String(text) = value {
                found = Some(text.decode().into_owned());
            }
        })
        .unwrap();
        found.unwrap()
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_here_and_in_serde(value: String) {
            let mut object = String::from("{\"a\":");
            write_string(&value, &mut object);
            object.push('}');
            prop_assert_eq!(&first_string(&object), &value);
            let reference: serde_json::Value = serde_json::from_str(&object).unwrap();
            prop_assert_eq!(reference["a"].as_str(), Some(value.as_str()));
        }
    }

    #[test]
    fn escapes_mean_what_they_mean_to_serde() {
        for string in [r#""\u0041\n\t\r\b\f\/\\\"""#, r#""\ud83d\ude00x""#, r#""caf\u00e9""#] {
            let reference: String = serde_json::from_str(string).unwrap();
            assert_eq!(first_string(&format!("{{\"a\":{string}}}")), reference);
        }
    }

    #[test]
    fn an_escaped_string_equals_its_plain_form() {
        assert!(Text::new("s\\u0075b", 1) == *"sub");
        assert!(Text::new("sub", 0) == *"sub");
        assert!(Text::new("sup", 0) != *"sub");
    }
}
