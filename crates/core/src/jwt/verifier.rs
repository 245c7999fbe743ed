//! The strict verifier.
//!
//! Order of work: size, segments, header, base64url, signature, then JSON and claims, so that nothing of an unsigned
//! payload is ever interpreted. One verification allocates nothing once the [`Scratch`] has warmed up, except for claims
//! with more than 16 members or an `aud` array.

use std::{
    str,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Answer, Identity, RevocationCheck, TokenCache,
    cache::{Epoch, Found},
    claims::ClaimsView,
    policy::Policy,
    times::Times,
};
use crate::{
    crypto::Algorithm,
    encoding::base64url,
    error::{Code, Error},
    jws::{Header, Parts, split},
    keys::{Candidates, KeySet, LiveKeys},
    revocation::MAX_TOLERANCE,
    time::UnixMs,
};

/// Verifies tokens against one set of keys and one policy. Immutable; any number of threads may share it.
#[derive(Debug)]
pub struct Verifier {
    keys: Arc<LiveKeys>,
    algorithms: Vec<Algorithm>,
    policy: Policy,
    serial: u64,
}

/// The buffers of one caller, kept from call to call, and the last good header with its keys: tokens of one issuer carry
/// the same header, which then need not be parsed again. Belongs to one thread.
#[derive(Debug, Default)]
pub struct Scratch {
    payload: Vec<u8>,
    signature: Vec<u8>,
    header_json: Vec<u8>,
    memo: Memo,
}

#[derive(Debug, Default)]
struct Memo {
    segment: Vec<u8>,
    verifier: u64,
    version: u64,
    candidates: Candidates,
}

/// A token that passed: its payload, which is a JSON object, what was read of it, and the number of the keys it passed under.
#[derive(Debug)]
pub struct Verified<'a> {
    /// The payload's JSON text.
    pub payload: &'a str,
    /// Who it is about and how it is revoked.
    pub identity: Identity<'a>,
    pub(super) times: Times,
    pub(super) keys: u64,
}

impl Verifier {
    /// A verifier for `keys`. `algorithms` narrows what their own allow, unless it is empty; one that no key has is refused,
    /// as is a list of more than 64 required claims.
    pub fn new(keys: Arc<LiveKeys>, algorithms: Vec<Algorithm>, policy: Policy) -> Result<Self, Error> {
        // Numbers verifiers so that a scratch notices when it is handed to another one.
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let held = keys.snapshot();
        for algorithm in &algorithms {
            if !keys.is_loaded_later() && !held.keys().iter().any(|key| key.algorithm() == *algorithm) {
                return Err(Error::because(Code::OptionInvalid, "no key has one of the algorithms"));
            }
        }
        if policy.max_life.is_some() && policy.tolerance > MAX_TOLERANCE {
            return Err(Error::because(
                Code::OptionInvalid,
                "with revocation clockTolerance is at most 60 seconds: entries are not kept for longer",
            ));
        }
        if policy.required.len() > 64 {
            return Err(Error::because(Code::OptionInvalid, "at most 64 claims can be required"));
        }
        // Relaxed: only uniqueness matters.
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Ok(Self {
            keys,
            algorithms,
            policy,
            serial,
        })
    }

    /// The longest token it looks at, in bytes.
    pub fn max_token_bytes(&self) -> usize {
        self.policy.max_token_bytes
    }

    /// The keys that hold at `now`.
    pub fn keys_at(&self, now: UnixMs) -> Arc<KeySet> {
        self.keys.snapshot_at(now)
    }

    /// Verifies a token at the time `now`. The result borrows from `scratch`.
    pub fn verify<'s>(
        &'s self,
        token: &[u8],
        now: UnixMs,
        revocation: Option<&dyn RevocationCheck>,
        scratch: &'s mut Scratch,
    ) -> Result<Verified<'s>, Error> {
        if token.len() > self.policy.max_token_bytes {
            return Err(Code::TokenTooLarge.into());
        }
        let parts = split(token)?;
        let Scratch {
            payload,
            signature,
            header_json,
            memo,
        } = scratch;
        let version = self.keys.version_at(now);
        if memo.verifier != self.serial || memo.version != version || memo.segment != parts.header {
            self.resolve(&parts, now, header_json, memo)?;
        }
        base64url::decode_to(parts.signature, signature)?;
        base64url::decode_to(parts.payload, payload)?;
        let key = memo
            .candidates
            .iter()
            .find(|key| key.verifies(parts.signing_input, signature))
            .ok_or(Code::SignatureInvalid)?;
        let payload = str::from_utf8(payload).map_err(|_| Error::because(Code::TokenMalformed, "utf-8"))?;
        let claims = ClaimsView::parse(payload, &self.policy.required)?;
        let times = Times::of(&claims);
        times.judge(&self.policy, now)?;
        self.policy.judge(&claims)?;
        let identity = Identity::of(&claims, key);
        if let Some(revocation) = revocation {
            revocation.check(&identity, now)?;
        }
        Ok(Verified {
            payload,
            identity,
            times,
            keys: memo.version,
        })
    }

    /// The same, answered out of `cache` if the token is in it. Times and revocation are judged in either case.
    ///
    /// A token that had to be verified in full enters when [`TokenCache::keep`] is called next. The cache serves this
    /// verifier with this revocation only; what another verifier left in it is forgotten.
    pub fn verify_cached<'s>(
        &'s self,
        token: &[u8],
        now: UnixMs,
        revocation: Option<&dyn RevocationCheck>,
        scratch: &'s mut Scratch,
        cache: &mut TokenCache,
    ) -> Result<Answer<'s>, Error> {
        if token.len() > self.policy.max_token_bytes {
            return Err(Code::TokenTooLarge.into());
        }
        let epoch = Epoch {
            verifier: self.serial,
            keys: self.keys.version_at(now),
            revocable: revocation.is_some(),
        };
        let hash = match cache.look_up(token, epoch) {
            Found::Here(slot, entry) => {
                entry.in_use = false;
                entry.times.judge(&self.policy, now)?;
                if let (Some(revocation), Some(fingerprint)) = (revocation, &entry.fingerprint) {
                    revocation.check_again(fingerprint, now)?;
                }
                entry.in_use = true;
                return Ok(Answer::Cached(slot));
            }
            Found::Nowhere(hash) => hash,
        };
        let verified = self.verify(token, now, revocation, scratch)?;
        let fingerprint = revocation.map(|revocation| revocation.fingerprint(&verified.identity));
        cache.offer(token, hash, &verified, fingerprint);
        Ok(Answer::Fresh(verified))
    }

    /// Parses a header and remembers which keys may have signed under it. A header that is refused is not remembered.
    #[cold]
    fn resolve(&self, parts: &Parts<'_>, now: UnixMs, json: &mut Vec<u8>, memo: &mut Memo) -> Result<(), Error> {
        memo.segment.clear();
        memo.verifier = 0;
        base64url::decode_to(parts.header, json)?;
        let json = str::from_utf8(json).map_err(|_| Error::because(Code::TokenMalformed, "utf-8"))?;
        let header = Header::parse(json)?;
        if !self.algorithms.is_empty() && !self.algorithms.contains(&header.algorithm) {
            return Err(Code::AlgorithmNotAllowed.into());
        }
        if self.policy.typ.is_some() && self.policy.typ != header.typ {
            return Err(Code::TokenType.into());
        }
        let (version, keys) = self.keys.at(now);
        memo.candidates = keys.candidates(header.algorithm, header.kid.as_deref())?;
        memo.segment.extend_from_slice(parts.header);
        memo.verifier = self.serial;
        memo.version = version;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Claim,
        jws::{protected_header, seal},
        keys::Key,
        random::SystemRandom,
        revocation::Fingerprint,
        time::Span,
    };

    const NOW: UnixMs = UnixMs::new(1_700_000_000_000);
    const GOOD: &str = r#"{"sub":"alice","exp":1700000060}"#;

    fn key(algorithm: Algorithm, kid: Option<&str>) -> Key {
        Key::generate(algorithm, kid, &SystemRandom::new()).unwrap()
    }

    fn token(key: &Key, payload: &str) -> String {
        let mut out = String::new();
        let header = protected_header(key.algorithm(), Some("JWT"), key.kid());
        seal(&header, payload.as_bytes(), key, &mut out).unwrap();
        out
    }

    fn token_with_header(key: &Key, header: &str, payload: &[u8]) -> String {
        let mut out = String::new();
        seal(&base64url::encode(header.as_bytes()), payload, key, &mut out).unwrap();
        out
    }

    fn live(keys: impl Into<Box<[Key]>>) -> Arc<LiveKeys> {
        Arc::new(KeySet::new(keys).unwrap().into())
    }

    fn verifier(keys: &[&Key], policy: Policy) -> Verifier {
        let keys: Vec<Key> = keys.iter().map(|key| (*key).clone()).collect();
        Verifier::new(live(keys), vec![], policy).unwrap()
    }

    fn outcome(verifier: &Verifier, token: &str) -> Result<String, (Code, Option<Claim>)> {
        verifier
            .verify(token.as_bytes(), NOW, None, &mut Scratch::default())
            .map(|verified| verified.payload.to_owned())
            .map_err(|error| (error.code(), error.claim()))
    }

    fn with_claims(policy: Policy, payload: &str) -> Result<String, (Code, Option<Claim>)> {
        let key = key(Algorithm::Hs256, None);
        outcome(&verifier(&[&key], policy), &token(&key, payload))
    }

    #[test]
    fn a_good_token_gives_its_payload_back_to_the_letter() {
        for algorithm in Algorithm::ALL {
            let key = key(*algorithm, Some("k"));
            assert_eq!(
                outcome(&verifier(&[&key], Policy::default()), &token(&key, GOOD)).unwrap(),
                GOOD
            );
        }
    }

    #[test]
    fn no_single_character_can_be_changed() {
        for algorithm in Algorithm::ALL {
            let key = key(*algorithm, Some("k"));
            let verifier = verifier(&[&key], Policy::default());
            let token = token(&key, GOOD);
            for index in 0..token.len() {
                for replacement in ["A", "_", ".", "=", " ", "", "AA"] {
                    let tampered = format!("{}{replacement}{}", &token[..index], &token[index + 1..]);
                    if tampered != token {
                        assert!(outcome(&verifier, &tampered).is_err(), "{tampered}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_remembered_header_never_speaks_for_another_one() {
        let (one, other) = (key(Algorithm::Hs256, Some("a")), key(Algorithm::Hs256, Some("b")));
        let both = verifier(&[&one, &other], Policy::default());
        let only = verifier(&[&one], Policy::default());
        let mut scratch = Scratch::default();
        let mut run = |verifier: &Verifier, token: &str| {
            verifier
                .verify(token.as_bytes(), NOW, None, &mut scratch)
                .map(|_| ())
                .map_err(Error::code)
        };
        assert_eq!(run(&both, &token(&one, GOOD)), Ok(()));
        assert_eq!(run(&both, &token(&other, GOOD)), Ok(()));
        assert_eq!(run(&only, &token(&other, GOOD)), Err(Code::KeyUnknown));
        assert_eq!(run(&only, &token(&one, GOOD)), Ok(()));
        assert_eq!(run(&only, "e30.e30.e30"), Err(Code::TokenMalformed));
        assert_eq!(run(&only, &token(&one, GOOD)), Ok(()));
    }

    #[test]
    fn a_key_answers_for_its_own_algorithm_only() {
        let (secret, pair) = (key(Algorithm::Hs256, None), key(Algorithm::EdDsa, None));
        let forged = token_with_header(&secret, r#"{"alg":"EdDSA"}"#, GOOD.as_bytes());
        assert_eq!(
            outcome(&verifier(&[&secret], Policy::default()), &forged)
                .unwrap_err()
                .0,
            Code::AlgorithmNotAllowed
        );
        assert_eq!(
            outcome(&verifier(&[&pair], Policy::default()), &forged).unwrap_err().0,
            Code::SignatureInvalid
        );
        let narrowed = Verifier::new(
            live([secret.clone(), key(Algorithm::EdDsa, None)]),
            vec![Algorithm::EdDsa],
            Policy::default(),
        )
        .unwrap();
        assert_eq!(
            outcome(&narrowed, &token(&secret, GOOD)).unwrap_err().0,
            Code::AlgorithmNotAllowed
        );
        let unfit = Verifier::new(live([secret]), vec![Algorithm::EdDsa], Policy::default());
        assert_eq!(unfit.unwrap_err().code(), Code::OptionInvalid);
    }

    #[test]
    fn size_is_judged_before_anything_else() {
        let policy = || Policy {
            max_token_bytes: 10,
            ..Policy::default()
        };
        let verifier = verifier(&[&key(Algorithm::Hs256, None)], policy());
        assert_eq!(outcome(&verifier, &".".repeat(11)).unwrap_err().0, Code::TokenTooLarge);
        assert_eq!(outcome(&verifier, &".".repeat(10)).unwrap_err().0, Code::TokenMalformed);
    }

    #[test]
    fn times_are_judged_to_the_millisecond_and_with_no_tolerance_unless_asked() {
        for (payload, expected) in [
            (r#"{"exp":1700000000}"#, Some(Code::TokenExpired)),
            (r#"{"exp":1699999970}"#, Some(Code::TokenExpired)),
            (r#"{"exp":1700000000.001}"#, None),
            (r#"{"exp":1700000001,"nbf":1700000000}"#, None),
            (r#"{"exp":1700000002,"nbf":1700000000.001}"#, Some(Code::TokenNotActive)),
            (r#"{"exp":1700000001,"iat":1700000099}"#, None),
        ] {
            assert_eq!(
                with_claims(Policy::default(), payload).err().map(|e| e.0),
                expected,
                "{payload}"
            );
        }
        let tolerant = || Policy {
            tolerance: Span::from_secs(5),
            ..Policy::default()
        };
        assert!(with_claims(tolerant(), r#"{"exp":1699999996,"nbf":1700000005}"#).is_ok());
        assert!(with_claims(tolerant(), r#"{"exp":1699999995}"#).is_err());
    }

    #[test]
    fn an_age_is_asked_for_of_the_time_of_issue() {
        let aged = || Policy {
            max_age: Some(Span::from_secs(10)),
            ..Policy::default()
        };
        for (iat, expected) in [
            ("1699999991", None),
            ("1699999990", Some((Code::TokenTooOld, None))),
            ("1700000001", Some((Code::ClaimInvalid, Some(Claim::Iat)))),
        ] {
            let payload = format!(r#"{{"exp":1700000060,"iat":{iat}}}"#);
            assert_eq!(with_claims(aged(), &payload).err(), expected, "{iat}");
        }
        assert_eq!(
            with_claims(aged(), GOOD).err(),
            Some((Code::ClaimMissing, Some(Claim::Iat)))
        );
    }

    #[test]
    fn where_tokens_can_be_revoked_none_may_live_for_ever() {
        let bounded = || Policy {
            require_exp: false,
            max_life: Some(Span::from_secs(100)),
            ..Policy::default()
        };
        let claims = |iat: u64, exp: u64| format!(r#"{{"iat":{iat},"exp":{exp}}}"#);
        assert!(with_claims(bounded(), &claims(1_700_000_000, 1_700_000_100)).is_ok());
        assert!(with_claims(bounded(), &claims(1_699_999_950, 1_700_000_050)).is_ok());
        let tolerant = Policy {
            tolerance: Span::from_secs(61),
            ..bounded()
        };
        let refused = Verifier::new(live([key(Algorithm::Hs256, None)]), vec![], tolerant);
        assert_eq!(refused.unwrap_err().code(), Code::OptionInvalid);
        for (payload, code, claim) in [
            (claims(1_700_000_000, 1_700_000_101), Code::ClaimInvalid, Claim::Exp),
            (claims(1_699_000_000, 1_700_000_001), Code::ClaimInvalid, Claim::Exp),
            (claims(1_700_000_001, 1_700_000_100), Code::ClaimInvalid, Claim::Iat),
            (r#"{"exp":1700000001}"#.to_owned(), Code::ClaimMissing, Claim::Iat),
            ("{}".to_owned(), Code::ClaimMissing, Claim::Exp),
        ] {
            assert_eq!(with_claims(bounded(), &payload), Err((code, Some(claim))), "{payload}");
        }
    }

    #[test]
    fn names_are_compared_exactly_and_by_type() {
        let policy = || Policy {
            issuers: vec!["good".into(), "better".into()],
            audiences: vec!["api".into()],
            subject: Some("alice".into()),
            ..Policy::default()
        };
        let claims =
            |iss: &str, aud: &str, sub: &str| format!(r#"{{"exp":1700000060,"iss":{iss},"aud":{aud},"sub":{sub}}}"#);
        assert!(with_claims(policy(), &claims(r#""good""#, r#""api""#, r#""alice""#)).is_ok());
        assert!(with_claims(policy(), &claims(r#""better""#, r#"["x","api"]"#, r#""alice""#)).is_ok());
        for (payload, claim) in [
            (claims(r#""goo""#, r#""api""#, r#""alice""#), Claim::Iss),
            (claims(r#"["good","evil"]"#, r#""api""#, r#""alice""#), Claim::Iss),
            (claims(r#""good""#, r#""apis""#, r#""alice""#), Claim::Aud),
            (claims(r#""good""#, r"[]", r#""alice""#), Claim::Aud),
            (claims(r#""good""#, r#""api""#, r#""Alice""#), Claim::Sub),
        ] {
            assert_eq!(
                with_claims(policy(), &payload),
                Err((Code::ClaimInvalid, Some(claim))),
                "{payload}"
            );
        }
        for (missing, claim) in [("iss", Claim::Iss), ("aud", Claim::Aud), ("sub", Claim::Sub)] {
            let payload = claims(r#""good""#, r#""api""#, r#""alice""#).replace(&format!("\"{missing}\""), "\"other\"");
            assert_eq!(
                with_claims(policy(), &payload),
                Err((Code::ClaimMissing, Some(claim))),
                "{payload}"
            );
        }
    }

    #[test]
    fn an_audience_nobody_asked_for_is_refused() {
        let payload = r#"{"exp":1700000060,"aud":"somebody else"}"#;
        assert_eq!(
            with_claims(Policy::default(), payload),
            Err((Code::ClaimInvalid, Some(Claim::Aud)))
        );
    }

    #[test]
    fn an_expiry_is_required_unless_the_policy_says_otherwise() {
        assert_eq!(
            with_claims(Policy::default(), "{}"),
            Err((Code::ClaimMissing, Some(Claim::Exp)))
        );
        let lax = Policy {
            require_exp: false,
            ..Policy::default()
        };
        assert!(with_claims(lax, "{}").is_ok());
        let more = Policy {
            required: vec!["x".into(), "y".into()],
            ..Policy::default()
        };
        let payload = r#"{"exp":1700000060,"x":0}"#;
        assert_eq!(
            with_claims(more, payload),
            Err((Code::ClaimMissing, Some(Claim::Required(1))))
        );
    }

    #[test]
    fn a_type_is_asked_for_as_a_media_type() {
        let key = key(Algorithm::Hs256, None);
        let verifier = verifier(&[&key], Policy::default().with_typ("at+jwt"));
        for (typ, expected) in [
            (r#","typ":"at+jwt""#, None),
            (r#","typ":"application/AT+JWT""#, None),
            (r#","typ":"JWT""#, Some(Code::TokenType)),
            ("", Some(Code::TokenType)),
        ] {
            let token = token_with_header(&key, &format!(r#"{{"alg":"HS256"{typ}}}"#), GOOD.as_bytes());
            assert_eq!(outcome(&verifier, &token).err().map(|e| e.0), expected, "{typ}");
        }
    }

    #[test]
    fn a_payload_that_is_no_clean_json_object_is_malformed_though_signed() {
        let key = key(Algorithm::Hs256, None);
        let verifier = verifier(&[&key], Policy::default());
        for payload in [
            &b"[]"[..],
            b"\"text\"",
            b"null",
            b"",
            b"{} x",
            b"\xef\xbb\xbf{\"exp\":1700000060}",
            b"{\"exp\":1700000060,\"a\":\"\xff\"}",
            br#"{"exp":1,"exp":1700000060}"#,
            br#"{"exp":1700000060,"__proto__":{}}"#,
            br#"{"exp":1700000060,"a":"\ud800"}"#,
        ] {
            let token = token_with_header(&key, r#"{"alg":"HS256"}"#, payload);
            assert_eq!(
                outcome(&verifier, &token).unwrap_err().0,
                Code::TokenMalformed,
                "{payload:?}"
            );
        }
    }

    #[test]
    fn a_revoked_token_is_refused_by_what_it_says_not_by_its_text() {
        struct OnlyBob;
        impl RevocationCheck for OnlyBob {
            fn check(&self, token: &Identity<'_>, _: UnixMs) -> Result<(), Error> {
                let bob = token.sub.is_some_and(|sub| sub == *"bob");
                assert_eq!(token.issued, Some(1_699_999_999));
                assert_eq!(token.kid, Some("k"));
                if bob { Err(Code::TokenRevoked.into()) } else { Ok(()) }
            }

            fn fingerprint(&self, _: &Identity<'_>) -> Fingerprint {
                panic!("nothing is remembered without a cache")
            }

            fn check_again(&self, _: &Fingerprint, _: UnixMs) -> Result<(), Error> {
                panic!("nothing is remembered without a cache")
            }
        }
        let key = key(Algorithm::Hs256, Some("k"));
        let verifier = verifier(&[&key], Policy::default());
        for (sub, expected) in [
            ("bob", Some(Code::TokenRevoked)),
            ("b\\u006fb", Some(Code::TokenRevoked)),
            ("eve", None),
        ] {
            let token = token(
                &key,
                &format!(r#"{{"exp":1700000060,"iat":1699999999.5,"sub":"{sub}"}}"#),
            );
            let mut scratch = Scratch::default();
            let result = verifier.verify(token.as_bytes(), NOW, Some(&OnlyBob), &mut scratch);
            assert_eq!(result.err().map(Error::code), expected, "{sub}");
        }
    }
}
