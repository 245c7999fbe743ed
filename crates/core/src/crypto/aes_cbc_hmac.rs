//! Authenticated encryption from AES-CBC and HMAC-SHA-2 (RFC 7518, section 5.2): encrypt, then MAC.

use ring::hmac;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    aes_cbc,
    content_encryption::{Opening, Sealed},
};
use crate::error::{Code, Error};

/// With HMAC-SHA-256: a key of 32 bytes, a tag of 16.
pub(super) const HS256: AesCbcHmac = AesCbcHmac {
    mac: &hmac::HMAC_SHA256,
    half: 16,
};

/// With HMAC-SHA-512: a key of 64 bytes, a tag of 32.
pub(super) const HS512: AesCbcHmac = AesCbcHmac {
    mac: &hmac::HMAC_SHA512,
    half: 32,
};

/// One of the pairs. The first half of the key authenticates, the second encrypts; the tag is the first half of the MAC.
pub(super) struct AesCbcHmac {
    mac: &'static hmac::Algorithm,
    half: usize,
}

impl AesCbcHmac {
    pub(super) fn seal(&self, key: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Sealed, Error> {
        const FAILED: Error = Error::because(Code::Internal, "AES-CBC");
        let (mac_key, enc_key) = key.split_at_checked(self.half).ok_or(FAILED)?;
        let ciphertext = aes_cbc::encrypt(enc_key, iv, plaintext).ok_or(FAILED)?;
        let mac = self.mac(mac_key, aad, iv, &ciphertext).ok_or(FAILED)?;
        let tag = mac.as_ref().get(..self.half).ok_or(FAILED)?.to_vec();
        Ok(Sealed { ciphertext, tag })
    }

    /// Decrypts only what the tag vouches for.
    pub(super) fn open(&self, key: &[u8], sealed: &Opening<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        const FAILED: Error = Error::new(Code::DecryptionFailed);
        let (mac_key, enc_key) = key.split_at_checked(self.half).ok_or(FAILED)?;
        let mac = self
            .mac(mac_key, sealed.aad, sealed.iv, sealed.ciphertext)
            .ok_or(FAILED)?;
        let tag = mac.as_ref().get(..self.half).ok_or(FAILED)?;
        if !bool::from(tag.ct_eq(sealed.tag)) {
            return Err(FAILED);
        }
        aes_cbc::decrypt(enc_key, sealed.iv, sealed.ciphertext).ok_or(FAILED)
    }

    /// Over the additional data, the vector, the ciphertext and the bits of the additional data (RFC 7518, section 5.2.2.1).
    fn mac(&self, key: &[u8], aad: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<hmac::Tag> {
        let bits = u64::try_from(aad.len()).ok()?.checked_mul(8)?;
        let mut context = hmac::Context::with_key(&hmac::Key::new(*self.mac, key));
        for part in [aad, iv, ciphertext, &bits.to_be_bytes()] {
            context.update(part);
        }
        Some(context.sign())
    }
}
