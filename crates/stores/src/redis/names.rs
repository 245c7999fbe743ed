//! The names of the keys. All begin with the prefix; those that one script touches together carry one hash tag.

use keyturn_core::session::SessionId;

/// In how many parts the list of all sessions is kept, so that a Cluster spreads it.
const PARTS: u8 = 16;

/// Names keys.
#[derive(Clone, Debug)]
pub(super) struct Names(pub(super) String);

impl Names {
    /// A session: a hash.
    pub(super) fn session(&self, sid: &SessionId) -> String {
        format!("{}session:{{{sid}}}", self.0)
    }

    /// The sessions of a subject: their sids by absolute end.
    pub(super) fn subject(&self, subject: &str) -> String {
        format!("{}subject:{subject}", self.0)
    }

    /// The part of the list of all sessions that a session is in: sids by absolute end.
    pub(super) fn part_of(&self, sid: &SessionId) -> String {
        let [.., last] = *sid.as_bytes();
        self.part(last % PARTS)
    }

    /// Every part of the list of all sessions.
    pub(super) fn parts(&self) -> impl Iterator<Item = String> + '_ {
        (0..PARTS).map(|part| self.part(part))
    }

    fn part(&self, part: u8) -> String {
        format!("{}sessions:{part}", self.0)
    }

    /// Where the news of revocations stand: a hash of epoch and version.
    pub(super) fn head(&self) -> String {
        format!("{}{{shared}}:head", self.0)
    }

    /// Every revocation by its expiry.
    pub(super) fn live(&self) -> String {
        format!("{}{{shared}}:revocations", self.0)
    }

    /// The latest revocations: a stream.
    pub(super) fn news(&self) -> String {
        format!("{}{{shared}}:news", self.0)
    }

    /// The keys.
    pub(super) fn keys(&self) -> String {
        format!("{}{{shared}}:keys", self.0)
    }

    /// The longest lives.
    pub(super) fn lives(&self) -> String {
        format!("{}lives", self.0)
    }

    /// An account: JSON text.
    pub(super) fn account(&self, name: &str) -> String {
        format!("{}account:{name}", self.0)
    }
}
