//! The `jti` of [`super::Strategy::JtiExchange`], which says of an access token what a refresh token says of itself.
//!
//! 16 bytes: milliseconds (6) | generation (4, big-endian) | the beginning of an HMAC over `sid` and generation (6). The time
//! is that of every `jti`, so revocation understands it. The generation is what the rotation table asks for, so stores judge
//! an exchange as they judge a refresh. The tag keeps two sessions of one millisecond apart, and tells tokens of ours from
//! tokens that somebody else signed with the same key. That nobody made it up is for the signature of the token to say.

use subtle::ConstantTimeEq;

use super::{FamilySecret, RefreshKeys, RefreshToken, SessionId, TimedId};
use crate::{crypto::sha256, error::Error, time::UnixMs};

/// Differs from the first byte of what a refresh token's tag covers, so that neither tag can stand for the other.
const FORMAT: u8 = 2 << 4;

const TAG: usize = 6;

/// The `jti` of a generation, the same whoever computes it. `number` is that of the refresh key which the record names.
pub(super) fn jti(
    keys: &RefreshKeys,
    number: u8,
    sid: SessionId,
    generation: u32,
    read_at: UnixMs,
) -> Result<TimedId, Error> {
    let [g0, g1, g2, g3] = generation.to_be_bytes();
    let [t0, t1, t2, t3, t4, t5, ..] = keys.tag(number, &tagged(sid, generation))?;
    TimedId::at(read_at, [g0, g1, g2, g3, t0, t1, t2, t3, t4, t5])
}

/// What the `jti` of a verified access token stands for; `None` if it is none of ours.
pub(super) fn open(keys: &RefreshKeys, sid: SessionId, jti: TimedId) -> Option<RefreshToken> {
    let (_, rest) = jti.as_bytes().split_at_checked(6)?;
    let (generation, tag) = rest.split_first_chunk::<4>()?;
    let generation = u32::from_be_bytes(*generation);
    let is_ours = keys.any_tag(&tagged(sid, generation), |whole| {
        whole.get(..TAG).is_some_and(|start| start.ct_eq(tag).into())
    });
    is_ours.then(|| RefreshToken {
        sid,
        generation,
        family: family(sid),
    })
}

/// What stands in the place of a lineage's secret: there is no token that could hold one, so it is none. A refresh token with it
/// is refused, so a refresh key alone makes none for sessions of this strategy, should the application leave it. Made without
/// the time in `sid`, which a session that takes the place of another gets in the store.
pub(super) fn family(sid: SessionId) -> FamilySecret {
    let (label, id) = (b"keyturn jti-exchange", sid.as_bytes());
    let mut message = [0; 20 + 10];
    for (to, from) in message.iter_mut().zip(label.iter().chain(id.iter().skip(6))) {
        *to = *from;
    }
    let [f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, ..] = sha256(&message);
    FamilySecret::from_bytes([f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15])
}

fn tagged(sid: SessionId, generation: u32) -> Vec<u8> {
    let mut message = vec![FORMAT];
    message.extend_from_slice(sid.as_bytes());
    message.extend_from_slice(&generation.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::SystemRandom, session::record::tests::START};

    fn keys() -> RefreshKeys {
        RefreshKeys::new(&[(3, &[1; 32]), (4, &[2; 32])]).unwrap()
    }

    fn sid() -> SessionId {
        SessionId::generate(START, &SystemRandom::new()).unwrap()
    }

    #[test]
    fn a_jti_reads_back_with_its_time_and_generation_under_either_key() {
        let (keys, sid) = (keys(), sid());
        for number in [3, 4] {
            for generation in [0, 1, u32::MAX] {
                let jti = jti(&keys, number, sid, generation, START).unwrap();
                assert_eq!(jti.time(), START);
                let token = open(&keys, sid, jti).unwrap();
                assert_eq!((token.sid, token.generation), (sid, generation));
            }
        }
    }

    #[test]
    fn it_is_the_same_bytes_for_everybody_and_others_for_another_session() {
        let (keys, sid) = (keys(), sid());
        let one = jti(&keys, 3, sid, 7, START).unwrap();
        assert_eq!(one, jti(&keys, 3, sid, 7, START).unwrap());
        assert_ne!(one, jti(&keys, 3, self::sid(), 7, START).unwrap());
        assert!(open(&keys, self::sid(), one).is_none());
    }

    #[test]
    fn no_bit_behind_the_time_can_be_changed() {
        let (keys, sid) = (keys(), sid());
        let good = *jti(&keys, 4, sid, 7, START).unwrap().as_bytes();
        for bit in 48..128 {
            let mut bytes = good;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&keys, sid, TimedId::from_bytes(bytes)).is_none(), "bit {bit}");
        }
    }
}
