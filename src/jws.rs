//! Raw JWS for JavaScript: any bytes, signed and verified.

use keyturn_core::{
    error::{Code, Error},
    jws::{self, ExtraHeader, Opened},
    keys::KeySet,
};
use napi::{
    JsString,
    bindgen_prelude::{Buffer, Uint8Array},
};
use napi_derive::napi;

use crate::{
    error::{Thrown, number, thrown},
    key::algorithms,
    key_set::NativeKeySet,
    time,
};

/// A good JWS: the header's JSON text and the payload. Or an error number.
#[napi(object)]
pub struct JwsAnswer {
    pub error: Option<u32>,
    pub header: Option<String>,
    pub payload: Option<Buffer>,
}

/// The compact JWS of a payload; `header`: further members of the header, as JSON.
#[napi(catch_unwind)]
pub fn sign_jws(payload: Uint8Array, keys: &NativeKeySet, header: Option<String>, now: f64) -> Result<String, Thrown> {
    let key = keys.keys.snapshot_at(time::now(now)).signing_key();
    key.and_then(|key| jws::sign(&payload, &key, &extra(header.as_deref())?))
        .map_err(thrown)
}

/// Verifies a compact JWS with one of the keys.
#[napi(catch_unwind)]
pub fn verify_jws(text: JsString, keys: &NativeKeySet, names: Vec<String>, now: f64) -> JwsAnswer {
    match verify(text, &keys.keys.snapshot_at(time::now(now)), &names) {
        Ok(opened) => JwsAnswer {
            error: None,
            header: Some(opened.header),
            payload: Some(opened.payload.into()),
        },
        Err(error) => JwsAnswer {
            error: Some(number(error)),
            header: None,
            payload: None,
        },
    }
}

/// Header members out of their JSON text.
pub(crate) fn extra(json: Option<&str>) -> Result<ExtraHeader, Error> {
    json.map_or_else(|| Ok(ExtraHeader::default()), ExtraHeader::parse)
}

fn verify(text: JsString, keys: &KeySet, names: &[String]) -> Result<Opened, Error> {
    let algorithms = algorithms(names)?;
    let internal = |_| Error::new(Code::Internal);
    jws::check_size(text.utf8_len().map_err(internal)?)?;
    let text = text.into_utf8().map_err(internal)?;
    jws::verify(text.as_slice(), keys, &algorithms)
}
