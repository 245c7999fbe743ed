//! RSAES-OAEP (RFC 8017, section 7.1; RFC 7518, section 4.3), on aws-lc-rs.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use zeroize::Zeroizing;

use super::rsa::{RsaComponents, RsaSize, check_public, numbers, refusal};
use crate::{
    encoding::der,
    error::{Code, Error},
};

const REFUSED: Error = Error::because(Code::KeyInvalid, "not an RSA key, or its parts do not belong together");

/// The hash of the label and of the mask generation function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OaepHash {
    /// SHA-1, for RSA-OAEP. OAEP does not depend on collisions being hard to find (RFC 8017, appendix B.1).
    Sha1,
    /// SHA-256, for RSA-OAEP-256.
    Sha256,
}

impl OaepHash {
    const fn scheme(self) -> &'static OaepAlgorithm {
        match self {
            Self::Sha1 => &OAEP_SHA1_MGF1SHA1,
            Self::Sha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// An RSA private key that decrypts. 2048 bits cost about 320 us.
pub struct OaepSecret {
    key: OaepPrivateDecryptingKey,
    public: OaepPublic,
}

impl OaepSecret {
    /// A new key. Takes some hundred milliseconds. The C library draws its randomness itself.
    pub fn generate(size: RsaSize) -> Result<Self, Error> {
        Self::judged(PrivateDecryptingKey::generate(size.of_library()).map_err(|_| Error::new(Code::Internal))?)
    }

    /// A key from PKCS#8 (RFC 5958), with nothing behind it.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, Error> {
        der::whole(der::SEQUENCE, pkcs8).ok_or(REFUSED)?;
        Self::judged(PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| refusal(pkcs8))?)
    }

    /// A key from its numbers, which are checked against each other.
    pub fn from_components(parts: &RsaComponents) -> Result<Self, Error> {
        let pair = parts.key_pair()?;
        // The library has no shorter way from one kind of handle to the other; the copy is wiped when dropped.
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| REFUSED)?;
        Self::from_pkcs8(pkcs8.as_ref())
    }

    fn judged(key: PrivateDecryptingKey) -> Result<Self, Error> {
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| REFUSED)?;
        Ok(Self {
            public: OaepPublic::from_spki(spki.as_ref())?,
            key: OaepPrivateDecryptingKey::new(key).map_err(|_| REFUSED)?,
        })
    }

    /// The public half.
    pub const fn public(&self) -> &OaepPublic {
        &self.public
    }

    /// What was encrypted; `None` for every kind of failure.
    pub fn decrypt(&self, hash: OaepHash, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        // Exactly as long as the modulus (RFC 8017, section 7.1.2).
        if ciphertext.len() != self.public.n.len() {
            return None;
        }
        let mut plaintext = Zeroizing::new(vec![0; self.key.min_output_size()]);
        let length = self
            .key
            .decrypt(hash.scheme(), ciphertext, &mut plaintext, None)
            .ok()?
            .len();
        plaintext.truncate(length);
        Some(plaintext)
    }
}

impl fmt::Debug for OaepSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OaepSecret(redacted)")
    }
}

/// An RSA public key that encrypts.
pub struct OaepPublic {
    n: Vec<u8>,
    e: Vec<u8>,
    key: OaepPublicEncryptingKey,
}

impl OaepPublic {
    /// A key from a `SubjectPublicKeyInfo` whose algorithm is rsaEncryption (RFC 3279, section 2.3.1); one that is for PSS
    /// signatures only is refused.
    pub fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        const RSA_ENCRYPTION: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
        let pkcs1 = der::whole(der::SEQUENCE, spki)
            .and_then(|content| der::expect(der::SEQUENCE, content))
            .filter(|(algorithm, _)| algorithm.starts_with(&RSA_ENCRYPTION))
            .and_then(|(_, after)| der::whole(der::BIT_STRING, after))
            .and_then(<[u8]>::split_first)
            .filter(|(unused, _)| **unused == 0)
            .map(|(_, pkcs1)| pkcs1);
        let (n, e) = pkcs1.and_then(numbers).ok_or(REFUSED)?;
        Self::from_components(n, e)
    }

    /// A key from its modulus and exponent, big-endian and without leading zeros (RFC 7518, section 6.3.1).
    pub fn from_components(n: &[u8], e: &[u8]) -> Result<Self, Error> {
        check_public(n, e)?;
        let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into().map_err(|_| REFUSED)?;
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            key: OaepPublicEncryptingKey::new(key).map_err(|_| REFUSED)?,
        })
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8] {
        &self.n
    }

    /// The public exponent, big-endian.
    pub fn exponent(&self) -> &[u8] {
        &self.e
    }

    /// Encrypts a CEK, which fits the smallest modulus under either hash. The C library draws the
    /// seed itself.
    pub fn encrypt(&self, hash: OaepHash, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut ciphertext = vec![0; self.key.ciphertext_size()];
        let length = self
            .key
            .encrypt(hash.scheme(), plaintext, &mut ciphertext, None)
            .map_err(|_| Error::because(Code::Internal, "RSA-OAEP"))?
            .len();
        ciphertext.truncate(length);
        Ok(ciphertext)
    }
}

impl fmt::Debug for OaepPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OaepPublic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_decrypts_under_the_same_hash_only() {
        let secret = OaepSecret::generate(RsaSize::Bits2048).unwrap();
        let public = OaepPublic::from_components(secret.public().modulus(), secret.public().exponent()).unwrap();
        for (hash, other) in [(OaepHash::Sha1, OaepHash::Sha256), (OaepHash::Sha256, OaepHash::Sha1)] {
            let ciphertext = public.encrypt(hash, &[7; 64]).unwrap();
            assert_eq!(*secret.decrypt(hash, &ciphertext).unwrap(), [7; 64]);
            assert!(secret.decrypt(other, &ciphertext).is_none());
            for index in [0, 100, 255] {
                let mut tampered = ciphertext.clone();
                tampered[index] ^= 1;
                assert!(secret.decrypt(hash, &tampered).is_none());
            }
            assert!(secret.decrypt(hash, &ciphertext[1..]).is_none());
            assert!(secret.decrypt(hash, &[]).is_none());
        }
        assert_eq!(format!("{secret:?}"), "OaepSecret(redacted)");
    }

    #[test]
    fn a_key_for_pss_alone_and_weak_numbers_are_refused() {
        let secret = OaepSecret::generate(RsaSize::Bits2048).unwrap();
        let n = secret.public().modulus();
        for e in [&[1][..], &[2], &[], &[0, 1, 0, 1]] {
            assert!(OaepPublic::from_components(n, e).is_err(), "{e:?}");
        }
        let mut short = n[1..].to_vec();
        short[0] |= 0x80;
        assert_eq!(
            OaepPublic::from_components(&short, &[1, 0, 1]).unwrap_err().code(),
            Code::KeyTooWeak
        );
        let key: PublicEncryptingKey = PublicKeyComponents { n, e: &[1, 0, 1] }.try_into().unwrap();
        let spki = key.as_der().unwrap();
        assert!(OaepPublic::from_spki(spki.as_ref()).is_ok());
        let mut pss = spki.as_ref().to_vec();
        let oid = pss.windows(3).position(|window| window == [1, 1, 1]).unwrap();
        pss[oid + 2] = 10;
        assert!(OaepPublic::from_spki(&pss).is_err());
        assert!(OaepPublic::from_spki(b"no DER").is_err());
        assert!(OaepSecret::from_pkcs8(b"no DER").is_err());
    }

    #[test]
    fn a_byte_behind_the_key_is_refused() {
        let key = PrivateDecryptingKey::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().unwrap();
        let spki: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        assert!(OaepSecret::from_pkcs8(pkcs8.as_ref()).is_ok());
        assert!(OaepPublic::from_spki(spki.as_ref()).is_ok());
        for extra in [0, 0xff] {
            assert!(OaepSecret::from_pkcs8(&[pkcs8.as_ref(), &[extra]].concat()).is_err());
            assert!(OaepPublic::from_spki(&[spki.as_ref(), &[extra]].concat()).is_err());
        }
        // Counted into the lengths of all that is around it: SEQUENCE, BIT STRING, SEQUENCE.
        let mut inside = [spki.as_ref(), &[0]].concat();
        for at in [3, 22] {
            inside[at] += 1;
        }
        assert!(OaepPublic::from_spki(&inside).is_err());
    }
}
