//! From an agreement to a key (RFC 7518, section 4.6).

use zeroize::Zeroizing;

use crate::crypto::{ContentEncryption, EcdhPublic, EcdhSecret, KeyManagement, concat_kdf};

/// Between whom a key is agreed: `PartyUInfo` and `PartyVInfo` (RFC 7518, sections 4.6.1.2 and 4.6.1.3).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parties<'a> {
    pub(super) apu: &'a [u8],
    pub(super) apv: &'a [u8],
}

/// The CEK of `ECDH-ES`, or what wraps it for the others; `None` if the two keys do not agree.
pub(super) fn agreed_key(
    algorithm: KeyManagement,
    encryption: ContentEncryption,
    secret: &EcdhSecret,
    peer: &EcdhPublic,
    parties: Parties<'_>,
) -> Option<Zeroizing<Vec<u8>>> {
    let (name, length) = match algorithm {
        KeyManagement::EcdhEs => (encryption.as_str(), encryption.key_len()),
        KeyManagement::EcdhEsA128Kw => (algorithm.as_str(), 16),
        KeyManagement::EcdhEsA256Kw => (algorithm.as_str(), 32),
        _ => return None,
    };
    concat_kdf(&secret.agree(peer)?, name, parties.apu, parties.apv, length)
}
