//! The keys that a recipient may choose from.

use super::EncryptionKey;
use crate::{
    crypto::{ContentEncryption, KeyManagement},
    error::{Code, Error},
    keys::MAX_KEYS,
};

/// A non-empty list of keys that decrypt, each `kid` at most once.
#[derive(Clone, Debug)]
pub struct EncryptionKeySet {
    keys: Box<[EncryptionKey]>,
}

impl EncryptionKeySet {
    /// A set of 1 to [`MAX_KEYS`] keys: the most attempts that one token without a `kid` can cost.
    pub fn new(keys: impl Into<Box<[EncryptionKey]>>) -> Result<Self, Error> {
        let keys = keys.into();
        if keys.is_empty() {
            return Err(Error::because(Code::KeyInvalid, "at least one key is needed"));
        }
        if keys.len() > MAX_KEYS {
            return Err(Error::because(Code::KeyInvalid, "at most 32 keys are taken"));
        }
        if !keys.iter().all(EncryptionKey::can_decrypt) {
            return Err(Error::because(
                Code::KeyInvalid,
                "a public key cannot decrypt, nor one whose key_ops leave it out",
            ));
        }
        let mut kids: Vec<_> = keys.iter().filter_map(EncryptionKey::kid).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(Error::because(Code::KeyInvalid, "two keys have the same kid"));
        }
        Ok(Self { keys })
    }

    /// Its keys, in the order given.
    pub fn keys(&self) -> &[EncryptionKey] {
        &self.keys
    }

    /// The keys for which a token may be that says `algorithm`, `encryption` and `kid`; never an empty list.
    ///
    /// A key whose `kid` the header names is the only candidate. Otherwise every key of that algorithm is one whose name does not
    /// contradict the header.
    pub fn candidates(
        &self,
        algorithm: KeyManagement,
        encryption: ContentEncryption,
        kid: Option<&str>,
    ) -> Result<Vec<&EncryptionKey>, Error> {
        let fits =
            |key: &EncryptionKey| key.algorithm() == algorithm && key.encryption().is_none_or(|own| own == encryption);
        if let Some(named) = kid.and_then(|kid| self.keys.iter().find(|key| key.kid() == Some(kid))) {
            return if fits(named) {
                Ok(vec![named])
            } else {
                Err(Code::AlgorithmNotAllowed.into())
            };
        }
        let fitting: Vec<_> = self.keys.iter().filter(|key| fits(key)).collect();
        if fitting.is_empty() {
            return Err(Code::AlgorithmNotAllowed.into());
        }
        let candidates: Vec<_> = fitting
            .into_iter()
            .filter(|key| kid.is_none() || key.kid().is_none())
            .collect();
        if candidates.is_empty() {
            return Err(Code::KeyUnknown.into());
        }
        Ok(candidates)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Shape, *};
    use crate::random::SystemRandom;

    fn key(algorithm: KeyManagement, kid: Option<&str>) -> EncryptionKey {
        EncryptionKey::generate(algorithm, Shape::quick(), kid, &SystemRandom::new()).unwrap()
    }

    #[test]
    fn the_named_key_is_the_only_candidate_and_must_fit() {
        let set = EncryptionKeySet::new([
            key(KeyManagement::A128Kw, Some("a")),
            key(KeyManagement::A128Kw, Some("b")),
            key(KeyManagement::Dir, Some("d")),
        ])
        .unwrap();
        let code = |alg, enc, kid| {
            set.candidates(alg, enc, kid)
                .map(|found| found.len())
                .map_err(Error::code)
        };
        let gcm = ContentEncryption::A256Gcm;
        assert_eq!(code(KeyManagement::A128Kw, gcm, Some("b")), Ok(1));
        assert_eq!(code(KeyManagement::A128Kw, gcm, None), Ok(2));
        assert_eq!(code(KeyManagement::A128Kw, gcm, Some("c")), Err(Code::KeyUnknown));
        assert_eq!(
            code(KeyManagement::A256Kw, gcm, Some("a")),
            Err(Code::AlgorithmNotAllowed)
        );
        assert_eq!(code(KeyManagement::A256Kw, gcm, None), Err(Code::AlgorithmNotAllowed));
        assert_eq!(code(KeyManagement::Dir, gcm, Some("d")), Ok(1));
        let other = ContentEncryption::A128Gcm;
        assert_eq!(
            code(KeyManagement::Dir, other, Some("d")),
            Err(Code::AlgorithmNotAllowed)
        );
        assert_eq!(code(KeyManagement::Dir, other, None), Err(Code::AlgorithmNotAllowed));
    }

    #[test]
    fn a_set_is_bounded_and_its_names_are_unique() {
        assert!(EncryptionKeySet::new([]).is_err());
        let many: Vec<_> = (0..=MAX_KEYS).map(|_| key(KeyManagement::A128Kw, None)).collect();
        assert!(EncryptionKeySet::new(many).is_err());
        let twice = [
            key(KeyManagement::A128Kw, Some("a")),
            key(KeyManagement::Dir, Some("a")),
        ];
        assert_eq!(EncryptionKeySet::new(twice).unwrap_err().code(), Code::KeyInvalid);
    }
}
