//! Taking over what the store holds.

use std::sync::Arc;

use super::{Held, Known, Policies, SessionKeys, secrets::Secrets};
use crate::{
    crypto::sha256,
    error::{Code, Error},
    keys::{DAMAGED, DocumentKey, Key, KeyDocument, LiveKeys, Material, Ring, RingKey, RingPolicy},
    session::{CsrfKeys, RefreshKeys},
    store::{Purpose, StoredKeys},
    time::UnixMs,
};

impl SessionKeys {
    /// Takes over what one purpose has in the store, and lets it hold from now on. An older version of the same keys is the
    /// store's loss and not ours: it is noted, and written again with the next change. Another document of the version that is
    /// known came after such a loss, from somebody who did not know of ours: it holds, since whoever comes now loads it.
    pub(super) fn adopt(&self, stored: &StoredKeys) -> Result<(), Error> {
        // Nobody here leaves the signing keys to the store, so they are not looked at either.
        let policy = self.policy.get();
        let mut held = self.lock();
        match (stored.purpose, policy) {
            (Purpose::Signing, None) => Ok(()),
            (Purpose::Signing, Some(policies)) => self.adopt_ring(&mut held, policies, stored),
            (purpose, _) => self.adopt_secrets(&mut held, purpose, stored),
        }
    }

    /// Takes note of purposes that the store holds nothing for, any more.
    pub(super) fn miss(&self, stored: &[StoredKeys]) {
        let mut held = self.lock();
        let is_there = |purpose| stored.iter().any(|keys: &StoredKeys| keys.purpose == purpose);
        for purpose in [Purpose::Csrf, Purpose::Refresh] {
            if let Some(known) = held.secrets_mut(purpose).as_mut().filter(|_| !is_there(purpose)) {
                known.stored = 0;
            }
        }
        if let Some(known) = held.signing.as_mut().filter(|_| !is_there(Purpose::Signing)) {
            known.stored = 0;
        }
    }

    fn adopt_ring(&self, held: &mut Held, policies: &Policies, stored: &StoredKeys) -> Result<(), Error> {
        let known = &mut held.signing;
        let digest = sha256(&stored.document);
        if let Some(known) = known
            && known.version == stored.version
            && known.digest == digest
        {
            known.stored = known.version;
            return Ok(());
        }
        let (document, sealed_by) = KeyDocument::decode(stored, self.masters())?;
        let old = known.as_ref().map(|known| known.ring.keys()).unwrap_or_default();
        let ring = restore_ring(policies.ring.clone(), document, old)?;
        if let Some(known) = known
            && known.version > stored.version
            && ring
                .keys()
                .iter()
                .any(|key| known.ring.keys().iter().any(|old| old.key == key.key))
        {
            known.stored = stored.version;
            return Ok(());
        }
        let set = ring.set()?;
        let live = self.signing.get_or_init(|| Arc::new(LiveKeys::new(set.clone())));
        if *live.snapshot() != set {
            live.replace(set);
        }
        *known = Some(Known {
            ring,
            version: stored.version,
            digest,
            stored: stored.version,
            sealed_by,
        });
        Ok(())
    }

    fn adopt_secrets(&self, held: &mut Held, purpose: Purpose, stored: &StoredKeys) -> Result<(), Error> {
        let known = held.secrets_mut(purpose);
        let digest = sha256(&stored.document);
        if let Some(known) = known
            && known.version == stored.version
            && known.digest == digest
        {
            known.stored = known.version;
            return Ok(());
        }
        let (document, sealed_by) = KeyDocument::decode(stored, self.masters())?;
        let ring = Secrets::restore(document)?;
        if let Some(known) = known
            && known.version > stored.version
            && ring.shares(&known.ring)
        {
            known.stored = stored.version;
            return Ok(());
        }
        self.show(purpose, &ring)?;
        *known = Some(Known {
            ring,
            version: stored.version,
            digest,
            stored: stored.version,
            sealed_by,
        });
        Ok(())
    }

    /// Lets secrets hold.
    fn show(&self, purpose: Purpose, ring: &Secrets) -> Result<(), Error> {
        if purpose == Purpose::Csrf {
            let secrets: Vec<(UnixMs, &[u8])> = ring.all().iter().map(|one| (one.from, one.bytes.as_slice())).collect();
            self.csrf
                .get_or_init(|| Arc::new(CsrfKeys::new(&secrets)))
                .replace(&secrets);
            return Ok(());
        }
        let secrets: Vec<(u8, UnixMs, &[u8])> = ring
            .all()
            .iter()
            .map(|one| (one.number, one.from, one.bytes.as_slice()))
            .collect();
        if let Some(keys) = self.refresh.get() {
            return keys.replace(&secrets);
        }
        let keys = Arc::new(RefreshKeys::of(&secrets)?);
        // Under the lock of `held`: nobody else was quicker.
        let _first = self.refresh.set(keys);
        Ok(())
    }
}

/// The ring that a document describes. Keys that are known already keep their handles, and with them what hangs on those.
fn restore_ring(policy: RingPolicy, document: KeyDocument, known: &[RingKey]) -> Result<Ring, Error> {
    let KeyDocument { keys, revoked } = document;
    let keys = keys
        .into_iter()
        .map(|key| restore_key(key, known))
        .collect::<Result<Vec<_>, _>>()?;
    Ring::restore(policy, keys, revoked).map_err(|error| match error.code() {
        // It is about the option and says so.
        Code::OptionInvalid => error,
        _ => DAMAGED,
    })
}

fn restore_key(stored: DocumentKey, known: &[RingKey]) -> Result<RingKey, Error> {
    let algorithm = stored.algorithm.ok_or(DAMAGED)?;
    let state = stored.state.ok_or(DAMAGED)?;
    let same = |held: &&RingKey| {
        let material = held.key.material().ok().flatten();
        held.key.kid() == Some(&stored.kid)
            && material.is_some_and(|material| material.algorithm == algorithm && material.secret == stored.secret)
    };
    let key = if let Some(held) = known.iter().find(same) {
        held.key.clone()
    } else {
        let secret = stored.secret;
        Key::from_material(Material { algorithm, secret }, Some(&stored.kid)).map_err(|_| DAMAGED)?
    };
    Ok(RingKey {
        key,
        state,
        since: stored.since,
        until: stored.until,
    })
}
