//! AES Key Wrap with its default initial value (RFC 3394; RFC 7518, section 4.4), on aws-lc-rs.

use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap};
use zeroize::Zeroizing;

/// How many bytes wrapping adds.
pub const WRAP_BYTES: usize = 8;

/// Wraps a key of whole 8-byte blocks, at least two, under one of 16 or 32 bytes. `None` for any other length.
pub fn wrap_key(kek: &[u8], key: &[u8]) -> Option<Vec<u8>> {
    let mut wrapped = vec![0; key.len() + WRAP_BYTES];
    let length = expanded(kek)?.wrap(key, &mut wrapped).ok()?.len();
    (length == wrapped.len()).then_some(wrapped)
}

/// The key that was wrapped; `None` unless its integrity check holds, which is compared in constant time.
pub fn unwrap_key(kek: &[u8], wrapped: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; wrapped.len().checked_sub(WRAP_BYTES)?]);
    let length = KeyWrap::unwrap(expanded(kek)?, wrapped, &mut key).ok()?.len();
    (length == key.len()).then_some(key)
}

fn expanded(kek: &[u8]) -> Option<AesKek> {
    let cipher = match kek.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return None,
    };
    AesKek::new(cipher, kek).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapped_key_of_rfc_3394_section_4_1_is_produced() {
        let kek: Vec<u8> = (0..16).collect();
        let key: Vec<u8> = (0..16).map(|n: u8| n * 0x11).collect();
        let wrapped = wrap_key(&kek, &key).unwrap();
        assert_eq!(wrapped[..4], [0x1f, 0xa6, 0x8b, 0x0a]);
        assert_eq!(*unwrap_key(&kek, &wrapped).unwrap(), key);
        for index in 0..wrapped.len() {
            let mut tampered = wrapped.clone();
            tampered[index] ^= 1;
            assert!(unwrap_key(&kek, &tampered).is_none());
        }
    }

    #[test]
    fn odd_lengths_are_refused() {
        for length in [0, 7, 8, 15, 17] {
            assert!(unwrap_key(&[7; 16], &vec![1; length]).is_none());
            assert!(wrap_key(&[7; 16], &vec![1; length]).is_none());
        }
        assert!(wrap_key(&[7; 24], &[1; 16]).is_none());
    }
}
