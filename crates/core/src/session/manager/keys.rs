//! The keys in the store: told to change, kept up, and read again.

use std::sync::Arc;

use super::{Answer, Failure, Manager, waiting::Pending};
use crate::{
    error::{Blame, Code, Error},
    keys::{MasterKeys, Ring},
    revocation::Revocation,
    session::keys::{Change, Edit},
    store::Purpose,
    time::{Span, UnixMs},
};

impl Manager {
    /// Gives the master key before [`Manager::open`]: what is in the store is opened with it, or with the one before it, and
    /// sealed under it. [`Code::OptionInvalid`] for another one than before.
    pub fn use_master_keys(&self, masters: MasterKeys) -> Result<(), Error> {
        let Err(other) = self.masters.set(masters) else {
            return Ok(());
        };
        if self.masters.get() == Some(&other) {
            return Ok(());
        }
        Err(Error::because(Code::OptionInvalid, "masterKey must stay the same"))
    }

    /// Looks at the ring of signing keys that the store keeps. [`Code::OptionInvalid`] if these sessions sign with others.
    pub fn ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> Result<T, Error> {
        self.ready()?;
        self.check_ring()?;
        self.shared.keys.ring(read)
    }

    /// Announces the next signing key; answers its `kid`.
    pub fn publish_key(self: &Arc<Self>, now: UnixMs, done: Answer<String>) {
        self.change_ring(Edit::Publish, now, done);
    }

    /// Lets the next signing key sign at once; answers its `kid`. Of several processes that do so at the same time all get the
    /// same one.
    pub fn rotate_key(self: &Arc<Self>, now: UnixMs, done: Answer<String>) {
        self.change_ring(Edit::Rotate, now, done);
    }

    /// Lets a signing key verify for `within`, at most as long as superseded ones do. One that signs is rotated out first.
    pub fn retire_key(self: &Arc<Self>, kid: String, within: Option<Span>, now: UnixMs, done: Answer<String>) {
        self.change_ring(Edit::Retire { kid, within }, now, done);
    }

    /// Takes a signing key out and revokes it, so that its tokens are refused by everybody who asks this store's revocations.
    ///
    /// If the store fails they are refused here at once, and both are done as soon as that is possible.
    pub fn revoke_key(self: &Arc<Self>, kid: String, now: UnixMs, done: Answer<()>) {
        match self.ready().and_then(|_| self.check_ring()) {
            Ok(()) => self.revoke_key_unchecked(kid, now, done),
            Err(error) => done(Err(error.into())),
        }
    }

    /// The same also while the store is closing: what waits to be stored has its last chance then.
    pub(super) fn revoke_key_unchecked(self: &Arc<Self>, kid: String, now: UnixMs, done: Answer<()>) {
        let manager = Arc::clone(self);
        let edit = Edit::Revoke { kid: kid.clone() };
        let then = Box::new(move |taken_out: Result<String, Failure>| {
            let revocation = Revocation::key(kid.clone());
            let Err(failure) = taken_out else {
                return manager.revoke_unchecked(revocation, done);
            };
            // Whatever the store's trouble is. A key that there is not is the caller's mistake.
            if failure.error.code().blame() == Blame::Operator {
                manager.shared.index.insert(&revocation);
                // Not the revocation alone: the ring would go on signing what nobody accepts.
                manager.shared.keep(Pending::RevokeKey(kid));
            }
            done(Err(failure));
        });
        self.change_keys(edit, vec![Purpose::Signing], now, then);
    }

    /// Announces the next refresh and CSRF keys, which sign a minute later.
    pub fn rotate_secrets(self: &Arc<Self>, now: UnixMs, done: Answer<()>) {
        if let Err(error) = self.ready() {
            return done(Err(error.into()));
        }
        let purposes = vec![Purpose::Csrf, Purpose::Refresh];
        self.change_keys(Edit::Rotate, purposes, now, Box::new(|kid| done(kid.map(|_| ()))));
    }

    /// Reads the keys in the store again, unless that was done within the last second. For a token whose key is not known.
    pub fn learn_keys(&self, now: UnixMs, done: Answer<()>) {
        self.shared.learn_keys(now, Some(Box::new(|| done(Ok(())))));
    }

    /// Whether other processes have stored keys that this one cannot read, for want of their master key perhaps. It goes on with
    /// those that it has.
    pub fn keys_unreadable(&self) -> bool {
        self.shared.keys.are_unreadable()
    }

    /// Whether a refresh token is one of a key that is not known here.
    pub fn names_unknown_key(&self, token: &str) -> bool {
        self.ready
            .get()
            .is_some_and(|ready| ready.refresh.names_unknown_key(token))
    }

    /// Does what is due. Whatever fails is tried again with the next turn.
    pub(super) fn keep_keys(self: &Arc<Self>, now: UnixMs) {
        if !self.is_ready() {
            return;
        }
        self.shared.refresh_keys(now);
        let mut purposes = vec![Purpose::Csrf, Purpose::Refresh];
        if self.configured.is_none() {
            purposes.push(Purpose::Signing);
        }
        purposes.retain(|purpose| self.shared.keys.is_due(*purpose, now));
        if !purposes.is_empty() {
            self.change_keys(Edit::Upkeep, purposes, now, Box::new(|_| {}));
        }
    }

    fn change_ring(self: &Arc<Self>, edit: Edit, now: UnixMs, done: Answer<String>) {
        if let Err(error) = self.ready().and_then(|_| self.check_ring()) {
            return done(Err(error.into()));
        }
        self.change_keys(edit, vec![Purpose::Signing], now, done);
    }

    pub(super) fn change_keys(self: &Arc<Self>, edit: Edit, purposes: Vec<Purpose>, now: UnixMs, done: Answer<String>) {
        let change = Change {
            shared: Arc::clone(&self.shared),
            random: Arc::clone(&self.random),
            edit,
            purposes,
            now,
            absolute: self.settings.absolute,
            done,
        };
        change.run();
    }

    fn check_ring(&self) -> Result<(), Error> {
        if self.configured.is_none() {
            return Ok(());
        }
        Err(Error::because(
            Code::OptionInvalid,
            "these sessions sign with keys of your own: change those",
        ))
    }
}
