//! The signature algorithms (RFC 7518, section 3.1; RFC 8037).

use jsonwebtoken as jose;

/// An algorithm that a key can be bound to. `none` is not one of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Algorithm {
    /// Ed25519 signatures (RFC 8037, section 3.1).
    EdDsa,
    /// ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4).
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// HMAC with SHA-256 (RFC 7518, section 3.2).
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSASSA-PSS with SHA-256 (RFC 7518, section 3.5).
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// A pair on P-256, P-384 or P-521; JWK `kty` EC.
    Ecdsa,
    /// A pair on Ed25519; JWK `kty` OKP.
    EdDsa,
    /// A shared secret; JWK `kty` oct.
    Hmac,
    /// An RSA pair, for either padding; JWK `kty` RSA.
    Rsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &'static [Self] = &[
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The `alg` header value that is written; case-sensitive (RFC 7515, section 4.1.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The algorithm of that name. `Ed25519` (RFC 9864, section 2.2) is another name of the one Ed25519 algorithm.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// The kind of key it takes.
    pub const fn family(self) -> Family {
        match self {
            Self::EdDsa => Family::EdDsa,
            Self::Es256 | Self::Es384 | Self::Es512 => Family::Ecdsa,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => Family::Hmac,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => Family::Rsa,
        }
    }

    /// Whether signing and verifying use the same secret.
    pub const fn is_symmetric(self) -> bool {
        matches!(self.family(), Family::Hmac)
    }

    /// The length of its hash in bytes, which an HMAC secret must at least have (RFC 7518, section 3.2).
    pub const fn hash_len(self) -> usize {
        match self {
            Self::Es256 | Self::Hs256 | Self::Ps256 | Self::Rs256 => 32,
            Self::Es384 | Self::Hs384 | Self::Ps384 | Self::Rs384 => 48,
            Self::EdDsa | Self::Es512 | Self::Hs512 | Self::Ps512 | Self::Rs512 => 64,
        }
    }

    /// The `jsonwebtoken` crate's name for it; that crate lacks ES512.
    pub const fn jose(self) -> Option<jose::Algorithm> {
        Some(match self {
            Self::EdDsa => jose::Algorithm::EdDSA,
            Self::Es256 => jose::Algorithm::ES256,
            Self::Es384 => jose::Algorithm::ES384,
            Self::Es512 => return None,
            Self::Hs256 => jose::Algorithm::HS256,
            Self::Hs384 => jose::Algorithm::HS384,
            Self::Hs512 => jose::Algorithm::HS512,
            Self::Ps256 => jose::Algorithm::PS256,
            Self::Ps384 => jose::Algorithm::PS384,
            Self::Ps512 => jose::Algorithm::PS512,
            Self::Rs256 => jose::Algorithm::RS256,
            Self::Rs384 => jose::Algorithm::RS384,
            Self::Rs512 => jose::Algorithm::RS512,
        })
    }

    /// The algorithm of the `jsonwebtoken` crate's name.
    pub fn from_jose(algorithm: jose::Algorithm) -> Option<Self> {
        Self::ALL.iter().copied().find(|own| own.jose() == Some(algorithm))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_as_it_is_written_and_not_otherwise() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.as_str()), Some(*algorithm));
            assert_eq!(Algorithm::from_name(&algorithm.as_str().to_ascii_lowercase()), None);
        }
        for name in [
            "", "none", "None", "nOnE", " none", "HS256 ", "hs256", "ES521", "ES256K", "RSA1_5",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_newer_name_of_eddsa_is_taken_too() {
        assert_eq!(Algorithm::from_name("Ed25519"), Some(Algorithm::EdDsa));
        assert_eq!(Algorithm::from_name("Ed448"), None);
    }

    #[test]
    fn the_jose_crate_calls_them_by_the_same_names() {
        for algorithm in Algorithm::ALL {
            match algorithm.jose() {
                Some(jose) => {
                    assert_eq!(format!("{jose:?}"), algorithm.as_str());
                    assert_eq!(Algorithm::from_jose(jose), Some(*algorithm));
                }
                None => assert_eq!(*algorithm, Algorithm::Es512),
            }
        }
    }
}
