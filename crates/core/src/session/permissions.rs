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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PermissionsAsk {
    /// Whose.
    pub subject: String,
    /// What their sessions carry from now on. Nothing: as before, until the application says otherwise at the next refresh.
    pub rights: NewRights,
    /// When.
    pub now: UnixMs,
    /// How far the clocks of those who share the store may differ.
    pub skew: Span,
    /// Whether it could not be stored when it was made. By now a session may carry what was set later, and keeps that.
    pub late: bool,
}

/// What is set, part by part; `None` leaves a part as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NewRights {
    /// `roles`.
    pub roles: Option<NewNames>,
    /// `permissions`.
    pub permissions: Option<NewNames>,
}

/// The names of one part, and when they were asked for: of changes that are stored together each part keeps its own time.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewNames {
    /// The names.
    pub names: Vec<String>,
    /// When.
    pub at: UnixMs,
}

/// When a session's roles and permissions were set, each by the clock of whoever set them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RightsTimes {
    /// When `roles` were.
    pub roles: UnixMs,
    /// When `permissions` were.
    pub permissions: UnixMs,
}

impl RightsTimes {
    /// Both at once.
    pub const fn both(at: UnixMs) -> Self {
        Self {
            roles: at,
            permissions: at,
        }
    }

    /// After `changes` that are made at `at`.
    #[must_use]
    pub const fn after(self, changes: &ClaimChanges, at: UnixMs) -> Self {
        Self {
            roles: if changes.roles.is_some() { at } else { self.roles },
            permissions: if changes.permissions.is_some() {
                at
            } else {
                self.permissions
            },
        }
    }
}

impl NewRights {
    /// What `changes` say of roles and permissions, at `at`.
    pub fn of(changes: ClaimChanges, at: UnixMs) -> Self {
        let new = |names: Vec<String>| NewNames { names, at };
        Self {
            roles: changes.roles.map(new),
            permissions: changes.permissions.map(new),
        }
    }
}

impl PermissionsAsk {
    /// Makes one of two changes of the same subject that could not be stored: of each part what was asked for last. `other` is
    /// the earlier one where the times do not tell.
    pub fn merge(&mut self, other: Self) {
        take_later(&mut self.rights.roles, other.rights.roles);
        take_later(&mut self.rights.permissions, other.rights.permissions);
        self.now = self.now.max(other.now);
    }

    /// Gives one session what was asked for, except what a late change finds set later. An error has changed nothing.
    pub(super) fn apply(&self, record: &mut Record) -> Result<(), Error> {
        let mut set_at = record.set_at;
        let changes = ClaimChanges {
            roles: self.due(self.rights.roles.as_ref(), &mut set_at.roles),
            permissions: self.due(self.rights.permissions.as_ref(), &mut set_at.permissions),
            own: None,
        };
        record.claims = changed_claims(&record.claims, &changes)?;
        record.set_at = set_at;
        Ok(())
    }

    /// The names that a part is to have, if it is to be changed. What is stored in time comes after everything that is stored,
    /// whatever the clocks say.
    fn due(&self, new: Option<&NewNames>, set_at: &mut UnixMs) -> Option<Vec<String>> {
        let new = new?;
        if self.late && *set_at > new.at {
            return None;
        }
        *set_at = if self.late {
            new.at
        } else {
            new.at.max(set_at.plus(Span::from_millis(1)))
        };
        Some(new.names.clone())
    }
}

fn take_later(own: &mut Option<NewNames>, other: Option<NewNames>) {
    let time = |new: &Option<NewNames>| new.as_ref().map(|new| new.at);
    if time(&other) > time(own) {
        *own = other;
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
        ask.apply(record)?;
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

    fn names(names: &[&str], at: UnixMs) -> NewNames {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        NewNames { names, at }
    }

    fn ask(roles: &[&str], now: UnixMs) -> PermissionsAsk {
        PermissionsAsk {
            subject: "alice".into(),
            rights: NewRights {
                roles: Some(names(roles, now)),
                permissions: None,
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
    fn a_change_that_is_stored_late_is_overtaken_part_by_part() {
        let mut sessions = [record()];
        sessions[0].claims = r#""roles":["admin"],"permissions":["users:write"]"#.into();
        let (first, second) = (START.plus(Span::from_secs(5)), START.plus(Span::from_secs(6)));
        change_permissions(&mut sessions, &ask(&["user"], second)).unwrap();
        let late = PermissionsAsk {
            rights: NewRights {
                roles: Some(names(&["root"], first)),
                permissions: Some(names(&[], first)),
            },
            late: true,
            ..ask(&[], first)
        };
        change_permissions(&mut sessions, &late).unwrap();
        assert_eq!(sessions[0].claims, r#""roles":["user"],"permissions":[]"#);
        let after = sessions[0].set_at;
        change_permissions(&mut sessions, &late).unwrap();
        assert_eq!(
            (sessions[0].claims.as_str(), sessions[0].set_at),
            (r#""roles":["user"],"permissions":[]"#, after),
            "once more changes nothing"
        );
    }

    #[test]
    fn a_change_in_time_comes_after_what_is_stored_whatever_its_clock_says() {
        let mut sessions = [record()];
        let (first, second) = (START.plus(Span::from_secs(5)), START.plus(Span::from_secs(4)));
        change_permissions(&mut sessions, &ask(&["admin"], first)).unwrap();
        change_permissions(&mut sessions, &ask(&["user"], second)).unwrap();
        let again = PermissionsAsk {
            late: true,
            ..ask(&["admin"], first)
        };
        change_permissions(&mut sessions, &again).unwrap();
        assert_eq!(
            sessions[0].claims, r#""roles":["user"]"#,
            "the first one had been stored, though its answer was lost, and was tried again"
        );
    }

    #[test]
    fn of_two_changes_each_part_is_the_later_one_in_whatever_order_they_are_merged() {
        let (first, second) = (START.plus(Span::from_secs(5)), START.plus(Span::from_secs(6)));
        let earlier = PermissionsAsk {
            rights: NewRights {
                roles: Some(names(&["admin"], first)),
                permissions: Some(names(&[], first)),
            },
            ..ask(&[], first)
        };
        let later = ask(&["user"], second);
        let expected = PermissionsAsk {
            rights: NewRights {
                roles: Some(names(&["user"], second)),
                permissions: Some(names(&[], first)),
            },
            ..later.clone()
        };
        for (mut one, other) in [(earlier.clone(), later.clone()), (later, earlier)] {
            one.merge(other);
            assert_eq!(one, expected);
        }
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
