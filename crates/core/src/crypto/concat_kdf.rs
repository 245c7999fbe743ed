//! The Concat KDF with SHA-256 (NIST SP 800-56A, section 5.8.1; RFC 7518, section 4.6.2), on ring.

use ring::digest;
use zeroize::Zeroizing;

/// Derives `length` bytes from a shared secret. `algorithm` is the name that the key is for; `apu` and `apv` say between whom.
/// `None` for parts or lengths beyond 2^29 bytes.
pub fn concat_kdf(secret: &[u8], algorithm: &str, apu: &[u8], apv: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let bits = u32::try_from(length).ok()?.checked_mul(8)?;
    let mut info = Vec::new();
    for part in [algorithm.as_bytes(), apu, apv] {
        info.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
        info.extend_from_slice(part);
    }
    info.extend_from_slice(&bits.to_be_bytes());
    // Whole rounds fit, so that the key is never moved and left behind.
    let rounds = length.div_ceil(digest::SHA256_OUTPUT_LEN);
    let mut key = Zeroizing::new(Vec::with_capacity(rounds * digest::SHA256_OUTPUT_LEN));
    for round in 1..=u32::try_from(rounds).ok()? {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in [&round.to_be_bytes(), secret, &info] {
            context.update(part);
        }
        key.extend_from_slice(context.finish().as_ref());
    }
    key.truncate(length);
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::base64url;

    #[test]
    fn the_key_of_rfc_7518_appendix_c_is_derived() {
        let secret = [
            158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163, 218, 128,
            106, 72, 246, 218, 167, 121, 140, 254, 144, 196,
        ];
        let key = concat_kdf(&secret, "A128GCM", b"Alice", b"Bob", 16).unwrap();
        assert_eq!(base64url::encode(&key), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn longer_keys_take_several_rounds_and_every_part_matters() {
        let key = |apu: &[u8], length| concat_kdf(&[7; 32], "A256CBC-HS512", apu, b"", length).unwrap();
        assert_eq!(key(b"", 64).len(), 64);
        assert_ne!(key(b"", 64)[..32], key(b"", 64)[32..]);
        assert_ne!(*key(b"", 64), *key(b"a", 64));
        assert_ne!(key(b"", 64)[..32], *key(b"", 32));
    }
}
