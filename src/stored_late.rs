//! What was stored after its caller had been told that it was not, for JavaScript.

use keyturn_core::session::StoredLate;
use napi_derive::napi;

use crate::session::NativeSessions;

/// An end or a revocation, by what it reaches, whom it concerns as far as that is known, and why sessions were ended by it.
#[napi(object)]
pub struct NativeStoredLate {
    pub what: String,
    pub sid: Option<String>,
    pub subject: Option<String>,
    pub reason: Option<String>,
}

impl From<StoredLate> for NativeStoredLate {
    fn from(late: StoredLate) -> Self {
        Self {
            what: late.what.to_owned(),
            sid: late.sid.map(|sid| sid.to_string()),
            subject: late.subject,
            reason: late.reason.map(|reason| reason.as_str().to_owned()),
        }
    }
}

#[napi]
impl NativeSessions {
    /// What was stored late since this was asked the last time, by whichever user of the store.
    #[napi(catch_unwind)]
    pub fn take_stored_late(&self) -> Vec<NativeStoredLate> {
        let late = self.manager.shared().take_stored_late();
        late.into_iter().map(NativeStoredLate::from).collect()
    }
}
