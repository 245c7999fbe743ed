//! Compact JWS under one key for JavaScript that judges header and payload by itself.

use keyturn_core::{
    crypto::install_provider,
    error::{Code, Error},
    jws::{AnyHeaderReader, seal, seal_joined},
    keys::Key,
};
use napi::{Env, Unknown, bindgen_prelude::Buffer};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::{
    error::{Thrown, thrown},
    hot::{self, Answer, Arguments, HotState},
    key::{NativeKey, algorithm},
};

/// The longest token and the longest payload that go this way; more is `ERR_TOKEN_TOO_LARGE`, before any copy grows.
const MAX_BYTES: usize = 64 * 1024;

/// The longest header that is signed, in base64url.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// An HMAC key from a secret of any length.
#[napi(catch_unwind)]
pub fn hmac_key_of_any_length_however_weak(algorithm_name: String, secret: Buffer) -> Result<NativeKey, Thrown> {
    install_provider();
    let secret = Zeroizing::new(secret.to_vec());
    algorithm(&algorithm_name)
        .and_then(|algorithm| Key::hmac_of_any_length_however_weak(algorithm, secret))
        .map(|key| NativeKey { key })
        .map_err(thrown)
}

/// A function `(header, payload, added)` over a header in base64url and a payload's text, that returns a token or an error
/// number. With `added`, both are objects' JSON text, and the payload gets its members.
#[napi(
    catch_unwind,
    ts_return_type = "(header: string, payload: string, added?: string) => string | number"
)]
pub fn create_compact_signer<'env>(env: &'env Env, key: &NativeKey) -> Result<Unknown<'env>, Thrown> {
    let state = SignerState {
        key: key.key.clone(),
        header: Vec::new(),
        payload: Vec::new(),
        added: Vec::new(),
        token: String::new(),
    };
    hot::function(env, state).map_err(internal)
}

/// A function `(token)` that returns the payload's text or an error number; it does not look at the header.
#[napi(catch_unwind, ts_return_type = "(token: string) => string | number")]
pub fn create_compact_verifier<'env>(env: &'env Env, key: &NativeKey) -> Result<Unknown<'env>, Thrown> {
    let state = VerifierState {
        key: key.key.clone(),
        token: Vec::new(),
        reader: AnyHeaderReader::default(),
    };
    hot::function(env, state).map_err(internal)
}

struct SignerState {
    key: Key,
    header: Vec<u8>,
    payload: Vec<u8>,
    added: Vec<u8>,
    token: String,
}

impl HotState for SignerState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        let header = arguments.text(0, &mut self.header, MAX_HEADER_BYTES)?;
        let header = header.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let payload = arguments.text(1, &mut self.payload, MAX_BYTES)?;
        let payload = payload.and_then(|bytes| std::str::from_utf8(bytes).ok());
        let (Some(header), Some(payload)) = (header, payload) else {
            return Err(Code::ClaimsInvalid.into());
        };
        let added = arguments.text(2, &mut self.added, MAX_BYTES)?;
        match added.and_then(|bytes| std::str::from_utf8(bytes).ok()) {
            Some(added) => seal_joined(header, payload, added, &self.key, &mut self.token)?,
            None => seal(header, payload.as_bytes(), &self.key, &mut self.token)?,
        }
        Ok(Answer::Text(&self.token))
    }
}

struct VerifierState {
    key: Key,
    token: Vec<u8>,
    reader: AnyHeaderReader,
}

impl HotState for VerifierState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        let token = arguments
            .text(0, &mut self.token, MAX_BYTES)?
            .ok_or(Code::TokenMalformed)?;
        self.reader.open_with_any_header(token, &self.key).map(Answer::Text)
    }
}

fn internal(error: napi::Error) -> Thrown {
    napi::Error::new(Code::Internal.as_str(), error.reason.clone())
}
