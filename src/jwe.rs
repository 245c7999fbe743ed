//! JWE for JavaScript: a value, or an error number.

use std::sync::Arc;

use keyturn_core::{
    error::{Code, Error},
    jwe::{Allowed, Decrypted, EncryptOptions, MAX_TOKEN_BYTES, TOO_LARGE, decrypt, encrypt},
    keys::EncryptionKeySet,
    random::SystemRandom,
};
use napi::{
    Either, JsString,
    bindgen_prelude::{Buffer, ClassInstance},
};
use napi_derive::napi;

use crate::{
    encryption_key::{NativeEncryptionKey, content_encryption, key_management},
    error::{Thrown, number, thrown},
    inbox::NativeInbox,
    pool::SIGNATURES,
    pooled::text,
};

/// A JWE that was opened: its header's JSON text, and what was encrypted.
#[napi(object)]
pub struct NativeDecrypted {
    pub header: String,
    pub plaintext: Buffer,
}

/// A compact JWE, or an error number.
#[napi(catch_unwind)]
pub fn encrypt_jwe(
    plaintext: Buffer,
    key: &NativeEncryptionKey,
    encryption: Option<String>,
    header: Option<String>,
) -> Either<String, u32> {
    let sealed = || {
        let options = EncryptOptions {
            encryption: encryption.as_deref().map(content_encryption).transpose()?,
            header: header.as_deref(),
        };
        encrypt(&plaintext, &key.key, &options, &SystemRandom::new())
    };
    sealed().map_or_else(|error| Either::B(number(error)), Either::A)
}

/// Opens JWEs with a set of keys.
#[napi]
pub struct NativeDecrypter {
    decrypter: Arc<Decrypter>,
}

struct Decrypter {
    keys: EncryptionKeySet,
    allowed: Allowed,
}

#[napi]
impl NativeDecrypter {
    /// For these keys, and what narrows their algorithms.
    #[napi(factory, catch_unwind)]
    pub fn create(
        keys: Vec<ClassInstance<'_, NativeEncryptionKey>>,
        algorithms: Vec<String>,
        encryptions: Vec<String>,
    ) -> Result<Self, Thrown> {
        resolve(&keys, &algorithms, &encryptions).map_err(thrown)
    }

    /// What a JWE held, or an error number.
    #[napi(catch_unwind)]
    pub fn decrypt(&self, jwe: JsString<'_>) -> Either<NativeDecrypted, u32> {
        self.open(jwe).map_or_else(
            |error| Either::B(number(error)),
            |opened| {
                Either::A(NativeDecrypted {
                    header: opened.header,
                    plaintext: opened.plaintext.as_slice().into(),
                })
            },
        )
    }

    /// Whether decrypting with these keys takes long enough to be worth a change of threads.
    #[napi(catch_unwind)]
    pub fn is_slow(&self) -> bool {
        self.decrypter.keys.decrypts_slowly()
    }

    /// Queues the decryption: nothing, or an error number. The plaintext comes as a letter, one character a byte; the header is
    /// the JWE's first segment.
    #[napi(catch_unwind)]
    pub fn decrypt_in_pool(&self, inbox: &NativeInbox, ticket: u32, jwe: JsString<'_>) -> Option<u32> {
        self.queue(inbox, ticket, jwe).err().map(number)
    }

    fn queue(&self, inbox: &NativeInbox, ticket: u32, jwe: JsString<'_>) -> Result<(), Error> {
        let jwe = text(jwe, MAX_TOKEN_BYTES, TOO_LARGE)?;
        let decrypter = Arc::clone(&self.decrypter);
        inbox.send_from(&SIGNATURES, ticket, move || {
            let opened = decrypter.open(jwe.as_bytes())?;
            Ok(opened.plaintext.iter().copied().map(char::from).collect())
        })
    }

    fn open(&self, jwe: JsString<'_>) -> Result<Decrypted, Error> {
        let internal = |_| Error::new(Code::Internal);
        // Before anything is copied.
        if jwe.utf8_len().map_err(internal)? > MAX_TOKEN_BYTES {
            return Err(TOO_LARGE);
        }
        let jwe = jwe.into_utf8().map_err(internal)?;
        self.decrypter.open(jwe.as_slice())
    }
}

impl Decrypter {
    fn open(&self, jwe: &[u8]) -> Result<Decrypted, Error> {
        decrypt(jwe, &self.keys, &self.allowed, &SystemRandom::new())
    }
}

fn resolve(
    keys: &[ClassInstance<'_, NativeEncryptionKey>],
    algorithms: &[String],
    encryptions: &[String],
) -> Result<NativeDecrypter, Error> {
    let keys: Vec<_> = keys.iter().map(|key| key.key.clone()).collect();
    let keys = EncryptionKeySet::new(keys)?;
    let algorithms = algorithms
        .iter()
        .map(|name| key_management(name))
        .collect::<Result<_, _>>()?;
    let encryptions = encryptions
        .iter()
        .map(|name| content_encryption(name))
        .collect::<Result<_, _>>()?;
    let allowed = Allowed::new(&keys, algorithms, encryptions)?;
    Ok(NativeDecrypter {
        decrypter: Arc::new(Decrypter { keys, allowed }),
    })
}
