//! JWK Sets (RFC 7517, section 5): the keys of others, to verify with.

use std::collections::{HashMap, HashSet};

use super::{Key, KeySet};
use crate::{
    crypto::{Algorithm, Family},
    encoding::json::{Value, elements_of, scan_object},
    error::{Code, Error},
};

/// How many members a set may have, usable or not: each may cost a check of a point or of a modulus, and no provider has so
/// many.
const MAX_MEMBERS: usize = 128;

/// What came of a JWK Set that somebody else wrote.
#[derive(Debug)]
pub struct Loaded {
    /// The keys that can be used.
    pub set: KeySet,
    /// How many cannot: of another use or type, too weak, secret, damaged, or two of one name.
    pub skipped: usize,
}

impl Key {
    /// A key that only verifies, from a JWK of a set. Its algorithm is its `alg`; without one, the first of `algorithms`
    /// that fits its type and curve, or, if that is empty, the usual one. A private key is refused.
    ///
    /// With `algorithms`, an `alg` that is not among them is refused.
    pub fn from_set_member(json: &str, algorithms: &[Algorithm]) -> Result<Self, Error> {
        let key = Self::from_jwk(algorithm_of(json, algorithms)?, json, None)?;
        if key.can_sign() && !key.algorithm().is_symmetric() {
            return Err(refused("a private key is no member of a key set; give its public half"));
        }
        Ok(key)
    }
}

impl KeySet {
    /// The usable public keys of a JWK Set's text, which is read strictly: a text that two readers could understand
    /// differently is refused as a whole. A key that cannot be used is passed over, because the set is somebody else's; so
    /// are two different keys of one `kid`, of which nobody could say which is meant.
    ///
    /// Keys that `before` holds as well are taken over from there. [`Code::KeySetUnavailable`] if no key is usable, or more
    /// than `most`.
    pub fn from_jwks(json: &str, algorithms: &[Algorithm], most: usize, before: &Self) -> Result<Loaded, Error> {
        let members = members(json)?;
        let total = members.len();
        if total > MAX_MEMBERS {
            return Err(unavailable("the answer has more than 128 members"));
        }
        let mut seen = HashSet::new();
        let mut keys: Vec<Key> = members
            .iter()
            .filter_map(|member| public_key(member, algorithms))
            .collect();
        keys.retain(|key| seen.insert(public_text(key)));
        let mut names: HashMap<String, usize> = HashMap::new();
        for kid in keys.iter().filter_map(Key::kid) {
            *names.entry(kid.to_owned()).or_default() += 1;
        }
        keys.retain(|key| key.kid().is_none_or(|kid| names.get(kid) == Some(&1)));
        if keys.is_empty() {
            return Err(unavailable("the answer has no usable key"));
        }
        if keys.len() > most {
            return Err(unavailable("the answer has more keys than maxKeys"));
        }
        let known: HashMap<String, &Key> = before.keys().iter().map(|key| (public_text(key), key)).collect();
        for key in &mut keys {
            if let Some(known) = known.get(&public_text(key)) {
                *key = (*known).clone();
            }
        }
        let skipped = total - keys.len();
        Ok(Loaded {
            set: Self::new(keys)?,
            skipped,
        })
    }
}

/// The texts of the members of `keys`.
fn members(json: &str) -> Result<Vec<&str>, Error> {
    let mut found = None;
    scan_object(json, |name, value| {
        if name == *"keys" {
            found = Some(value);
        }
    })
    .map_err(|_| unavailable("the answer is not strict JSON"))?;
    let Some(Value::Array(array)) = found else {
        return Err(unavailable("the answer is not a JWK Set"));
    };
    let elements = elements_of(array).ok_or(unavailable("the answer is not a JWK Set"))?;
    // What is no object is a key of no known type.
    Ok(elements
        .into_iter()
        .map(|element| match element {
            Value::Object(text) => text,
            _ => "{}",
        })
        .collect())
}

fn public_key(json: &str, algorithms: &[Algorithm]) -> Option<Key> {
    let key = Key::from_set_member(json, algorithms).ok()?;
    // A secret that was published is none.
    (!key.algorithm().is_symmetric()).then_some(key)
}

/// What tells one public key from another: its JWK, which holds `kid` and `alg` as well.
fn public_text(key: &Key) -> String {
    let jwk = key.public_jwk().ok();
    jwk.and_then(|jwk| serde_json::to_string(&jwk).ok()).unwrap_or_default()
}

fn algorithm_of(json: &str, algorithms: &[Algorithm]) -> Result<Algorithm, Error> {
    let [mut alg, mut crv, mut kty] = [const { None }; 3];
    scan_object(json, |name, value| {
        let member = match name.decode().as_ref() {
            "alg" => &mut alg,
            "crv" => &mut crv,
            "kty" => &mut kty,
            _ => return,
        };
        *member = Some(match value {
            Value::String(text) => text.decode().into_owned(),
            _ => String::new(),
        });
    })
    .map_err(|_| refused("not a JWK (RFC 7517)"))?;
    let (kty, crv) = (kty.unwrap_or_default(), crv.unwrap_or_default());
    if let Some(alg) = alg {
        let named = Algorithm::from_name(&alg).ok_or(refused("the JWK's alg is no signature algorithm"))?;
        if !algorithms.is_empty() && !algorithms.contains(&named) {
            return Err(refused("the JWK's alg is not among algorithms"));
        }
        return Ok(named);
    }
    let meant = if algorithms.is_empty() { USUAL } else { algorithms };
    let fitting = meant.iter().copied().find(|algorithm| fits(*algorithm, &kty, &crv));
    fitting.ok_or(refused(match (kty.as_str(), algorithms) {
        ("oct", []) => "a secret without alg needs its algorithm in algorithms",
        (_, []) => "the JWK's kty and crv belong to no signature algorithm",
        _ => "the JWK has no alg, and none of algorithms fits it",
    }))
}

/// What is meant by a key that does not say, by its type and curve.
const USUAL: &[Algorithm] = &[
    Algorithm::EdDsa,
    Algorithm::Es256,
    Algorithm::Es384,
    Algorithm::Es512,
    Algorithm::Rs256,
];

/// Whether keys of this type and curve are used with the algorithm (RFC 7518, section 3.1; RFC 8037).
fn fits(algorithm: Algorithm, kty: &str, crv: &str) -> bool {
    match algorithm.family() {
        Family::Ecdsa => kty == "EC" && crv == curve(algorithm),
        Family::EdDsa => kty == "OKP" && crv == "Ed25519",
        Family::Hmac => kty == "oct",
        Family::Rsa => kty == "RSA",
    }
}

const fn curve(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "P-256",
        Algorithm::Es384 => "P-384",
        _ => "P-521",
    }
}

const fn refused(reason: &'static str) -> Error {
    Error::because(Code::KeyInvalid, reason)
}

const fn unavailable(reason: &'static str) -> Error {
    Error::because(Code::KeySetUnavailable, reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{encoding::base64url, random::SystemRandom};

    fn public(kid: Option<&str>, extra: &str) -> String {
        let key = Key::generate(Algorithm::EdDsa, kid, &SystemRandom::new()).unwrap();
        let json = serde_json::to_string(&key.public_jwk().unwrap()).unwrap();
        json.replacen('{', &format!("{{{extra}"), 1)
    }

    fn without_alg(jwk: &str) -> String {
        jwk.replace(r#""alg":"EdDSA","#, "")
    }

    fn load(members: &[&str]) -> Result<Loaded, Error> {
        let json = format!(r#"{{"keys":[{}]}}"#, members.join(","));
        KeySet::from_jwks(&json, &[], 4, &KeySet::unloaded())
    }

    fn reason(json: &str, algorithms: &[Algorithm]) -> &'static str {
        Key::from_set_member(json, algorithms)
            .expect_err(json)
            .reason()
            .unwrap_or_default()
    }

    #[test]
    fn a_key_has_the_algorithm_it_names_or_the_usual_one() {
        let jwk = public(Some("a"), "");
        for json in [jwk.clone(), without_alg(&jwk)] {
            let key = Key::from_set_member(&json, &[]).unwrap();
            assert_eq!((key.algorithm(), key.kid()), (Algorithm::EdDsa, Some("a")));
            assert!(Key::from_set_member(&json, &[Algorithm::Hs256]).is_err());
            assert!(Key::from_set_member(&json, &[Algorithm::Hs256, Algorithm::EdDsa]).is_ok());
        }
        assert_eq!(
            reason(&jwk, &[Algorithm::Hs256]),
            "the JWK's alg is not among algorithms"
        );
    }

    #[test]
    fn every_asymmetric_key_is_usable_without_its_alg() {
        use Algorithm::{Es256, Es384, Es512, Rs256};
        for algorithm in [Es256, Es384, Es512, Rs256] {
            let key = Key::generate(algorithm, Some("a"), &SystemRandom::new()).unwrap();
            let mut jwk = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
            jwk.as_object_mut().unwrap().remove("alg");
            let json = jwk.to_string();
            assert_eq!(Key::from_set_member(&json, &[]).unwrap().algorithm(), algorithm);
            assert!(reason(&json, &[Algorithm::EdDsa]).contains("none of algorithms"));
        }
    }

    #[test]
    fn an_rsa_key_serves_the_first_padding_that_is_meant() {
        let key = Key::generate(Algorithm::Ps256, None, &SystemRandom::new()).unwrap();
        let mut jwk = serde_json::to_value(key.public_jwk().unwrap()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg");
        let meant = [Algorithm::Es256, Algorithm::Ps384, Algorithm::Rs256];
        let taken = Key::from_set_member(&jwk.to_string(), &meant).unwrap();
        assert_eq!(taken.algorithm(), Algorithm::Ps384);
    }

    #[test]
    fn a_secret_must_say_what_it_is_for() {
        let k = base64url::encode(&[7; 32]);
        let jwk = format!(r#"{{"kty":"oct","k":"{k}"}}"#);
        assert!(reason(&jwk, &[]).starts_with("a secret without alg"));
        assert!(Key::from_set_member(&jwk, &[Algorithm::Hs256]).is_ok());
        let named = format!(r#"{{"kty":"oct","alg":"HS256","k":"{k}"}}"#);
        assert!(Key::from_set_member(&named, &[]).is_ok());
    }

    #[test]
    fn what_is_for_something_else_is_refused_with_the_reason() {
        let jwk = public(None, r#""key_ops":["encrypt"],"#);
        assert_eq!(reason(&jwk, &[]), "the JWK's key_ops do not allow this use");
        let jwk = public(None, "").replace(r#""use":"sig""#, r#""use":"enc""#);
        assert_eq!(reason(&jwk, &[]), "the JWK's use is not sig");
        for (json, expected) in [
            (r#"{"kty":"RSA","alg":"A128GCM"}"#, "no signature algorithm"),
            (r#"{"kty":"RSA","alg":7}"#, "no signature algorithm"),
            (r#"{"kty":"EC","crv":"secp256k1"}"#, "no signature algorithm"),
            (r#"{"kty":"OKP","crv":"Ed25519","kty":"oct"}"#, "not a JWK"),
            ("{}", "no signature algorithm"),
        ] {
            assert!(reason(json, &[]).contains(expected), "{json}");
        }
        let private = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert!(reason(private, &[]).starts_with("a private key"));
    }

    #[test]
    fn of_a_fetched_set_what_can_be_used_is_used() {
        let good = public(Some("a"), "");
        let enc = public(Some("e"), "").replace(r#""use":"sig""#, r#""use":"enc""#);
        let secret = format!(r#"{{"kty":"oct","alg":"HS256","k":"{}"}}"#, base64url::encode(&[7; 32]));
        let loaded = load(&[&enc, &good, &secret, r#"{"kty":"AKP"}"#, "7", &good]).unwrap();
        assert_eq!((loaded.set.keys().len(), loaded.skipped), (1, 5));
        for members in [vec![], vec![enc.as_str()], vec![secret.as_str()]] {
            assert_eq!(load(&members).unwrap_err().code(), Code::KeySetUnavailable);
        }
    }

    #[test]
    fn two_keys_of_one_name_speak_for_nobody() {
        let (a, again, b) = (public(Some("a"), ""), public(Some("a"), ""), public(Some("b"), ""));
        let loaded = load(&[&a, &again, &b]).unwrap();
        assert_eq!(loaded.set.keys().iter().map(Key::kid).collect::<Vec<_>>(), [Some("b")]);
        assert_eq!(loaded.skipped, 2);
    }

    #[test]
    fn a_set_is_bounded_and_strict() {
        let many: Vec<String> = (0..5).map(|n| public(Some(&n.to_string()), "")).collect();
        let texts: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(load(&texts[..4]).unwrap().set.keys().len(), 4);
        assert_eq!(
            load(&texts).unwrap_err().reason(),
            Some("the answer has more keys than maxKeys")
        );
        let twice = format!(r#"{{"keys":[],"keys":[{}]}}"#, many[0]);
        for json in [
            "",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":null}"#,
            twice.as_str(),
            "<html>",
        ] {
            let error = KeySet::from_jwks(json, &[], 4, &KeySet::unloaded()).expect_err(json);
            assert_eq!(error.code(), Code::KeySetUnavailable);
        }
    }

    #[test]
    fn a_key_that_is_known_stays_the_same_handle() {
        let (a, b) = (public(Some("a"), ""), public(Some("b"), ""));
        let first = load(&[&a, &b]).unwrap().set;
        let json = format!(r#"{{"keys":[{a},{b}]}}"#);
        assert_eq!(KeySet::from_jwks(&json, &[], 4, &first).unwrap().set, first);
        let json = format!(r#"{{"keys":[{a}]}}"#);
        let fewer = KeySet::from_jwks(&json, &[], 4, &first).unwrap().set;
        assert_eq!(fewer.keys(), &first.keys()[..1]);
    }

    #[test]
    fn a_set_of_very_many_members_is_refused_before_any_is_looked_at() {
        let member = r#"{"kty":"none"}"#;
        for (count, reason) in [
            (128, "the answer has no usable key"),
            (129, "the answer has more than 128 members"),
        ] {
            let json = format!("{{\"keys\":[{}]}}", vec![member; count].join(","));
            let refused = KeySet::from_jwks(&json, &[], 32, &KeySet::unloaded()).unwrap_err();
            assert_eq!(
                (refused.code(), refused.reason()),
                (Code::KeySetUnavailable, Some(reason))
            );
        }
    }
}
