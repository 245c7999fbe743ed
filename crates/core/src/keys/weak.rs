//! HMAC secrets of any length, for callers bound to what another library accepts.

use zeroize::Zeroizing;

use super::{Key, disguise};
use crate::{
    crypto::Algorithm,
    error::{Code, Error},
};

impl Key {
    /// An HMAC key from a secret of any length. Strict callers use [`Key::hmac`], which follows RFC 7518, section 3.2.
    ///
    /// Two secrets are refused even here with [`Code::KeyInvalid`], because anybody can sign with them: the empty one, and
    /// an asymmetric key in any dress, whose public half is public.
    pub fn hmac_of_any_length_however_weak(algorithm: Algorithm, secret: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        if !algorithm.is_symmetric() {
            return Err(Error::because(Code::KeyInvalid, "a secret is a key for HMAC only"));
        }
        if secret.is_empty() {
            return Err(Error::because(
                Code::KeyInvalid,
                "it is empty, and anybody could sign with it; use at least 32 random bytes",
            ));
        }
        if disguise::looks_asymmetric(&secret) {
            return Err(Error::because(
                Code::KeyInvalid,
                "it is an asymmetric key, and anybody could sign with its public half; use at least 32 random bytes, or give \
                 the key as PEM or KeyObject with an algorithm of its type",
            ));
        }
        Self::hmac_unchecked(algorithm, secret, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(secret: &[u8]) -> Result<Key, Error> {
        Key::hmac_of_any_length_however_weak(Algorithm::Hs256, Zeroizing::new(secret.to_vec()))
    }

    #[test]
    fn a_secret_of_one_byte_and_one_of_a_megabyte_are_taken() {
        for secret in [&b"x"[..], b"secret", &vec![7; 1 << 20]] {
            let key = made(secret).unwrap();
            let tag = key.sign(b"message").unwrap();
            assert!(key.verifies(b"message", &tag));
        }
    }

    #[test]
    fn an_empty_secret_and_a_public_key_are_refused() {
        for secret in [&b""[..], b" -----BEGIN PUBLIC KEY-----", br#"{"kty":"RSA"}"#] {
            assert_eq!(made(secret).unwrap_err().code(), Code::KeyInvalid);
        }
        let secret = Zeroizing::new(vec![7; 32]);
        assert!(Key::hmac_of_any_length_however_weak(Algorithm::EdDsa, secret).is_err());
    }
}
