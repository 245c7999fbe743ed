//! Core's answers as data for JavaScript: a value, or a failure with its error number.

use keyturn_core::{
    session::{Failure, Granted, Issued, Record, SessionId, rotation::Outcome},
    store::EndAnswer,
};
use napi_derive::napi;

use crate::{error::number, time};

/// A session. Times in Unix milliseconds.
#[napi(object)]
pub struct NativeSession {
    pub id: String,
    pub subject: String,
    pub device: Option<String>,
    pub started_at: f64,
    pub last_activity_at: f64,
    pub idle_ends_at: f64,
    pub absolute_ends_at: f64,
}

/// Why there is no answer: an error number, and whom it concerns.
#[napi(object)]
pub struct NativeFailure {
    pub error: u32,
    pub detail: Option<String>,
    pub sid: Option<String>,
    pub subject: Option<String>,
}

/// A pair of tokens, or a failure.
#[napi(object)]
pub struct PairAnswer {
    pub failure: Option<NativeFailure>,
    pub pair: Option<NativePair>,
}

/// A pair of tokens.
#[napi(object)]
pub struct NativePair {
    pub access_token: String,
    pub refresh_token: String,
    pub expires_at: f64,
    pub session: NativeSession,
    pub outcome: Option<String>,
}

/// Sessions, or a failure.
#[napi(object)]
pub struct ListAnswer {
    pub failure: Option<NativeFailure>,
    pub sessions: Option<Vec<NativeSession>>,
}

/// The sessions that were ended, or a failure.
#[napi(object)]
pub struct EndedAnswer {
    pub failure: Option<NativeFailure>,
    pub ended: Option<Vec<String>>,
    pub subject: Option<String>,
}

/// Nothing, or a failure.
#[napi(object)]
pub struct DoneAnswer {
    pub failure: Option<NativeFailure>,
}

/// The `kid` of a key, or a failure.
#[napi(object)]
pub struct KidAnswer {
    pub failure: Option<NativeFailure>,
    pub kid: Option<String>,
}

impl From<Record> for NativeSession {
    fn from(record: Record) -> Self {
        Self {
            id: record.sid.to_string(),
            started_at: time::to_js(record.sid.time()),
            last_activity_at: time::to_js(record.last_activity),
            idle_ends_at: time::to_js(record.idle_end().min(record.absolute_end)),
            absolute_ends_at: time::to_js(record.absolute_end),
            subject: record.subject,
            device: record.device,
        }
    }
}

impl From<Failure> for NativeFailure {
    fn from(failure: Failure) -> Self {
        Self {
            error: number(failure.error),
            detail: failure.detail,
            sid: failure.sid.map(|sid| sid.to_string()),
            subject: failure.subject,
        }
    }
}

fn pair(issued: Issued, outcome: Option<Outcome>) -> PairAnswer {
    let outcome = outcome.map(|outcome| match outcome {
        Outcome::Healed => "healed",
        Outcome::Replayed => "replayed",
        Outcome::Rotated => "rotated",
    });
    PairAnswer {
        failure: None,
        pair: Some(NativePair {
            access_token: issued.access_token,
            refresh_token: issued.refresh_token,
            expires_at: time::to_js(issued.expires_at),
            session: issued.record.into(),
            outcome: outcome.map(str::to_owned),
        }),
    }
}

impl PairAnswer {
    pub(crate) fn from_started(result: Result<Issued, Failure>) -> Self {
        result.map_or_else(Self::from, |issued| pair(issued, None))
    }

    pub(crate) fn from_refreshed(result: Result<Granted, Failure>) -> Self {
        result.map_or_else(Self::from, |granted| pair(granted.issued, Some(granted.outcome)))
    }
}

impl From<Failure> for PairAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            pair: None,
        }
    }
}

impl ListAnswer {
    pub(crate) fn from_result(result: Result<Vec<Record>, Failure>) -> Self {
        result.map_or_else(Self::from, |records| Self {
            failure: None,
            sessions: Some(records.into_iter().map(NativeSession::from).collect()),
        })
    }
}

impl From<Failure> for ListAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            sessions: None,
        }
    }
}

impl EndedAnswer {
    pub(crate) fn from_result(result: Result<EndAnswer, Failure>) -> Self {
        result.map_or_else(Self::from, |answer| Self {
            failure: None,
            ended: Some(answer.ended.iter().map(SessionId::to_string).collect()),
            subject: answer.subject,
        })
    }

    pub(crate) fn from_optional(result: Result<Option<EndAnswer>, Failure>) -> Self {
        Self::from_result(result.map(Option::unwrap_or_default))
    }
}

impl From<Failure> for EndedAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            ended: None,
            subject: None,
        }
    }
}

impl DoneAnswer {
    pub(crate) fn from_result(result: Result<(), Failure>) -> Self {
        result.map_or_else(Self::from, |()| Self { failure: None })
    }
}

impl From<Failure> for DoneAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
        }
    }
}

impl KidAnswer {
    pub(crate) fn from_result(result: Result<String, Failure>) -> Self {
        result.map_or_else(Self::from, |kid| Self {
            failure: None,
            kid: Some(kid),
        })
    }
}

impl From<Failure> for KidAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            kid: None,
        }
    }
}
