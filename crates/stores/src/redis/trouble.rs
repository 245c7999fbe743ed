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
                ServerErrorKind::ResponseError if is_read_only_script(error) => Self::Again(untouched()),
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

/// Whether a script was refused its first write because the server is a replica. Redis 7 answers READONLY then, as to any
/// write; 6.2 says so within a general error: `ERR Error running script (...): @user_script: 1: -READONLY You can't ...`.
fn is_read_only_script(error: &RedisError) -> bool {
    error.detail().is_some_and(|detail| detail.contains(": -READONLY "))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What an answer comes to.
    fn fault(answer: &str) -> Fault {
        let answer = redis::parse_redis_value(format!("-{answer}\r\n").as_bytes());
        Fault::of(&answer.and_then(redis::Value::extract_error).unwrap_err())
    }

    #[test]
    fn a_replica_is_known_by_its_answer_to_a_write() {
        let detail = "You can't write against a read only replica.";
        let script = "Error running script (call to f_9667a14c36613adc6e7c2eaf9eae3bb13a6d81b5)";
        for answer in [
            format!("READONLY {detail}"),
            format!("READONLY {detail} script: 9667a14c, on @user_script:1."),
            format!("ERR {script}: @user_script:1: @user_script: 1: -READONLY {detail}"),
        ] {
            assert!(
                matches!(fault(&answer), Fault::Again(error) if error.untouched),
                "{answer}"
            );
        }
        let other = format!("ERR {script}: @user_script:3: user_script:3: attempt to index a nil value");
        assert!(matches!(fault(&other), Fault::Refused(_)));
    }
}
