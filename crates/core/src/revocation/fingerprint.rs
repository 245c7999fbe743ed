//! What is kept of a token's identity where the token is remembered.

use super::{digest::Digest, entry::MAX_TOLERANCE};
use crate::{
    jwt::Identity,
    session::TimedId,
    time::{Span, UnixMs},
};

/// The longest a session can have run when one of its tokens is verified. A `sid` that claims to be older than this, or
/// younger than its token, is another issuer's and carries no time.
const MAX_SESSION: Span = Span::from_secs(400 * 24 * 3600);

/// The identity of a token with its names digested, made by one index and understood by that index alone. Asking with it
/// costs no decoding and no hashing.
#[derive(Clone, Copy, Debug)]
pub struct Fingerprint {
    pub(super) kid: Option<Digest>,
    pub(super) sid: Option<Digest>,
    pub(super) sub: Option<Digest>,
    pub(super) jti: Option<Digest>,
    pub(super) made: Option<UnixMs>,
    pub(super) read: Option<UnixMs>,
}

/// When a token counts as made, for cut-offs of sessions: when its session started if that is one of ours, otherwise the
/// beginning of the second in which it was issued. `None`: it does not say.
pub(super) fn made(token: &Identity<'_>) -> Option<UnixMs> {
    let issued = UnixMs::from_secs(token.issued?);
    Some(session_start(token, issued).unwrap_or(issued))
}

/// When the roles and permissions in a token count as read: the time in its `jti` if that is one of ours, otherwise the
/// beginning of the second in which it was issued. `None`: it does not say.
pub(super) fn read(token: &Identity<'_>) -> Option<UnixMs> {
    let issued = UnixMs::from_secs(token.issued?);
    Some(roles_read(token, issued).unwrap_or(issued))
}

/// The start of the session that a token of ours names; `None` for other issuers' tokens.
fn session_start(token: &Identity<'_>, issued: UnixMs) -> Option<UnixMs> {
    let start = TimedId::parse(token.sid?.plain()?).ok()?.time();
    let plausible = start < issued.plus(Span::from_secs(1)) && issued.since(start) <= MAX_SESSION;
    plausible.then_some(start)
}

/// The time that a `jti` of ours carries. It may lie behind `iat`, because it is moved behind a cut-off that a host with a
/// faster clock has set; it lies before it where a token took over what was read for an older one.
fn roles_read(token: &Identity<'_>, issued: UnixMs) -> Option<UnixMs> {
    let read = TimedId::parse(token.jti?.plain()?).ok()?.time();
    let plausible = read < issued.plus(Span::from_secs(1)).plus(MAX_TOLERANCE) && issued.since(read) <= MAX_SESSION;
    plausible.then_some(read)
}
