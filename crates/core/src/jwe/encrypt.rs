//! Encrypting (RFC 7516, section 5.1).

use zeroize::Zeroizing;

use super::{
    agreement::{Parties, agreed_key},
    header::{Added, write_header},
};
use crate::{
    crypto::{ContentEncryption, EcdhPublic, EcdhSecret, KeyManagement, OaepHash, OaepPublic, wrap_key},
    encoding::{
        base64url,
        json::{Value, scan_object},
    },
    error::{Code, Error},
    keys::{EncryptionKey, encryption::Parts},
    random::Random,
};

/// The longest plaintext: with every other segment it stays below what is decrypted again.
pub const MAX_PLAINTEXT_BYTES: usize = 128 * 1024;

/// The longest JSON text of further header parameters.
const MAX_HEADER_BYTES: usize = 16 * 1024;

/// What one call says about its JWE.
#[derive(Clone, Copy, Debug, Default)]
pub struct EncryptOptions<'a> {
    /// `enc`; `None` is the key's own for `dir` and A256GCM for the others.
    pub encryption: Option<ContentEncryption>,
    /// Further header parameters, the text of a JSON object.
    pub header: Option<&'a str>,
}

/// The parameters that encryption writes itself or that are not supported.
const RESERVED: [&str; 12] = [
    "alg", "b64", "crit", "enc", "epk", "iv", "jwk", "kid", "p2c", "p2s", "tag", "zip",
];

/// A compact JWE for the holder of `key`.
///
/// The CEK, every vector and every ephemeral key are drawn from `random`, in this order: CEK, vector of the key wrap or ephemeral
/// key, vector. The vectors of GCM are random, so that one `dir`, A128GCMKW or A256GCMKW key is good for 2^32 tokens (RFC 7518,
/// section 8.4); all other keys for any number.
pub fn encrypt(
    plaintext: &[u8],
    key: &EncryptionKey,
    options: &EncryptOptions<'_>,
    random: &dyn Random,
) -> Result<String, Error> {
    if !key.can_encrypt() {
        return Err(Error::because(
            Code::KeyInvalid,
            "the key_ops of this key do not allow it to encrypt",
        ));
    }
    if plaintext.len() > MAX_PLAINTEXT_BYTES {
        return Err(Error::because(Code::OptionInvalid, "a plaintext takes at most 128 KiB"));
    }
    let encryption = match (key.encryption(), options.encryption) {
        (Some(own), Some(wanted)) if own != wanted => {
            return Err(Error::because(
                Code::OptionInvalid,
                "this dir key is for another content encryption (enc)",
            ));
        }
        (Some(own), _) => own,
        (None, wanted) => wanted.unwrap_or(ContentEncryption::A256Gcm),
    };
    let extra = Extra::check(options.header.unwrap_or("{}"), key.algorithm())?;
    let managed = manage(key, encryption, &extra, random)?;
    let mut iv = vec![0; encryption.iv_len()];
    random.fill(&mut iv)?;
    let mut jwe = base64url::encode(managed.header.as_bytes());
    let sealed = encryption.seal(&managed.cek, &iv, jwe.as_bytes(), plaintext)?;
    for segment in [&managed.encrypted_key, &iv, &sealed.ciphertext, &sealed.tag] {
        jwe.push('.');
        base64url::encode_to(segment, &mut jwe);
    }
    Ok(jwe)
}

/// Further header parameters that may stand there.
struct Extra<'a> {
    inside: &'a str,
    apu: Vec<u8>,
    apv: Vec<u8>,
}

impl<'a> Extra<'a> {
    fn check(json: &'a str, algorithm: KeyManagement) -> Result<Self, Error> {
        const NO_OBJECT: Error = Error::because(Code::OptionInvalid, "header must be plain data without __proto__");
        const PARTY: Error = Error::because(
            Code::OptionInvalid,
            "apu and apv are base64url text, and for ECDH-ES only",
        );
        if json.len() > MAX_HEADER_BYTES {
            return Err(Error::because(Code::OptionInvalid, "header takes at most 16 KiB"));
        }
        let (mut reserved, mut mistyped) = (false, false);
        let mut parties = [None, None];
        scan_object(json, |name, value| {
            reserved |= RESERVED.iter().any(|known| name == **known);
            mistyped |= ["cty", "typ"].iter().any(|known| name == **known) && !matches!(value, Value::String(_));
            for (party, known) in parties.iter_mut().zip(["apu", "apv"]) {
                if name == *known {
                    *party = Some(value);
                }
            }
        })
        .map_err(|_| NO_OBJECT)?;
        if reserved {
            return Err(Error::because(
                Code::OptionInvalid,
                "header must not hold alg, enc, kid, zip, crit, b64, jwk, epk, iv, tag, p2s or p2c: the key and enc say the rest",
            ));
        }
        if mistyped {
            return Err(Error::because(
                Code::OptionInvalid,
                "typ and cty of header must be strings",
            ));
        }
        let agrees = matches!(
            algorithm,
            KeyManagement::EcdhEs | KeyManagement::EcdhEsA128Kw | KeyManagement::EcdhEsA256Kw
        );
        let party = |value: Option<Value<'_>>| match value {
            None => Ok(Vec::new()),
            Some(Value::String(text)) if agrees => base64url::decode(text.decode().as_bytes()).map_err(|_| PARTY),
            Some(_) => Err(PARTY),
        };
        let [apu, apv] = parties;
        Ok(Self {
            inside: inside(json).ok_or(NO_OBJECT)?,
            apu: party(apu)?,
            apv: party(apv)?,
        })
    }
}

/// An object's text without its braces.
fn inside(json: &str) -> Option<&str> {
    let inside = json.trim().strip_prefix('{')?.strip_suffix('}')?;
    Some(inside.trim())
}

/// A CEK on its way to the recipient.
struct Managed {
    cek: Zeroizing<Vec<u8>>,
    encrypted_key: Vec<u8>,
    header: String,
}

fn manage(
    key: &EncryptionKey,
    encryption: ContentEncryption,
    extra: &Extra<'_>,
    random: &dyn Random,
) -> Result<Managed, Error> {
    match key.parts() {
        Parts::Secret(secret) if key.algorithm() == KeyManagement::Dir => Ok(Managed {
            cek: secret.clone(),
            encrypted_key: Vec::new(),
            header: write_header(key, encryption, &Added::Nothing, extra.inside),
        }),
        Parts::Secret(secret) => wrap(key, secret, encryption, extra, random),
        Parts::RsaPublic(public) => encapsulate(key, public, encryption, extra, random),
        Parts::RsaPrivate(private) => encapsulate(key, private.public(), encryption, extra, random),
        Parts::EcdhPublic(public) => agree(key, public, encryption, extra, random),
        Parts::EcdhPrivate(private) => agree(key, private.public(), encryption, extra, random),
    }
}

fn wrap(
    key: &EncryptionKey,
    secret: &[u8],
    encryption: ContentEncryption,
    extra: &Extra<'_>,
    random: &dyn Random,
) -> Result<Managed, Error> {
    let cek = new_cek(encryption, random)?;
    let cipher = match key.algorithm() {
        KeyManagement::A128GcmKw => ContentEncryption::A128Gcm,
        KeyManagement::A256GcmKw => ContentEncryption::A256Gcm,
        _ => {
            return Ok(Managed {
                encrypted_key: wrap_key(secret, &cek).ok_or(Code::Internal)?,
                header: write_header(key, encryption, &Added::Nothing, extra.inside),
                cek,
            });
        }
    };
    let mut iv = [0; 12];
    random.fill(&mut iv)?;
    let sealed = cipher.seal(secret, &iv, b"", &cek)?;
    let added = Added::GcmWrap {
        iv: &iv,
        tag: &sealed.tag,
    };
    Ok(Managed {
        header: write_header(key, encryption, &added, extra.inside),
        encrypted_key: sealed.ciphertext,
        cek,
    })
}

fn encapsulate(
    key: &EncryptionKey,
    public: &OaepPublic,
    encryption: ContentEncryption,
    extra: &Extra<'_>,
    random: &dyn Random,
) -> Result<Managed, Error> {
    let cek = new_cek(encryption, random)?;
    Ok(Managed {
        encrypted_key: public.encrypt(oaep_hash(key.algorithm()), &cek)?,
        header: write_header(key, encryption, &Added::Nothing, extra.inside),
        cek,
    })
}

fn agree(
    key: &EncryptionKey,
    public: &EcdhPublic,
    encryption: ContentEncryption,
    extra: &Extra<'_>,
    random: &dyn Random,
) -> Result<Managed, Error> {
    let direct = key.algorithm() == KeyManagement::EcdhEs;
    let cek = if direct {
        None
    } else {
        Some(new_cek(encryption, random)?)
    };
    let ephemeral = EcdhSecret::generate(public.curve(), random)?;
    let parties = Parties {
        apu: &extra.apu,
        apv: &extra.apv,
    };
    let agreed = agreed_key(key.algorithm(), encryption, &ephemeral, public, parties).ok_or(Code::Internal)?;
    let header = write_header(key, encryption, &Added::EphemeralKey(ephemeral.public()), extra.inside);
    Ok(match cek {
        None => Managed {
            cek: agreed,
            encrypted_key: Vec::new(),
            header,
        },
        Some(cek) => Managed {
            encrypted_key: wrap_key(&agreed, &cek).ok_or(Code::Internal)?,
            cek,
            header,
        },
    })
}

fn new_cek(encryption: ContentEncryption, random: &dyn Random) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut cek = Zeroizing::new(vec![0; encryption.key_len()]);
    random.fill(&mut cek)?;
    Ok(cek)
}

/// RSA-OAEP-256 has its hash in the name; plain RSA-OAEP is the other (RFC 7518, section 4.3).
pub(super) fn oaep_hash(algorithm: KeyManagement) -> OaepHash {
    if algorithm == KeyManagement::RsaOaep256 {
        OaepHash::Sha256
    } else {
        OaepHash::Sha1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::encryption::Shape, random::SystemRandom};

    fn key(algorithm: KeyManagement) -> EncryptionKey {
        EncryptionKey::generate(algorithm, Shape::quick(), None, &SystemRandom::new()).unwrap()
    }

    fn with_header(algorithm: KeyManagement, header: &str) -> Result<String, Error> {
        let options = EncryptOptions {
            encryption: None,
            header: Some(header),
        };
        encrypt(b"text", &key(algorithm), &options, &SystemRandom::new())
    }

    #[test]
    fn the_header_takes_no_parameter_that_is_written_here() {
        for name in RESERVED {
            let error = with_header(KeyManagement::Dir, &format!("{{\"{name}\":\"x\"}}")).unwrap_err();
            assert_eq!(error.code(), Code::OptionInvalid, "{name}");
        }
        for header in [
            r#"{"\u0061lg":"x"}"#,
            r#"{"typ":1}"#,
            r#"{"cty":["JWT"]}"#,
            r#"{"apu":"AA"}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"__proto__":{}}"#,
            "[]",
            "",
        ] {
            let error = with_header(KeyManagement::Dir, header).unwrap_err();
            assert_eq!(error.code(), Code::OptionInvalid, "{header}");
        }
        for header in ["{}", " { } ", r#"{"typ":"JWT","cty":"JWT","x":{"y":[1]}}"#] {
            assert!(with_header(KeyManagement::Dir, header).is_ok(), "{header}");
        }
        assert!(with_header(KeyManagement::EcdhEs, r#"{"apu":"QWxpY2U","apv":"Qm9i"}"#).is_ok());
        assert!(with_header(KeyManagement::EcdhEs, r#"{"apu":"QWxpY2U="}"#).is_err());
        assert!(with_header(KeyManagement::EcdhEs, r#"{"apu":1}"#).is_err());
    }

    #[test]
    fn sizes_and_the_content_encryption_of_a_direct_key_are_bounds() {
        let random = SystemRandom::new();
        let long = vec![0; MAX_PLAINTEXT_BYTES + 1];
        let options = EncryptOptions::default();
        let error = encrypt(&long, &key(KeyManagement::A128Kw), &options, &random).unwrap_err();
        assert_eq!(error.code(), Code::OptionInvalid);
        let jwe = encrypt(&long[1..], &key(KeyManagement::RsaOaep), &options, &random).unwrap();
        assert!(jwe.len() < super::super::MAX_TOKEN_BYTES);
        let other = EncryptOptions {
            encryption: Some(ContentEncryption::A128Gcm),
            ..options
        };
        assert!(encrypt(b"", &key(KeyManagement::Dir), &other, &random).is_err());
    }
}
