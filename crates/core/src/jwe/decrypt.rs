//! Decrypting (RFC 7516, section 5.2).

use zeroize::Zeroizing;

use super::{
    MAX_TOKEN_BYTES, Parts as Segments, TOO_LARGE,
    agreement::{Parties, agreed_key},
    encrypt::oaep_hash,
    header::{Header, Parameters},
    split,
};
use crate::{
    crypto::{ContentEncryption, EcdhSecret, KeyManagement, Opening, WRAP_BYTES, unwrap_key},
    encoding::base64url,
    error::{Code, Error},
    keys::{EncryptionKey, EncryptionKeySet, encryption::Parts},
    random::Random,
};

/// What narrows the algorithms of the keys; an empty list narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    algorithms: Vec<KeyManagement>,
    encryptions: Vec<ContentEncryption>,
}

impl Allowed {
    /// One of `algorithms` that no key has is refused.
    pub fn new(
        keys: &EncryptionKeySet,
        algorithms: Vec<KeyManagement>,
        encryptions: Vec<ContentEncryption>,
    ) -> Result<Self, Error> {
        for algorithm in &algorithms {
            if !keys.keys().iter().any(|key| key.algorithm() == *algorithm) {
                return Err(Error::because(Code::OptionInvalid, "no key has one of the algorithms"));
            }
        }
        Ok(Self {
            algorithms,
            encryptions,
        })
    }

    fn allows(&self, header: &Header) -> bool {
        (self.algorithms.is_empty() || self.algorithms.contains(&header.algorithm))
            && (self.encryptions.is_empty() || self.encryptions.contains(&header.encryption))
    }
}

/// A JWE that was opened.
#[derive(Debug)]
pub struct Decrypted {
    /// The protected header's JSON text.
    pub header: String,
    /// What was encrypted.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// Opens a compact JWE with whichever of `keys` it is for.
///
/// What depends on a secret answers alike: a key that does not unwrap, a padding, an agreement or a tag that is wrong are all
/// [`Code::DecryptionFailed`], and the tag is computed in each case, under a random CEK where there is no other (RFC 7516, section
/// 11.5). `random` is drawn for each key that is tried.
pub fn decrypt(
    jwe: &[u8],
    keys: &EncryptionKeySet,
    allowed: &Allowed,
    random: &dyn Random,
) -> Result<Decrypted, Error> {
    if jwe.len() > MAX_TOKEN_BYTES {
        return Err(TOO_LARGE);
    }
    let segments = split(jwe)?;
    let json = String::from_utf8(base64url::decode(segments.header)?)
        .map_err(|_| Error::because(Code::TokenMalformed, "utf-8"))?;
    let header = Header::parse(&json)?;
    if !allowed.allows(&header) {
        return Err(Code::AlgorithmNotAllowed.into());
    }
    let candidates = keys.candidates(header.algorithm, header.encryption, header.kid.as_deref())?;
    let sealed = Sealed::decode(&segments, &header)?;
    for key in candidates {
        if let Some(plaintext) = sealed.open(key, &header, random)? {
            return Ok(Decrypted {
                header: json,
                plaintext,
            });
        }
    }
    Err(Code::DecryptionFailed.into())
}

/// The segments, each of a length that the header allows.
struct Sealed<'a> {
    aad: &'a [u8],
    encrypted_key: Vec<u8>,
    iv: Vec<u8>,
    ciphertext: Vec<u8>,
    tag: Vec<u8>,
}

impl<'a> Sealed<'a> {
    fn decode(segments: &Segments<'a>, header: &Header) -> Result<Self, Error> {
        let sealed = Self {
            aad: segments.header,
            encrypted_key: base64url::decode(segments.encrypted_key)?,
            iv: base64url::decode(segments.iv)?,
            ciphertext: base64url::decode(segments.ciphertext)?,
            tag: base64url::decode(segments.tag)?,
        };
        let encryption = header.encryption;
        let wanted = match header.algorithm {
            KeyManagement::Dir | KeyManagement::EcdhEs => Some(0),
            KeyManagement::A128GcmKw | KeyManagement::A256GcmKw => Some(encryption.key_len()),
            KeyManagement::A128Kw
            | KeyManagement::A256Kw
            | KeyManagement::EcdhEsA128Kw
            | KeyManagement::EcdhEsA256Kw => Some(encryption.key_len() + WRAP_BYTES),
            // As long as the modulus, which is the key's to say.
            KeyManagement::RsaOaep | KeyManagement::RsaOaep256 => None,
        };
        for (fits, reason) in [
            (
                wanted.is_none_or(|length| sealed.encrypted_key.len() == length),
                "encrypted key",
            ),
            (sealed.iv.len() == encryption.iv_len(), "iv"),
            (encryption.fits(sealed.ciphertext.len()), "ciphertext"),
            (sealed.tag.len() == encryption.tag_len(), "tag"),
        ] {
            if !fits {
                return Err(Error::because(Code::TokenMalformed, reason));
            }
        }
        Ok(sealed)
    }

    /// The plaintext, or `None` whatever it was that failed.
    fn open(
        &self,
        key: &EncryptionKey,
        header: &Header,
        random: &dyn Random,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let mut substitute = Zeroizing::new(vec![0; header.encryption.key_len()]);
        random.fill(&mut substitute)?;
        let recovered = self
            .recover(key, header)
            .filter(|cek| cek.len() == header.encryption.key_len());
        let opened = header.encryption.open(
            recovered.as_ref().unwrap_or(&substitute),
            &Opening {
                iv: &self.iv,
                aad: self.aad,
                ciphertext: &self.ciphertext,
                tag: &self.tag,
            },
        );
        Ok(opened.ok().filter(|_| recovered.is_some()))
    }

    /// The CEK.
    fn recover(&self, key: &EncryptionKey, header: &Header) -> Option<Zeroizing<Vec<u8>>> {
        match (key.parts(), &header.parameters) {
            (Parts::Secret(secret), Parameters::None) if header.algorithm == KeyManagement::Dir => Some(secret.clone()),
            (Parts::Secret(secret), Parameters::None) => unwrap_key(secret, &self.encrypted_key),
            (Parts::Secret(secret), Parameters::GcmWrap { iv, tag }) => {
                let cipher = match header.algorithm {
                    KeyManagement::A128GcmKw => ContentEncryption::A128Gcm,
                    _ => ContentEncryption::A256Gcm,
                };
                let opening = Opening {
                    iv,
                    aad: b"",
                    ciphertext: &self.encrypted_key,
                    tag,
                };
                cipher.open(secret, &opening).ok()
            }
            (Parts::RsaPrivate(secret), Parameters::None) => {
                secret.decrypt(oaep_hash(header.algorithm), &self.encrypted_key)
            }
            (Parts::EcdhPrivate(secret), parameters) => self.agree(secret, header, parameters),
            _ => None,
        }
    }

    fn agree(&self, secret: &EcdhSecret, header: &Header, parameters: &Parameters) -> Option<Zeroizing<Vec<u8>>> {
        let Parameters::Agreement { epk, apu, apv } = parameters else {
            return None;
        };
        let parties = Parties { apu, apv };
        let agreed = agreed_key(header.algorithm, header.encryption, secret, &epk.parse()?, parties)?;
        if header.algorithm == KeyManagement::EcdhEs {
            Some(agreed)
        } else {
            unwrap_key(&agreed, &self.encrypted_key)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{EncryptOptions, encrypt},
        *,
    };
    use crate::{
        crypto::{Curve, KeyFamily},
        keys::encryption::Shape,
        random::SystemRandom,
    };

    /// One key for each algorithm, on each curve and for each content encryption that it can be made for.
    fn keys() -> Vec<EncryptionKey> {
        let generate = |algorithm: KeyManagement, shape| {
            EncryptionKey::generate(algorithm, shape, None, &SystemRandom::new()).unwrap()
        };
        let mut keys = Vec::new();
        for algorithm in KeyManagement::ALL {
            match algorithm.family() {
                KeyFamily::Ecdh => keys.extend(Curve::ALL.iter().map(|curve| {
                    let shape = Shape {
                        curve: *curve,
                        ..Shape::quick()
                    };
                    generate(*algorithm, shape)
                })),
                KeyFamily::Secret(None) => keys.extend(ContentEncryption::ALL.iter().map(|encryption| {
                    let shape = Shape {
                        encryption: *encryption,
                        ..Shape::quick()
                    };
                    generate(*algorithm, shape)
                })),
                _ => keys.push(generate(*algorithm, Shape::quick())),
            }
        }
        keys
    }

    fn open(jwe: &str, key: &EncryptionKey) -> Result<Vec<u8>, Error> {
        let set = EncryptionKeySet::new([key.clone()])?;
        decrypt(jwe.as_bytes(), &set, &Allowed::default(), &SystemRandom::new())
            .map(|decrypted| decrypted.plaintext.to_vec())
    }

    #[test]
    fn every_algorithm_opens_what_it_sealed_and_nothing_that_was_changed() {
        for key in keys() {
            for encryption in ContentEncryption::ALL {
                if key.encryption().is_some_and(|own| own != *encryption) {
                    continue;
                }
                let options = EncryptOptions {
                    encryption: Some(*encryption),
                    header: None,
                };
                let jwe = encrypt(b"plaintext", &key, &options, &SystemRandom::new()).unwrap();
                assert_eq!(open(&jwe, &key).unwrap(), b"plaintext");
                let segments: Vec<&str> = jwe.split('.').collect();
                for (index, segment) in segments.iter().enumerate() {
                    let mut bytes = base64url::decode(segment.as_bytes()).unwrap();
                    let Some(last) = bytes.last_mut() else { continue };
                    *last ^= 1;
                    let mut tampered = segments.clone();
                    let text = base64url::encode(&bytes);
                    tampered[index] = &text;
                    let code = open(&tampered.join("."), &key).unwrap_err().code();
                    if index > 0 {
                        assert_eq!(code, Code::DecryptionFailed, "segment {index} of {jwe}");
                    }
                    bytes.pop();
                    let text = base64url::encode(&bytes);
                    tampered[index] = &text;
                    assert!(open(&tampered.join("."), &key).is_err());
                }
            }
        }
    }

    #[test]
    fn another_key_fails_as_a_wrong_tag_does() {
        for key in keys() {
            let jwe = encrypt(b"plaintext", &key, &EncryptOptions::default(), &SystemRandom::new()).unwrap();
            let mut shape = Shape::quick();
            if let Some(encryption) = key.encryption() {
                shape.encryption = encryption;
            }
            // Of another curve, where the first one has another.
            let other = EncryptionKey::generate(key.algorithm(), shape, None, &SystemRandom::new()).unwrap();
            assert_eq!(open(&jwe, &other).unwrap_err(), Error::new(Code::DecryptionFailed));
        }
    }

    #[test]
    fn an_encrypted_key_where_none_belongs_is_malformed() {
        for key in keys() {
            if !matches!(key.algorithm(), KeyManagement::Dir | KeyManagement::EcdhEs) {
                continue;
            }
            let jwe = encrypt(b"", &key, &EncryptOptions::default(), &SystemRandom::new()).unwrap();
            let error = open(&jwe.replacen("..", ".AAAA.", 1), &key).unwrap_err();
            assert_eq!(
                (error.code(), error.reason()),
                (Code::TokenMalformed, Some("encrypted key"))
            );
        }
    }

    #[test]
    fn the_lists_narrow_and_the_size_is_bounded() {
        let key = EncryptionKey::generate(KeyManagement::A128Kw, Shape::quick(), None, &SystemRandom::new()).unwrap();
        let jwe = encrypt(b"", &key, &EncryptOptions::default(), &SystemRandom::new()).unwrap();
        let set = EncryptionKeySet::new([key]).unwrap();
        let judge = |algorithms: &[KeyManagement], encryptions: &[ContentEncryption], jwe: &[u8]| {
            let allowed = Allowed::new(&set, algorithms.to_vec(), encryptions.to_vec())?;
            decrypt(jwe, &set, &allowed, &SystemRandom::new()).map(|_| ())
        };
        let code = |result: Result<(), Error>| result.unwrap_err().code();
        assert!(judge(&[KeyManagement::A128Kw], &[ContentEncryption::A256Gcm], jwe.as_bytes()).is_ok());
        let other = judge(&[], &[ContentEncryption::A128Gcm], jwe.as_bytes());
        assert_eq!(code(other), Code::AlgorithmNotAllowed);
        assert_eq!(
            code(judge(&[KeyManagement::Dir], &[], jwe.as_bytes())),
            Code::OptionInvalid
        );
        let long = vec![b'A'; MAX_TOKEN_BYTES + 1];
        assert_eq!(code(judge(&[], &[], &long)), Code::TokenTooLarge);
        assert_eq!(code(judge(&[], &[], b"a.b.c")), Code::TokenMalformed);
    }
}
