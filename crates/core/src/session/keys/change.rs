//! Changing keys: read, change, store if nobody else was quicker, else begin again from what they stored.

use std::sync::Arc;

use super::{
    Known, SessionKeys,
    secrets::{SecretPolicy, Secrets},
};
use crate::{
    error::{Code, Error},
    keys::{DocumentKey, KeyDocument, KeyState, MasterKeys, Ring, SealedBy},
    random::Random,
    session::{Answer, Failure, Shared},
    store::{Purpose, StoreError, StoredKeys},
    time::{Span, UnixMs},
};

/// How often a change begins again because another process was quicker.
const ATTEMPTS: u32 = 10;

/// A change.
#[derive(Clone, Debug)]
pub(in crate::session) enum Edit {
    /// Announces the next signing key.
    Publish,
    /// Lets a signing key verify for a while only.
    Retire {
        /// Which.
        kid: String,
        /// For how long; `None`: for as long as superseded ones do.
        within: Option<Span>,
    },
    /// Takes a signing key out.
    Revoke {
        /// Which.
        kid: String,
    },
    /// Lets the next key sign. If another process does the same at the same time, it is one rotation.
    Rotate,
    /// What is due: keys are made where there are none, sealed, rotated by the schedule, and dropped when they have gone.
    Upkeep,
}

/// A change under way. Making a key happens on the store's thread, since an RSA key takes a tenth of a second and more.
pub(in crate::session) struct Change {
    pub(in crate::session) shared: Arc<Shared>,
    pub(in crate::session) random: Arc<dyn Random>,
    pub(in crate::session) edit: Edit,
    /// The purposes that are left to change.
    pub(in crate::session) purposes: Vec<Purpose>,
    pub(in crate::session) now: UnixMs,
    /// The longest that a session lasts.
    pub(in crate::session) absolute: Span,
    /// Answers the `kid` that signs after it, or that was announced by it.
    pub(in crate::session) done: Answer<String>,
}

/// Where a change of one purpose stands.
#[derive(Default)]
struct Turn {
    attempts: u32,
    /// What signed when it began.
    from: Option<String>,
}

/// What is to be stored, if anything.
struct Next {
    save: Option<(StoredKeys, u64)>,
    kid: String,
    /// What signed before.
    from: String,
}

impl Change {
    /// Begins with what the store holds.
    pub(in crate::session) fn run(self) {
        let store = Arc::clone(&self.shared.store);
        store.keys(Box::new(move |loaded| match loaded {
            Ok(stored) => self.loaded(&stored),
            Err(error) => (self.done)(Err(error.into())),
        }));
    }

    fn loaded(self, stored: &[StoredKeys]) {
        let keys = &self.shared.keys;
        keys.miss(stored);
        for document in stored {
            let adopted = keys.adopt(document);
            if let Err(error) = adopted
                && self.purposes.contains(&document.purpose)
            {
                return (self.done)(Err(failure(error, document.purpose)));
            }
        }
        self.next_purpose(String::new());
    }

    fn next_purpose(mut self, kid: String) {
        match self.purposes.pop() {
            Some(purpose) => self.attempt(purpose, Turn::default()),
            None => (self.done)(Ok(kid)),
        }
    }

    fn attempt(self, purpose: Purpose, turn: Turn) {
        let prepared = self.shared.keys.prepare(purpose, &self, turn.from.as_deref());
        let next = match prepared {
            Ok(next) => next,
            Err(error) => return (self.done)(Err(failure(error, purpose))),
        };
        let Some((document, replaces)) = next.save else {
            return self.next_purpose(next.kid);
        };
        let turn = Turn {
            attempts: turn.attempts + 1,
            from: turn.from.or(Some(next.from)),
        };
        let (store, kid) = (Arc::clone(&self.shared.store), next.kid);
        let asked = document.clone();
        store.save_keys(
            document,
            replaces,
            Box::new(move |answer| self.saved(purpose, turn, &asked, kid, answer)),
        );
    }

    fn saved(
        self,
        purpose: Purpose,
        turn: Turn,
        asked: &StoredKeys,
        kid: String,
        answer: Result<StoredKeys, StoreError>,
    ) {
        let stored = match answer {
            Ok(stored) => stored,
            Err(error) => return (self.done)(Err(error.into())),
        };
        if let Err(error) = self.shared.keys.adopt(&stored) {
            return (self.done)(Err(failure(error, purpose)));
        }
        if stored == *asked {
            return self.next_purpose(kid);
        }
        if turn.attempts < ATTEMPTS {
            return self.attempt(purpose, turn);
        }
        let error = Error::because(Code::StoreUnavailable, "the keys change too often");
        (self.done)(Err(error.into()));
    }
}

impl SessionKeys {
    fn prepare(&self, purpose: Purpose, change: &Change, from: Option<&str>) -> Result<Next, Error> {
        match purpose {
            Purpose::Signing => self.prepare_ring(change, from),
            Purpose::Refresh | Purpose::Csrf => self.prepare_secrets(purpose, change, from),
        }
    }

    fn prepare_ring(&self, change: &Change, from: Option<&str>) -> Result<Next, Error> {
        let policy = self.policy.get().ok_or(NOT_OURS)?.ring.clone();
        let (now, random) = (change.now, change.random.as_ref());
        let known = self.lock().signing.clone();
        let (mut ring, standing) = match known {
            Some(known) => (known.ring.clone(), Standing::of(&known)),
            None => (Ring::new(policy, &[], now, random)?, Standing::NEW),
        };
        let (before, signed) = (shape(&ring), active(&ring));
        ring.advance(now, random)?;
        // Another process may have done it while this one was about to: then it is done.
        let is_rotated = from.is_some_and(|from| from != signed);
        let mut kid = None;
        match &change.edit {
            Edit::Publish => kid = ring.publish(now, random)?.kid().map(str::to_owned),
            Edit::Retire { kid, within } => ring.retire(kid, *within, now, random)?,
            Edit::Revoke { kid } => ring.revoke(kid, now, random)?,
            Edit::Rotate if !is_rotated => {
                ring.rotate(now, random)?;
            }
            Edit::Rotate | Edit::Upkeep => {}
        }
        let is_changed = shape(&ring) != before || matches!(change.edit, Edit::Retire { .. });
        let save = if is_changed || self.wants_writing(&standing) {
            Some(self.encode(Purpose::Signing, &ring_document(&ring)?, &standing, random)?)
        } else {
            None
        };
        Ok(Next {
            save,
            kid: kid.unwrap_or_else(|| active(&ring)),
            from: signed,
        })
    }

    fn prepare_secrets(&self, purpose: Purpose, change: &Change, from: Option<&str>) -> Result<Next, Error> {
        let policy = self.policy.get().map_or(
            SecretPolicy {
                rotate_every: None,
                keep_for: change.absolute,
            },
            |policies| policies.secrets.clone(),
        );
        let (now, random) = (change.now, change.random.as_ref());
        let known = self.lock().secrets(purpose).cloned();
        let (mut ring, standing) = match known {
            Some(known) => (known.ring.clone(), Standing::of(&known)),
            None => (Secrets::new(now, random)?, Standing::NEW),
        };
        let numbers = |ring: &Secrets| -> Vec<_> { ring.all().iter().map(|one| (one.number, one.from)).collect() };
        let newest = |ring: &Secrets| ring.newest().map_or_else(String::new, |number| number.to_string());
        let (before, signed) = (numbers(&ring), newest(&ring));
        ring.advance(&policy, now, random)?;
        if matches!(change.edit, Edit::Rotate) && from.is_none_or(|from| from == signed) {
            ring.rotate(&policy, now, random)?;
        }
        let save = if numbers(&ring) != before || self.wants_writing(&standing) {
            Some(self.encode(purpose, &ring.document(), &standing, random)?)
        } else {
            None
        };
        Ok(Next {
            save,
            kid: newest(&ring),
            from: signed,
        })
    }

    fn encode(
        &self,
        purpose: Purpose,
        document: &KeyDocument,
        standing: &Standing,
        random: &dyn Random,
    ) -> Result<(StoredKeys, u64), Error> {
        let master = self.masters().map(|masters: &MasterKeys| &masters.current);
        let stored = document.encode(purpose, standing.version + 1, master, random)?;
        Ok((stored, standing.stored))
    }

    fn wants_writing(&self, standing: &Standing) -> bool {
        let is_unsealed = self.masters().is_some() && standing.sealed_by != SealedBy::Current;
        standing.stored == 0 || standing.stored != standing.version || is_unsealed
    }
}

/// Where keys stand before a change.
struct Standing {
    version: u64,
    stored: u64,
    sealed_by: SealedBy,
}

impl Standing {
    const NEW: Self = Self {
        version: 0,
        stored: 0,
        sealed_by: SealedBy::Nobody,
    };

    fn of<T>(known: &Known<T>) -> Self {
        Self {
            version: known.version,
            stored: known.stored,
            sealed_by: known.sealed_by,
        }
    }
}

const NOT_OURS: Error = Error::because(
    Code::OptionInvalid,
    "these sessions sign with keys of your own: rotate those",
);

/// A failure of one purpose's keys; the purpose is for the operator.
fn failure(error: Error, purpose: Purpose) -> Failure {
    Failure {
        detail: Some(format!("the {} keys in the store: {error}", purpose.as_str())),
        ..error.into()
    }
}

/// What makes one ring different from another, apart from times that follow clocks.
fn shape(ring: &Ring) -> Vec<(String, KeyState)> {
    let held = ring.keys().iter().map(|held| (held.key.kid(), held.state));
    let revoked = ring.revoked().iter().map(|gone| (Some(&*gone.kid), KeyState::Revoked));
    let named = held.chain(revoked);
    named
        .map(|(kid, state)| (kid.unwrap_or_default().to_owned(), state))
        .collect()
}

fn active(ring: &Ring) -> String {
    let held = ring.keys().iter().find(|held| held.state == KeyState::Active);
    held.and_then(|held| held.key.kid()).unwrap_or_default().to_owned()
}

fn ring_document(ring: &Ring) -> Result<KeyDocument, Error> {
    let mut document = KeyDocument {
        keys: Vec::new(),
        revoked: ring.revoked().to_vec(),
    };
    for held in ring.keys() {
        let material = held.key.material()?.ok_or(Code::Internal)?;
        document.keys.push(DocumentKey {
            kid: held.key.kid().unwrap_or_default().to_owned(),
            algorithm: Some(material.algorithm),
            state: Some(held.state),
            since: held.since,
            until: held.until,
            secret: material.secret,
        });
    }
    Ok(document)
}
