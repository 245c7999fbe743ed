//! The registered claims (RFC 7519, section 4.1) as they stand in a payload, borrowed from its text.

use super::numeric_date::NumericDate;
use crate::{
    encoding::json::{Text, Value, Visitor, scan_members, strings_of},
    error::{Claim, Code, Error},
};

/// The claims that are judged; everything else stays in the text for the application.
#[derive(Debug, Default)]
pub struct ClaimsView<'a> {
    pub(super) aud: Option<Audience<'a>>,
    pub(super) exp: Option<NumericDate>,
    pub(super) iat: Option<NumericDate>,
    pub(super) iss: Option<Text<'a>>,
    pub(super) jti: Option<Text<'a>>,
    pub(super) nbf: Option<NumericDate>,
    pub(super) sid: Option<Text<'a>>,
    pub(super) sub: Option<Text<'a>>,
    /// One bit for each entry of the policy's list of required claims that was found.
    pub(super) found: u64,
}

/// `aud`: one string or an array of them (RFC 7519, section 4.1.3).
#[derive(Debug)]
pub(super) enum Audience<'a> {
    Many(Vec<Text<'a>>),
    One(Text<'a>),
}

impl Audience<'_> {
    /// Whether it is exactly this list; a single string is a list of one.
    pub(super) fn is(&self, list: &[String]) -> bool {
        match (self, list) {
            (Self::One(one), [only]) => *one == **only,
            (Self::One(_), _) => false,
            (Self::Many(many), _) => many.len() == list.len() && many.iter().zip(list).all(|(a, b)| *a == **b),
        }
    }

    pub(super) fn names(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => *one == *wanted,
            Self::Many(many) => many.iter().any(|one| *one == *wanted),
        }
    }
}

impl<'a> ClaimsView<'a> {
    /// Reads a payload. Every registered claim that is there must have its type, whether or not anybody asks for it.
    pub fn parse(json: &'a str, required: &[String]) -> Result<Self, Error> {
        let mut view = Self::default();
        let mut mistyped = None;
        let reader = Reader {
            view: &mut view,
            required,
            mistyped: &mut mistyped,
        };
        scan_members(json, reader).map_err(|fault| Error::because(Code::TokenMalformed, fault.as_str()))?;
        match mistyped {
            Some(claim) => Err(Error::about(Code::ClaimInvalid, claim)),
            None => Ok(view),
        }
    }
}

/// Sorts the members of a payload.
struct Reader<'v, 'a> {
    view: &'v mut ClaimsView<'a>,
    required: &'v [String],
    /// The first claim of another type than it must have.
    mistyped: &'v mut Option<Claim>,
}

impl<'a> Visitor<'a> for Reader<'_, 'a> {
    #[inline]
    fn string(&mut self, name: Text<'a>, value: Text<'a>) {
        self.tick(name);
        let Some(name) = three_letters(name) else {
            return;
        };
        match &name {
            b"aud" => self.view.aud = Some(Audience::One(value)),
            b"iss" => self.view.iss = Some(value),
            b"jti" => self.view.jti = Some(value),
            b"sid" => self.view.sid = Some(value),
            b"sub" => self.view.sub = Some(value),
            _ => self.refuse(name),
        }
    }

    #[inline]
    fn number(&mut self, name: Text<'a>, value: &'a str) {
        self.tick(name);
        let Some(name) = three_letters(name) else {
            return;
        };
        let date = match &name {
            b"exp" => &mut self.view.exp,
            b"iat" => &mut self.view.iat,
            b"nbf" => &mut self.view.nbf,
            _ => return self.refuse(name),
        };
        *date = NumericDate::parse(value);
        if date.is_none() {
            self.refuse(name);
        }
    }

    fn value(&mut self, name: Text<'a>, value: Value<'a>) {
        match value {
            Value::String(value) => self.string(name, value),
            Value::Number(value) => self.number(name, value),
            _ => {
                self.tick(name);
                if let Some(name) = three_letters(name) {
                    match (&name, value) {
                        (b"aud", Value::Array(array)) => match strings_of(array) {
                            Some(many) => self.view.aud = Some(Audience::Many(many)),
                            None => self.refuse(name),
                        },
                        _ => self.refuse(name),
                    }
                }
            }
        }
    }
}

impl Reader<'_, '_> {
    #[inline]
    fn tick(&mut self, name: Text<'_>) {
        for (bit, wanted) in self.required.iter().enumerate() {
            if name == **wanted {
                self.view.found |= 1 << bit;
            }
        }
    }

    /// Takes note of a registered claim whose value cannot be what it must be; other names are the application's own.
    #[inline(never)]
    fn refuse(&mut self, name: [u8; 3]) {
        let claim = match &name {
            b"aud" => Claim::Aud,
            b"exp" => Claim::Exp,
            b"iat" => Claim::Iat,
            b"iss" => Claim::Iss,
            b"jti" => Claim::Jti,
            b"nbf" => Claim::Nbf,
            b"sid" => Claim::Sid,
            b"sub" => Claim::Sub,
            _ => return,
        };
        self.mistyped.get_or_insert(claim);
    }
}

/// The name, if it is as long as all registered ones are. One that was written with escapes is decoded.
#[inline]
fn three_letters(name: Text<'_>) -> Option<[u8; 3]> {
    match name.plain() {
        Some(plain) => plain.as_bytes().try_into().ok(),
        None => name.decode().as_bytes().try_into().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registered_claims_are_found_wherever_they_stand() {
        let view = ClaimsView::parse(r#"{"x":{"exp":"no"},"s\u0075b":"alice","exp":5,"aud":["a","b"]}"#, &[]).unwrap();
        assert!(view.sub.unwrap() == *"alice");
        assert!(view.exp.is_some());
        assert!(view.aud.unwrap().names("b"));
    }

    #[test]
    fn a_registered_claim_of_the_wrong_type_is_refused_by_name() {
        for (json, claim) in [
            (r#"{"exp":"123"}"#, Claim::Exp),
            (r#"{"exp":null}"#, Claim::Exp),
            (r#"{"exp":true}"#, Claim::Exp),
            (r#"{"exp":[]}"#, Claim::Exp),
            (r#"{"exp":{}}"#, Claim::Exp),
            (r#"{"exp":-1}"#, Claim::Exp),
            (r#"{"exp":1e400}"#, Claim::Exp),
            (r#"{"nbf":"1"}"#, Claim::Nbf),
            (r#"{"iat":{}}"#, Claim::Iat),
            (r#"{"iss":["good","evil"]}"#, Claim::Iss),
            (r#"{"sub":1}"#, Claim::Sub),
            (r#"{"jti":null}"#, Claim::Jti),
            (r#"{"sid":[]}"#, Claim::Sid),
            (r#"{"aud":1}"#, Claim::Aud),
            (r#"{"aud":{"a":1}}"#, Claim::Aud),
            (r#"{"aud":["a",1]}"#, Claim::Aud),
            (r#"{"aud":[["a"]]}"#, Claim::Aud),
        ] {
            let error = ClaimsView::parse(json, &[]).expect_err(json);
            assert_eq!(
                (error.code(), error.claim()),
                (Code::ClaimInvalid, Some(claim)),
                "{json}"
            );
        }
    }

    #[test]
    fn required_claims_are_ticked_off() {
        let required = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let view = ClaimsView::parse(r#"{"c":null,"a":1}"#, &required).unwrap();
        assert_eq!(view.found, 0b101);
    }
}
