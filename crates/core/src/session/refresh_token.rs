//! The refresh token: opaque to everybody else, proving itself before any store is read.
//!
//! `kt1_` and the base64url text of 69 bytes: format and key number (1) | sid (16) | generation (4, big-endian) | family
//! secret (16) | HMAC-SHA-256 over all of that (32). The successor of a generation is the same bytes whoever computes it,
//! so no token text is ever stored and every node can answer a retry. The prefix lets secret scanners find leaks.

use std::{
    fmt,
    sync::{PoisonError, RwLock, RwLockReadGuard},
};

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::SessionId;
use crate::{
    crypto::{Digest, HmacKey, derive, sha256},
    encoding::base64url,
    error::{Code, Error},
    random::{self, Random},
    time::UnixMs,
};

const PREFIX: &str = "kt1_";
const FORMAT: u8 = 1 << 4;
const SIGNED: usize = 1 + 16 + 4 + 16;
const WHOLE: usize = SIGNED + 32;

/// The length of every refresh token's text.
pub(crate) const TEXT_LEN: usize = PREFIX.len() + base64url::encoded_len(WHOLE);

/// The secret of a session's lineage. The store keeps its SHA-256 only; it is wiped when dropped and prints as redacted.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct FamilySecret([u8; 16]);

impl FamilySecret {
    /// A new secret.
    pub fn generate(random: &dyn Random) -> Result<Self, Error> {
        random::array(random).map(Self)
    }

    /// A secret that is known already.
    pub(super) const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Whether both are one, compared in constant time.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// What the store keeps of it.
    pub fn digest(&self) -> Digest {
        sha256(&self.0)
    }

    /// What the store keeps of where a session is used: an HMAC under a key of the secret's own, so that the store's content
    /// cannot be searched for an address, and two sessions from one place have nothing in common.
    pub fn context_digest(&self, context: &str) -> Digest {
        HmacKey::sha256(&derive(&self.0, "session context")).tag(context.as_bytes())
    }
}

impl fmt::Debug for FamilySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilySecret(redacted)")
    }
}

/// What a refresh token says, its tag having been checked.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// The session.
    pub sid: SessionId,
    /// Which token of its lineage this is; the first is 0.
    pub generation: u32,
    /// The lineage's secret.
    pub family: FamilySecret,
}

/// The keys that tag refresh tokens: the newest signs, the others still verify. At most 16, numbered 0 to 15. They may be
/// replaced while they are in use.
#[derive(Debug)]
pub struct RefreshKeys(RwLock<Vec<RefreshKey>>);

/// One of them.
#[derive(Debug)]
struct RefreshKey {
    number: u8,
    /// From when on it signs.
    from: UnixMs,
    key: HmacKey,
}

impl RefreshKeys {
    /// The keys by number, the newest last.
    pub fn new(keys: &[(u8, &[u8])]) -> Result<Self, Error> {
        let dated: Vec<_> = keys
            .iter()
            .map(|(number, secret)| (*number, UnixMs::default(), *secret))
            .collect();
        Self::of(&dated)
    }

    /// The keys by number, with the time from which each signs, the newest last.
    pub(super) fn of(keys: &[(u8, UnixMs, &[u8])]) -> Result<Self, Error> {
        Ok(Self(RwLock::new(keyed(keys)?)))
    }

    /// Puts other keys in their place.
    pub(super) fn replace(&self, keys: &[(u8, UnixMs, &[u8])]) -> Result<(), Error> {
        let keys = keyed(keys)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The number of the key that signs at `now`.
    pub fn newest(&self, now: UnixMs) -> u8 {
        let keys = self.read();
        let signing = keys.iter().rev().find(|key| key.from <= now);
        signing.or(keys.first()).map_or(0, |key| key.number)
    }

    /// Whether the key of that number is among these.
    pub(super) fn has(&self, number: u8) -> bool {
        self.read().iter().any(|key| key.number == number)
    }

    /// Whether a text has the shape of a token under a key that is not among these.
    pub(super) fn names_unknown_key(&self, text: &str) -> bool {
        let shape = text.strip_prefix(PREFIX).filter(|_| text.len() == TEXT_LEN);
        let bytes = shape.and_then(|rest| base64url::decode(rest.as_bytes()).ok());
        let head = bytes.and_then(|bytes| bytes.first().copied());
        let unknown = |head: u8| self.read().iter().all(|key| key.number != head & 0x0f);
        head.is_some_and(|head| head & 0xf0 == FORMAT && unknown(head))
    }

    /// The HMAC of a message under the key of that number, or under the newest if that key is gone.
    pub(super) fn tag(&self, number: u8, message: &[u8]) -> Result<Digest, Error> {
        let keys = self.read();
        let named = keys.iter().find(|key| key.number == number);
        let RefreshKey { key, .. } = named.or(keys.last()).ok_or(Code::Internal)?;
        Ok(key.tag(message))
    }

    /// Whether the HMAC of a message under any of the keys is as wanted.
    pub(super) fn any_tag(&self, message: &[u8], is_wanted: impl Fn(&Digest) -> bool) -> bool {
        self.read().iter().any(|key| is_wanted(&key.key.tag(message)))
    }

    /// The text of a token under the key of that number, or under the newest if that key is gone.
    pub fn seal(&self, token: &RefreshToken, number: u8) -> Result<String, Error> {
        let keys = self.read();
        let named = keys.iter().find(|key| key.number == number);
        let RefreshKey { number, key, .. } = named.or(keys.last()).ok_or(Code::Internal)?;
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(WHOLE));
        bytes.push(FORMAT | *number);
        bytes.extend_from_slice(token.sid.as_bytes());
        bytes.extend_from_slice(&token.generation.to_be_bytes());
        bytes.extend_from_slice(&token.family.0);
        let tag = key.tag(&bytes);
        bytes.extend_from_slice(&tag);
        let mut text = String::with_capacity(TEXT_LEN);
        text.push_str(PREFIX);
        base64url::encode_to(&bytes, &mut text);
        Ok(text)
    }

    /// Reads a token. Anything that these keys did not seal is [`Code::RefreshInvalid`], compared in constant time.
    pub fn open(&self, text: &str) -> Result<RefreshToken, Error> {
        self.parse(text).ok_or(Code::RefreshInvalid.into())
    }

    fn parse(&self, text: &str) -> Option<RefreshToken> {
        if text.len() != TEXT_LEN {
            return None;
        }
        let bytes = zeroize::Zeroizing::new(base64url::decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?);
        let (signed, tag) = bytes.split_at_checked(SIGNED)?;
        let (head, rest) = signed.split_first()?;
        if head & 0xf0 != FORMAT {
            return None;
        }
        let keys = self.read();
        let key = keys.iter().find(|key| key.number == head & 0x0f)?;
        if !key.key.matches(signed, tag) {
            return None;
        }
        let (sid, rest) = rest.split_first_chunk::<16>()?;
        let (generation, family) = rest.split_first_chunk::<4>()?;
        Some(RefreshToken {
            sid: SessionId::from_bytes(*sid),
            generation: u32::from_be_bytes(*generation),
            family: FamilySecret(family.try_into().ok()?),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<RefreshKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keyed(keys: &[(u8, UnixMs, &[u8])]) -> Result<Vec<RefreshKey>, Error> {
    if keys.is_empty() {
        return Err(Error::because(Code::KeyInvalid, "no refresh key"));
    }
    if keys.iter().any(|(number, _, secret)| *number > 15 || secret.len() < 32) {
        return Err(Error::because(
            Code::KeyInvalid,
            "a refresh key takes 32 bytes and a number below 16",
        ));
    }
    let keyed = |(number, from, secret): &(u8, UnixMs, &[u8])| RefreshKey {
        number: *number,
        from: *from,
        key: HmacKey::sha256(&derive(secret, "refresh token")),
    };
    Ok(keys.iter().map(keyed).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn token(generation: u32) -> RefreshToken {
        let random = SystemRandom::new();
        RefreshToken {
            sid: SessionId::generate(UnixMs::new(1_700_000_000_000), &random).unwrap(),
            generation,
            family: FamilySecret::generate(&random).unwrap(),
        }
    }

    fn keys() -> RefreshKeys {
        RefreshKeys::new(&[(3, &[1; 32]), (4, &[2; 32])]).unwrap()
    }

    #[test]
    fn a_context_is_kept_under_a_key_of_its_own_session() {
        let [one, other] = [token(0), token(0)].map(|token| token.family);
        assert_eq!(one.context_digest("a"), one.clone().context_digest("a"));
        assert_ne!(one.context_digest("a"), one.context_digest("b"));
        assert_ne!(one.context_digest("a"), other.context_digest("a"));
        assert_ne!(one.context_digest(""), one.digest());
    }

    #[test]
    fn a_token_reads_back_under_either_key() {
        let (keys, token) = (keys(), token(u32::MAX));
        for number in [3, 4] {
            let text = keys.seal(&token, number).unwrap();
            assert_eq!(text.len(), TEXT_LEN);
            let read = keys.open(&text).unwrap();
            assert_eq!((read.sid, read.generation), (token.sid, token.generation));
            assert_eq!(read.family.digest(), token.family.digest());
        }
        assert_ne!(keys.seal(&token, 3).unwrap(), keys.seal(&token, 4).unwrap());
    }

    #[test]
    fn the_successor_is_the_same_bytes_whoever_computes_it() {
        let token = token(7);
        assert_eq!(keys().seal(&token, 4).unwrap(), keys().seal(&token, 4).unwrap());
    }

    #[test]
    fn a_key_that_is_gone_gives_way_to_the_newest() {
        let token = token(7);
        assert_eq!(keys().seal(&token, 9).unwrap(), keys().seal(&token, 4).unwrap());
    }

    #[test]
    fn a_key_signs_from_its_time_on_and_verifies_before() {
        let at = |ms| UnixMs::new(ms);
        let keys = RefreshKeys::of(&[(15, at(10), &[1; 32]), (0, at(20), &[2; 32])]).unwrap();
        let newest: Vec<_> = [0, 10, 19, 20, 99].iter().map(|ms| keys.newest(at(*ms))).collect();
        assert_eq!(newest, [15, 15, 15, 0, 0]);
        let early = keys.seal(&token(1), 0).unwrap();
        assert!(keys.open(&early).is_ok());
        keys.replace(&[(0, at(20), &[2; 32])]).unwrap();
        assert!(keys.open(&early).is_ok());
    }

    #[test]
    fn a_token_under_an_unknown_key_is_told_from_one_that_is_forged() {
        let text = keys().seal(&token(1), 4).unwrap();
        let others = RefreshKeys::new(&[(3, &[1; 32])]).unwrap();
        assert!(others.names_unknown_key(&text));
        assert!(!keys().names_unknown_key(&text));
        for text in [
            "",
            "kt1_",
            &text[1..],
            &text.replace("kt1_", "kt2_"),
            &format!("{text}A"),
        ] {
            assert!(!others.names_unknown_key(text), "{text}");
        }
    }

    #[test]
    fn no_character_can_be_changed() {
        let keys = keys();
        let text = keys.seal(&token(1), 4).unwrap();
        for index in 0..text.len() {
            for replacement in ["A", "z", "-", "=", ""] {
                let tampered = format!("{}{replacement}{}", &text[..index], &text[index + 1..]);
                if tampered != text {
                    assert_eq!(keys.open(&tampered).unwrap_err().code(), Code::RefreshInvalid);
                }
            }
        }
    }

    #[test]
    fn what_is_no_token_of_ours_is_refused() {
        let other = RefreshKeys::new(&[(4, &[9; 32])]).unwrap();
        let foreign = other.seal(&token(1), 4).unwrap();
        for text in [
            "",
            "kt1_",
            &foreign,
            &"kt1_".repeat(24),
            &"\u{141}".repeat(48),
            "eyJhbGciOiJub25lIn0.e30.",
        ] {
            assert_eq!(keys().open(text).unwrap_err().code(), Code::RefreshInvalid, "{text}");
        }
    }

    #[test]
    fn a_family_secret_prints_as_redacted() {
        let text = format!("{:?}", token(1));
        assert!(text.contains("FamilySecret(redacted)"), "{text}");
    }

    #[test]
    fn weak_or_misnumbered_keys_are_refused() {
        assert!(RefreshKeys::new(&[]).is_err());
        assert!(RefreshKeys::new(&[(0, &[1; 31])]).is_err());
        assert!(RefreshKeys::new(&[(16, &[1; 32])]).is_err());
    }
}
