//! Diffie-Hellman on P-256, P-384, P-521 (RFC 7518, section 4.6) and X25519 (RFC 7748; RFC 8037, section 3.2), on aws-lc-rs.

use std::fmt;

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, ParsedPublicKey, PrivateKey, UnparsedPublicKey, X25519, agree,
};
use zeroize::Zeroizing;

use crate::{
    encoding::der,
    error::{Code, Error},
    random::Random,
};

const REFUSED: Error = Error::because(Code::KeyInvalid, "not a key on P-256, P-384, P-521 or X25519");

/// A curve for key agreement.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// Curve25519 in Montgomery form.
    X25519,
}

impl Curve {
    /// Every curve.
    pub const ALL: &'static [Self] = &[Self::P256, Self::P384, Self::P521, Self::X25519];

    /// The `crv` of a JWK.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::X25519 => "X25519",
        }
    }

    /// The curve of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|curve| curve.as_str() == name)
    }

    /// The `kty` of a JWK on it.
    pub const fn key_type(self) -> &'static str {
        match self {
            Self::P256 | Self::P384 | Self::P521 => "EC",
            Self::X25519 => "OKP",
        }
    }

    /// How many bytes a coordinate and a private key have.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 | Self::X25519 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::P256 => &ECDH_P256,
            Self::P384 => &ECDH_P384,
            Self::P521 => &ECDH_P521,
            Self::X25519 => &X25519,
        }
    }

    /// Everything in front of the public key in a `SubjectPublicKeyInfo`: RFC 5480 and RFC 8410 allow one encoding a curve.
    const fn spki_prefix(self) -> &'static [u8] {
        match self {
            Self::P256 => &[
                0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
                0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
            ],
            Self::P384 => &[
                0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
                0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
            ],
            Self::P521 => &[
                0x30, 0x81, 0x9b, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                0x81, 0x04, 0x00, 0x23, 0x03, 0x81, 0x86, 0x00,
            ],
            Self::X25519 => &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00],
        }
    }
}

/// A private key for agreement.
pub struct EcdhSecret {
    key: PrivateKey,
    public: EcdhPublic,
}

impl EcdhSecret {
    /// A new key, static or ephemeral.
    pub fn generate(curve: Curve, random: &dyn Random) -> Result<Self, Error> {
        // A scalar that is not below the order is drawn again (FIPS 186-5, appendix A.2.2). The order of
        // every curve is close below a power of two, so that one draw nearly always does.
        const DRAWS: usize = 16;
        let mut scalar = Zeroizing::new(vec![0; curve.coordinate_len()]);
        for _ in 0..DRAWS {
            random.fill(&mut scalar)?;
            if let (Curve::P521, Some(first)) = (curve, scalar.first_mut()) {
                *first &= 1;
            }
            if let Ok(secret) = Self::from_scalar(curve, &scalar) {
                return Ok(secret);
            }
        }
        Err(Error::because(Code::Internal, "no randomness"))
    }

    /// A key from its scalar, big-endian, or from the 32 bytes of X25519; of exactly the curve's length.
    pub fn from_scalar(curve: Curve, scalar: &[u8]) -> Result<Self, Error> {
        Self::judged(
            curve,
            PrivateKey::from_private_key(curve.algorithm(), scalar).map_err(|_| REFUSED)?,
        )
    }

    /// A key from PKCS#8 (RFC 5958, RFC 5915, RFC 8410), with nothing behind it.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        // RFC 8410 allows exactly one encoding: this prefix, then the 32 bytes.
        const PREFIX: [u8; 16] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20,
        ];
        if let Some(scalar) = der.strip_prefix(&PREFIX) {
            return Self::from_scalar(Curve::X25519, scalar);
        }
        // The library reads the first element and leaves the rest.
        der::whole(der::SEQUENCE, der).ok_or(REFUSED)?;
        [Curve::P256, Curve::P384, Curve::P521]
            .into_iter()
            .find_map(|curve| {
                let key = PrivateKey::from_private_key_der(curve.algorithm(), der).ok()?;
                Some(Self::judged(curve, key))
            })
            .unwrap_or(Err(REFUSED))
    }

    fn judged(curve: Curve, key: PrivateKey) -> Result<Self, Error> {
        let public = key.compute_public_key().map_err(|_| REFUSED)?;
        Ok(Self {
            public: EcdhPublic::from_bytes(curve, public.as_ref())?,
            key,
        })
    }

    /// The public half.
    pub const fn public(&self) -> &EcdhPublic {
        &self.public
    }

    /// The shared secret; `None` if the other key is on another curve. On X25519 it is never all zeros (RFC 7748, section 6.1); on
    /// the others zero is the coordinate of a sound point.
    pub fn agree(&self, peer: &EcdhPublic) -> Option<Zeroizing<Vec<u8>>> {
        if peer.curve != self.public.curve {
            return None;
        }
        agree(&self.key, peer.parsed.clone(), (), |secret| {
            Ok(Zeroizing::new(secret.to_vec()))
        })
        .ok()
        .filter(|secret| peer.curve != Curve::X25519 || secret.iter().any(|byte| *byte != 0))
    }
}

impl fmt::Debug for EcdhSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EcdhSecret(redacted)")
    }
}

/// A public key for agreement: a point that was checked to lie on its curve, and not of small order.
#[derive(Clone)]
pub struct EcdhPublic {
    curve: Curve,
    /// 4, x and y (SEC 1, section 2.3.3); for X25519 the 32 bytes.
    bytes: Vec<u8>,
    parsed: ParsedPublicKey,
}

impl EcdhPublic {
    /// A key from a `SubjectPublicKeyInfo` with a named curve and an uncompressed point.
    pub fn from_spki(der: &[u8]) -> Result<Self, Error> {
        Curve::ALL
            .iter()
            .find_map(|curve| Some((*curve, der.strip_prefix(curve.spki_prefix())?)))
            .map_or(Err(REFUSED), |(curve, bytes)| Self::from_bytes(curve, bytes))
    }

    /// A key from its coordinates, each of exactly the curve's length; `y` is `None` for X25519 and only there.
    pub fn from_coordinates(curve: Curve, x: &[u8], y: Option<&[u8]>) -> Result<Self, Error> {
        match (curve, y) {
            (Curve::X25519, None) => Self::from_bytes(curve, x),
            (Curve::P256 | Curve::P384 | Curve::P521, Some(y)) if x.len() == y.len() => {
                Self::from_bytes(curve, &[&[4], x, y].concat())
            }
            _ => Err(REFUSED),
        }
    }

    fn from_bytes(curve: Curve, bytes: &[u8]) -> Result<Self, Error> {
        let fits = match curve {
            Curve::X25519 => bytes.len() == curve.coordinate_len(),
            _ => bytes.len() == 1 + 2 * curve.coordinate_len() && bytes.first() == Some(&4),
        };
        if !fits {
            return Err(Error::because(
                Code::KeyInvalid,
                "a coordinate does not have the curve's length (RFC 7518, section 6.2.1.2)",
            ));
        }
        let parsed = ParsedPublicKey::try_from(UnparsedPublicKey::new(curve.algorithm(), bytes))
            .map_err(|_| Error::because(Code::KeyInvalid, "the point is not on its curve"))?;
        let public = Self {
            curve,
            bytes: bytes.to_vec(),
            parsed,
        };
        if curve == Curve::X25519 && public.has_small_order() {
            return Err(Error::because(Code::KeyInvalid, "a point of small order"));
        }
        Ok(public)
    }

    /// Whether every agreement with it gives zeros. Private keys are multiples of 8, so that any one of them tells.
    fn has_small_order(&self) -> bool {
        PrivateKey::from_private_key(&X25519, &[0x55; 32])
            .map_err(|_| ())
            .and_then(|any| agree(&any, self.parsed.clone(), (), |_| Ok(())))
            .is_err()
    }

    /// Its curve.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// x and y, big-endian and of full length; no y for X25519.
    pub fn coordinates(&self) -> (&[u8], Option<&[u8]>) {
        match self.bytes.split_first() {
            Some((_, coordinates)) if self.curve != Curve::X25519 => {
                let (x, y) = coordinates
                    .split_at_checked(self.curve.coordinate_len())
                    .unwrap_or_default();
                (x, Some(y))
            }
            _ => (&self.bytes, None),
        }
    }
}

impl PartialEq for EcdhPublic {
    fn eq(&self, other: &Self) -> bool {
        self.curve == other.curve && self.bytes == other.bytes
    }
}

impl fmt::Debug for EcdhPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EcdhPublic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn both_sides_agree_on_every_curve_and_never_across_curves() {
        let random = SystemRandom::new();
        let keys: Vec<_> = Curve::ALL
            .iter()
            .map(|curve| EcdhSecret::generate(*curve, &random).unwrap())
            .collect();
        for key in &keys {
            let curve = key.public().curve();
            let other = EcdhSecret::generate(curve, &random).unwrap();
            let shared = key.agree(other.public()).unwrap();
            assert_eq!(shared, other.agree(key.public()).unwrap());
            assert_eq!(shared.len(), curve.coordinate_len());
            for foreign in keys.iter().filter(|foreign| foreign.public().curve() != curve) {
                assert!(key.agree(foreign.public()).is_none());
            }
            let (x, y) = key.public().coordinates();
            assert_eq!(EcdhPublic::from_coordinates(curve, x, y).unwrap(), *key.public());
            assert!(EcdhPublic::from_coordinates(curve, &x[1..], y).is_err());
            assert_eq!(format!("{key:?}"), "EcdhSecret(redacted)");
        }
    }

    #[test]
    fn a_point_off_the_curve_is_refused() {
        let random = SystemRandom::new();
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let key = EcdhSecret::generate(curve, &random).unwrap();
            let (x, y) = key.public().coordinates();
            let mut y = y.unwrap().to_vec();
            *y.last_mut().unwrap() ^= 1;
            assert!(EcdhPublic::from_coordinates(curve, x, Some(&y)).is_err());
            assert!(EcdhPublic::from_coordinates(curve, x, None).is_err());
            let zeros = vec![0; curve.coordinate_len()];
            assert!(EcdhPublic::from_coordinates(curve, &zeros, Some(&zeros)).is_err());
            assert!(EcdhSecret::from_scalar(curve, &zeros).is_err());
        }
    }

    #[test]
    fn a_byte_behind_the_key_is_refused() {
        use crate::crypto::{Algorithm, EcdsaSecret};
        let ec = [Algorithm::Es256, Algorithm::Es384, Algorithm::Es512]
            .map(|algorithm| EcdsaSecret::generate(algorithm).unwrap().to_pkcs8().unwrap().to_vec());
        let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];
        let x25519 = [&prefix[..], &[7; 32]].concat();
        for der in ec.iter().chain([&x25519]) {
            assert!(EcdhSecret::from_pkcs8(der).is_ok());
            for extra in [0, 0xff] {
                assert!(EcdhSecret::from_pkcs8(&[der, &[extra][..]].concat()).is_err());
            }
        }
        for curve in Curve::ALL {
            let secret = EcdhSecret::generate(*curve, &SystemRandom::new()).unwrap();
            let spki = [curve.spki_prefix(), &secret.public().bytes].concat();
            assert!(EcdhPublic::from_spki(&spki).is_ok());
            assert!(EcdhPublic::from_spki(&[&spki[..], &[0]].concat()).is_err());
        }
    }

    #[test]
    fn points_of_small_order_are_refused_in_every_encoding() {
        // RFC 7748, section 6.1, and the usual list: 0, 1, p - 1, p, p + 1 and one of order 8, with and without the top bit.
        let eighth = [
            0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
            0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
        ];
        let near_p = |first: u8| {
            let mut point = [0xff; 32];
            point[0] = first;
            point[31] = 0x7f;
            point
        };
        let mut one = [0; 32];
        one[0] = 1;
        for point in [[0; 32], one, eighth, near_p(0xec), near_p(0xed), near_p(0xee)] {
            for top in [0, 0x80] {
                let mut point = point;
                point[31] |= top;
                let error = EcdhPublic::from_coordinates(Curve::X25519, &point, None).unwrap_err();
                assert_eq!(error.reason(), Some("a point of small order"));
            }
        }
    }
}
