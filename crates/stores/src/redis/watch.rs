//! Following the other processes' revocations.
//!
//! A connection of its own waits for news in the stream. Once a second, and after each reconnect, it is asked whether the
//! stream is still the one that was read: under the same epoch and replication id, not behind our position, and without a
//! gap after it. If not, Redis has lost something: what is known here and not there is written back, and all is read again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use keyturn_core::{
    error::Code,
    revocation::Revocation,
    store::{KeyWatcher, StoreError, StoredKeys, Watcher},
};
use redis::{Cmd, FromRedisValue, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout};

use super::{
    keys,
    link::{Link, Live, PATIENCE, info_value, jittered},
    locked,
    names::Names,
    revocations,
    script::{Call, POSITION},
    step::Step,
};

/// How often the stream is asked whether it is still the same.
const CHECK: Duration = Duration::from_secs(1);

/// How much news one answer holds at most.
const NEWS_AT_ONCE: usize = 1000;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Follows the news for one watcher.
pub(super) struct Watch {
    pub(super) link: Arc<Link>,
    pub(super) step: Box<dyn Fn() -> Step + Send + Sync>,
    pub(super) names: Names,
    pub(super) watcher: Watcher,
    /// When everything that others had stored by then had been shown.
    pub(super) in_step: Arc<Mutex<Instant>>,
    /// What is written back if Redis loses it.
    pub(super) known_keys: Arc<Mutex<Vec<StoredKeys>>>,
    /// Is told of other keys.
    pub(super) key_watcher: Arc<OnceLock<KeyWatcher>>,
}

/// Versions and fields.
type Entries = Vec<(String, HashMap<String, String>)>;

/// How far the news have been read, and of which stream.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Position {
    epoch: String,
    replication: String,
    version: u64,
}

/// What the stream says of itself.
struct Head {
    position: Position,
    /// The first version that it still holds.
    first: Option<u64>,
    /// What tells the stored keys from others: a version and a digest for each purpose.
    keys: String,
}

impl Watch {
    /// Never ends by itself.
    pub(super) async fn follow(self) {
        let mut position = None;
        let mut keys = None;
        let mut pause = FIRST_PAUSE;
        loop {
            let begun = Instant::now();
            let Err(_trouble) = self.follow_connection(&mut position, &mut keys).await else {
                continue;
            };
            if begun.elapsed() > LONGEST_PAUSE {
                pause = FIRST_PAUSE;
            }
            self.link.doubt().await;
            sleep(jittered(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn follow_connection(
        &self,
        position: &mut Option<Position>,
        keys: &mut Option<String>,
    ) -> Result<(), StoreError> {
        let (live, connection) = self
            .link
            .apart(&self.names.head(), Instant::now() + PATIENCE)
            .await
            .map_err(|trouble| trouble.error)?;
        loop {
            let asked = Instant::now();
            let head = self.head(&live, &connection).await?;
            let there_is = head.position.version;
            if position.as_ref().is_some_and(|at| !head.continues(at)) {
                *position = None;
            }
            if position.is_none() {
                self.read_all().await?;
            }
            // That of before all was read, so that what came in between comes once more. It outlives the connection.
            let at = position.get_or_insert(head.position);
            if *keys.get_or_insert_with(|| head.keys.clone()) != head.keys {
                self.write_keys_back().await?;
                if let Some(watcher) = self.key_watcher.get() {
                    watcher();
                }
                // Not before: whatever fails on the way is done again.
                *keys = Some(head.keys);
            }
            loop {
                if at.version >= there_is {
                    *locked(&self.in_step) = asked;
                }
                let left = CHECK.saturating_sub(asked.elapsed());
                if left.is_zero() {
                    break;
                }
                if !self.read_news(&connection, at, left).await? {
                    *position = None;
                    break;
                }
            }
        }
    }

    /// Writes back what Redis does not have, and shows all that it has.
    async fn read_all(&self) -> Result<(), StoreError> {
        let step = (self.step)();
        let stored = revocations::all(&step).await?;
        let missing = step.ledger.missing(&stored);
        revocations::store(&step, &missing).await?;
        step.ledger.note(&stored);
        self.write_keys_back().await?;
        self.show(&stored);
        Ok(())
    }

    async fn write_keys_back(&self) -> Result<(), StoreError> {
        let known = locked(&self.known_keys).clone();
        keys::write_back(&(self.step)(), &known).await
    }

    /// Waits for news and shows them; `false` if there is a gap among them, or one that cannot be read: then all has to be.
    async fn read_news(
        &self,
        connection: &MultiplexedConnection,
        at: &mut Position,
        patience: Duration,
    ) -> Result<bool, StoreError> {
        let key = self.names.news();
        let mut command = redis::cmd("XREAD");
        let block = u64::try_from(patience.as_millis()).unwrap_or(0).max(1);
        command.arg("COUNT").arg(NEWS_AT_ONCE).arg("BLOCK").arg(block);
        command.arg("STREAMS").arg(&key).arg(format!("{}-0", at.version));
        let news: Option<HashMap<String, Entries>> = ask(connection, &command, patience + PATIENCE).await?;
        let mut found = Vec::new();
        let mut is_whole = true;
        for (id, fields) in news.into_iter().flatten().flat_map(|(_, entries)| entries) {
            let is_next = version_of(&id) == Some(at.version + 1);
            let revocation = fields.get("r").and_then(|text| revocations::read(text).ok());
            let Some(revocation) = revocation.filter(|_| is_next) else {
                is_whole = false;
                break;
            };
            at.version += 1;
            found.push(revocation);
        }
        (self.step)().ledger.note(&found);
        self.show(&found);
        Ok(is_whole)
    }

    async fn head(&self, live: &Live, connection: &MultiplexedConnection) -> Result<Head, StoreError> {
        let call = Call::new(
            &POSITION,
            [
                self.names.head(),
                self.names.live(),
                self.names.news(),
                self.names.keys(),
            ],
        );
        let deadline = Instant::now() + PATIENCE;
        // By its text, which is short: then there is no second way to go.
        let (epoch, version, first, keys): (String, String, String, String) =
            ask(connection, &call.by_text(live, deadline), PATIENCE).await?;
        let mut command = redis::cmd("INFO");
        command.arg("replication");
        let info: String = ask(connection, &command, PATIENCE).await?;
        if info_value(&info, "role") != Some("master") {
            return Err(StoreError::new(
                Code::StoreUnavailable,
                "the server has become a replica",
            ));
        }
        let replication = info_value(&info, "master_replid").unwrap_or_default().to_owned();
        Ok(Head {
            position: Position {
                epoch,
                replication,
                version: version.parse().unwrap_or(0),
            },
            first: version_of(&first),
            keys,
        })
    }

    fn show(&self, revocations: &[Revocation]) {
        if !revocations.is_empty() {
            (self.watcher)(revocations);
        }
    }
}

impl Head {
    /// Whether whoever stands at `at` can go on from there and misses nothing.
    fn continues(&self, at: &Position) -> bool {
        let same = self.position.epoch == at.epoch && self.position.replication == at.replication;
        let has_next = self.first.is_some_and(|first| first <= at.version + 1);
        same && (self.position.version == at.version || (self.position.version > at.version && has_next))
    }
}

fn version_of(id: &str) -> Option<u64> {
    id.split_once('-')?.0.parse().ok()
}

async fn ask<T: FromRedisValue>(
    connection: &MultiplexedConnection,
    command: &Cmd,
    patience: Duration,
) -> Result<T, StoreError> {
    let mut connection = connection.clone();
    let unavailable = |detail: String| StoreError::new(Code::StoreUnavailable, detail);
    match timeout(patience, command.query_async(&mut connection)).await {
        Ok(answer) => answer.map_err(|error| unavailable(error.to_string())),
        Err(_) => Err(unavailable("Redis did not answer in time".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(epoch: &str, replication: &str, version: u64) -> Position {
        Position {
            epoch: epoch.into(),
            replication: replication.into(),
            version,
        }
    }

    #[test]
    fn a_position_holds_only_in_the_same_stream_without_a_gap() {
        let head = |version, first| Head {
            position: position("e", "r", version),
            first,
            keys: String::new(),
        };
        let at = position("e", "r", 5);
        assert!(head(5, Some(1)).continues(&at));
        assert!(
            head(5, None).continues(&at),
            "all news have been trimmed, and all had been read"
        );
        assert!(head(9, Some(6)).continues(&at));
        assert!(!head(9, Some(7)).continues(&at), "trimmed");
        assert!(!head(9, None).continues(&at), "gone");
        assert!(!head(4, Some(1)).continues(&at), "ahead of the store");
        assert!(!head(5, Some(1)).continues(&position("other", "r", 5)));
        assert!(!head(5, Some(1)).continues(&position("e", "other", 5)));
    }
}
