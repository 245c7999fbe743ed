//! Compact JWE: what was encrypted comes back, nothing opens once a byte was changed, and whatever else is sent is refused
//! with a code that says something about the token.
//!
//! Nobody guesses a tag, so every second input is a plaintext that gets encrypted first. The first byte says which, and under
//! which key; of a plaintext the next three say how, and what is changed.
#![no_main]

use std::sync::LazyLock;

use keyturn_core::{
    crypto::{ContentEncryption, KeyManagement, RsaSize},
    error::{Code, Error},
    jwe::{self, Allowed, EncryptOptions},
    keys::{EncryptionKey, EncryptionKeySet, encryption::Shape},
    random::{Random, SystemRandom},
};
use libfuzzer_sys::fuzz_target;

/// One key for each algorithm, without names, so that a token is tried against each that fits.
static KEYS: LazyLock<EncryptionKeySet> = LazyLock::new(|| {
    let mut shape = Shape::default();
    shape.rsa = RsaSize::Bits2048;
    let random = SystemRandom::new();
    let keys = KeyManagement::ALL.iter();
    let keys = keys.map(|algorithm| EncryptionKey::generate(*algorithm, shape, None, &random).expect("a key"));
    EncryptionKeySet::new(keys.collect::<Vec<_>>()).expect("a set")
});

/// The same bytes each time: an input must do the same when it is repeated.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }
}

fuzz_target!(|data: &[u8]| match *data {
    [mode, ref jwe @ ..] if mode & 1 == 0 => {
        let _ = jwe::split(jwe).map_err(judge);
        // A good token of a vector is for keys that are not here.
        judge(open(jwe).expect_err("a token that nobody encrypted"));
    }
    [mode, encryption, at, change, ref plaintext @ ..] => {
        let keys = KEYS.keys();
        let key = &keys[usize::from(mode / 2) % keys.len()];
        let all = ContentEncryption::ALL;
        let encryption = key.encryption().unwrap_or(all[usize::from(encryption) % all.len()]);
        there_and_back(key, encryption, plaintext, usize::from(at), change);
    }
    _ => {}
});

fn there_and_back(key: &EncryptionKey, encryption: ContentEncryption, plaintext: &[u8], at: usize, change: u8) {
    let options = EncryptOptions {
        encryption: Some(encryption),
        header: None,
    };
    let sealed = jwe::encrypt(plaintext, key, &options, &Fixed).expect("a JWE");
    assert_eq!(open(sealed.as_bytes()).expect("our own JWE"), plaintext);

    let mut changed = sealed.into_bytes();
    let place = at * changed.len() / 256;
    if change != 0 {
        changed[place] ^= change;
        judge(open(&changed).expect_err("a JWE in which a byte was changed"));
    }
}

fn open(jwe: &[u8]) -> Result<Vec<u8>, Error> {
    let opened = jwe::decrypt(jwe, &KEYS, &Allowed::default(), &Fixed)?;
    Ok(opened.plaintext.to_vec())
}

/// A refusal is about the token, never about us.
fn judge(error: Error) {
    let known = matches!(
        error.code(),
        Code::TokenMalformed
            | Code::TokenTooLarge
            | Code::HeaderUnsupported
            | Code::AlgorithmNotAllowed
            | Code::KeyUnknown
            | Code::DecryptionFailed
    );
    assert!(known, "{error:?}");
}
