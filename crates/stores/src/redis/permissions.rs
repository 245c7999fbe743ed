//! Changed roles and permissions of one subject.
//!
//! The sessions first, each on condition that it is still as it was read, and then what makes older tokens stale. Sessions
//! that came to be meanwhile, as a renewal makes one, are found by looking once more.

use std::collections::HashSet;

use keyturn_core::{
    error::{Code, Error},
    revocation::{Revocation, Target},
    session::{PermissionsAsk, Record, SessionId, change_permissions},
    store::StoreError,
    time::{Span, UnixMs},
};

use super::{
    revocations,
    script::{Call, RIGHTS},
    sessions::list,
    step::Step,
};

/// How often it is tried while others change the sessions.
const TRIES: usize = 20;

/// Changes what the open sessions of a subject carry, and stores what makes its older access tokens stale.
pub(super) async fn change(step: &Step, ask: &PermissionsAsk) -> Result<Result<Revocation, Error>, StoreError> {
    let mut sessions = list(step, &ask.subject, ask.now).await?;
    for _ in 0..TRIES {
        let before = sessions.clone();
        let revocation = match change_permissions(&mut sessions, ask) {
            Ok(revocation) => revocation,
            Err(error) => return Ok(Err(error)),
        };
        let changed = store(step, &before, &sessions, cut_off(&revocation)).await?;
        if changed {
            revocations::store(step, std::slice::from_ref(&revocation)).await?;
        }
        let known: HashSet<SessionId> = sessions.iter().map(|record| record.sid).collect();
        sessions = list(step, &ask.subject, ask.now).await?;
        if changed && sessions.iter().all(|record| known.contains(&record.sid)) {
            return Ok(Ok(revocation));
        }
    }
    Err(StoreError::new(
        Code::StoreUnavailable,
        "others keep changing the sessions",
    ))
}

/// Stores the new claims; `false` if a session has changed since it was read.
async fn store(step: &Step, before: &[Record], after: &[Record], cut_off: UnixMs) -> Result<bool, StoreError> {
    for (old, new) in before.iter().zip(after) {
        let call = Call::new(&RIGHTS, [step.names.session(&new.sid)])
            .arg(&old.claims)
            .arg(&new.claims)
            .number(cut_off.as_millis())
            .number(cut_off.plus(Span::from_millis(1)).as_millis())
            .number(new.set_at.roles.as_millis())
            .number(new.set_at.permissions.as_millis());
        if step.run_one::<i64>(&call).await? != 1 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn cut_off(revocation: &Revocation) -> UnixMs {
    match revocation.target {
        Target::Permissions { before, .. } => before,
        _ => UnixMs::default(),
    }
}
