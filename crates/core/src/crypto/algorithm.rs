//! The signature algorithms (RFC 7518, section 3.1; RFC 8037).

use jsonwebtoken as jose;

/// An algorithm that a key can be bound to. `none` is not one of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 signatures (RFC 8037, section 3.1).
    EdDsa,
    /// HMAC with SHA-256 (RFC 7518, section 3.2).
    Hs256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: &'static [Self] = &[Self::EdDsa, Self::Hs256];

    /// The `alg` header value, which is case-sensitive (RFC 7515, section 4.1.1).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// Whether signing and verifying use the same secret.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256)
    }

    /// The `jsonwebtoken` crate's name for it.
    pub const fn jose(self) -> jose::Algorithm {
        match self {
            Self::EdDsa => jose::Algorithm::EdDSA,
            Self::Hs256 => jose::Algorithm::HS256,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.as_str()), Some(*algorithm));
            assert_eq!(format!("{:?}", algorithm.jose()), algorithm.as_str());
        }
        for name in ["none", "None", "", "hs256", "HS256 ", "eddsa", "HS1"] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }
}
