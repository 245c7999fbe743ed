//! What the judgement is asked, and what it says.

use crate::{
    crypto::Digest,
    error::Error,
    session::RefreshToken,
    time::{Span, UnixMs},
};

/// Everything besides the record that the judgement depends on.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The token, its tag having been checked.
    pub token: RefreshToken,
    /// What a grant leads to.
    pub intent: Intent,
    /// The time.
    pub now: UnixMs,
    /// When the request came, if it was found good then and had to wait for the application: what was rotated since then
    /// does not make its token a used one.
    pub arrived: Option<UnixMs>,
    /// How long a predecessor is answered with the same successor again; zero: never.
    pub grace: Span,
    /// What becomes of a token that is ahead of the store.
    pub heal: Heal,
    /// The number of the refresh key that seals a new successor.
    pub newest_key: u8,
    /// Activity that this process has seen and not stored yet.
    pub seen: Option<UnixMs>,
    /// How long ago the client says its user was active.
    pub report: Option<Span>,
    /// Whether the revocation index of this process reaches the session.
    pub revoked: bool,
    /// Where the token comes from, if sessions are bound to that.
    pub context: Option<Context>,
    /// Claims to be stored with a rotation in place of those that are carried; a replay stores none.
    pub claims: Option<NewClaims>,
}

/// What a grant leads to. A refusal that ends the session does so either way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Intent {
    /// To nothing: the record stays, and the answer says what would happen.
    Check,
    /// To the rotation.
    #[default]
    Rotate,
}

/// What becomes of a token that is further than the store, which has lost writes that it had acknowledged.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Heal {
    /// It is taken over if it is ahead by one generation, the loss that a fail-over explains; further ahead it ends the session.
    #[default]
    One,
    /// It is taken over however far it is ahead: an operator's choice after a backup was restored.
    Any,
}

impl Heal {
    /// The option of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "any" => Some(Self::Any),
            "one" => Some(Self::One),
            _ => None,
        }
    }
}

/// Where a token comes from, as far as the application tells.
#[derive(Clone, Debug)]
pub struct Context {
    /// The HMAC of what it tells, under a key of the session.
    pub digest: Digest,
    /// What becomes of a live token from elsewhere.
    pub mismatch: Mismatch,
}

/// What becomes of a live token that comes from another context than its session was started in. Within the grace a
/// predecessor from elsewhere is reuse whatever this says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mismatch {
    /// It is refused, and the session stays as it is.
    Reject,
    /// It is granted, and the caller is told once for each change.
    Report,
    /// It ends the session.
    Revoke,
}

impl Mismatch {
    /// The option of that name.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "reject" => Some(Self::Reject),
            "report" => Some(Self::Report),
            "revoke" => Some(Self::Revoke),
            _ => None,
        }
    }
}

/// Claims to store, and those that they were made from: if the record holds others by now, they are out of date.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewClaims {
    /// The new ones, as [`crate::session::Record::claims`] keeps them.
    pub text: String,
    /// The ones that they replace.
    pub instead_of: String,
}

/// How a refresh was granted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The store had lost an acknowledged rotation; the token proved it, and was rotated.
    Healed,
    /// The store had lost several; [`Heal::Any`] let the token be rotated.
    HealedAhead,
    /// The predecessor came again within its grace and gets the same successor again.
    Replayed,
    /// The live token was rotated.
    Rotated,
}

impl Outcome {
    /// One word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healed => "healed",
            Self::HealedAhead => "healed_ahead",
            Self::Replayed => "replayed",
            Self::Rotated => "rotated",
        }
    }
}

/// The judgement. Whatever it is, the record is to be stored if it differs from before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// A pair may be issued for the record as it now stands.
    Granted(Outcome),
    /// As [`Verdict::Granted`], and under [`Mismatch::Report`] the token came from another context than any before it.
    GrantedElsewhere(Outcome),
    /// Nothing has changed: the new claims were made from ones that have been replaced meanwhile. Make them again.
    Outdated,
    /// Nothing may be issued. If the record has ended, its access tokens must die too.
    Refused(Error),
}

impl Verdict {
    /// How it was granted, if it was.
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Granted(outcome) | Self::GrantedElsewhere(outcome) => Some(outcome),
            Self::Outdated | Self::Refused(_) => None,
        }
    }
}
