//! The keys that the store keeps for sessions, for JavaScript.

use keyturn_core::{
    crypto::Algorithm,
    error::Error,
    keys::{MasterKey, MasterKeys, RingPolicy},
    session::KeyOptions,
    time::Span,
};
use napi::{
    Either, Env,
    bindgen_prelude::{Object, Uint8Array},
};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::{
    answer::{DoneAnswer, KidAnswer},
    error::{Thrown, thrown},
    key::algorithm,
    key_ring::{RingEntry, entries},
    session::NativeSessions,
    time,
};

/// How the store's ring rotates. Spans in milliseconds.
#[napi(object)]
pub struct NativeTimetable {
    pub algorithm: String,
    pub rotate_every: Option<f64>,
    pub publish_for: f64,
}

#[napi]
impl NativeSessions {
    /// Gives the master key, as text or bytes, before `open`.
    #[napi(catch_unwind)]
    pub fn use_master_key(
        &self,
        current: Either<String, Uint8Array>,
        previous: Option<Either<String, Uint8Array>>,
    ) -> Result<(), Thrown> {
        let masters = MasterKeys {
            current: master(current).map_err(thrown)?,
            previous: previous.map(master).transpose().map_err(thrown)?,
        };
        self.manager.use_master_keys(masters).map_err(thrown)
    }

    /// What the store's ring holds, and what was revoked.
    #[napi(catch_unwind)]
    pub fn key_entries(&self) -> Result<Vec<RingEntry>, Thrown> {
        self.manager.ring(entries).map_err(thrown)
    }

    /// Announces the next signing key.
    #[napi(ts_return_type = "Promise<KidAnswer>")]
    pub fn publish_key<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        crate::promise::of(env, KidAnswer::from_result, |answer| {
            self.manager.publish_key(time::now(now), answer);
        })
    }

    /// Lets the next signing key sign.
    #[napi(ts_return_type = "Promise<KidAnswer>")]
    pub fn rotate_key<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        crate::promise::of(env, KidAnswer::from_result, |answer| {
            self.manager.rotate_key(time::now(now), answer);
        })
    }

    /// Lets a signing key verify for a while only.
    #[napi(ts_return_type = "Promise<KidAnswer>")]
    pub fn retire_key<'env>(
        &self,
        env: &'env Env,
        kid: String,
        within: Option<f64>,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        crate::promise::of(env, KidAnswer::from_result, |answer| {
            self.manager
                .retire_key(kid, within.map(time::span), time::now(now), answer);
        })
    }

    /// Takes a signing key out and revokes it.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn take_key_out<'env>(&self, env: &'env Env, kid: String, now: f64) -> napi::Result<Object<'env>> {
        crate::promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.revoke_key(kid, time::now(now), answer);
        })
    }

    /// Announces the next refresh and CSRF keys.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn rotate_secrets<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        crate::promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.rotate_secrets(time::now(now), answer);
        })
    }

    /// Reads the keys in the store again, unless that was done just now.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn learn_keys<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        crate::promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.learn_keys(time::now(now), answer);
        })
    }

    /// Whether a refresh token is one of a key that is not known here.
    #[napi(catch_unwind)]
    pub fn names_unknown_key(&self, token: String) -> bool {
        self.manager.names_unknown_key(&token)
    }
}

/// The timetable as core takes it.
pub(crate) fn key_options(timetable: Option<&NativeTimetable>) -> Result<KeyOptions, Error> {
    let ring = |timetable: &NativeTimetable| -> Result<RingPolicy, Error> {
        let algorithm: Algorithm = algorithm(&timetable.algorithm)?;
        Ok(RingPolicy {
            algorithm,
            rotate_every: timetable.rotate_every.map(time::span),
            publish_for: time::span(timetable.publish_for),
            keep_for: Span::ZERO,
        })
    };
    Ok(KeyOptions {
        ring: timetable.map(ring).transpose()?,
        ..KeyOptions::default()
    })
}

fn master(given: Either<String, Uint8Array>) -> Result<MasterKey, Error> {
    match given {
        Either::A(text) => MasterKey::from_text(&Zeroizing::new(text)),
        Either::B(bytes) => MasterKey::from_bytes(&Zeroizing::new(bytes.to_vec())),
    }
}
