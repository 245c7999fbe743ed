//! Changing the roles and permissions of a subject who is signed in.

use std::sync::Arc;

use super::{Answer, Manager};
use crate::{
    error::{Code, Error},
    revocation::Revocation,
    session::{ClaimChanges, NewRights, PermissionsAsk, Record, Strategy, changed_claims},
    time::{Span, UnixMs},
};

impl Manager {
    /// Makes the subject's access tokens stale and lets the next refresh of each of its sessions issue the changed claims:
    /// [`crate::session::change_permissions`]. Ends no session. Without changes it is [`Code::OptionInvalid`] unless the
    /// application is asked at each refresh, since the next token would say the same again.
    pub fn change_permissions(self: &Arc<Self>, subject: String, changes: ClaimChanges, now: UnixMs, done: Answer<()>) {
        if let Err(error) = self.check_change(&changes) {
            return done(Err(error.into()));
        }
        let now = self.time_of_setting(&subject, now);
        let ask = PermissionsAsk {
            subject,
            rights: NewRights::of(changes, now),
            now,
            skew: self.shared.store.clock_skew(),
            late: false,
        };
        self.change_unchecked(ask, done);
    }

    fn check_change(&self, changes: &ClaimChanges) -> Result<(), Error> {
        self.ready()?;
        if self.settings.strategy == Strategy::Renewal {
            return Err(Error::because(
                Code::OptionInvalid,
                "the strategy 'renewal' remembers no claims that could change: use revocation.subject()",
            ));
        }
        if *changes == ClaimChanges::default() && !self.settings.on_refresh {
            return Err(Error::because(
                Code::OptionInvalid,
                "give roles or permissions, or refresh.onRefresh, which says them at the next refresh",
            ));
        }
        if changes.own.is_some() {
            return Err(Error::because(Code::OptionInvalid, "these are no roles or permissions"));
        }
        changed_claims("", changes).map(|_| ())
    }

    /// When something is set now: after every change of the subject's rights that is known here, also one of this very
    /// millisecond, so that the times tell which of two came last.
    pub(super) fn time_of_setting(&self, subject: &str, now: UnixMs) -> UnixMs {
        let cutoff = self.shared.index.permissions_cutoff(subject);
        let skew = self.shared.store.clock_skew();
        cutoff.map_or(now, |before| now.max(before.minus(skew).plus(Span::from_millis(1))))
    }

    /// Puts a change that waits to be stored in force for what is about to be issued from a record. When the claims were read
    /// stays as it is: another host may have changed what this record does not say yet.
    pub(super) fn put_waiting_change_in_force(&self, record: &mut Record) {
        if let Some(change) = self.shared.waiting_change(&record.subject) {
            // What a session cannot carry the store will refuse as well.
            let _carried = change.apply(record);
        }
    }

    /// The same also while the store is closing.
    pub(super) fn change_unchecked(self: &Arc<Self>, ask: PermissionsAsk, done: Answer<()>) {
        let manager = Arc::clone(self);
        let retry = ask.clone();
        self.shared.store.permissions(
            ask,
            Box::new(move |answer| match answer {
                Ok(Ok(revocation)) => {
                    manager.shared.index.insert(&revocation);
                    done(Ok(()));
                }
                Ok(Err(error)) => done(Err(error.into())),
                Err(error) => {
                    manager.shared.doubt(&error);
                    let here = Revocation::permissions(retry.subject.clone(), retry.now.plus(retry.skew));
                    manager.shared.index.insert(&here);
                    manager.shared.keep_change(retry);
                    done(Err(error.into()));
                }
            }),
        );
    }
}
