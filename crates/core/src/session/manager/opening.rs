//! Opening: keys first, then revocations, and only then is anything answered.

use std::sync::Arc;

use super::{Answer, Failure, Manager, Ready};
use crate::{
    crypto::Algorithm,
    error::{Code, Error},
    jwt::Verifier,
    keys::{Key, KeySet, LiveKeys, Material},
    random,
    session::{
        CsrfKey, RefreshKeys,
        access_token::AccessTokens,
        past_token::{PastTokens, policy},
    },
    store::{Purpose, StoredKey},
    time::UnixMs,
};

impl Manager {
    /// Loads the keys, making them if there are none, and then every unexpired revocation. Until it has answered, the other
    /// methods fail with [`Code::NotReady`].
    pub fn open(self: &Arc<Self>, now: UnixMs, done: Answer<()>) {
        let candidates = match self.candidates(now) {
            Ok(candidates) => candidates,
            Err(error) => return done(Err(error.into())),
        };
        let manager = Arc::clone(self);
        self.shared.store.keys(
            candidates,
            Box::new(move |keys| {
                let ready = match keys.map_err(Failure::from).and_then(|keys| manager.assemble(&keys)) {
                    Ok(ready) => ready,
                    Err(failure) => return done(Err(failure)),
                };
                manager.load(ready, done);
            }),
        );
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

    fn candidates(&self, now: UnixMs) -> Result<Vec<StoredKey>, Error> {
        let key = |purpose, kid: &str, algorithm, secret| StoredKey {
            purpose,
            kid: kid.to_owned(),
            algorithm,
            secret,
            created_at: now,
        };
        let mut candidates = Vec::with_capacity(3);
        for purpose in [Purpose::Refresh, Purpose::Csrf] {
            let secret = random::array::<32>(self.random.as_ref())?.to_vec().into();
            candidates.push(key(purpose, "0", None, secret));
        }
        if self.configured.is_none() {
            let signing = Key::generate(Algorithm::EdDsa, None, self.random.as_ref())?.named()?;
            if let (Some(material), Some(kid)) = (signing.material()?, signing.kid()) {
                candidates.push(key(Purpose::Signing, kid, Some(material.algorithm), material.secret));
            }
        }
        Ok(candidates)
    }

    fn assemble(&self, stored: &[StoredKey]) -> Result<Ready, Failure> {
        let of = |purpose| stored.iter().filter(move |key| key.purpose == purpose);
        let mut refresh: Vec<(u8, &[u8])> = Vec::new();
        for key in of(Purpose::Refresh) {
            refresh.push((key.kid.parse().map_err(|_| DAMAGED)?, key.secret.as_slice()));
        }
        let csrf = of(Purpose::Csrf).next_back().ok_or(DAMAGED)?;
        let keys = match &self.configured {
            Some(keys) => Arc::clone(keys),
            None => Arc::new(stored_ring(of(Purpose::Signing))?),
        };
        Ok(Ready {
            access: AccessTokens::new(Arc::clone(&keys), &self.settings)?,
            past: PastTokens::new(Arc::clone(&keys), &self.settings)?,
            verifier: Verifier::new(keys, Vec::new(), policy(&self.settings))?,
            refresh: RefreshKeys::new(&refresh).map_err(|_| DAMAGED)?,
            csrf: CsrfKey::new(&csrf.secret),
        })
    }
}

const DAMAGED: Error = Error::because(Code::StoreCorrupt, "a stored key cannot be read");

fn stored_ring<'a>(stored: impl Iterator<Item = &'a StoredKey>) -> Result<LiveKeys, Error> {
    let key = |key: &StoredKey| {
        let algorithm = key.algorithm.ok_or(DAMAGED)?;
        let secret = key.secret.clone();
        Key::from_material(Material { algorithm, secret }, Some(&key.kid)).map_err(|_| DAMAGED)
    };
    let keys = stored.map(key).collect::<Result<Vec<_>, Error>>()?;
    Ok(KeySet::new(keys)?.into())
}
