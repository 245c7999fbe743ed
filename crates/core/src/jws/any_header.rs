//! Verifying a compact JWS whatever its header says, for a caller who judges the header by rules of its own.

use super::split;
use crate::{
    encoding::base64url,
    error::{Code, Error},
    keys::Key,
};

/// The buffers of one caller, kept from call to call.
#[derive(Debug, Default)]
pub struct AnyHeaderReader {
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl AnyHeaderReader {
    /// The text of the payload, if `token` is a compact JWS signed by `key` in canonical base64url (RFC 7515, section 7.1).
    ///
    /// The header is neither decoded nor judged: that it names the key's algorithm is for the caller to know. Nor is the
    /// payload, which need not be JSON. [`Code::SignatureInvalid`] says that the signature was computed and is another one;
    /// [`Code::TokenMalformed`] leaves open what a laxer reader would find.
    pub fn open_with_any_header(&mut self, token: &[u8], key: &Key) -> Result<&str, Error> {
        let parts = split(token)?;
        base64url::decode_to(parts.payload, &mut self.payload)?;
        if self.payload.is_empty() {
            return Err(Error::because(Code::TokenMalformed, "segments"));
        }
        // A signature in any other spelling is no signature: it is compared in the one form that was computed.
        let readable = base64url::decode_to(parts.signature, &mut self.signature).is_ok();
        if !readable || !key.verifies(parts.signing_input, &self.signature) {
            return Err(Code::SignatureInvalid.into());
        }
        std::str::from_utf8(&self.payload).map_err(|_| Error::because(Code::TokenMalformed, "UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{crypto::Algorithm, jws::seal};

    fn key(secret: &[u8]) -> Key {
        Key::hmac_of_any_length_however_weak(Algorithm::Hs256, Zeroizing::new(secret.to_vec())).unwrap()
    }

    fn sealed(header: &str, payload: &[u8]) -> String {
        let mut token = String::new();
        seal(header, payload, &key(b"secret"), &mut token).unwrap();
        token
    }

    fn opened(token: &str) -> Result<String, Code> {
        AnyHeaderReader::default()
            .open_with_any_header(token.as_bytes(), &key(b"secret"))
            .map(str::to_owned)
            .map_err(Error::code)
    }

    #[test]
    fn any_header_and_any_text_are_opened() {
        for payload in ["{}", "no JSON", "\u{141}ukasz"] {
            assert_eq!(
                opened(&sealed("bm90IEpTT04", payload.as_bytes())),
                Ok(payload.to_owned())
            );
        }
    }

    #[test]
    fn another_signature_is_invalid_in_every_form() {
        let token = sealed("e30", b"{}");
        for bad in [
            format!("e30.e30.{}", "A".repeat(43)),
            format!("{token}A"),
            format!("{token}="),
            token[..token.len() - 1].to_owned(),
            "e30.e30.".to_owned(),
        ] {
            assert_eq!(opened(&bad), Err(Code::SignatureInvalid), "{bad}");
        }
        let mut other = AnyHeaderReader::default();
        let refused = other
            .open_with_any_header(token.as_bytes(), &key(b"other"))
            .unwrap_err();
        assert_eq!(refused.code(), Code::SignatureInvalid);
    }

    #[test]
    fn what_a_laxer_reader_might_open_is_malformed() {
        for bad in [
            "e30".to_owned(),
            "e30.e30".to_owned(),
            "e30..AA".to_owned(),
            "e30.e31.AA".to_owned(),
            "e30.e30=.AA".to_owned(),
            "e30.e30.e30.AA".to_owned(),
            sealed("e30", &[0xff]),
        ] {
            assert_eq!(opened(&bad), Err(Code::TokenMalformed), "{bad}");
        }
    }
}
