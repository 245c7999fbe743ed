//! Core's answers as data for JavaScript: a value, or a failure with its error number.

use keyturn_core::{
    session::{Checked, Failure, Granted, Issued, Record, SessionId},
    store::EndAnswer,
    time::UnixMs,
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
    /// Whether a refresh came from another context than any before it.
    pub elsewhere: Option<bool>,
    /// Why it looks as if two parties shared the session.
    pub contention: Option<String>,
    /// The sessions that gave way to a new one.
    pub ended: Option<Vec<NativeEnded>>,
}

/// A session that gave way to another.
#[napi(object)]
pub struct NativeEnded {
    pub id: String,
    pub reason: String,
}

/// A session that would be refreshed, the members of the JSON object that it carries, and as of when the application answers
/// that is asked now; or a failure.
#[napi(object)]
pub struct CheckAnswer {
    pub failure: Option<NativeFailure>,
    pub session: Option<NativeSession>,
    pub carried: Option<String>,
    pub read_at: Option<f64>,
}

/// The time of a store that has a clock, or a failure.
#[napi(object)]
pub struct TimeAnswer {
    pub failure: Option<NativeFailure>,
    pub time: Option<f64>,
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

impl From<Issued> for NativePair {
    fn from(issued: Issued) -> Self {
        let ended: Vec<_> = issued.ended.into_iter().filter_map(NativeEnded::of).collect();
        Self {
            access_token: issued.access_token,
            refresh_token: issued.refresh_token,
            expires_at: time::to_js(issued.expires_at),
            session: issued.record.into(),
            outcome: None,
            elsewhere: None,
            contention: None,
            ended: (!ended.is_empty()).then_some(ended),
        }
    }
}

impl From<Granted> for NativePair {
    fn from(granted: Granted) -> Self {
        Self {
            outcome: Some(granted.outcome.as_str().to_owned()),
            elsewhere: granted.elsewhere.then_some(true),
            contention: granted.contention.map(|contention| contention.as_str().to_owned()),
            ..granted.issued.into()
        }
    }
}

impl NativeEnded {
    fn of(record: Record) -> Option<Self> {
        record.ended.map(|ended| Self {
            id: record.sid.to_string(),
            reason: ended.reason.as_str().to_owned(),
        })
    }
}

impl PairAnswer {
    pub(crate) fn from_started(result: Result<Issued, Failure>) -> Self {
        result.map_or_else(Self::from, Self::of)
    }

    pub(crate) fn from_refreshed(result: Result<Granted, Failure>) -> Self {
        result.map_or_else(Self::from, Self::of)
    }

    fn of(pair: impl Into<NativePair>) -> Self {
        Self {
            failure: None,
            pair: Some(pair.into()),
        }
    }
}

impl CheckAnswer {
    pub(crate) fn from_result(result: Result<Checked, Failure>) -> Self {
        result.map_or_else(Self::from, |checked| Self {
            failure: None,
            carried: Some(checked.record.claims.clone()),
            session: Some(checked.record.into()),
            read_at: Some(time::to_js(checked.read_at)),
        })
    }
}

impl From<Failure> for CheckAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            session: None,
            carried: None,
            read_at: None,
        }
    }
}

impl TimeAnswer {
    pub(crate) fn from_result(result: Result<Option<UnixMs>, Failure>) -> Self {
        result.map_or_else(Self::from, |time| Self {
            failure: None,
            time: time.map(time::to_js),
        })
    }
}

impl From<Failure> for TimeAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            time: None,
        }
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
