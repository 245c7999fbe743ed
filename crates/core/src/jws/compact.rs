//! The compact serialization (RFC 7515, section 7.1): taking it apart and putting it together.

use crate::{
    encoding::base64url,
    error::{Code, Error},
    keys::Key,
};

/// The segments of a compact JWS, still in base64url.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The protected header.
    pub header: &'a [u8],
    /// The payload; may be empty.
    pub payload: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Header, dot and payload: what was signed.
    pub signing_input: &'a [u8],
}

/// Takes a token apart at its first and its last dot. A further dot is left inside the payload, where decoding refuses it.
pub fn split(token: &[u8]) -> Result<Parts<'_>, Error> {
    const MALFORMED: Error = Error::because(Code::TokenMalformed, "segments");
    let (signing_input, signature) = memchr::memrchr(b'.', token)
        .and_then(|dot| token.split_at_checked(dot))
        .ok_or(MALFORMED)?;
    let (header, payload) = memchr::memchr(b'.', signing_input)
        .and_then(|dot| signing_input.split_at_checked(dot))
        .ok_or(MALFORMED)?;
    let (Some((_, payload)), Some((_, signature))) = (payload.split_first(), signature.split_first()) else {
        return Err(MALFORMED);
    };
    Ok(Parts {
        header,
        payload,
        signature,
        signing_input,
    })
}

/// Replaces the content of `out` with the compact JWS of `payload`, signed by `key`.
///
/// `header` is the protected header in base64url, as [`super::protected_header`] makes it once for a signer.
pub fn seal(header: &str, payload: &[u8], key: &Key, out: &mut String) -> Result<(), Error> {
    prepare(header, payload, out);
    finish(key, out)
}

/// The same over two objects' JSON text, made one object: the members of the first, then those of the second. Neither is
/// looked at but for its braces.
pub fn seal_joined(header: &str, first: &str, second: &str, key: &Key, out: &mut String) -> Result<(), Error> {
    out.clear();
    out.push_str(header);
    out.push('.');
    let start = out.len();
    match (first, second) {
        ("{}", only) | (only, "{}") => out.push_str(only),
        _ => {
            out.push_str(first.strip_suffix('}').unwrap_or(first));
            out.push(',');
            out.push_str(second.strip_prefix('{').unwrap_or(second));
        }
    }
    base64url::encode_tail(out, start);
    finish(key, out)
}

/// Replaces the content of `out` with what is signed (RFC 7515, section 5.1): header, dot and payload.
fn prepare(header: &str, payload: &[u8], out: &mut String) {
    out.clear();
    out.push_str(header);
    out.push('.');
    base64url::encode_to(payload, out);
}

/// Appends dot and signature to what is to be signed. All that can take long in signing happens here, and it needs nothing
/// but the key and the text: any thread may do it.
pub fn finish(key: &Key, out: &mut String) -> Result<(), Error> {
    let signature = key.sign(out.as_bytes())?;
    out.push('.');
    base64url::encode_to(&signature, out);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_segments_come_apart() {
        let parts = split(b"aa.bbb.c").unwrap();
        assert_eq!(parts.header, b"aa");
        assert_eq!(parts.payload, b"bbb");
        assert_eq!(parts.signature, b"c");
        assert_eq!(parts.signing_input, b"aa.bbb");
    }

    #[test]
    fn two_objects_are_signed_as_one() {
        let key = Key::generate(
            crate::crypto::Algorithm::Hs256,
            None,
            &crate::random::SystemRandom::new(),
        )
        .unwrap();
        for (first, second, joined) in [
            (r#"{"a":1}"#, r#"{"b":"}"}"#, r#"{"a":1,"b":"}"}"#),
            (r#"{"a":{}}"#, "{}", r#"{"a":{}}"#),
            ("{}", r#"{"b":{}}"#, r#"{"b":{}}"#),
            ("{}", "{}", "{}"),
        ] {
            let (mut one, mut other) = (String::new(), String::new());
            seal_joined("h", first, second, &key, &mut one).unwrap();
            seal("h", joined.as_bytes(), &key, &mut other).unwrap();
            assert_eq!(one, other, "{joined}");
        }
    }

    #[test]
    fn fewer_than_three_segments_are_refused() {
        for token in ["", ".", "a", "a.b", "no dots at all"] {
            assert_eq!(
                split(token.as_bytes()).unwrap_err().code(),
                Code::TokenMalformed,
                "{token:?}"
            );
        }
    }

    #[test]
    fn a_fourth_segment_ends_up_where_decoding_refuses_it() {
        let parts = split(b"a.b.c.d").unwrap();
        assert!(base64url::decode(parts.payload).is_err());
    }
}
