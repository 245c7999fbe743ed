//! The revocation index against a model that is a plain list, with a clock that the test moves.
//!
//! A case is a row of steps: revoke, let time pass, expire, reload what a store would have kept; some indexes have a bound
//! that the case reaches. After each step every token is judged by both, as it is and by the fingerprint that it had at the
//! start. Most cases have an index of a few parts: making and sweeping the hundreds that an index for millions has costs a
//! hundred times what the steps do.

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::{Fingerprint, Revocation, RevocationIndex, Target};
    use crate::{
        encoding::json::Text,
        error::{Code, Error},
        jwt::{Identity, RevocationCheck},
        random::SystemRandom,
        session::SessionId,
        time::UnixMs,
    };

    /// On a whole second: entries are kept by the second, and foreign tokens judged by it.
    const START: u64 = 1_700_000_000_000;

    /// Few names, so that they meet.
    const USERS: [&str; 4] = ["user 0", "user 1", "user 2", "user 3"];
    const SECONDS: usize = 9;

    /// What has been said, by its name; times in what follows are milliseconds since the start.
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    enum Name {
        Everything,
        Key { who: usize },
        Permissions { who: usize },
        Session { second: usize, who: usize },
        Subject { who: usize },
        Token { second: usize, who: usize },
    }

    #[derive(Clone, Copy, Debug)]
    struct Said {
        name: Name,
        /// Where it is a cut-off.
        before: u64,
        expires: u64,
    }

    #[derive(Debug)]
    enum Step {
        Revoke { name: Name, before: u64, lives: u64 },
        Pass { ms: u64 },
        Expire,
        Reload,
    }

    /// Who, when the session started, when the roles were read, and when the token was issued, in seconds since the start.
    #[derive(Clone, Copy, Debug)]
    struct Token {
        who: usize,
        started: usize,
        read: usize,
        issued: usize,
        is_ours: bool,
    }

    /// Choices are cut from the bits of a number, low ones first.
    struct Bits(u64);

    impl Bits {
        fn below(&mut self, end: u64) -> u64 {
            let value = self.0 % end;
            self.0 /= end;
            value
        }

        fn index(&mut self, length: usize) -> usize {
            usize::try_from(self.below(length.try_into().unwrap())).unwrap()
        }

        fn name(&mut self) -> Name {
            let who = self.index(USERS.len());
            let second = self.index(4);
            match self.below(6) {
                0 => Name::Subject { who },
                1 => Name::Permissions { who },
                2 => Name::Everything,
                3 => Name::Session { second, who },
                4 => Name::Token { second, who },
                _ => Name::Key { who },
            }
        }

        fn step(mut self) -> Step {
            match self.below(11) {
                0..6 => Step::Revoke {
                    name: self.name(),
                    before: self.below(4000),
                    lives: 1 + self.below(20_000),
                },
                6 | 7 => Step::Pass { ms: self.below(5000) },
                8 | 9 => Step::Expire,
                _ => Step::Reload,
            }
        }

        fn token(mut self) -> Token {
            let started = self.index(5);
            Token {
                who: self.index(USERS.len()),
                started,
                read: started + self.index(5),
                issued: started + self.index(5),
                is_ours: self.below(2) == 0,
            }
        }
    }

    /// The identifiers of all sessions and tokens, made once.
    static IDS: LazyLock<Vec<[(SessionId, String); USERS.len()]>> = LazyLock::new(|| {
        let id = |second: usize, who: usize| {
            let mut bytes = [0; 16];
            bytes[..6].copy_from_slice(&(START + ms(second)).to_be_bytes()[2..]);
            bytes[15] = u8::try_from(who).unwrap();
            let id = SessionId::from_bytes(bytes);
            (id, id.to_string())
        };
        let of_second = |second| [0, 1, 2, 3].map(|who| id(second, who));
        (0..SECONDS).map(of_second).collect()
    });

    fn ms(seconds: usize) -> u64 {
        u64::try_from(seconds).unwrap() * 1000
    }

    fn at(ms: u64) -> UnixMs {
        UnixMs::new(START + ms)
    }

    impl Said {
        fn revocation(self) -> Revocation {
            let before = at(self.before);
            let subject = |who: usize| USERS[who].to_owned();
            let target = match self.name {
                Name::Everything => Target::Everything { before },
                Name::Key { who } => Target::Key { kid: subject(who) },
                Name::Permissions { who } => Target::Permissions {
                    subject: subject(who),
                    before,
                },
                Name::Session { second, who } => Target::Session {
                    sid: IDS[second][who].0,
                },
                Name::Subject { who } => Target::Subject {
                    subject: subject(who),
                    before,
                },
                Name::Token { second, who } => Target::Token {
                    jti: IDS[second][who].1.clone(),
                },
            };
            Revocation {
                target,
                expires_at: at(self.expires),
            }
        }

        /// What it makes of a token.
        fn judges(self, token: Token) -> Option<Code> {
            let (made, read) = if token.is_ours {
                (token.started, token.read)
            } else {
                (token.issued, token.issued)
            };
            let is_revoked = match self.name {
                Name::Everything => ms(made) <= self.before,
                Name::Key { who } => who == token.who,
                Name::Permissions { who } => {
                    let is_stale = who == token.who && ms(read) <= self.before;
                    return is_stale.then_some(Code::PermissionsStale);
                }
                Name::Session { second, who } => token.is_ours && (second, who) == (token.started, token.who),
                Name::Subject { who } => who == token.who && ms(made) <= self.before,
                Name::Token { second, who } => token.is_ours && (second, who) == (token.read, token.who),
            };
            is_revoked.then_some(Code::TokenRevoked)
        }
    }

    impl Token {
        fn identity(self) -> Identity<'static> {
            let foreign = ("somewhere-else", "x");
            let (sid, jti) = if self.is_ours {
                (
                    IDS[self.started][self.who].1.as_str(),
                    IDS[self.read][self.who].1.as_str(),
                )
            } else {
                foreign
            };
            Identity {
                jti: Some(Text::literal(jti)),
                sid: Some(Text::literal(sid)),
                sub: Some(Text::literal(USERS[self.who])),
                kid: Some(USERS[self.who]),
                issued: Some((START + ms(self.issued)) / 1000),
            }
        }
    }

    struct Model {
        capacity: usize,
        now: u64,
        /// What a store holds: everything that was ever revoked.
        stored: Vec<Said>,
        /// What the index should hold: one entry a name, with the later cut-off and the later expiry of all that was said.
        held: Vec<Said>,
        is_full: bool,
        index: RevocationIndex,
    }

    impl Model {
        fn new(capacity: usize, index: RevocationIndex) -> Self {
            Self {
                capacity,
                now: 0,
                stored: Vec::new(),
                held: Vec::new(),
                is_full: false,
                index,
            }
        }

        fn take(&mut self, step: &Step) {
            match *step {
                Step::Revoke { name, before, lives } => {
                    let expires = self.now + lives;
                    let said = Said { name, before, expires };
                    self.index.insert(&said.revocation());
                    self.hold(said);
                    self.stored.push(said);
                }
                Step::Pass { ms } => self.now += ms,
                Step::Expire => self.expire(),
                Step::Reload => {
                    self.expire();
                    let unexpired: Vec<_> = self.unexpired().collect();
                    let revocations: Vec<_> = unexpired.iter().map(|said| said.revocation()).collect();
                    self.index.reload(&revocations);
                    self.is_full = false;
                    for said in unexpired {
                        self.hold(said);
                    }
                }
            }
        }

        /// How many entries take room.
        fn counted(&self) -> usize {
            self.held.iter().filter(|said| said.name != Name::Everything).count()
        }

        fn hold(&mut self, new: Said) {
            if let Some(known) = self.held.iter_mut().find(|said| said.name == new.name) {
                known.before = known.before.max(new.before);
                known.expires = known.expires.max(new.expires);
            } else if new.name == Name::Everything || self.counted() < self.capacity {
                self.held.push(new);
            } else {
                self.is_full = true;
            }
        }

        /// An expiry is kept in whole seconds, rounded up.
        fn expire(&mut self) {
            while !self.index.expire(at(self.now)) {}
            self.held.retain(|said| said.expires.div_ceil(1000) * 1000 > self.now);
        }

        fn unexpired(&self) -> impl Iterator<Item = Said> {
            self.stored.iter().copied().filter(|said| said.expires > self.now)
        }

        /// What the index says of itself, and of one user at a time.
        fn check(&self) {
            assert_eq!(self.index.is_full(), self.is_full);
            assert_eq!(self.index.len(), self.counted());
            assert_eq!(self.index.is_empty(), self.held.is_empty());
            let who = self.stored.len() % USERS.len();
            let latest = |names: &[Name]| {
                let of_names = self.held.iter().filter(|said| names.contains(&said.name));
                of_names.map(|said| at(said.before)).max()
            };
            let cutoff = latest(&[Name::Everything, Name::Subject { who }]);
            assert_eq!(self.index.cutoff(USERS[who]), cutoff);
            let stale = latest(&[Name::Permissions { who }]);
            assert_eq!(self.index.permissions_cutoff(USERS[who]), stale);
            let session = Name::Session { second: 1, who };
            let is_held = self.held.iter().any(|said| said.name == session);
            let is_cut_off = cutoff.is_some_and(|before| at(1000) <= before);
            let sid = &IDS[1][who].0;
            assert_eq!(self.index.has_session(sid), is_held);
            assert_eq!(self.index.reaches_session(sid, USERS[who]), is_held || is_cut_off);
        }

        /// What it says of a token.
        fn check_token(&self, token: Token, fingerprint: &Fingerprint) {
            let now = at(self.now);
            let answer = self.index.check(&token.identity(), now).err().map(Error::code);
            let again = self.index.check_again(fingerprint, now).err().map(Error::code);
            assert_eq!(again, answer);
            if self.is_full {
                assert_eq!(answer, Some(Code::RevocationFull));
                return;
            }
            assert_eq!(answer, worst(token, self.held.iter().copied()), "{token:?}");
            // Whatever is held, nothing that was said and still counts may be missing.
            match worst(token, self.unexpired()) {
                Some(Code::PermissionsStale) => assert!(answer.is_some(), "{token:?}"),
                demanded => assert!(demanded.is_none() || answer == demanded, "{token:?}"),
            }
        }
    }

    fn worst(token: Token, said: impl Iterator<Item = Said>) -> Option<Code> {
        let mut worst = None;
        for code in said.filter_map(|said| said.judges(token)) {
            if worst != Some(Code::TokenRevoked) {
                worst = Some(code);
            }
        }
        worst
    }

    fn play(capacity: usize, index: RevocationIndex, steps: &[u64], tokens: &[u64]) {
        let mut model = Model::new(capacity, index);
        let judged = |bits: &u64| {
            let token = Bits(*bits).token();
            (token, model.index.fingerprint(&token.identity()))
        };
        let tokens: Vec<_> = tokens.iter().map(judged).collect();
        for bits in steps {
            model.take(&Bits(*bits).step());
            model.check();
            for (token, fingerprint) in &tokens {
                model.check_token(*token, fingerprint);
            }
        }
    }

    /// Without a bound that matters, or with one that is reached.
    fn capacity() -> impl Strategy<Value = usize> {
        prop_oneof![Just(1000_usize), 1_usize..12]
    }

    fn numbers(most: usize) -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(any::<u64>(), 1..most)
    }

    /// As the tests are run for a release; without optimisation the same takes minutes.
    const CASES: u32 = if cfg!(debug_assertions) { 10_000 } else { 100_000 };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(CASES))]

        #[test]
        fn the_index_answers_as_the_list_of_all_revocations_does(
            capacity in capacity(),
            parts in 1_usize..4,
            steps in numbers(40),
            tokens in numbers(12),
        ) {
            let index = RevocationIndex::in_parts(capacity, [parts, parts], &SystemRandom::new()).unwrap();
            play(capacity, index, &steps, &tokens);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn so_does_one_in_as_many_parts_as_there_are_elsewhere(
            capacity in capacity(),
            steps in numbers(40),
            tokens in numbers(12),
        ) {
            let index = RevocationIndex::new(capacity, &SystemRandom::new()).unwrap();
            play(capacity, index, &steps, &tokens);
        }
    }
}
