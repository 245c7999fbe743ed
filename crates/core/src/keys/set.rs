//! The keys that a verifier may choose from.

use super::Key;
use crate::{
    crypto::Algorithm,
    error::{Code, Error},
};

/// How many keys a set takes. A token without a `kid` is tried against each key of its algorithm, so the bound is also the
/// most signatures that one bad token can cost.
pub const MAX_KEYS: usize = 32;

/// A list of keys, each `kid` at most once; empty only as long as it has not been loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySet {
    keys: Box<[Key]>,
}

/// Which keys of a set may have signed a token.
pub type Candidates = Vec<Key>;

impl KeySet {
    /// A set of 1 to [`MAX_KEYS`] keys.
    pub fn new(keys: impl Into<Box<[Key]>>) -> Result<Self, Error> {
        let keys = keys.into();
        if keys.is_empty() {
            return Err(Error::because(Code::KeyInvalid, "at least one key is needed"));
        }
        if keys.len() > MAX_KEYS {
            return Err(Error::because(Code::KeyInvalid, "at most 32 keys are taken"));
        }
        let mut kids: Vec<_> = keys.iter().filter_map(Key::kid).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Error::because(Code::KeyInvalid, "two keys have the same kid"));
        }
        Ok(Self { keys })
    }

    /// Keys that have not been loaded yet: every token is [`Code::NotReady`].
    pub(super) fn unloaded() -> Self {
        Self { keys: Box::default() }
    }

    /// A set whose keys are all secrets or all public keys of signers: who may read the one kind must not see the other.
    pub fn of_one_kind(keys: impl Into<Box<[Key]>>) -> Result<Self, Error> {
        let set = Self::new(keys)?;
        let symmetric = |key: &&Key| key.algorithm().is_symmetric();
        let secrets = set.keys.iter().filter(symmetric).count();
        if secrets != 0 && secrets != set.keys.len() {
            return Err(Error::because(
                Code::KeyInvalid,
                "HMAC secrets and asymmetric keys do not go into one set",
            ));
        }
        Ok(set)
    }

    /// The first key that can sign.
    pub fn signing_key(&self) -> Result<Key, Error> {
        let reason = match self.keys.len() {
            1 => "a public key cannot sign",
            _ => "none of the keys can sign",
        };
        let found = self.keys.iter().find(|key| key.can_sign());
        found.cloned().ok_or(Error::because(Code::KeyInvalid, reason))
    }

    /// Its keys, in the order given.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys that may have signed a token whose header says `algorithm` and `kid`; never an empty list.
    ///
    /// A key whose `kid` the header names is the only candidate, and must have the header's algorithm (RFC 8725, section
    /// 3.1). Otherwise every key of that algorithm is one whose name does not contradict the header.
    pub fn candidates(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<Candidates, Error> {
        if self.keys.is_empty() {
            return Err(Code::NotReady.into());
        }
        if let Some(named) = kid.and_then(|kid| self.keys.iter().find(|key| key.kid() == Some(kid))) {
            return if named.algorithm() == algorithm {
                Ok(vec![named.clone()])
            } else {
                Err(Code::AlgorithmNotAllowed.into())
            };
        }
        let fitting: Candidates = self
            .keys
            .iter()
            .filter(|key| key.algorithm() == algorithm && (kid.is_none() || key.kid().is_none()))
            .cloned()
            .collect();
        if !fitting.is_empty() {
            return Ok(fitting);
        }
        let known = self.keys.iter().any(|key| key.algorithm() == algorithm);
        Err(if known {
            Code::KeyUnknown
        } else {
            Code::AlgorithmNotAllowed
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn key(algorithm: Algorithm, kid: Option<&str>) -> Key {
        Key::generate(algorithm, kid, &SystemRandom::new()).unwrap()
    }

    fn kids(candidates: Result<Candidates, Error>) -> Vec<Option<String>> {
        candidates
            .unwrap()
            .iter()
            .map(|key| key.kid().map(str::to_owned))
            .collect()
    }

    #[test]
    fn the_named_key_is_the_only_candidate() {
        let set = KeySet::new([key(Algorithm::EdDsa, Some("a")), key(Algorithm::EdDsa, Some("b"))]).unwrap();
        assert_eq!(
            kids(set.candidates(Algorithm::EdDsa, Some("b"))),
            [Some("b".to_owned())]
        );
        let other = set.candidates(Algorithm::Hs256, Some("b")).unwrap_err();
        assert_eq!(other.code(), Code::AlgorithmNotAllowed);
    }

    #[test]
    fn an_unknown_name_falls_back_to_no_named_key() {
        let set = KeySet::new([key(Algorithm::EdDsa, Some("a"))]).unwrap();
        for kid in ["b", "A", "a ", "../a", "__proto__"] {
            let error = set.candidates(Algorithm::EdDsa, Some(kid)).unwrap_err();
            assert_eq!(error.code(), Code::KeyUnknown, "{kid}");
        }
        let unnamed = KeySet::new([key(Algorithm::EdDsa, None)]).unwrap();
        assert_eq!(kids(unnamed.candidates(Algorithm::EdDsa, Some("b"))), [None]);
    }

    #[test]
    fn a_token_without_a_name_is_tried_against_each_key_of_its_algorithm() {
        let set = KeySet::new([
            key(Algorithm::Hs256, Some("old")),
            key(Algorithm::EdDsa, None),
            key(Algorithm::Hs256, Some("new")),
        ])
        .unwrap();
        assert_eq!(kids(set.candidates(Algorithm::Hs256, None)).len(), 2);
    }

    #[test]
    fn a_set_is_bounded_and_its_names_are_unique() {
        assert!(KeySet::new([]).is_err());
        let many: Vec<Key> = (0..=MAX_KEYS).map(|_| key(Algorithm::Hs256, None)).collect();
        assert_eq!(KeySet::new(many).unwrap_err().code(), Code::KeyInvalid);
        let twice = KeySet::new([key(Algorithm::Hs256, Some("a")), key(Algorithm::EdDsa, Some("a"))]);
        assert_eq!(twice.unwrap_err().code(), Code::KeyInvalid);
    }
}
