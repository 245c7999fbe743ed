//! A server that is connected and has been found fit.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use keyturn_core::error::Code;
use redis::{Cmd, PushKind, RedisResult, aio::MultiplexedConnection};
use tokio::sync::Notify;

use super::{
    super::{trouble::Trouble, url::Address},
    dial::Dialer,
};

/// The oldest server whose commands and options are enough.
const OLDEST: (u32, u32) = (6, 2);

/// A connection in use.
pub(in super::super) struct Live {
    address: Address,
    dialer: Dialer,
    connection: MultiplexedConnection,
    lost: Arc<Lost>,
    /// What the server's clock said, and when.
    clock: Mutex<(Instant, u64)>,
}

/// Whether a connection has been given up.
#[derive(Default)]
pub(super) struct Lost {
    flag: AtomicBool,
    told: Notify,
}

impl Lost {
    pub(super) fn lose(&self) {
        self.flag.store(true, Ordering::Release);
        self.told.notify_one();
    }
}

impl Live {
    /// Connects and looks whether the server is one that may be used.
    pub(super) async fn connect(dialer: &Dialer, address: &Address) -> Result<Self, Trouble> {
        let lost = Arc::new(Lost::default());
        let told = Arc::clone(&lost);
        let on_push = move |push: redis::PushInfo| {
            if push.kind == PushKind::Disconnection {
                told.lose();
            }
            Ok(())
        };
        let connection = dialer.connect(address, on_push).await?;
        let live = Self {
            address: address.clone(),
            dialer: dialer.clone(),
            connection,
            lost,
            clock: Mutex::new((Instant::now(), 0)),
        };
        live.check().await?;
        live.follow_clock()
            .await
            .map_err(|error| Trouble::of_connecting(address, &error))?;
        Ok(live)
    }

    pub(super) fn connection(&self) -> MultiplexedConnection {
        self.connection.clone()
    }

    /// Another connection to the same server.
    pub(super) async fn apart(&self) -> Result<(Self, MultiplexedConnection), Trouble> {
        let other = Self::connect(&self.dialer, &self.address).await?;
        let connection = other.connection();
        Ok((other, connection))
    }

    /// Gives the connection up: a new one is made, and nobody gets this one any more.
    pub(super) fn lose(&self) {
        self.lost.lose();
    }

    pub(in super::super) fn is_lost(&self) -> bool {
        self.lost.flag.load(Ordering::Acquire)
    }

    pub(super) async fn until_lost(&self) {
        while !self.is_lost() {
            self.lost.told.notified().await;
        }
    }

    /// Asks for the server's time.
    pub(super) async fn follow_clock(&self) -> RedisResult<()> {
        let (seconds, micros): (u64, u64) = query(self.connection(), redis::cmd("TIME")).await?;
        let time = seconds.saturating_mul(1000).saturating_add(micros / 1000);
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = (Instant::now(), time);
        Ok(())
    }

    /// What the server's clock will say at `moment`, in milliseconds, or a little less.
    pub(in super::super) fn time_at(&self, moment: Instant) -> u64 {
        let (then, time) = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        let later = moment.saturating_duration_since(then);
        time.saturating_add(u64::try_from(later.as_millis()).unwrap_or(u64::MAX))
    }

    /// The address in a redirection: a node that does not know its own host leaves it out.
    pub(super) fn named(&self, text: &str) -> Option<Address> {
        let (host, port) = text.rsplit_once(':')?;
        let host = if host.is_empty() { &self.address.host } else { host };
        Some(Address {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }

    /// Whether it says that it has become a replica.
    pub(super) async fn is_replica(&self) -> bool {
        let mut command = redis::cmd("INFO");
        command.arg("replication");
        let info: RedisResult<String> = query(self.connection(), command).await;
        info.is_ok_and(|info| info_value(&info, "role") == Some("slave"))
    }

    async fn check(&self) -> Result<(), Trouble> {
        let info: String = query(self.connection(), redis::cmd("INFO"))
            .await
            .map_err(|error| Trouble::of_connecting(&self.address, &error))?;
        unfit(&info).map_or(Ok(()), |(lasting, code, detail)| {
            let detail = format!("Redis at {}: {detail}", self.address);
            Err(if lasting {
                Trouble::lasting(code, detail)
            } else {
                Trouble::passing(detail)
            })
        })
    }
}

/// The value of a line `name:value` of INFO.
pub(in super::super) fn info_value<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .map(str::trim_end)
}

/// What keeps a server from being used, and whether it does so for long.
fn unfit(info: &str) -> Option<(bool, Code, &'static str)> {
    let version = info_value(info, "redis_version").and_then(|version| {
        let mut parts = version.split('.').map(str::parse::<u32>);
        Some((parts.next()?.ok()?, parts.next()?.ok()?))
    });
    if version.is_none_or(|version| version < OLDEST) {
        return Some((true, Code::StoreVersion, "keyturn needs Redis 6.2 or later"));
    }
    if info_value(info, "loading") == Some("1") {
        return Some((false, Code::StoreUnavailable, "it is loading its data"));
    }
    // While nothing is ever evicted the policy does not matter.
    let bounded = info_value(info, "maxmemory").is_some_and(|bytes| bytes != "0");
    if bounded && info_value(info, "maxmemory_policy") != Some("noeviction") {
        let detail =
            "with this maxmemory-policy it would forget revocations and sessions; set 'maxmemory-policy noeviction'";
        return Some((true, Code::StoreUnavailable, detail));
    }
    (info_value(info, "role") != Some("master")).then_some((false, Code::StoreUnavailable, "it is a replica"))
}

/// The answer to a command of which it does not matter how often it is run.
pub(in super::super) async fn query<T: redis::FromRedisValue>(
    mut connection: MultiplexedConnection,
    command: Cmd,
) -> RedisResult<T> {
    let answer = tokio::time::timeout(Duration::from_secs(2), command.query_async(&mut connection)).await;
    answer.unwrap_or_else(|_| {
        Err(redis::RedisError::from((
            redis::ErrorKind::Io,
            "it did not answer in time",
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: &str = "# Server\r\nredis_version:6.2.0\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\nrole:master\r\nloading:0\r\n";

    #[test]
    fn a_server_is_judged_by_what_it_says_of_itself() {
        assert_eq!(unfit(FIT), None);
        let with = |from: &str, to: &str| unfit(&FIT.replace(from, to)).map(|(lasting, code, _)| (lasting, code));
        assert_eq!(with("6.2.0", "7.2.4"), None);
        assert_eq!(with("6.2.0", "6.0.16"), Some((true, Code::StoreVersion)));
        assert_eq!(with("redis_version", "x"), Some((true, Code::StoreVersion)));
        assert_eq!(
            with("maxmemory:0", "maxmemory:100"),
            Some((true, Code::StoreUnavailable))
        );
        assert_eq!(with("role:master", "role:slave"), Some((false, Code::StoreUnavailable)));
        assert_eq!(with("loading:0", "loading:1"), Some((false, Code::StoreUnavailable)));
        let bounded = FIT.replace("maxmemory:0", "maxmemory:9");
        assert_eq!(unfit(&bounded.replace("allkeys-lru", "noeviction")), None);
    }
}
