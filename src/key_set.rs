//! Sets of keys for JavaScript: fixed ones, the keys of a ring, and those that were fetched.

use std::sync::Arc;

use keyturn_core::{
    crypto::install_provider,
    error::Error,
    keys::{KeySet, LiveKeys, MAX_KEYS},
    time::UnixMs,
};
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::{
    error::{Thrown, thrown},
    key::{NativeKey, algorithms, public_jwk},
    time,
};

/// Keys that a verifier chooses from and a signer signs with. They may change while both are in use.
#[napi(js_name = "NativeKeySet")]
pub struct NativeKeySet {
    pub(crate) keys: Arc<LiveKeys>,
}

/// What came of a JWK Set.
#[napi(object)]
pub struct LoadedKeys {
    pub usable: u32,
    pub skipped: u32,
}

#[napi]
impl NativeKeySet {
    /// These keys, for good. `of_one_kind`: secrets and asymmetric keys must not mix.
    #[napi(factory, catch_unwind)]
    pub fn of(keys: Vec<ClassInstance<'_, NativeKey>>, of_one_kind: bool) -> Result<Self, Thrown> {
        let keys: Vec<_> = keys.iter().map(|key| key.key.clone()).collect();
        let set = if of_one_kind {
            KeySet::of_one_kind(keys)
        } else {
            KeySet::new(keys)
        };
        let keys = Arc::new(set.map_err(thrown)?.into());
        Ok(Self { keys })
    }

    /// Keys that `load` will bring.
    #[napi(factory, catch_unwind)]
    pub fn unloaded() -> Self {
        install_provider();
        let keys = Arc::new(LiveKeys::unloaded());
        Self { keys }
    }

    /// Takes the usable keys of a JWK Set's text, at most `most`, from `now` until a time.
    #[napi(catch_unwind)]
    pub fn load(
        &self,
        jwks: String,
        names: Vec<String>,
        most: u32,
        now: f64,
        until: f64,
    ) -> Result<LoadedKeys, Thrown> {
        let term = (time::now(now), time::now(until));
        self.replace(&jwks, &names, most, term).map_err(thrown)
    }

    /// Whether there are keys at `now`: some have been loaded, and their time is not over.
    #[napi(catch_unwind)]
    pub fn is_loaded(&self, now: f64) -> bool {
        !self.keys.snapshot_at(time::now(now)).keys().is_empty()
    }

    /// The keys that hold at `now`.
    #[napi(catch_unwind)]
    pub fn keys(&self, now: f64) -> Vec<NativeKey> {
        let set = self.keys.snapshot_at(time::now(now));
        set.keys().iter().map(|key| NativeKey { key: key.clone() }).collect()
    }

    /// The public JWKs of the asymmetric ones, as JSON texts.
    #[napi(catch_unwind)]
    pub fn jwks(&self, now: f64) -> Result<Vec<String>, Thrown> {
        public_jwks(&self.keys.snapshot_at(time::now(now))).map_err(thrown)
    }
}

impl NativeKeySet {
    fn replace(
        &self,
        jwks: &str,
        names: &[String],
        most: u32,
        (now, until): (UnixMs, UnixMs),
    ) -> Result<LoadedKeys, Error> {
        let most = usize::try_from(most).unwrap_or(MAX_KEYS);
        let loaded = KeySet::from_jwks(jwks, &algorithms(names)?, most, &self.keys.snapshot())?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let (usable, skipped) = (count(loaded.set.keys().len()), count(loaded.skipped));
        self.keys.load(loaded.set, now, until);
        Ok(LoadedKeys { usable, skipped })
    }
}

/// The public JWKs of a set's asymmetric keys.
pub(crate) fn public_jwks(set: &KeySet) -> Result<Vec<String>, Error> {
    let public = set.keys().iter().filter(|key| !key.algorithm().is_symmetric());
    public.map(public_jwk).collect()
}
