//! Signing and verifying off the event loop, for algorithms that take long.

use std::sync::Arc;

use keyturn_core::{
    error::{Code, Error},
    jws::{self, signs_slowly, verifies_slowly},
    jwt::{CallClaims, Scratch, Verifier},
    session::Manager,
};
use napi::{JsString, JsStringUtf8};
use napi_derive::napi;

use crate::{
    error::{Thrown, number, thrown},
    inbox::NativeInbox,
    key_set::NativeKeySet,
    live_signer::LiveSigner,
    pool::SIGNATURES,
    session::NativeSessions,
    time,
    token::{self, MAX_CLAIMS_BYTES, MAX_NAME_BYTES, NativeSignerOptions, NativeVerifierOptions},
};

/// A signer whose signatures are made on the pool.
#[napi]
pub struct NativePooledSigner {
    signer: LiveSigner,
}

/// A verifier that works on the pool.
#[napi]
pub struct NativePooledVerifier {
    verifier: Arc<Verifier>,
    revocation: Option<Arc<Manager>>,
}

#[napi]
impl NativeKeySet {
    /// Whether signing with these keys takes long enough to be worth a change of threads.
    #[napi(catch_unwind)]
    pub fn signs_slowly(&self, now: f64) -> bool {
        let key = self.keys.snapshot_at(time::now(now)).signing_key();
        key.is_ok_and(|key| signs_slowly(key.algorithm()))
    }

    /// Whether verifying with one of them takes as long.
    #[napi(catch_unwind)]
    pub fn verifies_slowly(&self, now: f64) -> bool {
        let set = self.keys.snapshot_at(time::now(now));
        set.keys().iter().any(|key| verifies_slowly(key.algorithm()))
    }
}

#[napi]
impl NativePooledSigner {
    /// A signer with the options of `createSigner`.
    #[napi(factory, catch_unwind)]
    pub fn create(keys: &NativeKeySet, options: NativeSignerOptions) -> Result<Self, Thrown> {
        let signer = LiveSigner::new(keys, options).map_err(thrown)?;
        Ok(Self { signer })
    }

    /// Judges the claims at once and queues the signature: nothing, or an error number. The token comes as a letter.
    #[napi(catch_unwind)]
    #[allow(
        clippy::too_many_arguments,
        reason = "those of the fast function, and where to answer"
    )]
    pub fn sign(
        &mut self,
        inbox: &NativeInbox,
        ticket: u32,
        claims: JsString,
        now: f64,
        subject: Option<JsString>,
        jti: Option<JsString>,
        expires_in: Option<f64>,
    ) -> Option<u32> {
        let names = (subject, jti);
        self.queue(inbox, ticket, claims, now, names, expires_in)
            .err()
            .map(number)
    }

    fn queue(
        &mut self,
        inbox: &NativeInbox,
        ticket: u32,
        claims: JsString,
        now: f64,
        (subject, jti): (Option<JsString>, Option<JsString>),
        expires_in: Option<f64>,
    ) -> Result<(), Error> {
        let claims = text(claims, MAX_CLAIMS_BYTES, token::CLAIMS_TOO_LONG)?;
        let name = |name: Option<JsString>| {
            name.map(|name| text(name, MAX_NAME_BYTES, token::NAME_TOO_LONG))
                .transpose()
        };
        let (subject, jti) = (name(subject)?, name(jti)?);
        let call = CallClaims {
            subject: subject.as_deref(),
            jti: jti.as_deref(),
            expires_in: expires_in.map(time::span),
        };
        let mut out = String::new();
        let now = time::now(now);
        let signer = self.signer.at(now)?;
        signer.prepare(&claims, &call, now, &mut out)?;
        let key = signer.key().clone();
        inbox.send_from(&SIGNATURES, ticket, move || {
            jws::finish(&key, &mut out)?;
            Ok(out)
        })
    }
}

#[napi]
impl NativePooledVerifier {
    /// A verifier with the options of `createVerifier`.
    #[napi(factory, catch_unwind)]
    pub fn create(
        keys: &NativeKeySet,
        options: NativeVerifierOptions,
        revocation: Option<&NativeSessions>,
    ) -> Result<Self, Thrown> {
        let verifier = token::resolve(Arc::clone(&keys.keys), options, revocation.is_some()).map_err(thrown)?;
        Ok(Self {
            verifier: Arc::new(verifier),
            revocation: revocation.map(|sessions| Arc::clone(&sessions.manager)),
        })
    }

    /// Queues the verification: nothing, or an error number. The payload's text comes as a letter.
    #[napi(catch_unwind)]
    pub fn verify(&self, inbox: &NativeInbox, ticket: u32, token: JsString, now: f64) -> Option<u32> {
        self.queue(inbox, ticket, token, now).err().map(number)
    }

    fn queue(&self, inbox: &NativeInbox, ticket: u32, token: JsString, now: f64) -> Result<(), Error> {
        let token = text(token, self.verifier.max_token_bytes(), Code::TokenTooLarge.into())?;
        let (verifier, revocation) = (Arc::clone(&self.verifier), self.revocation.clone());
        let now = time::now(now);
        inbox.send_from(&SIGNATURES, ticket, move || {
            let revocation = revocation
                .as_ref()
                .map(|manager| manager.revocation_check())
                .transpose()?;
            let mut scratch = Scratch::default();
            let answer = verifier.verify(token.as_bytes(), now, revocation, &mut scratch)?;
            Ok(answer.payload.to_owned())
        })
    }
}

/// A string of JavaScript; measured before it is copied.
pub(crate) fn text(string: JsString, most: usize, too_long: Error) -> Result<String, Error> {
    let internal = |_| Error::new(Code::Internal);
    if string.utf8_len().map_err(internal)? > most {
        return Err(too_long);
    }
    string.into_utf8().and_then(JsStringUtf8::into_owned).map_err(internal)
}
