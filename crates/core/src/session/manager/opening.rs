//! Opening: keys first, then revocations, and only then is anything answered.

use std::sync::Arc;

use super::{Answer, Failure, Manager, Ready};
use crate::{
    error::Error,
    jwt::Verifier,
    session::{
        access_token::AccessTokens,
        keys::Edit,
        past_token::{PastTokens, verifying},
    },
    store::Purpose,
    time::UnixMs,
};

impl Manager {
    /// Loads the keys, making them if there are none, and then every unexpired revocation. Until it has answered, the other
    /// methods fail with [`Code::NotReady`].
    pub fn open(self: &Arc<Self>, now: UnixMs, done: Answer<()>) {
        let shared = &self.shared;
        if let Err(error) = shared.keys.settle_masters(self.masters.get()) {
            return done(Err(error.into()));
        }
        let manager = Arc::clone(self);
        let purposes = match self.configured {
            Some(_) => vec![Purpose::Csrf, Purpose::Refresh],
            None => vec![Purpose::Csrf, Purpose::Refresh, Purpose::Signing],
        };
        let load = move |kept: Result<String, Failure>| match kept.and_then(|_| Ok(manager.assemble()?)) {
            Ok(ready) => manager.load(ready, done),
            Err(failure) => done(Err(failure)),
        };
        self.change_keys(Edit::Upkeep, purposes, now, Box::new(load));
    }

    /// The longest lives first: nobody may revoke anything by shorter ones.
    fn load(self: &Arc<Self>, ready: Ready, done: Answer<()>) {
        let manager = Arc::clone(self);
        self.shared.store.lives(
            self.settings.lives(),
            Box::new(move |lives| {
                match lives {
                    Ok(lives) => manager.shared.learn(lives),
                    Err(error) => return done(Err(error.into())),
                }
                let loading = Arc::clone(&manager);
                manager.shared.store.revocations(
                    // All there are: a clock that is ahead at this moment must not leave any out.
                    UnixMs::default(),
                    Box::new(move |revocations| match revocations {
                        Ok(revocations) => {
                            loading.shared.index.reload(&revocations);
                            // A second call finds the same keys and changes nothing.
                            let _already = loading.ready.set(ready);
                            done(Ok(()));
                        }
                        Err(error) => done(Err(error.into())),
                    }),
                );
            }),
        );
    }

    fn assemble(&self) -> Result<Ready, Error> {
        let stored = &self.shared.keys;
        let keys = match &self.configured {
            Some(keys) => Arc::clone(keys),
            None => stored.signing()?,
        };
        Ok(Ready {
            access: AccessTokens::new(Arc::clone(&keys), &self.settings)?,
            past: PastTokens::new(Arc::clone(&keys), &self.settings)?,
            verifier: Verifier::new(keys, Vec::new(), verifying(&self.settings))?,
            refresh: stored.refresh()?,
            csrf: stored.csrf()?,
        })
    }
}
