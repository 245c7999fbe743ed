//! Which node of a Cluster holds a key.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use keyturn_core::store::StoreError;
use redis::Value;

use super::{
    super::{locked, trouble::Trouble, url::Address},
    Dialer, Lane, Live, PATIENCE,
    server::query,
};

/// How long a node that does not answer is waited for before the others are asked whether it is still the right one.
const SECOND_THOUGHT: Duration = Duration::from_millis(300);

/// How often the nodes are asked at most.
const LEARN_EVERY: Duration = Duration::from_millis(100);

/// The nodes of a Cluster and their slots.
pub(super) struct Cluster {
    dialer: Dialer,
    lanes: Mutex<HashMap<Address, Arc<Lane>>>,
    /// The last slot of each range, in order, and who holds the range.
    slots: Mutex<Arc<Vec<Range>>>,
    learned: tokio::sync::Mutex<Learned>,
}

/// When the nodes were asked last, and since when none of them has answered.
#[derive(Default)]
struct Learned {
    at: Option<Instant>,
    trouble: Option<(Instant, Trouble)>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Range {
    first: u16,
    last: u16,
    master: Address,
}

impl Cluster {
    pub(super) fn new(dialer: Dialer) -> Self {
        Self {
            dialer,
            lanes: Mutex::default(),
            slots: Mutex::default(),
            learned: tokio::sync::Mutex::default(),
        }
    }

    /// The node that holds `key`. If it does not answer, or nobody tells, the others are asked again until `deadline`; one that
    /// has been gone for long is not waited for.
    pub(super) async fn live(&self, key: &str, deadline: Instant) -> Result<Arc<Live>, StoreError> {
        let slot = slot_of(key);
        loop {
            let master = self.master_of(slot);
            let patience = deadline.min(Instant::now() + SECOND_THOUGHT);
            let (error, is_gone) = match &master {
                Some(master) => match self.lane(master).live(patience).await {
                    Ok(live) => return Ok(live),
                    Err(error) => (error, Instant::now() < patience),
                },
                None => (
                    Trouble::passing("no node of the Redis Cluster tells who holds the key").error,
                    false,
                ),
            };
            let trouble = self.learn(deadline).await;
            if self.master_of(slot) != master {
                continue;
            }
            let error = trouble.as_ref().map_or(error, |(_, trouble)| trouble.error.clone());
            let is_vain = trouble.is_some_and(|(since, trouble)| trouble.lasting || since.elapsed() > PATIENCE);
            if is_gone || is_vain || Instant::now() + SECOND_THOUGHT >= deadline {
                return Err(error);
            }
            tokio::time::sleep(SECOND_THOUGHT / 4).await;
        }
    }

    /// The connection to a node.
    pub(super) fn lane(&self, address: &Address) -> Arc<Lane> {
        let mut lanes = locked(&self.lanes);
        let start = || {
            let (dialer, address) = (self.dialer.clone(), address.clone());
            Arc::new(Lane::start(move || {
                let (dialer, address) = (dialer.clone(), address.clone());
                async move { Live::connect(&dialer, &address).await }
            }))
        };
        Arc::clone(lanes.entry(address.clone()).or_insert_with(start))
    }

    /// Asks the nodes which slots are where, one after the other until one answers; not more often than is of use. If none
    /// does: since when, and why.
    pub(super) async fn learn(&self, deadline: Instant) -> Option<(Instant, Trouble)> {
        let mut learned = self.learned.lock().await;
        if learned.at.is_some_and(|at| at.elapsed() < LEARN_EVERY) {
            return learned.trouble.clone();
        }
        let known: Vec<_> = locked(&self.lanes).keys().cloned().collect();
        let mut trouble = None;
        for address in known.iter().chain(self.dialer.hosts()) {
            let patience = deadline.min(Instant::now() + SECOND_THOUGHT);
            match self.ask(address, patience).await {
                Ok(ranges) => {
                    let masters: Vec<_> = ranges.iter().map(|range| range.master.clone()).collect();
                    *locked(&self.slots) = Arc::new(ranges);
                    locked(&self.lanes).retain(|address, _| masters.contains(address));
                    trouble = None;
                    break;
                }
                Err(error) => trouble = Some(error),
            }
        }
        let since = learned.trouble.take().map_or_else(Instant::now, |(since, _)| since);
        learned.trouble = trouble.map(|trouble| (since, trouble));
        learned.at = Some(Instant::now());
        learned.trouble.clone()
    }

    /// Asks one node, which may be a replica: that is why the question has a connection of its own.
    async fn ask(&self, address: &Address, deadline: Instant) -> Result<Vec<Range>, Trouble> {
        let question = async {
            let connection = self.dialer.connect(address, |_| Ok(())).await?;
            let mut command = redis::cmd("CLUSTER");
            command.arg("SLOTS");
            let slots: Value = query(connection, command)
                .await
                .map_err(|error| Trouble::of_connecting(address, &error))?;
            read_slots(&slots, address).ok_or_else(|| Trouble::passing(format!("Redis at {address} knows of no slots")))
        };
        // A connection can take longer to make than an answer.
        let deadline = deadline + SECOND_THOUGHT;
        let late = || Trouble::passing(format!("Redis at {address} did not answer in time"));
        tokio::time::timeout_at(deadline.into(), question)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    fn master_of(&self, slot: u16) -> Option<Address> {
        let slots = Arc::clone(&locked(&self.slots));
        let holds = |range: &&Range| (range.first..=range.last).contains(&slot);
        slots.iter().find(holds).map(|range| range.master.clone())
    }
}

/// The slot of a key: of what stands between its first braces, if anything does.
fn slot_of(key: &str) -> u16 {
    let tag = key
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map(|(tag, _)| tag)
        .filter(|tag| !tag.is_empty());
    crc16::State::<crc16::XMODEM>::calculate(tag.unwrap_or(key).as_bytes()) % 16384
}

/// The answer to CLUSTER SLOTS. `None` if it is none, or nobody holds anything.
fn read_slots(answer: &Value, asked: &Address) -> Option<Vec<Range>> {
    let Value::Array(ranges) = answer else { return None };
    let read = |range: &Value| {
        let Value::Array(parts) = range else { return None };
        let [first, last, Value::Array(master), ..] = parts.as_slice() else {
            return None;
        };
        let [host, port, ..] = master.as_slice() else {
            return None;
        };
        let number = |value: &Value| match value {
            Value::Int(number) => u16::try_from(*number).ok(),
            _ => None,
        };
        let host = match host {
            Value::BulkString(host) => String::from_utf8(host.clone()).ok()?,
            _ => String::new(),
        };
        Some(Range {
            first: number(first)?,
            last: number(last)?,
            master: Address {
                host: if host.is_empty() { asked.host.clone() } else { host },
                port: number(port)?,
            },
        })
    };
    let ranges: Vec<_> = ranges.iter().filter_map(read).collect();
    (!ranges.is_empty()).then_some(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_that_of_the_first_braces() {
        // As CLUSTER KEYSLOT answers.
        assert_eq!(slot_of("123456789"), 12739);
        assert_eq!(slot_of("foo"), 12182);
        assert_eq!(slot_of("keyturn:{foo}:x"), 12182);
        assert_eq!(slot_of("a{}b{foo}"), slot_of("a{}b{foo}"));
        assert_ne!(slot_of("{}foo"), slot_of("foo"));
    }

    #[test]
    fn the_table_of_slots_is_read() {
        let node = |host: &[u8]| {
            Value::Array(vec![
                Value::BulkString(host.to_vec()),
                Value::Int(7000),
                Value::BulkString(b"id".to_vec()),
            ])
        };
        let asked = Address {
            host: "asked".into(),
            port: 1,
        };
        let answer = Value::Array(vec![
            Value::Array(vec![Value::Int(0), Value::Int(8191), node(b"a"), node(b"replica")]),
            Value::Array(vec![Value::Int(8192), Value::Int(16383), node(b"")]),
        ]);
        let ranges = read_slots(&answer, &asked).unwrap();
        assert_eq!((ranges[0].last, ranges[0].master.host.as_str()), (8191, "a"));
        assert_eq!(
            ranges[1].master,
            Address {
                host: "asked".into(),
                port: 7000
            }
        );
        assert_eq!(read_slots(&Value::Array(vec![]), &asked), None);
        assert_eq!(read_slots(&Value::Nil, &asked), None);
    }
}
