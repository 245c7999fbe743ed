//! A verifier with a cache. The cache keeps what decides; the claims stay in JavaScript, in a list with one place for each
//! slot.
//!
//! | arguments | answer |
//! |---|---|
//! | `(token, now)` | the payload's text; or, below 0, the complement (`~`) of the slot whose claims are these; or an error number |
//! | `()` | takes in the token whose payload was the last answer: the complement of its slot, or 0 if it is not kept |
//! | `(n)` | 0 hits, 1 misses, 2 evictions, 3 size |
//!
//! JavaScript parses and freezes the claims before it has the token taken in, and then does nothing but put them into the
//! slot: a slot never stands for claims that failed to be made.

use std::sync::Arc;

use keyturn_core::{
    error::{Code, Error},
    jwt::{Answer as TokenAnswer, Scratch, TokenCache, Verifier},
    random::SystemRandom,
    session::Manager,
};

use crate::hot::{Answer, Arguments, HotState};

pub(crate) struct CachedVerifierState {
    verifier: Verifier,
    revocation: Option<Arc<Manager>>,
    token: Vec<u8>,
    scratch: Scratch,
    cache: TokenCache,
}

impl CachedVerifierState {
    pub(crate) fn new(verifier: Verifier, revocation: Option<Arc<Manager>>, entries: u32) -> Result<Self, Error> {
        Ok(Self {
            verifier,
            revocation,
            token: Vec::new(),
            scratch: Scratch::default(),
            cache: TokenCache::new(entries, &SystemRandom::new())?,
        })
    }

    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "exact up to 2^53, which no counter reaches"
    )]
    fn count(&self, which: Option<f64>) -> f64 {
        let statistics = self.cache.statistics();
        let count = match which {
            Some(0.0) => statistics.hits,
            Some(1.0) => statistics.misses,
            Some(2.0) => statistics.evictions,
            _ => statistics.size.into(),
        };
        count as f64
    }
}

impl HotState for CachedVerifierState {
    fn call(&mut self, arguments: &Arguments) -> Result<Answer<'_>, Error> {
        match arguments.count() {
            0 => return Ok(self.cache.keep().map_or(Answer::Number(0.0), complement)),
            1 => return Ok(Answer::Number(self.count(arguments.number(0)))),
            _ => {}
        }
        let most = self.verifier.max_token_bytes();
        let token = arguments.text(0, &mut self.token, most)?.ok_or(Code::TokenMalformed)?;
        let revocation = match &self.revocation {
            None => None,
            Some(manager) => Some(manager.revocation_check()?),
        };
        let now = arguments.time(1);
        let answer = self
            .verifier
            .verify_cached(token, now, revocation, &mut self.scratch, &mut self.cache)?;
        Ok(match answer {
            TokenAnswer::Cached(slot) => complement(slot),
            TokenAnswer::Fresh(verified) => Answer::Text(verified.payload),
        })
    }
}

fn complement(slot: u32) -> Answer<'static> {
    Answer::Number(-1.0 - f64::from(slot))
}
