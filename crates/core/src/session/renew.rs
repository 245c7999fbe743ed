//! A new session in place of one: after a step-up, or when roles or a password have changed.
//!
//! What was issued before the change is left behind with the old `sid`; the absolute end stays, so renewing prolongs
//! nothing. Like [`super::rotation`] a pure function, which the store runs inside the step that stores its outcome.

use super::{
    TimedId,
    claims::{ClaimChanges, changed_claims},
    record::{EndReason, Record},
    rotation::{self, Outcome, Verdict},
};
use crate::{
    crypto::Digest,
    error::{Code, Error},
};

/// A predecessor is not renewed, though it would be refreshed.
pub(super) const SUPERSEDED: Error = Error::because(Code::RefreshInvalid, "superseded");

/// Everything besides the record that a renewal depends on.
#[derive(Clone, Debug)]
pub struct RenewAsk {
    /// The refresh token and how it is judged.
    pub by: rotation::Ask,
    /// The claims that change.
    pub changes: ClaimChanges,
    /// Whether the user has just proved again who they are.
    pub authenticated: bool,
    /// What makes the new `sid` unique.
    pub unique: [u8; 10],
    /// SHA-256 of the new family secret.
    pub family: Digest,
    /// What the new session is bound to, if sessions are: of the request's context, under the new family secret.
    pub context: Option<Digest>,
}

/// A session in place of another.
#[derive(Clone, Debug)]
pub struct Renewed {
    /// The session.
    pub record: Record,
    /// How the token was granted: an operator is to hear of the same things as after a refresh.
    pub verdict: Verdict,
}

/// Judges the token as a refresh would, and gives the session that takes the place of `record`, which is ended. A refusal
/// leaves the record as a refused refresh would.
///
/// Only the live token renews: of two holders of one predecessor both would get a session, and one may be a thief. Such a
/// token is [`Code::RefreshInvalid`], reason `superseded`, and changes nothing.
pub fn renew(record: &mut Record, ask: &RenewAsk) -> Result<Renewed, Error> {
    let mut judged = record.clone();
    let verdict = rotation::refresh(&mut judged, &ask.by);
    match verdict {
        Verdict::Granted(Outcome::Replayed) => return Err(SUPERSEDED),
        Verdict::Granted(_) | Verdict::GrantedElsewhere(_) => {}
        // It brings no claims that could be out of date.
        Verdict::Outdated => return Err(Code::Internal.into()),
        Verdict::Refused(error) => {
            *record = judged;
            return Err(error);
        }
    }
    // No cut-off that spared the old session reaches one that did not start before it.
    let now = judged.latest().max(record.sid.time());
    let renewed = Record {
        sid: TimedId::at(now, ask.unique)?,
        generation: 0,
        family: ask.family,
        rotated_at: now,
        // A proof of who they are is also a sign of life.
        authenticated_at: if ask.authenticated {
            now
        } else {
            record.authenticated_at
        },
        last_activity: if ask.authenticated { now } else { judged.last_activity },
        start_context: ask.context,
        last_context: ask.context,
        rights_at: if ask.changes == ClaimChanges::default() {
            record.rights_at
        } else {
            record.rights_at.max(now)
        },
        set_at: record.set_at.after(&ask.changes, now),
        claims: changed_claims(&record.claims, &ask.changes)?,
        ended: None,
        ..judged
    };
    record.end(now, EndReason::Renewed);
    Ok(Renewed {
        record: renewed,
        verdict,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::{
            FamilySecret, RefreshToken,
            record::tests::{START, record_and_family},
            rotation::{Heal, Intent},
        },
        time::Span,
    };

    fn session() -> (Record, FamilySecret) {
        let (mut record, family) = record_and_family();
        record.claims = r#""roles":["user"],"tenant":7"#.into();
        (record, family)
    }

    fn ask(record: &Record, family: &FamilySecret, generation: u32, after: u64) -> RenewAsk {
        RenewAsk {
            by: rotation::Ask {
                token: RefreshToken {
                    sid: record.sid,
                    generation,
                    family: family.clone(),
                },
                intent: Intent::Rotate,
                arrived: None,
                now: START.plus(Span::from_secs(after)),
                grace: Span::from_secs(10),
                heal: Heal::One,
                newest_key: 1,
                seen: None,
                report: None,
                revoked: false,
                context: None,
                claims: None,
            },
            changes: ClaimChanges {
                roles: Some(vec!["admin".into()]),
                ..ClaimChanges::default()
            },
            authenticated: false,
            unique: [7; 10],
            family: [9; 32],
            context: None,
        }
    }

    #[test]
    fn a_new_lineage_takes_over_under_the_same_absolute_end() {
        let (mut old, family) = session();
        let before = old.clone();
        let renewed = renew(&mut old, &ask(&before, &family, 0, 60)).unwrap().record;
        let now = START.plus(Span::from_secs(60));
        assert_eq!(
            old.ended.map(|ended| (ended.at, ended.reason)),
            Some((now, EndReason::Renewed))
        );
        assert_eq!(
            (renewed.sid.time(), renewed.generation, renewed.family),
            (now, 0, [9; 32])
        );
        assert_eq!(renewed.absolute_end, before.absolute_end);
        assert_eq!(renewed.authenticated_at, before.authenticated_at);
        assert_eq!(
            renewed.last_activity, before.last_activity,
            "renewing is no activity by itself"
        );
        assert_eq!(renewed.claims, r#""roles":["admin"],"tenant":7"#);
        assert_eq!(
            (renewed.subject, renewed.device, renewed.ended),
            (before.subject, before.device, None)
        );
    }

    #[test]
    fn a_step_up_sets_the_time_of_authentication() {
        let (mut old, family) = session();
        let ask = RenewAsk {
            authenticated: true,
            ..ask(&old, &family, 0, 60)
        };
        let renewed = renew(&mut old, &ask).unwrap().record;
        let now = START.plus(Span::from_secs(60));
        assert_eq!((renewed.authenticated_at, renewed.last_activity), (now, now));
    }

    #[test]
    fn a_predecessor_in_grace_renews_nothing_and_reuse_ends_the_session() {
        let (mut old, family) = session();
        let refresh = ask(&old, &family, 0, 1).by;
        rotation::refresh(&mut old, &refresh);
        let before = old.clone();
        let superseded = renew(&mut old, &ask(&before, &family, 0, 2)).unwrap_err();
        assert_eq!(
            (superseded.code(), superseded.reason()),
            (Code::RefreshInvalid, Some("superseded"))
        );
        assert_eq!(old, before);
        let reused = renew(&mut old, &ask(&before, &family, 0, 20)).unwrap_err();
        assert_eq!(reused.code(), Code::RefreshReused);
        assert_eq!(old.ended.map(|ended| ended.reason), Some(EndReason::Reuse));
    }

    #[test]
    fn claims_that_grow_too_large_change_nothing() {
        let (mut old, family) = session();
        old.claims = format!(r#""a":"{}""#, "x".repeat(4080));
        let before = old.clone();
        let error = renew(&mut old, &ask(&before, &family, 0, 1)).unwrap_err();
        assert_eq!(error.code(), Code::ClaimsInvalid);
        assert_eq!(old, before);
    }
}
