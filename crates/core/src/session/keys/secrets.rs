//! Rings of secrets that only keyturn uses: refresh and CSRF keys. Two verify, the newer signs.
//!
//! A rotation is one change: the next secret is written down with the time from which it signs, a little ahead, so that every
//! process knows it by then, and its predecessor with the time at which it goes.

use zeroize::Zeroizing;

use crate::{
    error::{Code, Error},
    keys::{DAMAGED, DocumentKey, KeyDocument},
    random::{self, Random},
    time::{Span, UnixMs},
};

/// How many numbers there are: they stand in four bits of a refresh token. After the last comes the first again.
const NUMBERS: u8 = 16;

/// How long a secret is known before it signs: far longer than a change takes to reach every process.
pub(super) const ANNOUNCED_FOR: Span = Span::from_secs(60);

/// How far ahead of this clock another process's may have been.
const CLOCKS_DIFFER: Span = Span::from_secs(60);

/// When secrets rotate and go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SecretPolicy {
    /// How long one signs; `None`: until it is told to stop.
    pub(super) rotate_every: Option<Span>,
    /// How long a superseded one still verifies: as long as a session can last.
    pub(super) keep_for: Span,
}

impl SecretPolicy {
    /// Without a timetable, for what has been superseded already and says itself when it goes.
    pub(super) const UNSCHEDULED: Self = Self {
        rotate_every: None,
        keep_for: Span::ZERO,
    };
}

/// A numbered secret; wiped when dropped.
#[derive(Clone)]
pub(super) struct Secret {
    pub(super) number: u8,
    /// From when on it signs.
    pub(super) from: UnixMs,
    /// When it goes.
    pub(super) until: Option<UnixMs>,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

/// One to sixteen secrets, the newest last.
#[derive(Clone)]
pub(super) struct Secrets(Vec<Secret>);

impl Secrets {
    /// A ring of one new secret, which signs at once.
    pub(super) fn new(now: UnixMs, random: &dyn Random) -> Result<Self, Error> {
        Ok(Self(vec![Secret::new(0, now, random)?]))
    }

    /// The ring that a document describes.
    pub(super) fn restore(document: KeyDocument) -> Result<Self, Error> {
        let mut secrets = document
            .keys
            .into_iter()
            .map(Secret::restore)
            .collect::<Result<Vec<_>, _>>()?;
        secrets.sort_by_key(|secret| secret.from);
        let twice = |secret: &Secret| secrets.iter().filter(|other| other.number == secret.number).count() > 1;
        if secrets.is_empty() || secrets.iter().any(twice) {
            return Err(DAMAGED);
        }
        Ok(Self(secrets))
    }

    /// Its document.
    pub(super) fn document(&self) -> KeyDocument {
        let key = |secret: &Secret| DocumentKey {
            kid: secret.number.to_string(),
            algorithm: None,
            state: None,
            since: secret.from,
            until: secret.until,
            secret: secret.bytes.clone(),
        };
        KeyDocument {
            keys: self.0.iter().map(key).collect(),
            revoked: Vec::new(),
        }
    }

    /// All of them, the newest last.
    pub(super) fn all(&self) -> &[Secret] {
        &self.0
    }

    /// The number of the newest.
    pub(super) fn newest(&self) -> Option<u8> {
        self.0.last().map(|secret| secret.number)
    }

    /// Whether both hold a secret in common.
    pub(super) fn shares(&self, other: &Self) -> bool {
        let same = |one: &Secret| {
            other
                .0
                .iter()
                .any(|two| one.number == two.number && *one.bytes == *two.bytes)
        };
        self.0.iter().any(same)
    }

    /// Whether anything is to be done at `now`.
    pub(super) fn is_due(&self, policy: &SecretPolicy, now: UnixMs) -> bool {
        self.wants_next(policy, now) || self.0.iter().any(|secret| secret.has_gone(now))
    }

    /// Does what is due at `now`.
    pub(super) fn advance(&mut self, policy: &SecretPolicy, now: UnixMs, random: &dyn Random) -> Result<(), Error> {
        self.0.retain(|secret| !secret.has_gone(now));
        if self.wants_next(policy, now) {
            self.rotate(policy, now, random)?;
        }
        Ok(())
    }

    /// Whether the schedule asks for the next one, or a clock that was far ahead is to be made good.
    fn wants_next(&self, policy: &SecretPolicy, now: UnixMs) -> bool {
        let Some(newest) = self.0.last() else {
            return true;
        };
        let turn = policy
            .rotate_every
            .map(|every| newest.from.plus(every).minus(ANNOUNCED_FOR));
        turn.is_some_and(|turn| turn <= now) || newest.is_from_a_clock_ahead(now)
    }

    /// Announces the next one, which signs [`ANNOUNCED_FOR`] later. Nothing, while one is announced already.
    ///
    /// [`Code::KeyInvalid`] while every number is in use.
    pub(super) fn rotate(&mut self, policy: &SecretPolicy, now: UnixMs, random: &dyn Random) -> Result<(), Error> {
        self.0.retain(|secret| !secret.has_gone(now));
        self.follow_clock_back(now);
        let newest = self.0.last_mut().ok_or(Code::Internal)?;
        if newest.from > now {
            return Ok(());
        }
        let from = now.plus(ANNOUNCED_FOR);
        let number = (newest.number + 1) % NUMBERS;
        newest.until = Some(from.plus(policy.keep_for));
        if self.0.iter().any(|secret| secret.number == number) {
            return Err(Error::because(
                Code::KeyInvalid,
                "all sixteen numbers of refresh keys are in use; rotate less often",
            ));
        }
        self.0.push(Secret::new(number, from, random)?);
        Ok(())
    }

    /// A secret that was announced under a clock far ahead signs no later than others.
    fn follow_clock_back(&mut self, now: UnixMs) {
        if let Some(newest) = self.0.last_mut()
            && newest.is_from_a_clock_ahead(now)
        {
            newest.from = now.plus(ANNOUNCED_FOR);
        }
    }
}

impl Secret {
    fn new(number: u8, from: UnixMs, random: &dyn Random) -> Result<Self, Error> {
        let bytes = Zeroizing::new(random::array::<32>(random)?);
        Ok(Self {
            number,
            from,
            until: None,
            bytes: Zeroizing::new(bytes.to_vec()),
        })
    }

    fn has_gone(&self, now: UnixMs) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn is_from_a_clock_ahead(&self, now: UnixMs) -> bool {
        self.from > now.plus(ANNOUNCED_FOR).plus(CLOCKS_DIFFER)
    }

    fn restore(key: DocumentKey) -> Result<Self, Error> {
        let number = key.kid.parse().ok().filter(|number| *number < NUMBERS).ok_or(DAMAGED)?;
        if key.secret.len() < 32 {
            return Err(DAMAGED);
        }
        Ok(Self {
            number,
            from: key.since,
            until: key.until,
            bytes: key.secret,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::SystemRandom;

    const DAY: Span = Span::from_secs(86_400);
    const NOW: UnixMs = UnixMs::new(1_700_000_000_000);

    fn policy() -> SecretPolicy {
        SecretPolicy {
            rotate_every: Some(DAY),
            keep_for: DAY,
        }
    }

    fn numbers(secrets: &Secrets) -> Vec<u8> {
        secrets.all().iter().map(|secret| secret.number).collect()
    }

    #[test]
    fn a_rotation_announces_the_next_and_dates_the_end_of_the_last() {
        let random = SystemRandom::new();
        let mut secrets = Secrets::new(NOW, &random).unwrap();
        secrets.rotate(&policy(), NOW, &random).unwrap();
        secrets.rotate(&policy(), NOW, &random).unwrap();
        assert_eq!(numbers(&secrets), [0, 1], "one is announced at a time");
        let starts = NOW.plus(ANNOUNCED_FOR);
        assert_eq!(secrets.all()[1].from, starts);
        assert_eq!(secrets.all()[0].until, Some(starts.plus(DAY)));
        let due = |secs| {
            secrets.is_due(
                &policy(),
                NOW.plus(DAY).plus(Span::from_secs(secs)).minus(Span::from_secs(1)),
            )
        };
        assert_eq!((due(0), due(1)), (false, true));
        let read = Secrets::restore(secrets.document()).unwrap();
        assert_eq!(numbers(&read), [0, 1]);
        assert!(read.shares(&secrets));
        assert!(!read.shares(&Secrets::new(NOW, &random).unwrap()));
    }

    #[test]
    fn after_the_last_number_comes_the_first_and_none_is_used_twice_at_once() {
        let random = SystemRandom::new();
        let mut secrets = Secrets::new(NOW, &random).unwrap();
        let mut now = NOW;
        for turn in 1..40_u8 {
            now = now.plus(DAY).plus(DAY);
            secrets.rotate(&policy(), now, &random).unwrap();
            assert_eq!(secrets.newest(), Some(turn % 16));
            assert_eq!(secrets.all().len(), 2, "two verify");
        }
        let hasty = (0..20).map(|_| {
            now = now.plus(ANNOUNCED_FOR);
            secrets.rotate(&policy(), now, &random).map_err(Error::code)
        });
        let outcomes: Vec<_> = hasty.collect();
        assert_eq!(outcomes.last(), Some(&Err(Code::KeyInvalid)));
        assert_eq!(secrets.all().len(), 16);
    }

    #[test]
    fn a_secret_announced_under_a_clock_far_ahead_does_not_stop_the_ring() {
        let random = SystemRandom::new();
        let mut secrets = Secrets::new(NOW, &random).unwrap();
        secrets
            .rotate(&policy(), NOW.plus(Span::from_secs(999_999_999)), &random)
            .unwrap();
        assert!(secrets.is_due(&policy(), NOW));
        secrets.rotate(&policy(), NOW, &random).unwrap();
        assert_eq!(secrets.all()[1].from, NOW.plus(ANNOUNCED_FOR));
        assert!(!secrets.is_due(&policy(), NOW));
    }

    proptest! {
        #[test]
        fn whatever_signed_verifies_for_as_long_as_a_session_lasts(waits in prop::collection::vec(1_u64..200_000, 1..30)) {
            let random = SystemRandom::new();
            let mut secrets = Secrets::new(NOW, &random).unwrap();
            let mut now = NOW;
            let mut signed: Vec<(u8, UnixMs)> = Vec::new();
            for wait in waits {
                now = now.plus(Span::from_secs(wait));
                let _full = secrets.rotate(&policy(), now, &random);
                let signing = secrets.all().iter().rev().find(|secret| secret.from <= now).unwrap();
                signed.retain(|(_, at)| now.since(*at) < DAY);
                signed.push((signing.number, now));
                for (number, _) in &signed {
                    prop_assert!(numbers(&secrets).contains(number));
                }
            }
        }
    }
}
