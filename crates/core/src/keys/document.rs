//! Keys as a store keeps them: one JSON document a purpose. What is secret in it is sealed by the master key, if there is one;
//! the rest stands open, so that an operator can see which keys there are.

use std::{borrow::Cow, fmt::Write as _};

use data_encoding::HEXLOWER;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{KeyState, MAX_KEYS, MasterKey, MasterKeys, RevokedKey};
use crate::{
    crypto::Algorithm,
    encoding::json::write_string,
    error::{Code, Error},
    random::Random,
    store::{Purpose, StoredKeys},
    time::UnixMs,
};

/// The format that this version writes, and the newest that it reads.
const FORMAT: u64 = 1;

/// The keys of one purpose.
#[derive(Clone, Debug, Default)]
pub struct KeyDocument {
    /// Those there are.
    pub keys: Vec<DocumentKey>,
    /// Those that were revoked lately.
    pub revoked: Vec<RevokedKey>,
}

/// A key in a document. Its secret is wiped when dropped.
#[derive(Clone)]
pub struct DocumentKey {
    /// Its `kid`, or its number in decimal for keys that are only derived from.
    pub kid: String,
    /// Its algorithm; `None` for keys that are only derived from.
    pub algorithm: Option<Algorithm>,
    /// What it is for; `None` where the times alone say so.
    pub state: Option<KeyState>,
    /// Since when.
    pub since: UnixMs,
    /// When it goes.
    pub until: Option<UnixMs>,
    /// Its secret.
    pub secret: Zeroizing<Vec<u8>>,
}

/// What sealed a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SealedBy {
    /// The master key.
    Current,
    /// Nothing.
    Nobody,
    /// The master key before it.
    Previous,
}

impl KeyDocument {
    /// The document for a store, its secrets sealed by `master`.
    ///
    /// The additional data of each is its purpose, the version, and everything that stands open beside it: who can write the
    /// store can neither bring a retired key back nor give a key of one purpose to another.
    pub fn encode(
        &self,
        purpose: Purpose,
        version: u64,
        master: Option<&MasterKey>,
        random: &dyn Random,
    ) -> Result<StoredKeys, Error> {
        // Large enough for whatever fits in, so that no copy of an open secret is left behind when it grows.
        let secrets: usize = self.keys.iter().map(|key| key.secret.len() * 2 + 2048).sum();
        let mut text = Zeroizing::new(String::with_capacity(256 + secrets + self.revoked.len() * 2048));
        write(&mut text, format_args!("{{\"format\":{FORMAT}"));
        if let Some(master) = master {
            write(&mut text, format_args!(",\"master\":\"{}\"", master.id()));
        }
        text.push_str(",\"keys\":[");
        for (index, key) in self.keys.iter().enumerate() {
            text.push_str(if index == 0 { "" } else { "," });
            key.head(&mut text);
            text.push_str(",\"secret\":\"");
            match master {
                Some(master) => {
                    let about = key.about(purpose, version);
                    HEXLOWER.encode_append(&master.seal(&key.secret, &about, random)?, &mut text);
                }
                None => HEXLOWER.encode_append(&key.secret, &mut text),
            }
            text.push_str("\"}");
        }
        text.push_str("],\"revoked\":[");
        for (index, gone) in self.revoked.iter().enumerate() {
            text.push_str(if index == 0 { "{\"kid\":" } else { ",{\"kid\":" });
            write_string(&gone.kid, &mut text);
            let (algorithm, since) = (gone.algorithm.as_str(), gone.since.as_millis());
            write(&mut text, format_args!(",\"alg\":\"{algorithm}\",\"since\":{since}}}"));
        }
        text.push_str("]}");
        Ok(StoredKeys {
            purpose,
            version,
            document: Zeroizing::new(text.as_bytes().to_vec()),
        })
    }

    /// Reads a document.
    ///
    /// [`Code::MasterKey`] if it is sealed and the key for it is missing or wrong, [`Code::StoreVersion`] if a newer keyturn
    /// wrote it, [`Code::StoreCorrupt`] if it cannot be understood or has been tampered with.
    pub fn decode(stored: &StoredKeys, masters: Option<&MasterKeys>) -> Result<(Self, SealedBy), Error> {
        let text: Text<'_> = serde_json::from_slice(&stored.document).map_err(|_| DAMAGED)?;
        if text.format > FORMAT {
            return Err(Error::because(Code::StoreVersion, "keys"));
        }
        let master = match (text.master, masters) {
            (None, _) => None,
            (Some(_), None) => return Err(Error::because(Code::MasterKey, "missing")),
            (Some(id), Some(masters)) => Some(masters.named(id).ok_or(Error::because(Code::MasterKey, "wrong"))?),
        };
        let sealed_by = match (master, masters) {
            (Some(master), Some(masters)) if *master == masters.current => SealedBy::Current,
            (Some(_), _) => SealedBy::Previous,
            (None, _) => SealedBy::Nobody,
        };
        if text.keys.len() > MAX_KEYS || text.revoked.len() > MAX_KEYS {
            return Err(DAMAGED);
        }
        let keys = text
            .keys
            .iter()
            .map(|key| key.read(stored, master))
            .collect::<Result<_, _>>()?;
        let revoked = text.revoked.iter().map(RevokedText::read).collect::<Result<_, _>>()?;
        Ok((Self { keys, revoked }, sealed_by))
    }
}

impl DocumentKey {
    /// Its open members, without the closing brace.
    fn head(&self, out: &mut String) {
        out.push_str("{\"kid\":");
        write_string(&self.kid, out);
        if let Some(algorithm) = self.algorithm {
            write(out, format_args!(",\"alg\":\"{}\"", algorithm.as_str()));
        }
        if let Some(state) = self.state {
            write(out, format_args!(",\"state\":\"{}\"", state.as_str()));
        }
        write(out, format_args!(",\"since\":{}", self.since.as_millis()));
        if let Some(until) = self.until {
            write(out, format_args!(",\"until\":{}", until.as_millis()));
        }
    }

    /// What its secret is sealed together with. A `kid` holds no line break, so no two keys have the same.
    fn about(&self, purpose: Purpose, version: u64) -> String {
        format!(
            "keyturn key {FORMAT}\n{}\n{version}\n{}\n{}\n{}\n{}\n{}",
            purpose.as_str(),
            self.kid,
            self.algorithm.map_or("", Algorithm::as_str),
            self.state.map_or("", KeyState::as_str),
            self.since.as_millis(),
            self.until.map_or(0, UnixMs::as_millis),
        )
    }
}

impl std::fmt::Debug for DocumentKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DocumentKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Writing to a String cannot fail.
fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _written = out.write_fmt(text);
}

/// Every damage is the same to the caller.
pub(crate) const DAMAGED: Error = Error::because(Code::StoreCorrupt, "a stored key cannot be read");

/// The JSON. Secrets are borrowed from the document, so that no copy of them is left behind.
#[derive(Deserialize)]
struct Text<'a> {
    format: u64,
    #[serde(borrow, default)]
    master: Option<&'a str>,
    #[serde(borrow)]
    keys: Vec<KeyText<'a>>,
    #[serde(borrow, default)]
    revoked: Vec<RevokedText<'a>>,
}

#[derive(Deserialize)]
struct KeyText<'a> {
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow, default)]
    alg: Option<&'a str>,
    #[serde(borrow, default)]
    state: Option<&'a str>,
    since: u64,
    #[serde(default)]
    until: Option<u64>,
    #[serde(borrow)]
    secret: &'a str,
}

#[derive(Deserialize)]
struct RevokedText<'a> {
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    alg: &'a str,
    since: u64,
}

impl KeyText<'_> {
    fn read(&self, stored: &StoredKeys, master: Option<&MasterKey>) -> Result<DocumentKey, Error> {
        let bytes = Zeroizing::new(HEXLOWER.decode(self.secret.as_bytes()).map_err(|_| DAMAGED)?);
        let mut key = DocumentKey {
            kid: self.kid.clone().into_owned(),
            algorithm: self
                .alg
                .map(|name| Algorithm::from_name(name).ok_or(DAMAGED))
                .transpose()?,
            state: self
                .state
                .map(|name| KeyState::from_text(name).ok_or(DAMAGED))
                .transpose()?,
            since: UnixMs::new(self.since),
            until: self.until.map(UnixMs::new),
            secret: Zeroizing::default(),
        };
        key.secret = match master {
            Some(master) => master
                .open(&bytes, &key.about(stored.purpose, stored.version))
                .ok_or(DAMAGED)?,
            None => bytes,
        };
        Ok(key)
    }
}

impl RevokedText<'_> {
    fn read(&self) -> Result<RevokedKey, Error> {
        Ok(RevokedKey {
            kid: self.kid.as_ref().into(),
            algorithm: Algorithm::from_name(self.alg).ok_or(DAMAGED)?,
            since: UnixMs::new(self.since),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn masters(current: u8, previous: Option<u8>) -> MasterKeys {
        let key = |byte| MasterKey::from_bytes(&[byte; 32]).unwrap();
        MasterKeys {
            current: key(current),
            previous: previous.map(key),
        }
    }

    fn document() -> KeyDocument {
        let key = |kid: &str, state, until| DocumentKey {
            kid: kid.into(),
            algorithm: Some(Algorithm::EdDsa),
            state: Some(state),
            since: UnixMs::new(5),
            until,
            secret: Zeroizing::new(b"very secret bytes".to_vec()),
        };
        KeyDocument {
            keys: vec![
                key("a\"\u{e9}", KeyState::Active, None),
                key("b", KeyState::Retiring, Some(UnixMs::new(9))),
            ],
            revoked: vec![RevokedKey {
                kid: "c".into(),
                algorithm: Algorithm::Es256,
                since: UnixMs::new(3),
            }],
        }
    }

    fn encode(masters: Option<&MasterKeys>) -> StoredKeys {
        let master = masters.map(|masters| &masters.current);
        let random = SystemRandom::new();
        document().encode(Purpose::Signing, 7, master, &random).unwrap()
    }

    fn code(stored: &StoredKeys, masters: Option<&MasterKeys>) -> (Code, Option<&'static str>) {
        let error = KeyDocument::decode(stored, masters).map(|_| ()).unwrap_err();
        (error.code(), error.reason())
    }

    #[test]
    fn a_document_reads_back_open_and_sealed() {
        let sealing = masters(1, None);
        for (masters, by) in [(None, SealedBy::Nobody), (Some(&sealing), SealedBy::Current)] {
            let (read, sealed_by) = KeyDocument::decode(&encode(masters), masters).unwrap();
            assert_eq!((format!("{read:?}"), sealed_by), (format!("{:?}", document()), by));
            for (one, other) in read.keys.iter().zip(document().keys) {
                let times = |key: &DocumentKey| (key.since, key.until, key.secret.clone());
                assert_eq!(times(one), times(&other));
            }
        }
    }

    #[test]
    fn a_sealed_document_shows_no_secret() {
        let hex = HEXLOWER.encode(b"very secret bytes");
        let holds = |stored: &StoredKeys| std::str::from_utf8(&stored.document).unwrap().contains(&hex);
        assert!(holds(&encode(None)));
        assert!(!holds(&encode(Some(&masters(1, None)))));
    }

    #[test]
    fn a_missing_or_wrong_master_key_is_called_that() {
        let sealed = encode(Some(&masters(1, None)));
        assert_eq!(code(&sealed, None), (Code::MasterKey, Some("missing")));
        assert_eq!(
            code(&sealed, Some(&masters(2, Some(3)))),
            (Code::MasterKey, Some("wrong"))
        );
        let (_, by) = KeyDocument::decode(&sealed, Some(&masters(2, Some(1)))).unwrap();
        assert_eq!(by, SealedBy::Previous);
    }

    #[test]
    fn nothing_that_stands_open_can_be_changed_under_the_seal() {
        let sealing = masters(1, None);
        let sealed = encode(Some(&sealing));
        let text = std::str::from_utf8(&sealed.document).unwrap();
        for (from, to) in [
            ("\"state\":\"retiring\"", "\"state\":\"published\""),
            ("\"until\":9", "\"until\":99"),
            ("\"since\":5", "\"since\":6"),
            ("\"kid\":\"b\"", "\"kid\":\"d\""),
            ("\"alg\":\"EdDSA\"", "\"alg\":\"ES256\""),
        ] {
            let changed = text.replace(from, to);
            assert_ne!(changed, text, "{from}");
            let document = Zeroizing::new(changed.into_bytes());
            let stored = StoredKeys {
                document,
                ..sealed.clone()
            };
            assert_eq!(code(&stored, Some(&sealing)), (Code::StoreCorrupt, DAMAGED.reason()));
        }
        for stored in [
            StoredKeys {
                version: 8,
                ..sealed.clone()
            },
            StoredKeys {
                purpose: Purpose::Csrf,
                ..sealed.clone()
            },
        ] {
            assert_eq!(code(&stored, Some(&sealing)).0, Code::StoreCorrupt);
        }
    }

    #[test]
    fn what_is_no_document_is_damaged_and_a_newer_one_is_newer() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"format\":1}",
            "{\"format\":1,\"keys\":[{}]}",
            "\u{0}",
        ] {
            let stored = StoredKeys {
                purpose: Purpose::Csrf,
                version: 1,
                document: Zeroizing::new(text.as_bytes().to_vec()),
            };
            assert_eq!(code(&stored, None).0, Code::StoreCorrupt, "{text}");
        }
        let newer = StoredKeys {
            purpose: Purpose::Csrf,
            version: 1,
            document: Zeroizing::new(b"{\"format\":2,\"keys\":[]}".to_vec()),
        };
        assert_eq!(code(&newer, None).0, Code::StoreVersion);
    }
}
