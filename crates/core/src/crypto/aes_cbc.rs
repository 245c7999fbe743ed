//! AES in CBC mode with PKCS #7 padding (RFC 7518, section 5.2.2), on aws-lc-rs. Never used without a MAC.

use aws_lc_rs::{
    cipher::{
        AES_128, AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
        UnboundCipherKey,
    },
    iv::FixedLength,
};
use zeroize::Zeroizing;

/// Encrypts under a key of 16 or 32 bytes and an initialization vector of 16.
pub(super) fn encrypt(key: &[u8], iv: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(unbound(key)?).ok()?;
    let iv = FixedLength::<16>::try_from(iv).ok()?;
    // Still the plaintext if encryption fails; the padding fits, so that no copy is left behind.
    let mut ciphertext = Zeroizing::new(Vec::with_capacity(plaintext.len() + 16));
    ciphertext.extend_from_slice(plaintext);
    key.less_safe_encrypt(&mut *ciphertext, EncryptionContext::Iv128(iv))
        .ok()?;
    Some(std::mem::take(&mut *ciphertext))
}

/// Decrypts and takes the padding off. Only after the MAC was found good: what this answers to a forged text would be a
/// padding oracle.
pub(super) fn decrypt(key: &[u8], iv: &[u8], ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(unbound(key)?).ok()?;
    let iv = FixedLength::<16>::try_from(iv).ok()?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let length = key.decrypt(&mut plaintext, DecryptionContext::Iv128(iv)).ok()?.len();
    plaintext.truncate(length);
    Some(plaintext)
}

fn unbound(key: &[u8]) -> Option<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return None,
    };
    UnboundCipherKey::new(algorithm, key).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_nist_sp_800_38a_f_2_1_is_produced() {
        let key = [
            0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
        ];
        let iv: Vec<u8> = (0..16).collect();
        let plaintext = [
            0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a,
        ];
        let ciphertext = encrypt(&key, &iv, &plaintext).unwrap();
        assert_eq!(ciphertext[..4], [0x76, 0x49, 0xab, 0xac]);
        assert_eq!(ciphertext.len(), 32);
        assert_eq!(*decrypt(&key, &iv, &ciphertext).unwrap(), plaintext);
    }
}
