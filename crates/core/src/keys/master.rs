//! The master key: what seals the keys in a store, so that a copy of the store gives nobody a key.

use std::fmt;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::{
    crypto::{ContentEncryption, Opening, derive},
    encoding::base64url,
    error::{Code, Error},
    random::{self, Random},
};

/// How many bytes a master key has.
const BYTES: usize = 32;

const CIPHER: ContentEncryption = ContentEncryption::A256Gcm;

/// Seals keys (AES-256-GCM, random nonces) under a key derived from the 32 bytes given. Prints as redacted; wiped when dropped.
#[derive(Clone)]
pub struct MasterKey {
    sealing: Zeroizing<[u8; 32]>,
    id: Box<str>,
}

impl MasterKey {
    /// The key of these bytes, of which there must be 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() != BYTES {
            return Err(REFUSED);
        }
        let name = Zeroizing::new(derive(bytes, "name of the master key"));
        Ok(Self {
            sealing: Zeroizing::new(derive(bytes, "sealing of keys")),
            id: HEXLOWER.encode(name.get(..16).unwrap_or_default()).into(),
        })
    }

    /// The key that a text spells: 64 hexadecimal digits, or 43 characters of base64url without padding. Nothing else is
    /// taken, no white space either: a key of fewer bytes than it seems would be weak without a word.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let bytes = Zeroizing::new(match text.len() {
            64 => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| REFUSED)?,
            43 => base64url::decode(text.as_bytes()).map_err(|_| REFUSED)?,
            _ => return Err(REFUSED),
        });
        Self::from_bytes(&bytes)
    }

    /// Its name in what it sealed: derived through HKDF, so it says nothing of the key.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Seals `secret`: nonce (12), ciphertext, tag (16). It opens with the same `about` only.
    pub(super) fn seal(&self, secret: &[u8], about: &str, random: &dyn Random) -> Result<Vec<u8>, Error> {
        let nonce = random::array::<12>(random)?;
        let sealed = CIPHER.seal(self.sealing.as_slice(), &nonce, about.as_bytes(), secret)?;
        Ok([nonce.as_slice(), &sealed.ciphertext, &sealed.tag].concat())
    }

    /// Opens what [`MasterKey::seal`] made; `None` for anything else.
    pub(super) fn open(&self, sealed: &[u8], about: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (iv, rest) = sealed.split_at_checked(CIPHER.iv_len())?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(CIPHER.tag_len())?)?;
        let opening = Opening {
            iv,
            aad: about.as_bytes(),
            ciphertext,
            tag,
        };
        CIPHER.open(self.sealing.as_slice(), &opening).ok()
    }
}

const REFUSED: Error = Error::because(
    Code::OptionInvalid,
    "masterKey takes 32 bytes: 64 hexadecimal digits, or 43 characters of base64url without padding",
);

/// The same bytes, as far as their names tell: 128 bits of HKDF.
impl PartialEq for MasterKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for MasterKey {}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// The master key, and during its rotation the one before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MasterKeys {
    /// What seals.
    pub current: MasterKey,
    /// What also opens; what it sealed is sealed again under the current one.
    pub previous: Option<MasterKey>,
}

impl MasterKeys {
    /// The one of that name.
    pub(super) fn named(&self, id: &str) -> Option<&MasterKey> {
        let mut all = [Some(&self.current), self.previous.as_ref()].into_iter().flatten();
        all.find(|key| key.id() == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const BASE64URL: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

    #[test]
    fn two_spellings_of_the_same_bytes_are_one_key() {
        let bytes: Vec<u8> = (0..32).collect();
        let key = MasterKey::from_bytes(&bytes).unwrap();
        assert_eq!(key, MasterKey::from_text(HEX).unwrap());
        assert_eq!(key, MasterKey::from_text(BASE64URL).unwrap());
        assert_ne!(key, MasterKey::from_bytes(&[7; 32]).unwrap());
        assert_eq!(format!("{key:?}"), "MasterKey(redacted)");
    }

    #[test]
    fn whatever_is_not_32_bytes_in_one_of_the_two_spellings_is_refused() {
        let texts = [
            "",
            "secret",
            &HEX[..62],
            &format!("{HEX}00"),
            &HEX.replace('F', "g"),
            &BASE64URL[..42],
            &format!("{BASE64URL}="),
            &format!("{BASE64URL} "),
            &BASE64URL.replace('h', "+"),
            // The last character holds two bits that must be zero.
            &format!("{}9", &BASE64URL[..42]),
        ];
        for text in texts {
            assert_eq!(MasterKey::from_text(text).unwrap_err(), REFUSED, "{text}");
        }
        for length in [0, 16, 31, 33, 64] {
            assert_eq!(MasterKey::from_bytes(&vec![1; length]).unwrap_err(), REFUSED);
        }
    }

    #[test]
    fn what_is_sealed_opens_under_the_same_key_and_name_only() {
        let random = SystemRandom::new();
        let key = MasterKey::from_text(HEX).unwrap();
        let sealed = key.seal(b"secret", "about", &random).unwrap();
        assert_ne!(sealed, key.seal(b"secret", "about", &random).unwrap());
        assert_eq!(key.open(&sealed, "about").unwrap().as_slice(), b"secret");
        assert!(key.open(&sealed, "About").is_none());
        assert!(
            MasterKey::from_bytes(&[7; 32])
                .unwrap()
                .open(&sealed, "about")
                .is_none()
        );
        for index in 0..sealed.len() {
            let mut tampered = sealed.clone();
            tampered[index] ^= 1;
            assert!(key.open(&tampered, "about").is_none());
            assert!(key.open(&sealed[..index], "about").is_none());
        }
    }
}
