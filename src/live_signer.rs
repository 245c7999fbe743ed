//! A signer that follows its keys.

use std::sync::Arc;

use keyturn_core::{
    error::Error,
    jwt::{Signer, SignerOptions},
    keys::LiveKeys,
    time::UnixMs,
};

use crate::{jws, key_set::NativeKeySet, time, token::NativeSignerOptions};

/// A signer over the key whose turn it is.
pub(crate) struct LiveSigner {
    keys: Arc<LiveKeys>,
    version: u64,
    options: SignerOptions,
    signer: Signer,
}

impl LiveSigner {
    /// A signer with the options of `createSigner`.
    pub(crate) fn new(set: &NativeKeySet, options: NativeSignerOptions) -> Result<Self, Error> {
        let mut resolved = SignerOptions::default();
        resolved.issuer = options.issuer;
        resolved.audiences = options.audiences;
        resolved.expires_in = options.expires_in.map(time::span);
        resolved.expiry_is_default = options.expiry_is_default;
        resolved.not_before = options.not_before.map(time::span);
        resolved.typ = options.typ;
        resolved.header = jws::extra(options.header.as_deref())?;
        let keys = Arc::clone(&set.keys);
        let version = keys.version();
        let signer = Signer::new(keys.snapshot().signing_key()?, resolved.clone())?;
        Ok(Self {
            keys,
            version,
            options: resolved,
            signer,
        })
    }

    /// The signer as it is at `now`.
    pub(crate) fn at(&mut self, now: UnixMs) -> Result<&Signer, Error> {
        let version = self.keys.version_at(now);
        if version != self.version {
            self.signer = Signer::new(self.keys.snapshot().signing_key()?, self.options.clone())?;
            self.version = version;
        }
        Ok(&self.signer)
    }
}
