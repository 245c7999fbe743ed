//! AES-GCM (RFC 7518, sections 4.7 and 5.3), on ring.

use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use zeroize::Zeroizing;

use super::content_encryption::{Opening, Sealed};
use crate::error::{Code, Error};

/// Encrypts under a key of 16 or 32 bytes and an initialization vector of 12. The tag has 16 bytes.
pub(super) fn seal(key: &[u8], iv: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Sealed, Error> {
    const FAILED: Error = Error::because(Code::Internal, "AES-GCM");
    let key = expanded(key).ok_or(FAILED)?;
    let nonce = Nonce::try_assume_unique_for_key(iv).map_err(|_| FAILED)?;
    // Still the plaintext if sealing fails.
    let mut ciphertext = Zeroizing::new(plaintext.to_vec());
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(aad), &mut ciphertext)
        .map_err(|_| FAILED)?;
    Ok(Sealed {
        ciphertext: std::mem::take(&mut *ciphertext),
        tag: tag.as_ref().to_vec(),
    })
}

/// Authenticates and decrypts; every failure is the same.
pub(super) fn open(key: &[u8], sealed: &Opening<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
    const FAILED: Error = Error::new(Code::DecryptionFailed);
    let key = expanded(key).ok_or(FAILED)?;
    let nonce = Nonce::try_assume_unique_for_key(sealed.iv).map_err(|_| FAILED)?;
    let tag = Tag::try_from(sealed.tag).map_err(|_| FAILED)?;
    let mut plaintext = Zeroizing::new(sealed.ciphertext.to_vec());
    key.open_in_place_separate_tag(nonce, Aad::from(sealed.aad), tag, &mut plaintext, 0..)
        .map_err(|_| FAILED)?;
    Ok(plaintext)
}

fn expanded(key: &[u8]) -> Option<LessSafeKey> {
    let algorithm = match key.len() {
        16 => &AES_128_GCM,
        32 => &AES_256_GCM,
        _ => return None,
    };
    UnboundKey::new(algorithm, key).ok().map(LessSafeKey::new)
}
