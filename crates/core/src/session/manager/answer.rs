//! What goes into the manager and what comes back.

use std::fmt;

use crate::{
    error::Error,
    session::{Record, SessionId, rotation::Outcome},
    store::StoreError,
    time::UnixMs,
};

/// A sign-in.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// Who; 1 to 255 bytes without control characters.
    pub subject: String,
    /// Roles; `None` leaves the claim out.
    pub roles: Option<Vec<String>>,
    /// Permissions; `None` leaves the claim out.
    pub permissions: Option<Vec<String>>,
    /// The application's own claims: the text of a JSON object.
    pub claims: Option<String>,
    /// A label for the list of sessions; cut at 255 characters.
    pub device: Option<String>,
}

/// What a renewed session differs in; what is not given stays as it was.
#[derive(Clone, Debug, Default)]
pub struct Renewal {
    /// Roles.
    pub roles: Option<Vec<String>>,
    /// Permissions.
    pub permissions: Option<Vec<String>>,
    /// The application's own claims, all of them: the text of a JSON object.
    pub claims: Option<String>,
    /// Whether the user has just proved again who they are, so that `auth_time` is now.
    pub authenticated: bool,
}

/// A pair of tokens. Prints without them.
pub struct Issued {
    /// The access token.
    pub access_token: String,
    /// The refresh token.
    pub refresh_token: String,
    /// When the access token expires.
    pub expires_at: UnixMs,
    /// The session as it stands.
    pub record: Record,
}

/// A pair of tokens and how it came to be.
#[derive(Debug)]
pub struct Granted {
    /// The pair.
    pub issued: Issued,
    /// How.
    pub outcome: Outcome,
}

/// Why there is no answer, and for events whom it concerns.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The error.
    pub error: Error,
    /// The store's words about it.
    pub detail: Option<String>,
    /// The session it concerns.
    pub sid: Option<SessionId>,
    /// Whose it is.
    pub subject: Option<String>,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("expires_at", &self.expires_at)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            error,
            detail: None,
            sid: None,
            subject: None,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self {
            detail: Some(error.detail),
            ..Error::new(error.code).into()
        }
    }
}

/// Receives an answer, once.
pub type Answer<T> = Box<dyn FnOnce(Result<T, Failure>) + Send>;
