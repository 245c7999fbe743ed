//! Two processes that change and use the keys of one store, their steps delivered in any order, under a virtual clock.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, mpsc},
};

use keyturn_core::{
    account::Account,
    crypto::Algorithm,
    error::{Code, Error},
    jwt::Scratch,
    keys::{KeyState, Ring, RingPolicy},
    random::SystemRandom,
    revocation::Revocation,
    session::{
        Failure, Forget, Issued, KeyOptions, Manager, PermissionsAsk, Record, RefreshRequest, RenewAsk, SessionId,
        rotation,
    },
    store::{
        CreateAsk, Created, Done, EndAnswer, EndAsk, KeyWatcher, Refreshed, Store, StoreError, StoredKeys, Watcher,
    },
    time::{Span, UnixMs},
};
use keyturn_stores::MemoryStore;
use proptest::prelude::*;

use crate::support::{START, settings, settle, shared, sign_in};

type Queued = Box<dyn FnOnce() + Send>;

/// Holds the steps about keys back until they are delivered, one at a time. Everything else goes through at once.
struct SlowStore {
    inner: Arc<dyn Store>,
    queue: Mutex<VecDeque<Queued>>,
    is_slow: Mutex<bool>,
}

impl SlowStore {
    fn deliver(&self) -> bool {
        let next = self.queue.lock().unwrap().pop_front();
        next.map(|step| step()).is_some()
    }

    fn queue(&self, step: Queued) {
        if *self.is_slow.lock().unwrap() {
            self.queue.lock().unwrap().push_back(step);
        } else {
            step();
        }
    }
}

impl Store for SlowStore {
    fn keys(&self, done: Done<Vec<StoredKeys>>) {
        let inner = Arc::clone(&self.inner);
        self.queue(Box::new(move || inner.keys(done)));
    }

    fn save_keys(&self, keys: StoredKeys, replaces: u64, done: Done<StoredKeys>) {
        let inner = Arc::clone(&self.inner);
        self.queue(Box::new(move || inner.save_keys(keys, replaces, done)));
    }

    fn watch_keys(&self, watcher: KeyWatcher) {
        self.inner.watch_keys(watcher);
    }

    fn create(&self, ask: CreateAsk, done: Done<Created>) {
        self.inner.create(ask, done);
    }

    fn renew(&self, ask: RenewAsk, done: Done<Option<Refreshed>>) {
        self.inner.renew(ask, done);
    }

    fn permissions(&self, ask: PermissionsAsk, done: Done<Result<Revocation, Error>>) {
        self.inner.permissions(ask, done);
    }

    fn refresh(&self, ask: rotation::Ask, done: Done<Option<Refreshed>>) {
        self.inner.refresh(ask, done);
    }

    fn end(&self, ask: EndAsk, done: Done<EndAnswer>) {
        self.inner.end(ask, done);
    }

    fn revoke(&self, revocation: Revocation, done: Done<()>) {
        self.inner.revoke(revocation, done);
    }

    fn touch(&self, batch: Vec<(SessionId, UnixMs)>, done: Done<()>) {
        self.inner.touch(batch, done);
    }

    fn list(&self, subject: String, now: UnixMs, done: Done<Vec<Record>>) {
        self.inner.list(subject, now, done);
    }

    fn revocations(&self, now: UnixMs, done: Done<Vec<Revocation>>) {
        self.inner.revocations(now, done);
    }

    fn watch(&self, watcher: Watcher) {
        self.inner.watch(watcher);
    }

    fn purge(&self, now: UnixMs, done: Done<()>) {
        self.inner.purge(now, done);
    }

    fn save_account(&self, account: Account, unless_present: bool, done: Done<bool>) {
        self.inner.save_account(account, unless_present, done);
    }

    fn account(&self, name: String, done: Done<Option<Account>>) {
        self.inner.account(name, done);
    }

    fn close(&self, done: Done<()>) {
        done(Ok::<(), StoreError>(()));
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Seconds pass; nobody hears of anything by that.
    Wait(u64),
    /// More time than the store takes to tell everybody.
    Sleep(u64),
    Deliver(usize),
    Maintain(usize),
    Rotate(usize),
    Publish(usize),
    Retire(usize, usize),
    Revoke(usize, usize),
    RotateSecrets(usize),
    SignIn(usize),
    Refresh(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0_usize..2;
    prop_oneof![
        3 => (0_u64..10).prop_map(Step::Wait),
        2 => (1_u64..40_000).prop_map(Step::Sleep),
        8 => node.clone().prop_map(Step::Deliver),
        3 => node.clone().prop_map(Step::Maintain),
        2 => node.clone().prop_map(Step::Rotate),
        1 => node.clone().prop_map(Step::Publish),
        1 => (node.clone(), 0_usize..4).prop_map(|(node, index)| Step::Retire(node, index)),
        1 => (node.clone(), 0_usize..4).prop_map(|(node, index)| Step::Revoke(node, index)),
        1 => node.clone().prop_map(Step::RotateSecrets),
        3 => node.clone().prop_map(Step::SignIn),
        3 => node.prop_map(Step::Refresh),
    ]
}

/// A process.
struct Node {
    store: Arc<SlowStore>,
    manager: Arc<Manager>,
}

impl Node {
    fn new(inner: &Arc<dyn Store>) -> Self {
        let store = Arc::new(SlowStore {
            inner: Arc::clone(inner),
            queue: Mutex::default(),
            is_slow: Mutex::new(false),
        });
        let ring = RingPolicy {
            algorithm: Algorithm::EdDsa,
            rotate_every: Some(Span::from_secs(36 * 3600)),
            publish_for: Span::from_secs(3600),
            keep_for: Span::ZERO,
        };
        let options = KeyOptions {
            ring: Some(ring),
            ..KeyOptions::default()
        };
        let random = Arc::new(SystemRandom::new());
        let manager = Manager::new(settings(), shared(store.clone()), options, random).unwrap();
        settle(|answer| manager.open(START, answer)).unwrap();
        *store.is_slow.lock().unwrap() = true;
        Self { store, manager }
    }

    fn kids(&self) -> Vec<(String, KeyState)> {
        let read = |ring: &Ring| {
            let keys = ring.keys().iter();
            keys.map(|held| (held.key.kid().unwrap().to_owned(), held.state))
                .collect()
        };
        self.manager.ring(read).unwrap()
    }

    fn verify(&self, token: &str, now: UnixMs) -> Result<(), Code> {
        let mut scratch = Scratch::default();
        let verified = self.manager.verify(token.as_bytes(), now, &mut scratch);
        verified.map(|_| ()).map_err(Error::code)
    }

    /// Delivers until nothing is left to be done.
    fn settle(&self) {
        while self.store.deliver() {}
    }

    /// What this process answers, whatever it has to read for it.
    fn refresh(&self, token: &str, now: UnixMs) -> Result<String, Failure> {
        let (sender, receiver) = mpsc::channel();
        let answer = Box::new(move |granted| sender.send(granted).unwrap());
        self.manager.refresh(&RefreshRequest::new(token), now, answer);
        self.settle();
        let granted: Result<keyturn_core::session::Granted, Failure> = receiver.try_recv().expect("answered");
        granted.map(|granted| granted.issued.refresh_token)
    }
}

/// Runs a history; the assertions are the property.
fn run(steps: &[Step]) {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let nodes = [Node::new(&inner), Node::new(&inner)];
    let mut now = START;
    let mut issued: Vec<(Issued, String)> = Vec::new();
    let mut refreshing: Option<(Issued, UnixMs)> = None;
    // Told to go sooner than by themselves.
    let doomed: Arc<Mutex<HashSet<String>>> = Arc::default();
    for step in steps {
        match *step {
            Step::Wait(seconds) => now = now.plus(Span::from_secs(seconds)),
            Step::Sleep(seconds) => {
                hear(&nodes, now);
                now = now.plus(Span::from_secs(seconds));
            }
            Step::Deliver(node) => {
                nodes[node].store.deliver();
            }
            Step::Maintain(node) => nodes[node].manager.maintain(now, Forget::HerePast, Box::new(|_| {})),
            Step::Rotate(node) => nodes[node].manager.rotate_key(now, Box::new(|_| {})),
            Step::Publish(node) => nodes[node].manager.publish_key(now, Box::new(|_| {})),
            Step::RotateSecrets(node) => nodes[node].manager.rotate_secrets(now, Box::new(|_| {})),
            Step::Retire(node, index) => {
                if let Some((kid, _)) = nodes[node].kids().get(index) {
                    doomed.lock().unwrap().insert(kid.clone());
                    let within = Some(Span::from_secs(60));
                    nodes[node]
                        .manager
                        .retire_key(kid.clone(), within, now, Box::new(|_| {}));
                }
            }
            Step::Revoke(node, index) => {
                if let Some((kid, _)) = nodes[node].kids().get(index) {
                    doomed.lock().unwrap().insert(kid.clone());
                    nodes[node].manager.revoke_key(kid.clone(), now, Box::new(|_| {}));
                }
            }
            Step::SignIn(node) => {
                let kid = nodes[node].kids()[0].0.clone();
                let pair = settle(|answer| nodes[node].manager.start(&sign_in("alice"), now, answer)).unwrap();
                refreshing = Some((pair, now));
                let pair = settle(|answer| nodes[node].manager.start(&sign_in("bob"), now, answer)).unwrap();
                issued.push((pair, kid));
            }
            Step::Refresh(node) => {
                // Inside its idle limit a session is refreshed by any process, under whatever keys.
                if let Some((mut pair, at)) = refreshing.take()
                    && now.since(at) < Span::from_secs(3600)
                {
                    let first = nodes[node].refresh(&pair.refresh_token, now).expect("refreshed");
                    let again = nodes[1 - node].refresh(&pair.refresh_token, now).expect("replayed");
                    assert_eq!(first, again, "the successor is the same bytes whoever makes it");
                    pair.refresh_token = first;
                    refreshing = Some((pair, at));
                }
            }
        }
        for node in &nodes {
            let active = node
                .kids()
                .iter()
                .filter(|(_, state)| *state == KeyState::Active)
                .count();
            assert_eq!(active, 1);
        }
    }
    // Everybody is heard out; then both know the same, and what was signed and not doomed verifies.
    for _ in 0..3 {
        now = now.plus(Span::from_secs(2));
        for node in &nodes {
            node.manager.maintain(now, Forget::HerePast, Box::new(|_| {}));
        }
        hear(&nodes, now);
    }
    assert_eq!(nodes[0].kids(), nodes[1].kids());
    for (pair, kid) in &issued {
        let is_live = now < pair.expires_at;
        if is_live && !doomed.lock().unwrap().contains(kid) {
            for node in &nodes {
                assert_eq!(node.verify(&pair.access_token, now), Ok(()));
            }
        }
    }
    for node in &nodes {
        let pair = settle(|answer| node.manager.start(&sign_in("carol"), now, answer)).unwrap();
        for node in &nodes {
            assert_eq!(node.verify(&pair.access_token, now), Ok(()));
        }
    }
}

/// Whatever is under way is finished, and the store tells everybody.
fn hear(nodes: &[Node; 2], now: UnixMs) {
    nodes.iter().for_each(Node::settle);
    for node in nodes {
        node.manager.learn_keys(now.plus(Span::from_secs(2)), Box::new(|_| {}));
        node.settle();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn two_processes_agree_on_the_keys_whatever_order_their_steps_come_in(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps);
    }
}

#[test]
fn two_processes_that_rotate_at_once_do_one_rotation() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let nodes = [Node::new(&inner), Node::new(&inner)];
    let (sender, receiver) = mpsc::channel();
    for node in &nodes {
        let sender = sender.clone();
        let answer = Box::new(move |kid: Result<String, Failure>| sender.send(kid.unwrap()).unwrap());
        node.manager.rotate_key(START, answer);
    }
    // Both have read before either has stored.
    for node in &nodes {
        assert!(node.store.deliver());
    }
    nodes.iter().for_each(Node::settle);
    let kids: Vec<_> = receiver.try_iter().collect();
    assert_eq!((kids.len(), &kids[0]), (2, &kids[1]));
    assert_eq!(nodes[0].kids().len(), 2);
    assert_eq!(nodes[0].kids(), nodes[1].kids());
}
