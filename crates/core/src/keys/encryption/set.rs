//! The keys that a recipient may choose from.

use super::EncryptionKey;
use crate::{
    crypto::{ContentEncryption, KeyFamily, KeyManagement},
    error::{Code, Error},
    keys::MAX_KEYS,
};

/// The most private keys, of RSA or of an agreement, that a token is tried against which names none.
const MAX_UNNAMED_PRIVATE_KEYS: usize = 4;

/// A non-empty list of keys that decrypt, each `kid` at most once.
#[derive(Clone, Debug)]
pub struct EncryptionKeySet {
    keys: Box<[EncryptionKey]>,
}

impl EncryptionKeySet {
    /// A set of 1 to [`MAX_KEYS`] keys.
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

    /// Whether a token can cost so much, 320 us and more for each RSA key that is tried, that a change of threads is worth it.
    pub fn decrypts_slowly(&self) -> bool {
        self.keys.iter().any(|key| key.algorithm().family() == KeyFamily::Rsa)
    }

    /// The keys for which a token may be that says `algorithm`, `encryption` and `kid`; never an empty list.
    ///
    /// A key whose `kid` the header names is the only candidate. Otherwise every key of that algorithm is one whose name does not
    /// contradict the header. More than 4 private keys of RSA or of an agreement are refused with [`Code::KeyUnknown`], since
    /// anybody can write a token that costs an operation with each of them.
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
        if candidates.len() > MAX_UNNAMED_PRIVATE_KEYS && !matches!(algorithm.family(), KeyFamily::Secret(_)) {
            return Err(Error::because(
                Code::KeyUnknown,
                "the JWE names no key by kid, and more than 4 private keys fit; give the keys a kid",
            ));
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
    fn of_private_keys_at_most_four_are_candidates_unless_one_is_named() {
        let gcm = ContentEncryption::A256Gcm;
        let algorithms = [KeyManagement::RsaOaep, KeyManagement::EcdhEs, KeyManagement::A128Kw];
        for algorithm in algorithms {
            // RSA keys take long to make.
            let shared = key(algorithm, None);
            let mut keys = vec![shared.clone(); MAX_UNNAMED_PRIVATE_KEYS];
            let four = EncryptionKeySet::new(keys.clone()).unwrap();
            assert_eq!(four.candidates(algorithm, gcm, None).unwrap().len(), 4);
            keys.push(shared);
            keys.push(key(algorithm, Some("k")));
            let six = EncryptionKeySet::new(keys).unwrap();
            assert_eq!(six.candidates(algorithm, gcm, Some("k")).unwrap().len(), 1);
            // A name that no key has excludes the named one only.
            for kid in [None, Some("unknown")] {
                let found = six.candidates(algorithm, gcm, kid).map(|found| found.len());
                if algorithm == KeyManagement::A128Kw {
                    assert_eq!(found, Ok(if kid.is_none() { 6 } else { 5 }));
                } else {
                    assert_eq!(found.unwrap_err().code(), Code::KeyUnknown);
                }
            }
        }
    }

    #[test]
    fn decrypting_is_slow_with_rsa() {
        for algorithm in KeyManagement::ALL {
            let set = EncryptionKeySet::new([key(KeyManagement::Dir, Some("d")), key(*algorithm, None)]).unwrap();
            assert_eq!(set.decrypts_slowly(), algorithm.family() == KeyFamily::Rsa);
        }
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
