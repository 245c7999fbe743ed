//! Ed25519 (RFC 8032, RFC 8037), on aws-lc-rs.

use std::fmt;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use jsonwebtoken::signature::{self, Signer, Verifier};
use zeroize::Zeroizing;

use crate::{
    encoding::der,
    error::{Code, Error},
};

const REFUSED: Error = Error::because(Code::KeyInvalid, "not an Ed25519 key");

/// An Ed25519 key pair. Signing costs about 9 us.
pub struct Ed25519Secret(Ed25519KeyPair);

impl Ed25519Secret {
    /// A key pair from its 32-byte seed (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &[u8]) -> Result<Self, Error> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| REFUSED)
    }

    /// A key pair whose stated public half must be the seed's own, as in a JWK (RFC 8037, section 2).
    pub fn from_seed_and_public(seed: &[u8], public: &[u8]) -> Result<Self, Error> {
        Ed25519KeyPair::from_seed_and_public_key(seed, public)
            .map(Self)
            .map_err(|_| REFUSED)
    }

    /// A key pair from PKCS#8, version 1 or 2 (RFC 8410, section 7), with nothing behind it.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        der::whole(der::SEQUENCE, der).ok_or(REFUSED)?;
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
            .map(Self)
            .map_err(|_| REFUSED)
    }

    /// The public half.
    pub fn public(&self) -> Result<Ed25519Public, Error> {
        Ed25519Public::from_bytes(self.0.public_key().as_ref())
    }

    /// The seed, wiped when dropped. For sealing and storing only.
    pub fn seed(&self) -> Result<Zeroizing<[u8; 32]>, Error> {
        let seed = self.0.seed().map_err(|_| REFUSED)?;
        let bytes = aws_lc_rs::encoding::AsBigEndian::<aws_lc_rs::encoding::Curve25519SeedBin<'_>>::as_be_bytes(&seed)
            .map_err(|_| REFUSED)?;
        let mut out = Zeroizing::new([0; 32]);
        for (to, from) in out.iter_mut().zip(bytes.as_ref()) {
            *to = *from;
        }
        Ok(out)
    }
}

impl Signer<Vec<u8>> for Ed25519Secret {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let signature = self.0.try_sign(message).map_err(|_| signature::Error::new())?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for Ed25519Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Secret(redacted)")
    }
}

/// An Ed25519 public key, parsed once. Verifying costs about 43 us.
#[derive(Clone)]
pub struct Ed25519Public {
    bytes: [u8; 32],
    parsed: ParsedPublicKey,
}

impl Ed25519Public {
    /// A public key from its 32 bytes (RFC 8032, section 5.1.5).
    ///
    /// Points of small order are refused: under them anybody can make signatures that verify. So is a y of p or more (RFC 8032,
    /// section 5.1.3), a second spelling of a point and with it a second thumbprint.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| REFUSED)?;
        if has_small_order(&bytes) {
            return Err(Error::because(Code::KeyInvalid, "a point of small order"));
        }
        if !is_canonical(&bytes) {
            return Err(REFUSED);
        }
        Ok(Self {
            bytes,
            parsed: ParsedPublicKey::new(&ED25519, bytes).map_err(|_| REFUSED)?,
        })
    }

    /// A public key from a `SubjectPublicKeyInfo` (RFC 8410, section 4).
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        // RFC 8410 allows exactly one encoding: this prefix, then the 32 bytes.
        const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        Self::from_bytes(der.strip_prefix(&PREFIX).ok_or(REFUSED)?)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }
}

/// Whether this is one of the eight points whose multiples are few, in any encoding (RFC 7748, section 6.1, asks the same of
/// key agreement). The sign bit of x does not matter.
fn has_small_order(point: &[u8; 32]) -> bool {
    const LAST: u8 = 0x7f;
    // The y of the points of order 8.
    const EIGHTH: [[u8; 32]; 2] = [
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
    ];
    let [first, middle @ .., last] = *point;
    let last = last & LAST;
    // 0 and 1, of order 4 and 1; then p - 1, p and p + 1, of order 2, 4 and 1, where p = 2^255 - 19.
    let near_zero = first <= 1 && last == 0 && middle.iter().all(|byte| *byte == 0);
    let near_p = (0xec..=0xee).contains(&first) && last == LAST && middle.iter().all(|byte| *byte == 0xff);
    let eighth = EIGHTH
        .iter()
        .any(|y| y.iter().zip(point).take(31).all(|(a, b)| a == b) && y.last() == Some(&last));
    near_zero || near_p || eighth
}

/// Whether y is less than p = 2^255 - 19.
fn is_canonical(point: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = *point;
    first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff)
}

impl Verifier<Vec<u8>> for Ed25519Public {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl fmt::Debug for Ed25519Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ed25519Public")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_and_a_tampered_one_does_not() {
        let secret = Ed25519Secret::from_seed(&[7; 32]).unwrap();
        let public = secret.public().unwrap();
        let signature = secret.try_sign(b"message").unwrap();
        assert!(public.verify(b"message", &signature).is_ok());
        assert!(public.verify(b"Message", &signature).is_err());
        for index in 0..signature.len() {
            let mut tampered = signature.clone();
            tampered[index] ^= 1;
            assert!(public.verify(b"message", &tampered).is_err());
        }
        assert!(public.verify(b"message", &signature[..63].to_vec()).is_err());
    }

    #[test]
    fn the_seed_comes_back_and_makes_the_same_key() {
        let secret = Ed25519Secret::from_seed(&[7; 32]).unwrap();
        assert_eq!(*secret.seed().unwrap(), [7; 32]);
    }

    #[test]
    fn a_public_half_that_is_not_the_seeds_is_refused() {
        let other = Ed25519Secret::from_seed(&[8; 32]).unwrap().public().unwrap();
        let error = Ed25519Secret::from_seed_and_public(&[7; 32], other.as_bytes()).unwrap_err();
        assert_eq!(error.code(), Code::KeyInvalid);
    }

    #[test]
    fn a_byte_behind_the_key_is_refused() {
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
        let der = [&prefix[..], &[7; 32]].concat();
        assert!(Ed25519Secret::from_pkcs8(&der).is_ok());
        for extra in [0, 0xff] {
            assert!(Ed25519Secret::from_pkcs8(&[&der[..], &[extra]].concat()).is_err());
        }
    }

    #[test]
    fn wrong_sizes_and_foreign_der_are_refused() {
        assert_eq!(Ed25519Secret::from_seed(&[7; 31]).unwrap_err().code(), Code::KeyInvalid);
        assert_eq!(
            Ed25519Secret::from_pkcs8(b"no DER").unwrap_err().code(),
            Code::KeyInvalid
        );
        assert_eq!(
            Ed25519Public::from_bytes(&[7; 33]).unwrap_err().code(),
            Code::KeyInvalid
        );
        assert_eq!(
            Ed25519Public::from_spki(&[0x30; 44]).unwrap_err().code(),
            Code::KeyInvalid
        );
    }

    #[test]
    fn a_point_of_small_order_is_refused_in_every_encoding_and_its_neighbours_are_not_called_that() {
        let mut p_minus_1 = [0xff; 32];
        p_minus_1[0] = 0xec;
        p_minus_1[31] = 0x7f;
        let mut one = [0; 32];
        one[0] = 1;
        for point in [[0; 32], one, p_minus_1] {
            for sign in [0, 0x80] {
                let mut point = point;
                point[31] |= sign;
                assert_eq!(
                    Ed25519Public::from_bytes(&point).unwrap_err().reason(),
                    Some("a point of small order")
                );
            }
        }
        for first in [0xed, 0xee] {
            let mut point = p_minus_1;
            point[0] = first;
            assert!(has_small_order(&point));
        }
        let mut neighbour = p_minus_1;
        neighbour[0] = 0xeb;
        assert!(!has_small_order(&neighbour));
        let real = Ed25519Secret::from_seed(&[7; 32]).unwrap().public().unwrap();
        assert!(!has_small_order(real.as_bytes()));
    }

    #[test]
    fn a_point_whose_y_is_not_reduced_is_refused() {
        for first in 0xed..=0xff {
            for last in [0x7f, 0xff] {
                let mut point = [0xff; 32];
                point[0] = first;
                point[31] = last;
                assert!(!is_canonical(&point));
                assert_eq!(Ed25519Public::from_bytes(&point).unwrap_err().code(), Code::KeyInvalid);
            }
        }
        // The largest y of the field that is on the curve and not of small order: p - 3.
        let mut largest = [0xff; 32];
        largest[0] = 0xea;
        largest[31] = 0x7f;
        assert!(is_canonical(&largest));
        assert!(Ed25519Public::from_bytes(&largest).is_ok());
    }

    #[test]
    fn a_secret_prints_as_redacted() {
        let secret = Ed25519Secret::from_seed(&[7; 32]).unwrap();
        assert_eq!(format!("{secret:?}"), "Ed25519Secret(redacted)");
    }
}
