//! Changed roles and permissions: what was issued with the old ones is stale, and the sessions go on with the new ones.

use super::{
    claims::{ClaimChanges, changed_claims},
    record::Record,
};
use crate::{
    error::Error,
    revocation::Revocation,
    time::{Span, UnixMs},
};

/// The change of one subject's roles and permissions.
#[derive(Clone, Debug)]
pub struct PermissionsAsk {
    /// Whose.
    pub subject: String,
    /// What their sessions carry from now on. Nothing: as before, until the application says otherwise at the next refresh.
    pub changes: ClaimChanges,
    /// When.
    pub now: UnixMs,
    /// How far the clocks of those who share the store may differ.
    pub skew: Span,
    /// Whether it could not be stored when it was made. By now a session may carry what was set later, and keeps that.
    pub late: bool,
}

impl PermissionsAsk {
    /// Adds what an earlier change, which could not be stored either, asked for and this one does not.
    pub fn complete(&mut self, earlier: &Self) {
        let (own, other) = (&mut self.changes, &earlier.changes);
        own.roles = own.roles.take().or_else(|| other.roles.clone());
        own.permissions = own.permissions.take().or_else(|| other.permissions.clone());
        own.own = own.own.take().or_else(|| other.own.clone());
    }
}

/// Gives the sessions of the subject the new claims, and the revocation that makes what was issued from the old ones stale.
/// `sessions` are those that have not ended. A change that makes a session carry too much is refused; then nothing may be
/// stored.
///
/// The store runs this in the step that stores both: what a refresh reads before it is reached by the cut-off, because the
/// record says when it was read, and what one reads after it is new. A store that cannot do both in one step stores the
/// sessions first.
pub fn change_permissions(sessions: &mut [Record], ask: &PermissionsAsk) -> Result<Revocation, Error> {
    let latest = sessions.iter().map(Record::read_at).max().unwrap_or_default();
    let before = ask.now.plus(ask.skew).max(latest);
    for record in sessions {
        let is_overtaken = ask.late && record.rights_at > ask.now.plus(ask.skew);
        if !is_overtaken {
            record.claims = changed_claims(&record.claims, &ask.changes)?;
        }
        record.rights_at = before.plus(Span::from_millis(1));
    }
    Ok(Revocation::permissions(ask.subject.clone(), before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::Code,
        revocation::Target,
        session::record::tests::{START, record},
    };

    fn ask(roles: &[&str], now: UnixMs) -> PermissionsAsk {
        PermissionsAsk {
            subject: "alice".into(),
            changes: ClaimChanges {
                roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
                ..ClaimChanges::default()
            },
            now,
            skew: Span::ZERO,
            late: false,
        }
    }

    fn before(revocation: &Revocation) -> UnixMs {
        match &revocation.target {
            Target::Permissions { before, .. } => *before,
            target => panic!("{target:?}"),
        }
    }

    #[test]
    fn what_was_read_up_to_the_change_is_stale_and_what_comes_after_it_is_not() {
        let mut sessions = [record(), record()];
        sessions[0].claims = r#""roles":["user"],"tenant":7"#.into();
        let now = START.plus(Span::from_secs(5));
        let cut_off = before(&change_permissions(&mut sessions, &ask(&["admin"], now)).unwrap());
        assert_eq!(cut_off, now);
        assert_eq!(sessions[0].claims, r#""roles":["admin"],"tenant":7"#);
        assert_eq!(sessions[1].claims, r#""roles":["admin"]"#);
        assert!(sessions.iter().all(|record| record.read_at() > cut_off));
        let again = before(&change_permissions(&mut sessions, &ask(&["none"], now)).unwrap());
        assert!(
            again > cut_off,
            "a second change of the same millisecond reaches what the first one led to"
        );
        assert!(sessions.iter().all(|record| record.read_at() > again));
    }

    #[test]
    fn a_change_that_is_stored_late_takes_back_none_that_was_made_since() {
        let mut sessions = [record(), record()];
        let (first, second) = (START.plus(Span::from_secs(5)), START.plus(Span::from_secs(6)));
        change_permissions(&mut sessions[..1], &ask(&["user"], second)).unwrap();
        let late = PermissionsAsk {
            late: true,
            ..ask(&["admin"], first)
        };
        let cut_off = before(&change_permissions(&mut sessions, &late).unwrap());
        assert_eq!(sessions[0].claims, r#""roles":["user"]"#);
        assert_eq!(sessions[1].claims, r#""roles":["admin"]"#);
        assert!(sessions.iter().all(|record| record.read_at() > cut_off));
    }

    #[test]
    fn a_refresh_by_a_faster_clock_is_reached_all_the_same() {
        let mut sessions = [record()];
        sessions[0].rotated_at = START.plus(Span::from_millis(40));
        let cut_off = before(&change_permissions(&mut sessions, &ask(&[], START)).unwrap());
        assert_eq!(cut_off, START.plus(Span::from_millis(40)));
    }

    #[test]
    fn one_session_that_would_carry_too_much_refuses_the_change() {
        let mut sessions = [record()];
        sessions[0].claims = format!(r#""a":"{}""#, "x".repeat(4070));
        let error = change_permissions(&mut sessions, &ask(&["administrator"], START)).unwrap_err();
        assert_eq!(error.code(), Code::ClaimsInvalid);
    }
}
