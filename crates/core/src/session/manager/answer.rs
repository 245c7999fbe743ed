//! What goes into the manager and what comes back.

use std::fmt;

use crate::{
    error::Error,
    session::{ClaimChanges, Contention, Record, SessionId, rotation::Outcome},
    store::StoreError,
    time::{Span, UnixMs},
};

/// A sign-in.
#[derive(Clone, Default)]
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
    /// Where from, as far as the application tells: given exactly if [`crate::session::Settings::binding`] is.
    pub context: Option<String>,
}

/// A refresh. Prints without its tokens and its context, which may be a cookie.
#[derive(Clone, Default)]
pub struct RefreshRequest<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// How long ago the client says its user was active; without it the refresh is no activity.
    pub report: Option<Span>,
    /// As in [`SignIn`].
    pub context: Option<&'a str>,
    /// Where the request came from, as coarsely as replays are to be compared; at most 64 bytes.
    pub origin: Option<&'a str>,
    /// The access token that comes along, for [`crate::session::Settings::pairing`].
    pub access_token: Option<&'a str>,
    /// What the application decided about this refresh, if it was asked.
    pub decision: Option<Decision>,
}

impl<'a> RefreshRequest<'a> {
    /// A request with a token and nothing else.
    pub fn new(token: &'a str) -> Self {
        Self {
            token,
            ..Self::default()
        }
    }
}

/// The application lets a session go on.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    /// The claims that it replaces.
    pub changes: ClaimChanges,
    /// What [`Checked::record`] carried when it decided.
    pub instead_of: String,
    /// When the request came.
    pub arrived: UnixMs,
    /// [`Checked::read_at`].
    pub read_at: UnixMs,
}

/// A refresh that would be granted.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The session as it stands.
    pub record: Record,
    /// As of when the application answers what it is asked now.
    pub read_at: UnixMs,
}

/// A session to be put in the place of that of a refresh token.
#[derive(Clone, Default)]
pub struct Renewal<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// The claims that it differs in.
    pub changes: ClaimChanges,
    /// Whether the user has just proved again who they are, so that `auth_time` is now.
    pub authenticated: bool,
    /// As in [`SignIn`].
    pub context: Option<&'a str>,
    /// [`Checked::read_at`], if the application was asked: needed with `onRefresh`.
    pub read_at: Option<UnixMs>,
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
    /// The sessions that gave way to it, ended.
    pub ended: Vec<Record>,
}

/// A pair of tokens and how it came to be.
#[derive(Debug)]
pub struct Granted {
    /// The pair.
    pub issued: Issued,
    /// How.
    pub outcome: Outcome,
    /// Whether it came from another context than any before it, which is to be reported.
    pub elsewhere: bool,
    /// Why it looks as if two parties shared the session.
    pub contention: Option<Contention>,
}

impl Granted {
    /// A session in place of another, if there is nothing more to be said of it.
    pub(super) fn renewed(issued: Issued) -> Self {
        Self {
            issued,
            outcome: Outcome::Rotated,
            elsewhere: false,
            contention: None,
        }
    }
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

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RefreshRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshRequest")
            .field("report", &self.report)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Renewal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renewal")
            .field("authenticated", &self.authenticated)
            .finish_non_exhaustive()
    }
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
