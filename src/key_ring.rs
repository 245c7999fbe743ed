//! Key rings for JavaScript.

use std::sync::Arc;

use keyturn_core::{
    crypto::install_provider,
    error::Error,
    keys::{KeyState, LiveKeys, Ring, RingPolicy},
    random::{Random, SystemRandom},
};
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::{
    error::{Thrown, thrown},
    key::{NativeKey, algorithm},
    key_set::NativeKeySet,
    time,
};

/// How a ring rotates. Spans in milliseconds.
#[napi(object)]
pub struct NativeRingOptions {
    pub algorithm: String,
    pub rotate_every: Option<f64>,
    pub publish_for: f64,
    pub keep_for: f64,
}

/// What may be shown of a ring's key.
#[napi(object)]
pub struct RingEntry {
    pub kid: String,
    pub alg: String,
    pub state: String,
    pub since: f64,
}

/// A key ring.
#[napi(js_name = "NativeKeyRing")]
pub struct NativeKeyRing {
    keys: Arc<LiveKeys>,
}

#[napi]
impl NativeKeyRing {
    /// A ring of these keys, or of a new one.
    #[napi(factory, catch_unwind)]
    pub fn create(
        options: NativeRingOptions,
        keys: Vec<ClassInstance<'_, NativeKey>>,
        now: f64,
    ) -> Result<Self, Thrown> {
        install_provider();
        let keys: Vec<_> = keys.iter().map(|key| key.key.clone()).collect();
        let random: Arc<dyn Random> = Arc::new(SystemRandom::new());
        let policy = RingPolicy {
            algorithm: algorithm(&options.algorithm).map_err(thrown)?,
            rotate_every: options.rotate_every.map(time::span),
            publish_for: time::span(options.publish_for),
            keep_for: time::span(options.keep_for),
        };
        let ring = Ring::new(policy, &keys, time::now(now), random.as_ref()).map_err(thrown)?;
        let keys = Arc::new(LiveKeys::of_ring(ring, random).map_err(thrown)?);
        Ok(Self { keys })
    }

    /// Its keys, which follow the ring.
    #[napi(getter)]
    pub fn set(&self) -> NativeKeySet {
        NativeKeySet {
            keys: Arc::clone(&self.keys),
        }
    }

    /// Announces the next key; its kid.
    #[napi(catch_unwind)]
    pub fn publish(&self, now: f64) -> Result<String, Thrown> {
        self.change(now, |ring, random| {
            let key = ring.publish(time::now(now), random)?;
            Ok(key.kid().unwrap_or_default().to_owned())
        })
    }

    /// Lets the next key sign; its kid.
    #[napi(catch_unwind)]
    pub fn rotate(&self, now: f64) -> Result<String, Thrown> {
        self.change(now, |ring, random| {
            let key = ring.rotate(time::now(now), random)?;
            Ok(key.kid().unwrap_or_default().to_owned())
        })
    }

    /// Lets a key verify for a while only.
    #[napi(catch_unwind)]
    pub fn retire(&self, kid: String, within: Option<f64>, now: f64) -> Result<(), Thrown> {
        self.change(now, |ring, random| {
            ring.retire(&kid, within.map(time::span), time::now(now), random)
        })
    }

    /// Takes a key out.
    #[napi(catch_unwind)]
    pub fn revoke(&self, kid: String, now: f64) -> Result<(), Thrown> {
        self.change(now, |ring, random| ring.revoke(&kid, time::now(now), random))
    }

    /// What it holds, and what was revoked.
    #[napi(catch_unwind)]
    pub fn entries(&self, now: f64) -> Result<Vec<RingEntry>, Thrown> {
        self.keys.ring(time::now(now), entries).map_err(thrown)
    }
}

impl NativeKeyRing {
    fn change<T>(
        &self,
        now: f64,
        change: impl FnOnce(&mut Ring, &dyn Random) -> Result<T, Error>,
    ) -> Result<T, Thrown> {
        self.keys.change_ring(time::now(now), change).map_err(thrown)
    }
}

pub(crate) fn entries(ring: &Ring) -> Vec<RingEntry> {
    let held = ring.keys().iter().map(|held| RingEntry {
        kid: held.key.kid().unwrap_or_default().to_owned(),
        alg: held.key.algorithm().as_str().to_owned(),
        state: held.state.as_str().to_owned(),
        since: time::to_js(held.since),
    });
    let revoked = ring.revoked().iter().map(|gone| RingEntry {
        kid: gone.kid.to_string(),
        alg: gone.algorithm.as_str().to_owned(),
        state: KeyState::Revoked.as_str().to_owned(),
        since: time::to_js(gone.since),
    });
    held.chain(revoked).collect()
}
