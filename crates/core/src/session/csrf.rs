//! The CSRF token of a session: an HMAC of its identifier, so nothing need be stored and no other session's fits.

use std::sync::{PoisonError, RwLock};

use super::SessionId;
use crate::{
    crypto::{HmacKey, derive},
    encoding::base64url,
    time::UnixMs,
};

/// The keys that CSRF tokens are made with: the newest makes them, the others still verify. They may be replaced while they
/// are in use.
#[derive(Debug)]
pub struct CsrfKeys(RwLock<Vec<(UnixMs, HmacKey)>>);

impl CsrfKeys {
    /// The keys for secrets of the store, each with the time from which it makes tokens, the newest last.
    pub fn new(secrets: &[(UnixMs, &[u8])]) -> Self {
        Self(RwLock::new(keyed(secrets)))
    }

    /// Puts other keys in their place.
    pub(super) fn replace(&self, secrets: &[(UnixMs, &[u8])]) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keyed(secrets);
    }

    /// The token of a session at `now`: 43 base64url characters.
    pub fn token(&self, sid: &SessionId, now: UnixMs) -> String {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let newest = keys.iter().rev().find(|(from, _)| *from <= now).or(keys.first());
        newest.map_or_else(String::new, |(_, key)| base64url::encode(&key.tag(sid.as_bytes())))
    }

    /// Whether `presented` is that session's token; compared in constant time.
    pub fn matches(&self, sid: &SessionId, presented: &str) -> bool {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        base64url::decode_array::<32>(presented.as_bytes())
            .is_ok_and(|tag| keys.iter().any(|(_, key)| key.matches(sid.as_bytes(), &tag)))
    }
}

fn keyed(secrets: &[(UnixMs, &[u8])]) -> Vec<(UnixMs, HmacKey)> {
    let keyed = |(from, secret): &(UnixMs, &[u8])| (*from, HmacKey::sha256(&derive(secret, "csrf token")));
    secrets.iter().map(keyed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    const NOW: UnixMs = UnixMs::new(5);

    fn sids() -> [SessionId; 2] {
        let random = SystemRandom::new();
        [1, 2].map(|at| SessionId::generate(UnixMs::new(at), &random).unwrap())
    }

    fn keys(secrets: &[(u64, [u8; 32])]) -> CsrfKeys {
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(at, secret)| (UnixMs::new(*at), secret.as_slice()))
            .collect();
        CsrfKeys::new(&secrets)
    }

    #[test]
    fn a_token_fits_its_own_session_only() {
        let [one, other] = sids();
        let key = keys(&[(0, [1; 32])]);
        let token = key.token(&one, NOW);
        assert!(key.matches(&one, &token));
        assert!(!key.matches(&other, &token));
        assert!(!keys(&[(0, [2; 32])]).matches(&one, &token));
        for wrong in ["", "x", &token[1..], &format!("{token}=")] {
            assert!(!key.matches(&one, wrong), "{wrong}");
        }
        assert!(!keys(&[]).matches(&one, &keys(&[]).token(&one, NOW)));
    }

    #[test]
    fn during_a_rotation_both_verify_and_the_newer_makes_tokens_from_its_time_on() {
        let [sid, _] = sids();
        let (old, both) = (keys(&[(0, [1; 32])]), keys(&[(0, [1; 32]), (6, [2; 32])]));
        let token = old.token(&sid, NOW);
        assert_eq!(both.token(&sid, NOW), token);
        let later = both.token(&sid, UnixMs::new(6));
        assert_ne!(later, token);
        assert!(both.matches(&sid, &token) && both.matches(&sid, &later) && !old.matches(&sid, &later));
    }
}
