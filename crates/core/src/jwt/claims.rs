//! The registered claims (RFC 7519, section 4.1) as they stand in a payload, borrowed from its text.

use super::numeric_date::NumericDate;
use crate::{
    encoding::json::{Text, Value, scan_object, strings_of},
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
        scan_object(json, |name, value| {
            if let Err(claim) = view.take(name, value) {
                mistyped = mistyped.or(Some(claim));
            }
            for (bit, wanted) in required.iter().enumerate() {
                if name == **wanted {
                    view.found |= 1 << bit;
                }
            }
        })
        .map_err(|fault| Error::because(Code::TokenMalformed, fault.as_str()))?;
        match mistyped {
            Some(claim) => Err(Error::about(Code::ClaimInvalid, claim)),
            None => Ok(view),
        }
    }

    fn take(&mut self, name: Text<'a>, value: Value<'a>) -> Result<(), Claim> {
        // A claim name written with escapes is decoded; the plain case costs no more than a comparison.
        let decoded;
        let name = if let Some(plain) = name.plain() {
            plain
        } else {
            decoded = name.decode();
            decoded.as_ref()
        };
        // All of them have three letters, and most of an application's own have more.
        let Ok(name) = <&[u8; 3]>::try_from(name.as_bytes()) else {
            return Ok(());
        };
        match name {
            b"aud" => self.aud = Some(audience(value).ok_or(Claim::Aud)?),
            b"exp" => self.exp = Some(date(value).ok_or(Claim::Exp)?),
            b"iat" => self.iat = Some(date(value).ok_or(Claim::Iat)?),
            b"iss" => self.iss = Some(string(value).ok_or(Claim::Iss)?),
            b"jti" => self.jti = Some(string(value).ok_or(Claim::Jti)?),
            b"nbf" => self.nbf = Some(date(value).ok_or(Claim::Nbf)?),
            b"sid" => self.sid = Some(string(value).ok_or(Claim::Sid)?),
            b"sub" => self.sub = Some(string(value).ok_or(Claim::Sub)?),
            _ => {}
        }
        Ok(())
    }
}

fn audience(value: Value<'_>) -> Option<Audience<'_>> {
    match value {
        Value::String(one) => Some(Audience::One(one)),
        Value::Array(array) => strings_of(array).map(Audience::Many),
        _ => None,
    }
}

fn date(value: Value<'_>) -> Option<NumericDate> {
    match value {
        Value::Number(number) => NumericDate::parse(number),
        _ => None,
    }
}

fn string(value: Value<'_>) -> Option<Text<'_>> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
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
