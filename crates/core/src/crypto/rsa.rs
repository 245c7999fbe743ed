//! RSA signatures, with both paddings (RFC 8017, RFC 7518 sections 3.3 and 3.5), on aws-lc-rs.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeyPairComponents, KeySize, PublicKey},
    signature::{
        KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
        RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
        RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaParameters,
        RsaPublicKeyComponents, RsaSignatureEncoding,
    },
};
use jsonwebtoken::signature::{self, Signer, Verifier};
use zeroize::Zeroizing;

use super::{Algorithm, roca::is_roca};
use crate::{
    encoding::der,
    error::{Code, Error},
};

const REFUSED: Error = Error::because(Code::KeyInvalid, "not an RSA key, or its parts do not belong together");
const PADDING: Error = Error::because(Code::KeyInvalid, "an RSA key is for RS256 to RS512 or PS256 to PS512");

/// How long a new RSA modulus is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RsaSize {
    /// 2048 bits, the least that is taken.
    Bits2048,
    /// 3072 bits, which is 128-bit strength (NIST SP 800-57, part 1, table 2).
    Bits3072,
    /// 4096 bits.
    Bits4096,
}

/// The numbers of an RSA private key, big-endian (RFC 7518, section 6.3.2).
#[derive(Debug)]
pub struct RsaComponents {
    /// The modulus.
    pub n: Vec<u8>,
    /// The public exponent.
    pub e: Vec<u8>,
    /// The private exponent.
    pub d: Zeroizing<Vec<u8>>,
    /// The first prime.
    pub p: Zeroizing<Vec<u8>>,
    /// The second prime.
    pub q: Zeroizing<Vec<u8>>,
    /// `d mod (p - 1)`.
    pub dp: Zeroizing<Vec<u8>>,
    /// `d mod (q - 1)`.
    pub dq: Zeroizing<Vec<u8>>,
    /// `q^-1 mod p`.
    pub qi: Zeroizing<Vec<u8>>,
}

impl RsaSize {
    /// The library's word for it.
    pub(super) const fn of_library(self) -> KeySize {
        match self {
            Self::Bits2048 => KeySize::Rsa2048,
            Self::Bits3072 => KeySize::Rsa3072,
            Self::Bits4096 => KeySize::Rsa4096,
        }
    }
}

impl RsaComponents {
    /// The library's key of these numbers, which are judged, and checked against each other.
    pub(super) fn key_pair(&self) -> Result<RsaKeyPair, Error> {
        check_public(&self.n, &self.e)?;
        let components = KeyPairComponents {
            public_key: RsaPublicKeyComponents {
                n: self.n.as_slice(),
                e: self.e.as_slice(),
            },
            d: self.d.as_slice(),
            p: self.p.as_slice(),
            q: self.q.as_slice(),
            dP: self.dp.as_slice(),
            dQ: self.dq.as_slice(),
            qInv: self.qi.as_slice(),
        };
        RsaKeyPair::from_components(&components).map_err(|_| REFUSED)
    }
}

/// An RSA private key for one algorithm. Signing with 2048 bits costs about 310 us.
pub struct RsaSecret {
    pair: RsaKeyPair,
    encoding: &'static RsaSignatureEncoding,
}

impl RsaSecret {
    /// A new key. Takes some hundred milliseconds. The C library draws its randomness itself.
    pub fn generate(algorithm: Algorithm, size: RsaSize) -> Result<Self, Error> {
        let pair = RsaKeyPair::generate(size.of_library()).map_err(|_| Error::new(Code::Internal))?;
        Self::judged(algorithm, pair)
    }

    /// A key from PKCS#8 (RFC 5958) or PKCS#1 (RFC 8017, appendix A.1.2), with nothing behind it. One of the type
    /// id-RSASSA-PSS (RFC 4055) is for the PS algorithms alone; what its parameters say is the caller's to judge.
    pub fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        der::whole(der::SEQUENCE, der).ok_or(REFUSED)?;
        let pair = RsaKeyPair::from_pkcs8(der)
            .or_else(|_| RsaKeyPair::from_der(pss_private(algorithm, der).unwrap_or(der)))
            .map_err(|_| refusal(der))?;
        Self::judged(algorithm, pair)
    }

    /// A key from its numbers, which are checked against each other.
    pub fn from_components(algorithm: Algorithm, parts: &RsaComponents) -> Result<Self, Error> {
        Self::judged(algorithm, parts.key_pair()?)
    }

    fn judged(algorithm: Algorithm, pair: RsaKeyPair) -> Result<Self, Error> {
        let (n, e) = numbers(pair.public_key().as_ref()).ok_or(REFUSED)?;
        check_public(n, e)?;
        let encoding = encoding(algorithm).ok_or(PADDING)?;
        Ok(Self { pair, encoding })
    }

    /// The public half, for the same algorithm.
    pub fn public(&self, algorithm: Algorithm) -> Result<RsaPublic, Error> {
        RsaPublic::from_der(algorithm, self.public_der())
    }

    /// The public half in PKCS#1.
    pub(super) fn public_der(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The PKCS#8 form, wiped when dropped. For sealing and storing only.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| REFUSED)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }
}

impl Signer<Vec<u8>> for RsaSecret {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut out = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(self.encoding, &SystemRandom::new(), message, &mut out)
            .map_err(|_| signature::Error::new())?;
        Ok(out)
    }
}

impl fmt::Debug for RsaSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaSecret(redacted)")
    }
}

/// An RSA public key for one algorithm, parsed once. Verifying with 2048 bits costs about 17 us.
#[derive(Clone)]
pub struct RsaPublic {
    n: Vec<u8>,
    e: Vec<u8>,
    parsed: ParsedPublicKey,
}

impl RsaPublic {
    /// A key from a `SubjectPublicKeyInfo` (RFC 5280) or PKCS#1 (RFC 8017, appendix A.1.1); id-RSASSA-PSS as for
    /// [`RsaSecret::from_der`].
    pub fn from_der(algorithm: Algorithm, der: &[u8]) -> Result<Self, Error> {
        der::whole(der::SEQUENCE, der).ok_or(REFUSED)?;
        let key = PublicKey::from_der(pss_public(algorithm, der).unwrap_or(der)).map_err(|_| refusal(der))?;
        let (n, e) = numbers(key.as_ref()).ok_or(REFUSED)?;
        Self::from_components(algorithm, n, e)
    }

    /// A key from its modulus and exponent, big-endian and without leading zeros (RFC 7518, section 6.3.1).
    pub fn from_components(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, Error> {
        check_public(n, e)?;
        let parsed = RsaPublicKeyComponents { n, e }
            .to_parsed_public_key(parameters(algorithm).ok_or(PADDING)?)
            .map_err(|_| REFUSED)?;
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            parsed,
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
}

impl Verifier<Vec<u8>> for RsaPublic {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // Exactly as long as the modulus (RFC 8017, sections 8.1.2 and 8.2.2).
        if signature.len() != self.n.len() {
            return Err(signature::Error::new());
        }
        self.parsed
            .verify_sig(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RsaPublic")
    }
}

/// Judges a public key by its numbers, big-endian: 2048 to 8192 bits (RFC 7518, section 3.3; longer ones cost too much to
/// verify with), odd, no ROCA fingerprint, and an odd exponent of 3 to 2^33.
pub(super) fn check_public(n: &[u8], e: &[u8]) -> Result<(), Error> {
    let refused = |reason| Err(Error::because(Code::KeyInvalid, reason));
    let weak = |reason| Err(Error::because(Code::KeyTooWeak, reason));
    let (Some(first), Some(last)) = (n.first(), n.last()) else {
        return refused("the RSA modulus is empty");
    };
    if *first == 0 || e.first() == Some(&0) {
        return refused("an RSA number begins with zero bytes (RFC 7518, section 2)");
    }
    let bits = n
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(first.leading_zeros()).unwrap_or(0));
    if bits < 2048 {
        return weak("the RSA modulus has less than 2048 bits (RFC 7518, section 3.3)");
    }
    if bits > 8192 {
        return refused("the RSA modulus has more than 8192 bits");
    }
    if last & 1 == 0 {
        return refused("the RSA modulus is even");
    }
    if e.len() > 5 {
        return refused("the RSA exponent is above 2^33");
    }
    let exponent = e.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    if exponent < 3 || exponent & 1 == 0 {
        return weak("the RSA exponent is not an odd number of 3 or more");
    }
    if exponent > 1 << 33 {
        return refused("the RSA exponent is above 2^33");
    }
    if is_roca(n) {
        return weak("the RSA modulus can be factored (ROCA, CVE-2017-15361)");
    }
    Ok(())
}

/// The OBJECT IDENTIFIER id-RSASSA-PSS (RFC 8017, appendix C).
const PSS: [u8; 11] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];

/// The PKCS#1 key inside a `SubjectPublicKeyInfo` of that type.
fn pss_public(algorithm: Algorithm, der: &[u8]) -> Option<&[u8]> {
    let (content, _) = der::expect(der::SEQUENCE, der)?;
    let pkcs1 = inside_pss(algorithm, content, der::BIT_STRING)?.strip_prefix(&[0])?;
    der::whole(der::SEQUENCE, pkcs1).map(|_| pkcs1)
}

/// The PKCS#1 key inside a PKCS#8 of that type.
fn pss_private(algorithm: Algorithm, der: &[u8]) -> Option<&[u8]> {
    let (content, _) = der::expect(der::SEQUENCE, der)?;
    let (_version, after) = der::expect(der::INTEGER, content)?;
    let pkcs1 = inside_pss(algorithm, after, der::OCTET_STRING)?;
    der::whole(der::SEQUENCE, pkcs1).map(|_| pkcs1)
}

fn inside_pss(algorithm: Algorithm, from_identifier: &[u8], tag: u8) -> Option<&[u8]> {
    let (identifier, after) = der::expect(der::SEQUENCE, from_identifier)?;
    let is_for_pss = matches!(algorithm, Algorithm::Ps256 | Algorithm::Ps384 | Algorithm::Ps512);
    let key = der::expect(tag, after).map(|(key, _)| key);
    key.filter(|_| is_for_pss && identifier.starts_with(&PSS))
}

/// The library says of a weak key only that it is unusable; its numbers tell why.
pub(super) fn refusal(der: &[u8]) -> Error {
    let public = der::expect(der::SEQUENCE, der)
        .and_then(|(content, _)| der::expect(der::SEQUENCE, content))
        .and_then(|(_, after)| der::expect(der::BIT_STRING, after))
        .and_then(|(bits, _)| bits.split_first())
        .map(|(_, pkcs1)| pkcs1);
    let private = der::expect(der::SEQUENCE, der)
        .and_then(|(content, _)| der::expect(der::INTEGER, content))
        .and_then(|(_, after)| der::expect(der::SEQUENCE, after))
        .and_then(|(_, after)| der::expect(der::OCTET_STRING, after))
        .map(|(pkcs1, _)| pkcs1);
    [Some(der), public, private]
        .into_iter()
        .flatten()
        .filter_map(|pkcs1| private_numbers(pkcs1).or_else(|| numbers(pkcs1)))
        .find_map(|(n, e)| check_public(n, e).err())
        .unwrap_or(REFUSED)
}

/// Modulus and exponent of a PKCS#1 private key, which begins with a version (RFC 8017, appendix A.1.2).
fn private_numbers(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let (content, _) = der::expect(der::SEQUENCE, pkcs1)?;
    let (version, after) = der::expect(der::INTEGER, content)?;
    let (n, after) = der::expect(der::INTEGER, after)?;
    let (e, _) = der::expect(der::INTEGER, after)?;
    Some((positive(n), positive(e))).filter(|_| version == [0])
}

/// Modulus and exponent of a PKCS#1 public key.
pub(super) fn numbers(pkcs1: &[u8]) -> Option<(&[u8], &[u8])> {
    let content = der::whole(der::SEQUENCE, pkcs1)?;
    let (n, after) = der::expect(der::INTEGER, content)?;
    let (e, _) = der::expect(der::INTEGER, after)?;
    Some((positive(n), positive(e)))
}

/// Without the byte that keeps a DER INTEGER positive.
fn positive(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => rest,
        _ => integer,
    }
}

const fn encoding(algorithm: Algorithm) -> Option<&'static RsaSignatureEncoding> {
    Some(match algorithm {
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        _ => return None,
    })
}

const fn parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modulus(bits: usize) -> Vec<u8> {
        let mut n = vec![0xa5; bits / 8];
        n[0] = 0x80;
        *n.last_mut().unwrap() = 0x77;
        n
    }

    #[test]
    fn a_key_signs_for_its_own_padding_and_hash_only() {
        let secret = RsaSecret::generate(Algorithm::Rs256, RsaSize::Bits2048).unwrap();
        let der = secret.to_pkcs8().unwrap();
        let signature = secret.try_sign(b"message").unwrap();
        for algorithm in [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Ps256, Algorithm::Ps512] {
            let same = RsaSecret::from_der(algorithm, &der).unwrap();
            let public = same.public(algorithm).unwrap();
            assert_eq!(
                public.verify(b"message", &signature).is_ok(),
                algorithm == Algorithm::Rs256
            );
            let own = same.try_sign(b"message").unwrap();
            assert!(public.verify(b"message", &own).is_ok());
            assert!(public.verify(b"massage", &own).is_err());
            let longer = [&[0][..], &own].concat();
            assert!(public.verify(b"message", &longer).is_err());
            assert!(public.verify(b"message", &Vec::new()).is_err());
        }
        assert!(RsaSecret::from_der(Algorithm::Es256, &der).is_err());
    }

    #[test]
    fn numbers_are_judged_with_the_reason() {
        let e = [1, 0, 1];
        let code = |n: &[u8], e: &[u8]| check_public(n, e).map_err(Error::code);
        assert_eq!(code(&modulus(2048), &e), Ok(()));
        assert_eq!(code(&modulus(8192), &e), Ok(()));
        assert_eq!(code(&modulus(2040), &e), Err(Code::KeyTooWeak));
        assert_eq!(code(&modulus(8200), &e), Err(Code::KeyInvalid));
        assert_eq!(code(&modulus(16384), &e), Err(Code::KeyInvalid));
        for exponent in [&[][..], &[1], &[2], &[1, 0, 0]] {
            assert_eq!(code(&modulus(2048), exponent), Err(Code::KeyTooWeak), "{exponent:?}");
        }
        for exponent in [&[0, 1, 0, 1][..], &[3, 0, 0, 0, 1], &[1; 9]] {
            assert_eq!(code(&modulus(2048), exponent), Err(Code::KeyInvalid), "{exponent:?}");
        }
        let mut even = modulus(2048);
        *even.last_mut().unwrap() = 0x76;
        assert_eq!(code(&even, &e), Err(Code::KeyInvalid));
        assert_eq!(code(&[], &e), Err(Code::KeyInvalid));
        assert_eq!(code(&[&[0], &modulus(2048)[..]].concat(), &e), Err(Code::KeyInvalid));
    }

    #[test]
    fn a_byte_behind_the_key_is_refused() {
        let secret = RsaSecret::generate(Algorithm::Rs256, RsaSize::Bits2048).unwrap();
        let pkcs8 = secret.to_pkcs8().unwrap();
        // Behind the headers of PKCS#8's SEQUENCE, version, identifier and OCTET STRING.
        let pkcs1 = &pkcs8[26..];
        for der in [&pkcs8[..], pkcs1] {
            assert!(RsaSecret::from_der(Algorithm::Rs256, der).is_ok());
            for extra in [0, 0xff] {
                assert!(RsaSecret::from_der(Algorithm::Rs256, &[der, &[extra]].concat()).is_err());
            }
        }
        let public = secret.public_der();
        let identifier = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
        let mut spki = [&[0x30, 0x82, 1, 0x22], &identifier[..], &[3, 0x82, 1, 15, 0], public].concat();
        for der in [&spki[..], public] {
            assert!(RsaPublic::from_der(Algorithm::Rs256, der).is_ok());
            for extra in [0, 0xff] {
                assert!(RsaPublic::from_der(Algorithm::Rs256, &[der, &[extra]].concat()).is_err());
            }
        }
        // Counted into the lengths of the SEQUENCE and the BIT STRING.
        spki.push(0);
        for at in [3, 22] {
            spki[at] += 1;
        }
        assert!(RsaPublic::from_der(Algorithm::Rs256, &spki).is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for bytes in [&[][..], &[0x30], &[0x30, 0], b"-----BEGIN", &[0x30, 3, 2, 1, 1]] {
            assert!(RsaPublic::from_der(Algorithm::Rs256, bytes).is_err());
            assert!(RsaSecret::from_der(Algorithm::Rs256, bytes).is_err());
        }
    }

    #[test]
    fn a_secret_prints_as_redacted() {
        let secret = RsaSecret::generate(Algorithm::Ps256, RsaSize::Bits2048).unwrap();
        assert_eq!(format!("{secret:?}"), "RsaSecret(redacted)");
    }
}
