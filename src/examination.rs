//! What a store's file looks like from outside, for JavaScript.

use keyturn_core::{
    keys::{MasterKey, MasterKeys, SealedBy},
    session::Failure,
};
use keyturn_stores::{Contents, Examination, KeyFacts, RevocationCounts, SessionCounts, StoreUrl, Unexamined, examine};
use napi_derive::napi;
use zeroize::Zeroizing;

use crate::{
    answer::NativeFailure,
    error::{Thrown, store_thrown, thrown},
    time,
};

/// What SQLite could read of a file, or why it could not begin: a failure, or a log that lies there without its index.
#[napi(object)]
pub struct ExaminationAnswer {
    pub failure: Option<NativeFailure>,
    pub is_log_alone: bool,
    pub examination: Option<NativeExamination>,
}

/// A file as SQLite sees it. Without `contents` or its failure, its tables are not of the known version.
#[napi(object)]
pub struct NativeExamination {
    pub page_bytes: u32,
    pub pages: u32,
    pub free_pages: u32,
    pub write_ahead: bool,
    pub version: Option<i64>,
    pub known_version: i64,
    pub missing: Vec<String>,
    pub damage: Vec<String>,
    pub contents: Option<NativeContents>,
    pub contents_failure: Option<NativeFailure>,
}

/// What the tables hold. Times in Unix milliseconds.
#[napi(object)]
pub struct NativeContents {
    pub sessions: NativeSessionCounts,
    pub revocations: NativeRevocationCounts,
    pub keys: Vec<NativeKeyFacts>,
    pub latest: f64,
}

/// Sessions by what has become of them.
#[napi(object)]
pub struct NativeSessionCounts {
    pub live: u32,
    pub idle: u32,
    pub ended: u32,
    pub overdue: u32,
    pub unreadable: u32,
}

/// Revocations by what they revoke.
#[napi(object)]
pub struct NativeRevocationCounts {
    pub everything: u32,
    pub key: u32,
    pub permissions: u32,
    pub session: u32,
    pub subject: u32,
    pub token: u32,
    pub expired: u32,
    pub unreadable: u32,
    pub last_expires_at: Option<f64>,
}

/// The keys of one purpose: how many and what sealed them (`current`, `nobody`), or why they cannot be read.
#[napi(object)]
pub struct NativeKeyFacts {
    pub purpose: String,
    pub count: Option<u32>,
    #[napi(ts_type = "'current' | 'nobody' | 'previous'")]
    pub sealed_by: Option<String>,
    pub failure: Option<NativeFailure>,
}

/// Examines the file of a store without changing anything; blocks until that is done. A text that is no master key throws.
#[napi(catch_unwind)]
pub fn examine_store_file(path: String, now: f64, master_key: Option<String>) -> Result<ExaminationAnswer, Thrown> {
    let master = master_key.map(Zeroizing::new).map(|text| MasterKey::from_text(&text));
    let masters = master.transpose().map_err(thrown)?.map(|current| MasterKeys {
        current,
        previous: None,
    });
    let outcome = examine(path.as_ref(), time::now(now), masters.as_ref());
    let (failure, is_log_alone, examination) = match outcome {
        Ok(examination) => (None, false, Some(examination.into())),
        Err(Unexamined::LogAlone) => (None, true, None),
        Err(Unexamined::Refused(error)) => (Some(Failure::from(error).into()), false, None),
    };
    Ok(ExaminationAnswer {
        failure,
        is_log_alone,
        examination,
    })
}

/// The path of the file that a store URL names; nothing for a store that has none. Throws what opening the store would.
#[napi(catch_unwind)]
pub fn path_of_store(url: String) -> Result<Option<String>, Thrown> {
    Ok(match StoreUrl::parse(&url).map_err(store_thrown)? {
        StoreUrl::Sqlite { path } => Some(path.to_string_lossy().into_owned()),
        StoreUrl::Memory { .. } | StoreUrl::Redis { .. } => None,
    })
}

impl From<Examination> for NativeExamination {
    fn from(examination: Examination) -> Self {
        let (contents, contents_failure) = match examination.contents {
            None => (None, None),
            Some(Ok(contents)) => (Some(contents.into()), None),
            Some(Err(error)) => (None, Some(Failure::from(error).into())),
        };
        Self {
            page_bytes: examination.page_bytes,
            pages: examination.pages,
            free_pages: examination.free_pages,
            write_ahead: examination.write_ahead,
            version: examination.version,
            known_version: examination.known_version,
            missing: examination.missing,
            damage: examination.damage,
            contents,
            contents_failure,
        }
    }
}

impl From<Contents> for NativeContents {
    fn from(contents: Contents) -> Self {
        Self {
            sessions: contents.sessions.into(),
            revocations: contents.revocations.into(),
            keys: contents.keys.into_iter().map(NativeKeyFacts::from).collect(),
            latest: time::to_js(contents.latest),
        }
    }
}

impl From<SessionCounts> for NativeSessionCounts {
    fn from(counts: SessionCounts) -> Self {
        Self {
            live: counts.live,
            idle: counts.idle,
            ended: counts.ended,
            overdue: counts.overdue,
            unreadable: counts.unreadable,
        }
    }
}

impl From<RevocationCounts> for NativeRevocationCounts {
    fn from(counts: RevocationCounts) -> Self {
        Self {
            everything: counts.everything,
            key: counts.key,
            permissions: counts.permissions,
            session: counts.session,
            subject: counts.subject,
            token: counts.token,
            expired: counts.expired,
            unreadable: counts.unreadable,
            last_expires_at: counts.last_expires_at.map(time::to_js),
        }
    }
}

impl From<KeyFacts> for NativeKeyFacts {
    fn from(facts: KeyFacts) -> Self {
        let purpose = facts.purpose.as_str().to_owned();
        match facts.keys {
            Ok((count, sealed_by)) => Self {
                purpose,
                count: Some(count),
                sealed_by: Some(sealer(sealed_by).to_owned()),
                failure: None,
            },
            Err(error) => Self {
                purpose,
                count: None,
                sealed_by: None,
                failure: Some(Failure::from(error).into()),
            },
        }
    }
}

fn sealer(sealed_by: SealedBy) -> &'static str {
    match sealed_by {
        SealedBy::Current => "current",
        SealedBy::Nobody => "nobody",
        SealedBy::Previous => "previous",
    }
}
