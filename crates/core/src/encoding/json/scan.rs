//! The reader itself: one pass over the bytes, each value validated where it stands.

use super::{duplicates::Names, plain::plain_end, text::Text};

/// How deep arrays and objects may nest. Claims of real applications stay below ten.
pub const MAX_DEPTH: usize = 32;

/// Why a text is not acceptable JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// Arrays and objects nest deeper than [`MAX_DEPTH`].
    Depth,
    /// A member name occurs twice in one object.
    Duplicate,
    /// A member is named `__proto__`, which could become a prototype in careless JavaScript.
    Proto,
    /// An escape stands for half of a surrogate pair.
    Surrogate,
    /// Not JSON (RFC 8259), or not an object.
    Syntax,
}

impl Fault {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Depth => "depth",
            Self::Duplicate => "duplicate",
            Self::Proto => "proto",
            Self::Surrogate => "surrogate",
            Self::Syntax => "json",
        }
    }
}

/// A member's value. Arrays and objects have been validated and are given as their text.
#[derive(Clone, Copy, Debug)]
pub enum Value<'a> {
    /// An array's text, brackets included.
    Array(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A number's text.
    Number(&'a str),
    /// An object's text, braces included.
    Object(&'a str),
    /// A string.
    String(Text<'a>),
}

/// Whom the top-level members of an object are shown to, in order. A method for each of the two kinds that nearly all values
/// are, because putting them into a [`Value`] and taking them out of it again costs as much as finding them.
pub(crate) trait Visitor<'a> {
    /// A member whose value is a string.
    fn string(&mut self, name: Text<'a>, value: Text<'a>);

    /// A member whose value is a number that is not negative, as its text.
    fn number(&mut self, name: Text<'a>, value: &'a str);

    /// A member with any other value, or with any at all.
    fn value(&mut self, name: Text<'a>, value: Value<'a>);
}

impl<'a, F: FnMut(Text<'a>, Value<'a>)> Visitor<'a> for F {
    fn string(&mut self, name: Text<'a>, value: Text<'a>) {
        self(name, Value::String(value));
    }

    fn number(&mut self, name: Text<'a>, value: &'a str) {
        self(name, Value::Number(value));
    }

    fn value(&mut self, name: Text<'a>, value: Value<'a>) {
        self(name, value);
    }
}

/// Reads `text` as one JSON object and shows each top-level member to `visit`, in order.
///
/// On a fault some members may have been shown already: the caller must drop what it gathered.
pub fn scan_object<'a>(text: &'a str, visit: impl FnMut(Text<'a>, Value<'a>)) -> Result<(), Fault> {
    scan_members(text, visit)
}

/// The same for a visitor.
pub(crate) fn scan_members<'a>(text: &'a str, visitor: impl Visitor<'a>) -> Result<(), Fault> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.skip_space();
    scanner.object(1, visitor)?;
    scanner.skip_space();
    if scanner.at == text.len() {
        Ok(())
    } else {
        Err(Fault::Syntax)
    }
}

/// Reads the strings of an array that [`scan_object`] has validated; `None` as soon as an element is not a string.
pub(crate) fn strings_of(array: &str) -> Option<Vec<Text<'_>>> {
    list(array, |scanner| scanner.string().ok())
}

/// Reads the elements of an array that [`scan_object`] has validated; `None` for anything else.
pub(crate) fn elements_of(array: &str) -> Option<Vec<Value<'_>>> {
    list(array, |scanner| scanner.value(1).ok())
}

/// What `element` makes of each element of an array; `None` as soon as it makes nothing.
fn list<'a, T>(array: &'a str, element: impl Fn(&mut Scanner<'a>) -> Option<T>) -> Option<Vec<T>> {
    let mut scanner = Scanner { text: array, at: 0 };
    let mut found = Vec::new();
    scanner.require(b'[').ok()?;
    scanner.skip_space();
    if scanner.peek() == Some(b']') {
        return Some(found);
    }
    loop {
        scanner.skip_space();
        found.push(element(&mut scanner)?);
        scanner.skip_space();
        match scanner.next()? {
            b',' => {}
            b']' => return Some(found),
            _ => return None,
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    #[inline(never)]
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        let start = self.at;
        Ok(match self.peek() {
            Some(b'"') => Value::String(self.string()?),
            Some(b'{') => {
                self.object(depth, |_: Text<'a>, _: Value<'a>| {})?;
                Value::Object(self.since(start))
            }
            Some(b'[') => {
                self.array(depth)?;
                Value::Array(self.since(start))
            }
            Some(b't') => self.literal("true").map(|()| Value::Bool(true))?,
            Some(b'f') => self.literal("false").map(|()| Value::Bool(false))?,
            Some(b'n') => self.literal("null").map(|()| Value::Null)?,
            _ => {
                self.number()?;
                Value::Number(self.since(start))
            }
        })
    }

    /// An object, of which each member is shown to `visitor`.
    #[inline]
    fn object(&mut self, depth: usize, mut visitor: impl Visitor<'a>) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.require(b'{')?;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        let mut names = Names::new();
        loop {
            self.skip_space();
            let name = self.string()?;
            if name == *"__proto__" {
                return Err(Fault::Proto);
            }
            if !names.insert(name) {
                return Err(Fault::Duplicate);
            }
            self.skip_space();
            self.require(b':')?;
            self.skip_space();
            match self.peek() {
                Some(b'"') => {
                    let value = self.string()?;
                    visitor.string(name, value);
                }
                Some(b'0'..=b'9') => {
                    let start = self.at;
                    self.number()?;
                    visitor.number(name, self.since(start));
                }
                _ => {
                    let value = self.value(depth + 1)?;
                    visitor.value(name, value);
                }
            }
            self.skip_space();
            match self.next() {
                Some(b',') => {}
                Some(b'}') => return Ok(()),
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::Depth);
        }
        self.require(b'[')?;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.skip_space();
            self.value(depth + 1)?;
            self.skip_space();
            match self.next() {
                Some(b',') => {}
                Some(b']') => return Ok(()),
                _ => return Err(Fault::Syntax),
            }
        }
    }

    /// A string, whose quote stands here.
    #[expect(
        clippy::inline_always,
        reason = "out of line its result comes back through memory, which makes a whole scan a third slower"
    )]
    #[inline(always)]
    fn string(&mut self) -> Result<Text<'a>, Fault> {
        self.require(b'"')?;
        let start = self.at;
        self.at = plain_end(self.text.as_bytes(), start);
        let escapes = if self.peek() == Some(b'"') { 0 } else { self.escapes()? };
        let raw = self.text.get(start..self.at).unwrap_or_default();
        self.at += 1;
        Ok(Text::new(raw, escapes))
    }

    /// The rest of a string, from its first escape to its closing quote, and how many escapes there are.
    #[cold]
    fn escapes(&mut self) -> Result<usize, Fault> {
        let mut escapes = 0;
        loop {
            match self.peek() {
                Some(b'"') => return Ok(escapes),
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                    escapes += 1;
                }
                Some(_) | None => return Err(Fault::Syntax),
            }
            self.at = plain_end(self.text.as_bytes(), self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.hex_unit()? {
                0xd800..0xdc00 => {
                    let paired = self.next() == Some(b'\\') && self.next() == Some(b'u');
                    if paired && (0xdc00..0xe000).contains(&self.hex_unit()?) {
                        Ok(())
                    } else {
                        Err(Fault::Surrogate)
                    }
                }
                0xdc00..0xe000 => Err(Fault::Surrogate),
                _ => Ok(()),
            },
            _ => Err(Fault::Syntax),
        }
    }

    fn hex_unit(&mut self) -> Result<u32, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next().map(char::from).and_then(|c| c.to_digit(16));
            unit = unit << 4 | digit.ok_or(Fault::Syntax)?;
        }
        Ok(unit)
    }

    #[inline]
    fn number(&mut self) -> Result<(), Fault> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax) } else { Ok(()) }
    }

    fn literal(&mut self, word: &str) -> Result<(), Fault> {
        let end = self.at + word.len();
        if self.text.get(self.at..end) != Some(word) {
            return Err(Fault::Syntax);
        }
        self.at = end;
        Ok(())
    }

    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_spaces();
        }
    }

    /// Texts that travel have none.
    #[cold]
    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline]
    fn require(&mut self, byte: u8) -> Result<(), Fault> {
        if self.next() == Some(byte) {
            Ok(())
        } else {
            Err(Fault::Syntax)
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> Option<Fault> {
        scan_object(text, |_, _| {}).err()
    }

    #[test]
    fn refuses_what_two_readers_could_understand_differently() {
        for (text, expected) in [
            (r#"{"a":1,"a":2}"#, Fault::Duplicate),
            (r#"{"a":1,"\u0061":2}"#, Fault::Duplicate),
            (r#"{"x":{"a":1,"a":2}}"#, Fault::Duplicate),
            (r#"{"x":[{"a":1,"a":2}]}"#, Fault::Duplicate),
            (r#"{"__proto__":{}}"#, Fault::Proto),
            (r#"{"x":{"__pr\u006fto__":{}}}"#, Fault::Proto),
            (r#"{"a":"\ud800"}"#, Fault::Surrogate),
            (r#"{"a":"\udc00\ud800"}"#, Fault::Surrogate),
            (r#"{"a":"\ud800\u0041"}"#, Fault::Surrogate),
        ] {
            assert_eq!(fault(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_one_json_object() {
        for text in [
            "",
            " ",
            "null",
            "1",
            "\"a\"",
            "[]",
            "{",
            "}",
            "{}}",
            "{} x",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "{\"a\":01}",
            "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}",
            "{\"a\":-}",
            "{\"a\":1e}",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":tru}",
            "{\"a\":[1,]}",
            "{\"a\":[}",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{\"a\":\"",
            "\u{feff}{}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "/**/{}",
            "{\"a\":0x1}",
        ] {
            assert_eq!(fault(text), Some(Fault::Syntax), "{text:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_the_bound_itself_is_fine() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert_eq!(fault(&nested(MAX_DEPTH)), None);
        assert_eq!(fault(&nested(MAX_DEPTH + 1)), Some(Fault::Depth));
        assert_eq!(fault(&nested(100_000)), Some(Fault::Depth));
    }

    #[test]
    fn members_are_shown_in_order_with_their_text() {
        let mut shown = Vec::new();
        let text = r#" { "s" : "x" , "n":-1.5e3,"a":[1, {"b":"]"}],"o":{"c":{}},"t":true,"z":null } "#;
        scan_object(text, |name, value| {
            shown.push((name.decode().into_owned(), format!("{value:?}")));
        })
        .unwrap();
        let names: Vec<_> = shown.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["s", "n", "a", "o", "t", "z"]);
        assert_eq!(shown[1].1, "Number(\"-1.5e3\")");
        assert!(shown[2].1.contains(']'));
        assert_eq!(shown[5].1, "Null");
    }

    #[test]
    fn an_array_of_strings_is_told_from_any_other() {
        let strings = strings_of(r#"[ "a" , "\u0062" ]"#).unwrap();
        assert!(strings[0] == *"a" && strings[1] == *"b");
        assert_eq!(strings_of("[]").unwrap().len(), 0);
        assert!(strings_of(r#"["a",1]"#).is_none());
        assert!(strings_of(r#"["a",["b"]]"#).is_none());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::hash_map("[a-zA-Z\u{e9}\"\\\\]{0,6}", inner, 0..24)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_member_is_shown_as_serde_reads_it(value in json(), pretty: bool) {
            let object = serde_json::json!({ "": value.clone(), "x": value });
            let text = if pretty { format!("{object:#}") } else { object.to_string() };
            let mut shown = serde_json::Map::new();
            scan_object(&text, |name, value| {
                let value = match value {
                    Value::Array(text) | Value::Number(text) | Value::Object(text) => serde_json::from_str(text).unwrap(),
                    Value::Bool(bool) => bool.into(),
                    Value::Null => serde_json::Value::Null,
                    Value::String(text) => text.decode().into_owned().into(),
                };
                assert_eq!(shown.insert(name.decode().into_owned(), value), None);
            })
            .unwrap();
            prop_assert_eq!(shown, serde_json::from_str(&text).unwrap());
        }

        #[test]
        fn accepts_every_object_that_serde_writes(value in json()) {
            let text = serde_json::json!({ "value": value }).to_string();
            prop_assert_eq!(fault(&text), None);
        }

        #[test]
        fn accepts_nothing_that_serde_refuses(text in "[{}\\[\\]\":,a0-9eE.+\\\\u -]{0,24}") {
            let object = format!("{{{text}}}");
            let ours = fault(&object).is_none();
            let reference = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&object).is_ok();
            prop_assert!(!ours || reference || object.contains(['e', 'E']), "{}", object);
        }

        #[test]
        fn a_damaged_text_is_never_read_past_its_end(value in json(), cut in any::<prop::sample::Index>()) {
            let text = serde_json::json!({ "value": value }).to_string();
            let mut end = cut.index(text.len());
            while !text.is_char_boundary(end) { end -= 1; }
            prop_assert_eq!(fault(&text[..end]), Some(Fault::Syntax));
        }
    }
}
