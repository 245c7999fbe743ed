//! The key management algorithms of JWE (RFC 7518, section 4.1; RFC 8037, section 3.2).

/// How the content encryption key (CEK) reaches the recipient: the `alg` of a JWE. `RSA1_5`, PBES2 and the 192-bit forms
/// are not among them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyManagement {
    /// AES-128 in GCM wraps the CEK (RFC 7518, section 4.7).
    A128GcmKw,
    /// AES-128 Key Wrap (RFC 7518, section 4.4).
    A128Kw,
    /// AES-256 in GCM wraps the CEK (RFC 7518, section 4.7).
    A256GcmKw,
    /// AES-256 Key Wrap (RFC 7518, section 4.4).
    A256Kw,
    /// The shared secret is the CEK (RFC 7518, section 4.5).
    Dir,
    /// The agreed key is the CEK (RFC 7518, section 4.6).
    EcdhEs,
    /// The agreed key wraps the CEK (RFC 7518, section 4.6).
    EcdhEsA128Kw,
    /// The agreed key wraps the CEK (RFC 7518, section 4.6).
    EcdhEsA256Kw,
    /// RSAES-OAEP with SHA-1 (RFC 7518, section 4.3).
    RsaOaep,
    /// RSAES-OAEP with SHA-256 (RFC 7518, section 4.3).
    RsaOaep256,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyFamily {
    /// An elliptic-curve or X25519 key.
    Ecdh,
    /// An RSA key.
    Rsa,
    /// A secret of this many bytes; `None`: as many as the content encryption takes.
    Secret(Option<usize>),
}

impl KeyManagement {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[
        Self::A128GcmKw,
        Self::A128Kw,
        Self::A256GcmKw,
        Self::A256Kw,
        Self::Dir,
        Self::EcdhEs,
        Self::EcdhEsA128Kw,
        Self::EcdhEsA256Kw,
        Self::RsaOaep,
        Self::RsaOaep256,
    ];

    /// The `alg` header value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128GcmKw => "A128GCMKW",
            Self::A128Kw => "A128KW",
            Self::A256GcmKw => "A256GCMKW",
            Self::A256Kw => "A256KW",
            Self::Dir => "dir",
            Self::EcdhEs => "ECDH-ES",
            Self::EcdhEsA128Kw => "ECDH-ES+A128KW",
            Self::EcdhEsA256Kw => "ECDH-ES+A256KW",
            Self::RsaOaep => "RSA-OAEP",
            Self::RsaOaep256 => "RSA-OAEP-256",
        }
    }

    /// The one of that name, which is case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }

    /// What kind of key it takes.
    pub const fn family(self) -> KeyFamily {
        match self {
            Self::A128GcmKw | Self::A128Kw => KeyFamily::Secret(Some(16)),
            Self::A256GcmKw | Self::A256Kw => KeyFamily::Secret(Some(32)),
            Self::Dir => KeyFamily::Secret(None),
            Self::EcdhEs | Self::EcdhEsA128Kw | Self::EcdhEsA256Kw => KeyFamily::Ecdh,
            Self::RsaOaep | Self::RsaOaep256 => KeyFamily::Rsa,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact() {
        for alg in KeyManagement::ALL {
            assert_eq!(KeyManagement::from_name(alg.as_str()), Some(*alg));
        }
        for name in [
            "",
            "DIR",
            "RSA1_5",
            "PBES2-HS256+A128KW",
            "A192KW",
            "RSA-OAEP-512",
            "ECDH-ES+A192KW",
            "HS256",
            "none",
        ] {
            assert_eq!(KeyManagement::from_name(name), None, "{name}");
        }
    }
}
