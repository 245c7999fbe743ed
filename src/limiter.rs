//! Limits for JavaScript.

use keyturn_core::{limit::Limiter, random::SystemRandom};
use napi_derive::napi;

use crate::{
    error::{Thrown, thrown},
    time,
};

/// So many in a window, for each key.
#[napi(js_name = "NativeLimiter")]
pub struct NativeLimiter {
    limiter: Limiter,
}

#[napi]
impl NativeLimiter {
    /// `limit` per `window` milliseconds for each of `max_keys` keys.
    #[napi(factory, catch_unwind)]
    pub fn create(limit: u32, window: f64, max_keys: u32) -> Result<Self, Thrown> {
        let max_keys = usize::try_from(max_keys).unwrap_or(usize::MAX);
        Limiter::new(limit, time::span(window), max_keys, &SystemRandom::new())
            .map(|limiter| Self { limiter })
            .map_err(thrown)
    }

    /// Counts one; 0 if it fits, else how many milliseconds to wait.
    #[napi(catch_unwind)]
    pub fn take(&self, key: String, now: f64) -> u32 {
        let wait = self.limiter.take(&key, time::now(now)).err();
        wait.map_or(0, |wait| u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).max(1))
    }
}
