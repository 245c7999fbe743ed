//! The content encryption algorithms of JWE (RFC 7518, section 5.1).

use zeroize::Zeroizing;

use super::{aes_cbc_hmac, aes_gcm};
use crate::error::{Code, Error};

/// What encrypts the plaintext under a content encryption key (CEK): the `enc` of a JWE.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ContentEncryption {
    /// AES-128-CBC with HMAC-SHA-256 (RFC 7518, section 5.2.3).
    A128CbcHs256,
    /// AES-256-CBC with HMAC-SHA-512 (RFC 7518, section 5.2.5).
    A256CbcHs512,
    /// AES-128-GCM (RFC 7518, section 5.3).
    A128Gcm,
    /// AES-256-GCM (RFC 7518, section 5.3).
    A256Gcm,
}

/// A ciphertext and its authentication tag.
#[derive(Debug)]
pub struct Sealed {
    /// As long as the plaintext (GCM), or padded to whole blocks (CBC).
    pub ciphertext: Vec<u8>,
    /// [`ContentEncryption::tag_len`] bytes.
    pub tag: Vec<u8>,
}

/// What [`ContentEncryption::open`] takes apart. The lengths of `iv` and `tag` must be exact.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// The initialization vector.
    pub iv: &'a [u8],
    /// Additional data that is authenticated and not encrypted.
    pub aad: &'a [u8],
    /// The ciphertext.
    pub ciphertext: &'a [u8],
    /// The authentication tag.
    pub tag: &'a [u8],
}

impl ContentEncryption {
    /// Every one of them.
    pub const ALL: &'static [Self] = &[Self::A128CbcHs256, Self::A128Gcm, Self::A256CbcHs512, Self::A256Gcm];

    /// The `enc` header value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A128CbcHs256 => "A128CBC-HS256",
            Self::A256CbcHs512 => "A256CBC-HS512",
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The one of that name, which is case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == name)
    }

    /// How many bytes the CEK has.
    pub const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A128CbcHs256 | Self::A256Gcm => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// How many bytes the initialization vector has.
    pub const fn iv_len(self) -> usize {
        match self {
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
            Self::A128Gcm | Self::A256Gcm => 12,
        }
    }

    /// How many bytes the authentication tag has. No shorter tag is ever accepted.
    pub const fn tag_len(self) -> usize {
        match self {
            Self::A128CbcHs256 | Self::A128Gcm | Self::A256Gcm => 16,
            Self::A256CbcHs512 => 32,
        }
    }

    /// Whether a ciphertext can have this length: whole blocks, at least one, for CBC; any for GCM.
    pub const fn fits(self, ciphertext: usize) -> bool {
        match self {
            Self::A128CbcHs256 | Self::A256CbcHs512 => ciphertext > 0 && ciphertext.is_multiple_of(16),
            Self::A128Gcm | Self::A256Gcm => true,
        }
    }

    /// Encrypts and authenticates. `iv` must never come twice under one key.
    pub fn seal(self, key: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Sealed, Error> {
        match self {
            Self::A128Gcm | Self::A256Gcm => aes_gcm::seal(key, iv, aad, plaintext),
            Self::A128CbcHs256 => aes_cbc_hmac::HS256.seal(key, iv, aad, plaintext),
            Self::A256CbcHs512 => aes_cbc_hmac::HS512.seal(key, iv, aad, plaintext),
        }
    }

    /// Authenticates and only then decrypts; every failure is [`Code::DecryptionFailed`]. The tag is compared in constant time.
    pub fn open(self, key: &[u8], sealed: &Opening<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let exact = sealed.iv.len() == self.iv_len()
            && sealed.tag.len() == self.tag_len()
            && key.len() == self.key_len()
            && self.fits(sealed.ciphertext.len());
        if !exact {
            return Err(Code::DecryptionFailed.into());
        }
        match self {
            Self::A128Gcm | Self::A256Gcm => aes_gcm::open(key, sealed),
            Self::A128CbcHs256 => aes_cbc_hmac::HS256.open(key, sealed),
            Self::A256CbcHs512 => aes_cbc_hmac::HS512.open(key, sealed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_and_nothing_else_does() {
        for enc in ContentEncryption::ALL {
            let key = vec![7; enc.key_len()];
            let iv = vec![8; enc.iv_len()];
            for length in [0, 1, 15, 16, 17, 300] {
                let plaintext = vec![9; length];
                let sealed = enc.seal(&key, &iv, b"aad", &plaintext).unwrap();
                assert_eq!(sealed.tag.len(), enc.tag_len());
                assert!(enc.fits(sealed.ciphertext.len()));
                let opening = Opening {
                    iv: &iv,
                    aad: b"aad",
                    ciphertext: &sealed.ciphertext,
                    tag: &sealed.tag,
                };
                assert_eq!(*enc.open(&key, &opening).unwrap(), plaintext);
                let mut other_tag = sealed.tag.clone();
                other_tag[0] ^= 1;
                let mut other_text = sealed.ciphertext.clone();
                for byte in &mut other_text {
                    *byte ^= 1;
                }
                let mut other_iv = iv.clone();
                other_iv[3] ^= 1;
                let mut other_key = key.clone();
                other_key[0] ^= 1;
                let mut failures = vec![
                    enc.open(
                        &key,
                        &Opening {
                            tag: &other_tag,
                            ..opening
                        },
                    ),
                    enc.open(
                        &key,
                        &Opening {
                            tag: &sealed.tag[1..],
                            ..opening
                        },
                    ),
                    enc.open(&key, &Opening { tag: &[], ..opening }),
                    enc.open(
                        &key,
                        &Opening {
                            iv: &other_iv,
                            ..opening
                        },
                    ),
                    enc.open(
                        &key,
                        &Opening {
                            iv: &iv[1..],
                            ..opening
                        },
                    ),
                    enc.open(&key, &Opening { aad: b"aae", ..opening }),
                    enc.open(&other_key, &opening),
                    enc.open(&key[1..], &opening),
                ];
                if !other_text.is_empty() {
                    failures.push(enc.open(
                        &key,
                        &Opening {
                            ciphertext: &other_text,
                            ..opening
                        },
                    ));
                    failures.push(enc.open(
                        &key,
                        &Opening {
                            ciphertext: &other_text[1..],
                            ..opening
                        },
                    ));
                }
                for failure in failures {
                    assert_eq!(failure.unwrap_err(), Error::new(Code::DecryptionFailed));
                }
            }
        }
    }

    #[test]
    fn names_are_exact() {
        for enc in ContentEncryption::ALL {
            assert_eq!(ContentEncryption::from_name(enc.as_str()), Some(*enc));
        }
        for name in ["", "a128gcm", "A192GCM", "A192CBC-HS384", "A256GCM ", "A128CBC-HS512"] {
            assert_eq!(ContentEncryption::from_name(name), None, "{name}");
        }
    }
}
