//! Signers and verifiers for JavaScript: options in, a fast function out.

use std::sync::Arc;

use keyturn_core::{
    error::{Code, Error},
    jwt::{CallClaims, Policy, Scratch, Verifier},
    keys::LiveKeys,
    revocation::MAX_TOKEN_LIFE,
    session::Manager,
};
use napi::{Env, Unknown};
use napi_derive::napi;

use crate::{
    error::{Thrown, thrown},
    hot::{self, Answer, Arguments, HotState},
    key::algorithms,
    key_set::NativeKeySet,
    live_signer::LiveSigner,
    session::NativeSessions,
    time,
    token_cache::CachedVerifierState,
};

/// The longest claims text that is signed.
pub(crate) const MAX_CLAIMS_BYTES: usize = 64 * 1024;

/// The longest `sub` or `jti` given to one call.
pub(crate) const MAX_NAME_BYTES: usize = 1024;

pub(crate) const CLAIMS_TOO_LONG: Error = Error::because(Code::ClaimsInvalid, "claims take at most 64 KiB");
pub(crate) const NAME_TOO_LONG: Error = Error::because(Code::ClaimsInvalid, "subject and jti take at most 1024 bytes");

/// What a signer adds to every token. Spans in milliseconds.
#[napi(object)]
pub struct NativeSignerOptions {
    pub issuer: Option<String>,
    pub audiences: Vec<String>,
    pub expires_in: Option<f64>,
    pub expiry_is_default: bool,
    pub not_before: Option<f64>,
    pub typ: Option<String>,
    /// Further members of the header, as JSON.
    pub header: Option<String>,
}

/// What a verifier asks for. Spans in milliseconds.
#[napi(object)]
pub struct NativeVerifierOptions {
    pub algorithms: Vec<String>,
    pub issuers: Vec<String>,
    pub audiences: Vec<String>,
    pub subject: Option<String>,
    pub typ: Option<String>,
    pub tolerance: f64,
    pub max_age: Option<f64>,
    pub require_exp: bool,
    pub required: Vec<String>,
    pub max_token_bytes: u32,
    pub cache_entries: Option<u32>,
}

/// A function `(claims, now, subject, jti, expiresIn)` that returns a token or an error number.
#[napi(
    catch_unwind,
    ts_return_type = "(claims: string, now: number, subject?: string | undefined, jti?: string | undefined, expiresIn?: number | undefined) => string | number"
)]
pub fn create_signer<'env>(
    env: &'env Env,
    keys: &NativeKeySet,
    options: NativeSignerOptions,
) -> Result<Unknown<'env>, Thrown> {
    let signer = LiveSigner::new(keys, options).map_err(thrown)?;
    let state = SignerState {
        signer,
        claims: Vec::new(),
        subject: Vec::new(),
        jti: Vec::new(),
        token: String::new(),
    };
    hot::function(env, state).map_err(internal)
}

/// A function `(token, now)` that returns the payload's text or an error number; with a cache, see `src/token_cache.rs`.
#[napi(
    catch_unwind,
    ts_return_type = "(token?: string | number, now?: number) => string | number"
)]
pub fn create_verifier<'env>(
    env: &'env Env,
    keys: &NativeKeySet,
    options: NativeVerifierOptions,
    revocation: Option<&NativeSessions>,
) -> Result<Unknown<'env>, Thrown> {
    let cache_entries = options.cache_entries;
    let verifier = resolve(Arc::clone(&keys.keys), options, revocation.is_some()).map_err(thrown)?;
    let revocation = revocation.map(|sessions| Arc::clone(&sessions.manager));
    if let Some(entries) = cache_entries {
        let state = CachedVerifierState::new(verifier, revocation, entries).map_err(thrown)?;
        return hot::function(env, state).map_err(internal);
    }
    let state = VerifierState {
        verifier,
        revocation,
        token: Vec::new(),
        scratch: Scratch::default(),
    };
    hot::function(env, state).map_err(internal)
}

/// A function `(accessToken, now)` for the access tokens of these sessions.
#[napi(
    catch_unwind,
    ts_return_type = "(accessToken: string, now: number) => string | number"
)]
pub fn create_session_verifier<'env>(env: &'env Env, sessions: &NativeSessions) -> Result<Unknown<'env>, Thrown> {
    let state = SessionVerifierState {
        manager: Arc::clone(&sessions.manager),
        token: Vec::new(),
        scratch: Scratch::default(),
    };
    hot::function(env, state).map_err(internal)
}

pub(crate) fn resolve(keys: Arc<LiveKeys>, options: NativeVerifierOptions, revocable: bool) -> Result<Verifier, Error> {
    let mut policy = Policy::default();
    policy.issuers = options.issuers;
    policy.audiences = options.audiences;
    policy.subject = options.subject;
    policy.tolerance = time::span(options.tolerance);
    policy.max_age = options.max_age.map(time::span);
    policy.max_life = revocable.then_some(MAX_TOKEN_LIFE);
    policy.require_exp = options.require_exp;
    policy.required = options.required;
    policy.max_token_bytes = usize::try_from(options.max_token_bytes).map_err(|_| Error::new(Code::OptionInvalid))?;
    if let Some(typ) = options.typ {
        policy = policy.with_typ(&typ);
    }
    Verifier::new(keys, algorithms(&options.algorithms)?, policy)
}

struct SignerState {
    signer: LiveSigner,
    claims: Vec<u8>,
    subject: Vec<u8>,
    jti: Vec<u8>,
    token: String,
}

impl HotState for SignerState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        const NO_OBJECT: Error = Error::because(Code::ClaimsInvalid, "the claims are not a JSON object");
        let claims = arguments.text(0, &mut self.claims, MAX_CLAIMS_BYTES);
        let claims = utf8(claims.map_err(|_| CLAIMS_TOO_LONG)?).ok_or(NO_OBJECT)?;
        let too_long = |_| NAME_TOO_LONG;
        let call = CallClaims {
            subject: utf8(arguments.text(2, &mut self.subject, MAX_NAME_BYTES).map_err(too_long)?),
            jti: utf8(arguments.text(3, &mut self.jti, MAX_NAME_BYTES).map_err(too_long)?),
            expires_in: arguments.number(4).map(time::span),
        };
        let now = arguments.time(1);
        self.signer.at(now)?.sign(claims, &call, now, &mut self.token)?;
        Ok(Answer::Text(&self.token))
    }
}

struct VerifierState {
    verifier: Verifier,
    revocation: Option<Arc<Manager>>,
    token: Vec<u8>,
    scratch: Scratch,
}

impl HotState for VerifierState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        let most = self.verifier.max_token_bytes();
        let token = arguments.text(0, &mut self.token, most)?.ok_or(Code::TokenMalformed)?;
        let revocation = match &self.revocation {
            None => None,
            Some(manager) => Some(manager.revocation_check()?),
        };
        let verified = self
            .verifier
            .verify(token, arguments.time(1), revocation, &mut self.scratch)?;
        Ok(Answer::Text(verified.payload))
    }
}

struct SessionVerifierState {
    manager: Arc<Manager>,
    token: Vec<u8>,
    scratch: Scratch,
}

impl HotState for SessionVerifierState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        let most = keyturn_core::jwt::DEFAULT_MAX_TOKEN_BYTES;
        let token = arguments.text(0, &mut self.token, most)?.ok_or(Code::TokenMalformed)?;
        let verified = self.manager.verify(token, arguments.time(1), &mut self.scratch)?;
        Ok(Answer::Text(verified.payload))
    }
}

fn utf8(bytes: Option<&[u8]>) -> Option<&str> {
    std::str::from_utf8(bytes?).ok()
}

fn internal(error: napi::Error) -> Thrown {
    napi::Error::new(Code::Internal.as_str(), error.reason.clone())
}
