//! What the tables hold, read row by row as the store reads them.

use keyturn_core::{
    error::{Code, Error},
    keys::{KeyDocument, MasterKeys, SealedBy},
    revocation::{Revocation, Target},
    session::Record,
    store::{Purpose, StoredKeys},
    time::UnixMs,
};
use rusqlite::{Connection, Result};

use super::is_unreadable;
use crate::sqlite::{keys, revocations, sessions};

/// What the tables hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// Its sessions.
    pub sessions: SessionCounts,
    /// Its revocations.
    pub revocations: RevocationCounts,
    /// Its keys, one entry a purpose.
    pub keys: Vec<KeyFacts>,
    /// The latest moment at which something recorded here happened. It has passed, unless a clock was wrong.
    pub latest: UnixMs,
}

/// Sessions by what has become of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SessionCounts {
    /// Still to be used, as far as activity has been stored.
    pub live: u32,
    /// Rested too long, and before their absolute end.
    pub idle: u32,
    /// Ended, and before their absolute end.
    pub ended: u32,
    /// Past their absolute end, and not deleted yet.
    pub overdue: u32,
    /// That cannot be understood.
    pub unreadable: u32,
}

/// Revocations by what they revoke.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RevocationCounts {
    /// Everything up to a moment.
    pub everything: u32,
    /// All tokens of a key.
    pub key: u32,
    /// Tokens with older permissions.
    pub permissions: u32,
    /// A session's tokens.
    pub session: u32,
    /// A subject's tokens up to a moment.
    pub subject: u32,
    /// One token.
    pub token: u32,
    /// Of all these, how many have expired and are not deleted yet.
    pub expired: u32,
    /// That cannot be understood. The store stops when it meets one.
    pub unreadable: u32,
    /// When the last of them expires.
    pub last_expires_at: Option<UnixMs>,
}

/// The keys of one purpose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyFacts {
    /// What they are for.
    pub purpose: Purpose,
    /// How many keys there are and what sealed them; or why they cannot be read: [`Code::MasterKey`] with the reason `missing` or `wrong`,
    /// [`Code::StoreVersion`], [`Code::StoreCorrupt`].
    pub keys: std::result::Result<(u32, SealedBy), Error>,
}

pub(super) fn read(db: &Connection, now: UnixMs, masters: Option<&MasterKeys>) -> Result<Contents> {
    let mut latest = UnixMs::default();
    let mut counts = SessionCounts::default();
    sessions::each(db, |record| {
        match record {
            Ok(record) => {
                latest = latest.max(latest_of(&record));
                *counts.place_of(&record, now) += 1;
            }
            Err(error) if is_unreadable(&error) => counts.unreadable += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    })?;
    let mut revoked = RevocationCounts::default();
    revocations::each(db, |revocation| {
        match revocation {
            Ok(revocation) => {
                latest = latest.max(before(&revocation.target));
                revoked.add(&revocation, now);
            }
            Err(error) if is_unreadable(&error) => revoked.unreadable += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    })?;
    Ok(Contents {
        sessions: counts,
        revocations: revoked,
        keys: keys::load(db)?
            .iter()
            .map(|stored| key_facts(stored, masters))
            .collect(),
        latest,
    })
}

impl SessionCounts {
    fn place_of(&mut self, record: &Record, now: UnixMs) -> &mut u32 {
        if now >= record.absolute_end {
            &mut self.overdue
        } else if record.ended.is_some() {
            &mut self.ended
        } else if record.is_live(now) {
            &mut self.live
        } else {
            &mut self.idle
        }
    }
}

impl RevocationCounts {
    fn add(&mut self, revocation: &Revocation, now: UnixMs) {
        *match revocation.target {
            Target::Everything { .. } => &mut self.everything,
            Target::Key { .. } => &mut self.key,
            Target::Permissions { .. } => &mut self.permissions,
            Target::Session { .. } => &mut self.session,
            Target::Subject { .. } => &mut self.subject,
            Target::Token { .. } => &mut self.token,
        } += 1;
        self.expired += u32::from(revocation.expires_at <= now);
        self.last_expires_at = self.last_expires_at.max(Some(revocation.expires_at));
    }
}

/// When something last happened to a session. Its start may have been moved behind a cut-off, which is no matter of its clock.
fn latest_of(record: &Record) -> UnixMs {
    let ended = record.ended.map_or(UnixMs::default(), |ended| ended.at);
    record.latest().max(ended)
}

/// The moment of a cut-off.
fn before(target: &Target) -> UnixMs {
    match target {
        Target::Everything { before } | Target::Permissions { before, .. } | Target::Subject { before, .. } => *before,
        Target::Key { .. } | Target::Session { .. } | Target::Token { .. } => UnixMs::default(),
    }
}

fn key_facts(stored: &StoredKeys, masters: Option<&MasterKeys>) -> KeyFacts {
    let keys = KeyDocument::decode(stored, masters)
        .map(|(document, sealed_by)| (u32::try_from(document.keys.len()).unwrap_or(u32::MAX), sealed_by));
    KeyFacts {
        purpose: stored.purpose,
        keys: keys.and_then(|(count, sealed_by)| match count {
            0 => Err(Code::StoreCorrupt.into()),
            _ => Ok((count, sealed_by)),
        }),
    }
}
