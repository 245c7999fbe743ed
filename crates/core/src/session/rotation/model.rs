//! Whole histories of one record against a naive model, with every option of the judgement.

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::*;
    use crate::{
        random::SystemRandom,
        session::{
            FamilySecret, RefreshToken,
            record::tests::{START, record},
        },
    };

    /// A lineage's secret and what it makes of three places, one for all histories.
    static SECRET: LazyLock<(FamilySecret, [Digest; 3])> = LazyLock::new(|| {
        let family = FamilySecret::generate(&SystemRandom::new()).unwrap();
        let digests = ["home", "work", "elsewhere"].map(|place| family.context_digest(place));
        (family, digests)
    });

    /// The options that stay the same for a history.
    #[derive(Clone, Debug)]
    struct Options {
        grace: u64,
        heal: Heal,
        binding: Option<Mismatch>,
    }

    /// Choices are cut from the bits of numbers, low ones first: making them by a strategy each would take most of the time.
    struct Bits(u64);

    impl Bits {
        fn below(&mut self, end: u64) -> u64 {
            let value = self.0 % end;
            self.0 /= end;
            value
        }
    }

    impl Options {
        fn from_bits(mut bits: Bits) -> Self {
            Self {
                grace: if bits.below(5) == 4 { 0 } else { 10_000 },
                heal: if bits.below(4) == 3 { Heal::Any } else { Heal::One },
                binding: match bits.below(5) {
                    0 => Some(Mismatch::Reject),
                    1 => Some(Mismatch::Revoke),
                    2 => Some(Mismatch::Report),
                    _ => None,
                },
            }
        }
    }

    /// One request, and what happens to its commit.
    #[derive(Clone, Debug)]
    struct Step {
        /// How far behind (or, from 0 on, ahead of) the live token plus two.
        back: u32,
        /// How the clock moved since the last one; it may be set back.
        wait: i64,
        /// How long ago it came, if it had to wait for the application.
        waited: Option<u64>,
        place: usize,
        check_first: bool,
        /// Claims to store; odd ones were made from claims that are not the stored ones.
        claims: Option<u8>,
        commit: Commit,
    }

    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    enum Commit {
        Done,
        /// It failed and has changed nothing.
        Failed,
        /// It was done, and nobody was told.
        Unknown,
        /// It was acknowledged, and lost afterwards.
        Lost,
    }

    impl Step {
        fn from_bits(mut bits: Bits) -> Self {
            Self {
                back: match bits.below(11) {
                    0..8 => 2,
                    8 => 0,
                    9 => 1,
                    _ => 4,
                } + u32::try_from(bits.below(2)).unwrap(),
                wait: match bits.below(10) {
                    0..8 => bits.below(9000).cast_signed(),
                    8 => bits.below(2_000_000).cast_signed(),
                    _ => -bits.below(20_000).cast_signed(),
                },
                waited: (bits.below(4) == 3).then(|| bits.below(15_000)),
                place: match bits.below(8) {
                    6 => 1,
                    7 => 2,
                    _ => 0,
                },
                check_first: bits.below(2) == 1,
                claims: (bits.below(5) > 2).then(|| u8::try_from(bits.below(256)).unwrap()),
                commit: match bits.below(11) {
                    0 => Commit::Failed,
                    1 => Commit::Unknown,
                    2 => Commit::Lost,
                    _ => Commit::Done,
                },
            }
        }
    }

    /// What a careful reader of the table would note down of a session.
    #[derive(Clone, Debug, Default, Eq, PartialEq)]
    struct Model {
        live: u32,
        rotated_at: u64,
        bound_to: Option<usize>,
        rotated_from: Option<usize>,
        claims: String,
        ended: Option<&'static str>,
    }

    impl Model {
        /// The table once more, as naively as it can be written. `now` is what the clock says, in milliseconds since the start.
        fn expect(&mut self, options: &Options, generation: u32, clock: u64, step: &Step) -> &'static str {
            if let Some(reason) = self.ended {
                return reason;
            }
            let now = clock.max(self.rotated_at);
            if now >= 3_600_000 {
                return self.end("idle");
            }
            let place = options.binding.map(|_| step.place);
            let elsewhere = |noted: Option<usize>| place.is_some() && noted.is_some() && place != noted;
            if generation < self.live {
                let came = step.waited.map_or(now, |waited| clock.saturating_sub(waited));
                let in_grace = generation + 1 == self.live && came.saturating_sub(self.rotated_at) < options.grace;
                if !in_grace && came < self.rotated_at {
                    return "overtaken";
                }
                if !in_grace || elsewhere(self.rotated_from) {
                    return self.end("reuse");
                }
                return if clock + 1000 < self.rotated_at {
                    "clock"
                } else {
                    "replayed"
                };
            }
            let ahead = generation - self.live;
            if ahead > 1 && options.heal == Heal::One {
                return self.end("rollback");
            }
            let mut reported = false;
            if elsewhere(self.bound_to) {
                match options.binding {
                    Some(Mismatch::Reject) => return "context",
                    Some(Mismatch::Revoke) => return self.end("context"),
                    _ => reported = elsewhere(self.rotated_from),
                }
            }
            match step.claims {
                Some(claims) if claims % 2 == 1 => return "outdated",
                Some(claims) => self.claims = claims.to_string(),
                None => {}
            }
            self.live = generation + 1;
            self.rotated_at = now;
            self.rotated_from = place;
            self.bound_to = self.bound_to.or(place);
            match (ahead, reported) {
                (0, false) => "rotated",
                (0, true) => "rotated elsewhere",
                (1, false) => "healed",
                (1, true) => "healed elsewhere",
                (_, false) => "healed ahead",
                (_, true) => "healed ahead elsewhere",
            }
        }

        fn end(&mut self, reason: &'static str) -> &'static str {
            self.ended = Some(reason);
            reason
        }
    }

    fn name(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Granted(Outcome::Rotated) => "rotated",
            Verdict::Granted(Outcome::Replayed) => "replayed",
            Verdict::Granted(Outcome::Healed) => "healed",
            Verdict::Granted(Outcome::HealedAhead) => "healed ahead",
            Verdict::GrantedElsewhere(Outcome::Rotated) => "rotated elsewhere",
            Verdict::GrantedElsewhere(Outcome::Healed) => "healed elsewhere",
            Verdict::GrantedElsewhere(Outcome::HealedAhead) => "healed ahead elsewhere",
            Verdict::GrantedElsewhere(Outcome::Replayed) => "a replay is never elsewhere",
            Verdict::Outdated => "outdated",
            Verdict::Refused(error) => error.reason().unwrap(),
        }
    }

    struct History {
        options: Options,
        family: FamilySecret,
        digests: [Digest; 3],
        record: Record,
        model: Model,
        clock: u64,
    }

    impl History {
        fn new(options: Options) -> Self {
            let (family, digests) = SECRET.clone();
            let bound_to = options.binding.map(|_| 0);
            let first = bound_to.and_then(|place: usize| digests.get(place).copied());
            Self {
                record: Record {
                    family: family.digest(),
                    start_context: first,
                    last_context: first,
                    ..record()
                },
                model: Model {
                    bound_to,
                    rotated_from: bound_to,
                    ..Model::default()
                },
                options,
                family,
                digests,
                clock: 0,
            }
        }

        fn ask(&self, generation: u32, step: &Step, intent: Intent) -> Ask {
            let digest = *self.digests.get(step.place).unwrap();
            let text = |claims: u8| NewClaims {
                text: claims.to_string(),
                instead_of: if claims % 2 == 1 {
                    "others".into()
                } else {
                    self.record.claims.clone()
                },
            };
            Ask {
                token: RefreshToken {
                    sid: self.record.sid,
                    generation,
                    family: self.family.clone(),
                },
                intent,
                now: START.plus(Span::from_millis(self.clock)),
                arrived: step
                    .waited
                    .map(|waited| START.plus(Span::from_millis(self.clock.saturating_sub(waited)))),
                grace: Span::from_millis(self.options.grace),
                heal: self.options.heal,
                newest_key: 1,
                seen: None,
                report: None,
                revoked: false,
                context: self.options.binding.map(|mismatch| Context { digest, mismatch }),
                claims: step.claims.map(text),
            }
        }

        fn run(&mut self, step: &Step) -> Result<(), TestCaseError> {
            self.clock = self.clock.saturating_add_signed(step.wait);
            let generation = (self.record.generation + 3).saturating_sub(step.back);
            if step.check_first {
                self.check(generation, step)?;
            }
            let mut record = self.record.clone();
            let mut model = self.model.clone();
            let verdict = refresh(&mut record, &self.ask(generation, step, Intent::Rotate));
            prop_assert_eq!(name(verdict), model.expect(&self.options, generation, self.clock, step));
            if matches!(step.commit, Commit::Done | Commit::Unknown) {
                (self.record, self.model) = (record, model);
            }
            self.compare()
        }

        /// A check says the same as the rotation after it would and leaves a trace only of what ends the session.
        fn check(&mut self, generation: u32, step: &Step) -> Result<(), TestCaseError> {
            let before = self.record.clone();
            let mut model = self.model.clone();
            let ask = self.ask(generation, step, Intent::Check);
            let verdict = refresh(&mut self.record, &ask);
            prop_assert_eq!(name(verdict), model.expect(&self.options, generation, self.clock, step));
            if model.ended.is_some() {
                self.model = model;
            } else {
                prop_assert_eq!(&self.record, &before);
            }
            self.compare()
        }

        fn compare(&self) -> Result<(), TestCaseError> {
            prop_assert_eq!(self.record.generation, self.model.live);
            prop_assert_eq!(
                self.record.rotated_at.since(START),
                Span::from_millis(self.model.rotated_at)
            );
            prop_assert_eq!(&self.record.claims, &self.model.claims);
            prop_assert_eq!(self.record.ended.map(|end| end.reason.as_str()), self.model.ended);
            prop_assert!(self.record.latest() <= self.record.ended.map_or(UnixMs::MAX, |end| end.at));
            Ok(())
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn every_history_goes_as_the_naive_model_says(options: u64, steps in prop::collection::vec(any::<u64>(), 1..12)) {
            let mut history = History::new(Options::from_bits(Bits(options)));
            for step in steps {
                history.run(&Step::from_bits(Bits(step)))?;
            }
        }
    }
}
