//! The CSRF token of a session: an HMAC of its identifier, so nothing need be stored and no other session's fits.

use super::SessionId;
use crate::{
    crypto::{HmacKey, derive},
    encoding::base64url,
};

/// The key that CSRF tokens are made with.
#[derive(Debug)]
pub struct CsrfKey(HmacKey);

impl CsrfKey {
    /// The key for a secret of the store.
    pub fn new(secret: &[u8]) -> Self {
        Self(HmacKey::sha256(&derive(secret, "csrf token")))
    }

    /// The token of a session: 43 base64url characters.
    pub fn token(&self, sid: &SessionId) -> String {
        base64url::encode(&self.0.tag(sid.as_bytes()))
    }

    /// Whether `presented` is that session's token; compared in constant time.
    pub fn matches(&self, sid: &SessionId, presented: &str) -> bool {
        base64url::decode_array::<32>(presented.as_bytes()).is_ok_and(|tag| self.0.matches(sid.as_bytes(), &tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::SystemRandom, time::UnixMs};

    #[test]
    fn a_token_fits_its_own_session_only() {
        let random = SystemRandom::new();
        let [one, other] = [1, 2].map(|at| SessionId::generate(UnixMs::new(at), &random).unwrap());
        let key = CsrfKey::new(&[1; 32]);
        let token = key.token(&one);
        assert!(key.matches(&one, &token));
        assert!(!key.matches(&other, &token));
        assert!(!CsrfKey::new(&[2; 32]).matches(&one, &token));
        for wrong in ["", "x", &token[1..], &format!("{token}=")] {
            assert!(!key.matches(&one, wrong), "{wrong}");
        }
    }
}
