//! What can go wrong with a server, in our codes.

use keyturn_core::{error::Code, store::StoreError};
use redis::{ErrorKind, RedisError, ServerErrorKind};

use super::url::Address;

/// Why a server cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    pub(super) error: StoreError,
    /// Whether only an operator can mend it, so that waiting is in vain.
    pub(super) lasting: bool,
}

impl Trouble {
    pub(super) fn passing(detail: impl Into<String>) -> Self {
        Self {
            error: StoreError::new(Code::StoreUnavailable, detail).untouched(),
            lasting: false,
        }
    }

    pub(super) fn lasting(code: Code, detail: impl Into<String>) -> Self {
        Self {
            error: StoreError::new(code, detail).untouched(),
            lasting: true,
        }
    }

    /// What an attempt to connect came to.
    pub(super) fn of_connecting(address: &Address, error: &RedisError) -> Self {
        let detail = format!("Redis at {address}: {}", words(error));
        let is_refusal = matches!(
            error.kind(),
            ErrorKind::AuthenticationFailed
                | ErrorKind::InvalidClientConfig
                | ErrorKind::Server(ServerErrorKind::NoPerm)
        ) || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"));
        if is_refusal {
            Self::lasting(Code::StoreUnavailable, detail)
        } else {
            Self::passing(detail)
        }
    }
}

/// What a command came to that has no answer.
pub(super) enum Fault {
    /// It was not run; another try may go better.
    Again(StoreError),
    /// It was not run here: the slot is at, or on its way to, another node.
    Elsewhere { text: String, once: bool },
    /// It was not run, because the script is not there.
    NoScript,
    /// It was not run, and will not be.
    Refused(StoreError),
    /// It was run, and has not reached as many replicas as it has to: whether it stays is not known.
    Unconfirmed(StoreError),
    /// Nobody knows whether it was run, and the connection is of no more use.
    Unknown(StoreError),
}

impl Fault {
    pub(super) fn of(error: &RedisError) -> Self {
        let untouched = || StoreError::new(Code::StoreUnavailable, format!("Redis: {}", words(error))).untouched();
        match error.kind() {
            ErrorKind::Server(kind) => match kind {
                ServerErrorKind::NoScript => Self::NoScript,
                ServerErrorKind::Moved | ServerErrorKind::Ask => Self::Elsewhere {
                    text: error
                        .redirect_node()
                        .map_or_else(String::new, |(address, _)| address.to_owned()),
                    once: kind == ServerErrorKind::Ask,
                },
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly => Self::Again(untouched()),
                _ => Self::Refused(untouched()),
            },
            // A code that the client library does not know: BUSY, OOM, NOREPLICAS, WRONGTYPE, MISCONF, UNKILLABLE.
            ErrorKind::Extension => Self::Refused(untouched()),
            _ => Self::Unknown(StoreError::new(
                Code::StoreUnavailable,
                format!("the connection to Redis was lost: {}", words(error)),
            )),
        }
    }
}

/// The words of an error: Redis's own code and sentence, or the operating system's. Neither repeats what was sent, but for a
/// script's error, of which the first line is kept.
fn words(error: &RedisError) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    };
    text.chars()
        .take_while(|character| *character != '\n')
        .take(200)
        .collect()
}
