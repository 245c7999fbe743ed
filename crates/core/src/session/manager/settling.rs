//! From what the store answered about a presented token to the answer for whoever presented it.

use super::{Failure, Manager};
use crate::{
    error::{Code, Error},
    session::{
        SessionId,
        rotation::{Outcome, Verdict},
    },
    store::{Refreshed, StoreError},
};

/// The reason of a refusal after which the application is to be asked again: what it was told has changed meanwhile.
const OUTDATED: Error = Error::because(Code::StoreUnavailable, "outdated");

impl Manager {
    /// Makes an end that was stored with the judgement visible here, and goes on with `granted` where there is something to
    /// hand out; its last argument says whether the context was another one, which is merely reported.
    pub(super) fn settle<T>(
        &self,
        sid: SessionId,
        answer: Result<Option<Refreshed>, StoreError>,
        granted: impl FnOnce(Refreshed, Outcome, bool) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        let concerning = |failure: Failure, subject: Option<String>| Failure {
            sid: Some(sid),
            subject,
            ..failure
        };
        let answer = match answer {
            Ok(Some(answer)) => answer,
            Ok(None) => return Err(concerning(Error::new(Code::RefreshInvalid).into(), None)),
            Err(error) => {
                // It may have been committed all the same, and may have ended the session.
                self.shared.doubt(&error);
                return Err(concerning(error.into(), None));
            }
        };
        if let Some(revocation) = &answer.revocation {
            self.shared.index.insert(revocation);
        }
        let subject = answer.record.subject.clone();
        let result = match answer.verdict {
            Verdict::Refused(error) => Err(error),
            Verdict::Outdated => Err(OUTDATED),
            Verdict::Granted(outcome) => granted(answer, outcome, false),
            Verdict::GrantedElsewhere(outcome) => granted(answer, outcome, true),
        };
        result.map_err(|error| concerning(error.into(), Some(subject)))
    }
}
