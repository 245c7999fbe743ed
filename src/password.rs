//! Password hashes for JavaScript, off the event loop.

use keyturn_core::{
    error::Error,
    password,
    random::SystemRandom,
    session::{Answer, Failure},
};
use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::{answer::NativeFailure, pool::PASSWORDS, promise};

/// A hash, or a failure.
#[napi(object)]
pub struct HashAnswer {
    pub failure: Option<NativeFailure>,
    pub hash: Option<String>,
}

/// Yes or no, or a failure.
#[napi(object)]
pub struct VerdictAnswer {
    pub failure: Option<NativeFailure>,
    pub matches: Option<bool>,
}

/// Hashes a password with argon2id and a random salt.
#[napi(ts_return_type = "Promise<HashAnswer>")]
pub fn hash_password(env: &Env, password: String) -> napi::Result<Object<'_>> {
    let password = Zeroizing::new(password);
    promise::of(env, HashAnswer::from_result, |answer| {
        in_pool(answer, move || {
            password::hash(password.as_bytes(), &SystemRandom::new())
        });
    })
}

/// Whether a password is the one that was hashed; without a hash, no, after as long a time.
#[napi(ts_return_type = "Promise<VerdictAnswer>")]
pub fn verify_password(env: &Env, hash: Option<String>, password: String) -> napi::Result<Object<'_>> {
    let password = Zeroizing::new(password);
    promise::of(env, VerdictAnswer::from_result, |answer| {
        in_pool(answer, move || password::verify(hash.as_deref(), password.as_bytes()));
    })
}

fn in_pool<T: Send + 'static>(answer: Answer<T>, work: impl FnOnce() -> Result<T, Error> + Send + 'static) {
    // The callback is shared with the job so that it can still answer if the job is refused.
    let shared = std::sync::Arc::new(std::sync::Mutex::new(Some(answer)));
    let settle = |shared: &std::sync::Mutex<Option<Answer<T>>>, result: Result<T, Error>| {
        let answer = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(answer) = answer {
            answer(result.map_err(Failure::from));
        }
    };
    let in_job = std::sync::Arc::clone(&shared);
    let queued = PASSWORDS.run(move |place| {
        let result = work();
        // Whoever is answered may ask for the next at once.
        drop(place);
        settle(&in_job, result);
    });
    if let Err(error) = queued {
        settle(&shared, Err(error));
    }
}

impl HashAnswer {
    fn from_result(result: Result<String, Failure>) -> Self {
        result.map_or_else(Self::from, |hash| Self {
            failure: None,
            hash: Some(hash),
        })
    }
}

impl From<Failure> for HashAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            hash: None,
        }
    }
}

impl VerdictAnswer {
    fn from_result(result: Result<bool, Failure>) -> Self {
        result.map_or_else(Self::from, |matches| Self {
            failure: None,
            matches: Some(matches),
        })
    }
}

impl From<Failure> for VerdictAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            matches: None,
        }
    }
}
