//! The strict signer.

use super::{claims::Audience, numeric_date::NumericDate};
use crate::{
    crypto::Algorithm,
    encoding::{
        base64url,
        json::{Fault, Text, Value, scan_object, strings_of, write_string},
    },
    error::{Code, Error},
    jws::{ExtraHeader, finish},
    keys::Key,
    time::{Span, UnixMs},
};

/// What a signer adds to every token.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SignerOptions {
    /// `iss`.
    pub issuer: Option<String>,
    /// `aud`; one audience is written as a string, several as an array.
    pub audiences: Vec<String>,
    /// How long the token lives; `None`: no `exp` is added.
    pub expires_in: Option<Span>,
    /// Whether `expires_in` was asked for, so that an `exp` among the claims contradicts it, or is only the default.
    pub expiry_is_default: bool,
    /// From when it is valid, counted from now.
    pub not_before: Option<Span>,
    /// The header's `typ`; `None` writes that of `header`, else `JWT`.
    pub typ: Option<String>,
    /// Further members of the header.
    pub header: ExtraHeader,
}

/// What one call adds.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallClaims<'a> {
    /// `sub`.
    pub subject: Option<&'a str>,
    /// `jti`.
    pub jti: Option<&'a str>,
    /// How long this token lives, in place of the signer's own.
    pub expires_in: Option<Span>,
}

/// Signs claims with one key. Immutable; any number of threads may share it.
#[derive(Debug)]
pub struct Signer {
    key: Key,
    header: String,
    options: SignerOptions,
    audience_json: String,
}

/// The registered claims that were found among the caller's, by their text.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each claim of which only the presence matters"
)]
struct Given<'a> {
    aud: Option<Audience<'a>>,
    exp: bool,
    iat: bool,
    iss: Option<Text<'a>>,
    jti: Option<Text<'a>>,
    nbf: bool,
    sub: Option<Text<'a>>,
    mistyped: bool,
    empty: bool,
}

impl Signer {
    /// A signer; a public key is refused, and so is a header that contradicts the key or `typ`.
    pub fn new(key: Key, options: SignerOptions) -> Result<Self, Error> {
        if !key.can_sign() {
            return Err(Error::because(Code::KeyInvalid, "a public key cannot sign"));
        }
        let typ = options.typ.as_deref().or(options.header.typ()).unwrap_or("JWT");
        let mut audience_json = String::new();
        match options.audiences.as_slice() {
            [] => {}
            [one] => write_string(one, &mut audience_json),
            many => {
                for (index, one) in many.iter().enumerate() {
                    audience_json.push(if index == 0 { '[' } else { ',' });
                    write_string(one, &mut audience_json);
                }
                audience_json.push(']');
            }
        }
        Ok(Self {
            header: options.header.protected_header(&key, Some(typ))?,
            key,
            options,
            audience_json,
        })
    }

    /// Its key's algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.key.algorithm()
    }

    /// What it signs with.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Replaces the content of `out` with a token over `claims`, the text of a JSON object.
    ///
    /// Registered claims among them are signed as given; one that contradicts an option is [`Code::ClaimsInvalid`], and so
    /// is anything that the strict verifier would refuse: duplicates, `__proto__`, lone surrogates, deep nesting.
    pub fn sign(&self, claims: &str, call: &CallClaims<'_>, now: UnixMs, out: &mut String) -> Result<(), Error> {
        self.prepare(claims, call, now, out)?;
        finish(&self.key, out)
    }

    /// The same up to the signature, which [`finish`] appends with [`Signer::key`], on any thread: everything that can be
    /// refused has been then.
    pub fn prepare(&self, claims: &str, call: &CallClaims<'_>, now: UnixMs, out: &mut String) -> Result<(), Error> {
        let given = Given::scan(claims)?;
        out.clear();
        out.push_str(&self.header);
        out.push('.');
        let start = out.len();
        out.push_str(claims.trim_end().strip_suffix('}').unwrap_or_default());
        let mut members = Members {
            out,
            first: given.empty,
        };
        self.add_names(&given, call, &mut members)?;
        self.add_times(&given, call, now, &mut members)?;
        out.push('}');
        base64url::encode_tail(out, start);
        Ok(())
    }

    fn add_names(&self, given: &Given<'_>, call: &CallClaims<'_>, members: &mut Members<'_>) -> Result<(), Error> {
        for (name, given, wanted) in [
            ("iss", given.iss, self.options.issuer.as_deref()),
            ("sub", given.sub, call.subject),
            ("jti", given.jti, call.jti),
        ] {
            match (given, wanted) {
                (Some(given), Some(wanted)) if given != *wanted => return Err(contradiction(name)),
                (None, Some(wanted)) => members.string(name, wanted),
                _ => {}
            }
        }
        match &given.aud {
            _ if self.options.audiences.is_empty() => Ok(()),
            Some(given) if !given.is(&self.options.audiences) => Err(contradiction("aud")),
            Some(_) => Ok(()),
            None => {
                members.raw("aud", &self.audience_json);
                Ok(())
            }
        }
    }

    fn add_times(
        &self,
        given: &Given<'_>,
        call: &CallClaims<'_>,
        now: UnixMs,
        members: &mut Members<'_>,
    ) -> Result<(), Error> {
        if !given.iat {
            members.number("iat", now.as_secs());
        }
        let asked = call.expires_in.is_some() || (self.options.expires_in.is_some() && !self.options.expiry_is_default);
        if given.exp && asked {
            return Err(contradiction("exp"));
        }
        if let (false, Some(life)) = (given.exp, call.expires_in.or(self.options.expires_in)) {
            members.number("exp", now.plus(life).as_secs());
        }
        match (given.nbf, self.options.not_before) {
            (true, Some(_)) => return Err(contradiction("nbf")),
            (false, Some(delay)) => members.number("nbf", now.plus(delay).as_secs()),
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Given<'a> {
    fn scan(claims: &'a str) -> Result<Self, Error> {
        let mut given = Self {
            empty: true,
            ..Self::default()
        };
        scan_object(claims, |name, value| given.take(name, value)).map_err(refused)?;
        if given.mistyped {
            return Err(Error::because(
                Code::ClaimsInvalid,
                "a registered claim has another type than RFC 7519 gives it",
            ));
        }
        Ok(given)
    }

    fn take(&mut self, name: Text<'a>, value: Value<'a>) {
        self.empty = false;
        let decoded;
        let name = if let Some(plain) = name.plain() {
            plain
        } else {
            decoded = name.decode();
            decoded.as_ref()
        };
        let Ok(name) = <&[u8; 3]>::try_from(name.as_bytes()) else {
            return;
        };
        match (name, value) {
            (b"aud", Value::String(one)) => self.aud = Some(Audience::One(one)),
            (b"aud", Value::Array(array)) => match strings_of(array) {
                // An empty list names nobody, and no verifier would take the token.
                Some(many) if !many.is_empty() => self.aud = Some(Audience::Many(many)),
                _ => self.mistyped = true,
            },
            (b"exp", Value::Number(date)) if NumericDate::parse(date).is_some() => self.exp = true,
            (b"iat", Value::Number(date)) if NumericDate::parse(date).is_some() => self.iat = true,
            (b"nbf", Value::Number(date)) if NumericDate::parse(date).is_some() => self.nbf = true,
            (b"iss", Value::String(text)) => self.iss = Some(text),
            (b"jti", Value::String(text)) => self.jti = Some(text),
            (b"sid", Value::String(_)) => {}
            (b"sub", Value::String(text)) => self.sub = Some(text),
            (b"aud" | b"exp" | b"iat" | b"nbf" | b"iss" | b"jti" | b"sid" | b"sub", _) => self.mistyped = true,
            _ => {}
        }
    }
}

fn refused(fault: Fault) -> Error {
    Error::because(
        Code::ClaimsInvalid,
        match fault {
            Fault::Depth => "the claims nest deeper than 32",
            Fault::Duplicate => "a member occurs twice",
            Fault::Proto => "a member is named __proto__",
            Fault::Surrogate => "a string holds half of a surrogate pair",
            Fault::Syntax => "the claims are not a JSON object",
        },
    )
}

fn contradiction(claim: &'static str) -> Error {
    Error::because(
        Code::ClaimsInvalid,
        match claim {
            "aud" => "aud among the claims contradicts the audience option",
            "exp" => "exp among the claims contradicts the expiresIn option",
            "iss" => "iss among the claims contradicts the issuer option",
            "jti" => "jti among the claims contradicts the jti option",
            "nbf" => "nbf among the claims contradicts the notBefore option",
            _ => "sub among the claims contradicts the subject option",
        },
    )
}

/// Appends members to an object whose closing brace has been taken off.
struct Members<'a> {
    out: &'a mut String,
    first: bool,
}

impl Members<'_> {
    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn string(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(value, self.out);
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.name(name);
        self.out.push_str(json);
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.out.push_str(itoa::Buffer::new().format(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const NOW: UnixMs = UnixMs::new(1_700_000_000_900);

    fn signer(options: SignerOptions) -> Signer {
        Signer::new(
            Key::generate(Algorithm::Hs256, Some("k"), &SystemRandom::new()).unwrap(),
            options,
        )
        .unwrap()
    }

    fn payload(signer: &Signer, claims: &str, call: &CallClaims<'_>) -> Result<String, Error> {
        let mut token = String::new();
        signer.sign(claims, call, NOW, &mut token)?;
        let segment = token.split('.').nth(1).unwrap();
        Ok(String::from_utf8(base64url::decode(segment.as_bytes()).unwrap()).unwrap())
    }

    fn options() -> SignerOptions {
        SignerOptions {
            issuer: Some("me".into()),
            audiences: vec!["you".into()],
            expires_in: Some(Span::from_secs(60)),
            expiry_is_default: true,
            ..SignerOptions::default()
        }
    }

    #[test]
    fn what_is_missing_is_added_in_whole_seconds() {
        let call = CallClaims {
            subject: Some("alice"),
            jti: Some("1"),
            expires_in: None,
        };
        assert_eq!(
            payload(&signer(options()), r#" { "a" : 1 } "#, &call).unwrap(),
            r#" { "a" : 1 ,"iss":"me","sub":"alice","jti":"1","aud":"you","iat":1700000000,"exp":1700000060}"#
        );
        assert_eq!(
            payload(&signer(options()), "{}", &CallClaims::default()).unwrap(),
            r#"{"iss":"me","aud":"you","iat":1700000000,"exp":1700000060}"#
        );
    }

    #[test]
    fn what_is_given_is_signed_as_given() {
        let claims = r#"{"iss":"me","aud":"you","iat":5,"exp":7.5,"nbf":6,"sub":"bob","jti":"j"}"#;
        assert_eq!(
            payload(&signer(options()), claims, &CallClaims::default()).unwrap(),
            claims
        );
    }

    #[test]
    fn what_contradicts_an_option_is_refused() {
        let strict = SignerOptions {
            expiry_is_default: false,
            not_before: Some(Span::ZERO),
            ..options()
        };
        let call = CallClaims {
            subject: Some("alice"),
            jti: Some("1"),
            expires_in: None,
        };
        for claims in [
            r#"{"iss":"you"}"#,
            r#"{"aud":"me"}"#,
            r#"{"aud":["you","me"]}"#,
            r#"{"sub":"bob"}"#,
            r#"{"jti":"2"}"#,
            r#"{"exp":1}"#,
            r#"{"nbf":1}"#,
        ] {
            let error = payload(&signer(strict.clone()), claims, &call).expect_err(claims);
            assert_eq!(error.code(), Code::ClaimsInvalid, "{claims}");
        }
        let same = r#"{"iss":"me","aud":"you","sub":"alice","jti":"1"}"#;
        assert!(payload(&signer(strict), same, &call).is_ok());
    }

    #[test]
    fn what_the_verifier_would_refuse_is_not_signed() {
        for claims in [
            "",
            "[]",
            "null",
            "{",
            r#"{"a":1,"a":2}"#,
            r#"{"__proto__":1}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"exp":"1"}"#,
            r#"{"exp":-1}"#,
            r#"{"nbf":1e400}"#,
            r#"{"sub":1}"#,
            r#"{"sid":1}"#,
            r#"{"aud":[1]}"#,
            r#"{"aud":[]}"#,
        ] {
            let error = payload(&signer(options()), claims, &CallClaims::default()).expect_err(claims);
            assert_eq!(error.code(), Code::ClaimsInvalid, "{claims}");
        }
    }

    #[test]
    fn several_audiences_are_an_array() {
        let many = SignerOptions {
            audiences: vec!["a".into(), "b".into()],
            ..options()
        };
        let text = payload(&signer(many), "{}", &CallClaims::default()).unwrap();
        assert!(text.contains(r#""aud":["a","b"]"#), "{text}");
    }

    #[test]
    fn a_public_key_makes_no_signer() {
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = Key::from_jwk(Algorithm::EdDsa, jwk, None).unwrap();
        assert_eq!(Signer::new(key, options()).unwrap_err().code(), Code::KeyInvalid);
    }
}
