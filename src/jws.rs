//! Raw JWS for JavaScript: any bytes, signed and verified.

use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    jws::{self, ExtraHeader, Opened},
    keys::KeySet,
};
use napi::{
    JsString,
    bindgen_prelude::{Buffer, ClassInstance, Uint8Array},
};
use napi_derive::napi;

use crate::{
    error::{Thrown, number, thrown},
    key::{NativeKey, algorithm},
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
pub fn sign_jws(payload: Uint8Array, key: &NativeKey, header: Option<String>) -> Result<String, Thrown> {
    extra(header.as_deref())
        .and_then(|extra| jws::sign(&payload, &key.key, &extra))
        .map_err(thrown)
}

/// Verifies a compact JWS with one of the keys.
#[napi(catch_unwind)]
pub fn verify_jws(text: JsString, keys: Vec<ClassInstance<NativeKey>>, algorithms: Vec<String>) -> JwsAnswer {
    let keys = keys.iter().map(|key| key.key.clone()).collect::<Vec<_>>();
    match verify(text, keys, &algorithms) {
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

fn verify(text: JsString, keys: Vec<keyturn_core::keys::Key>, algorithms: &[String]) -> Result<Opened, Error> {
    let keys = KeySet::new(keys)?;
    let algorithms: Vec<Algorithm> = algorithms
        .iter()
        .map(|name| algorithm(name))
        .collect::<Result<_, _>>()?;
    let internal = |_| Error::new(Code::Internal);
    jws::check_size(text.utf8_len().map_err(internal)?)?;
    let text = text.into_utf8().map_err(internal)?;
    jws::verify(text.as_slice(), &keys, &algorithms)
}
