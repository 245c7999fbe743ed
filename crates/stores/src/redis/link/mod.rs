//! The way to Redis: which server a command goes to, and what is done when it cannot be reached.
//!
//! redis-rs speaks the protocol. Finding the server and trying again are ours, because only we know what may be tried
//! again: a command that was certainly not run. Of one whose answer never came nobody knows, and it fails as that.

mod cluster;
mod dial;
mod lane;
mod server;

use std::time::{Duration, Instant};

use keyturn_core::{error::Code, store::StoreError};
use redis::{Cmd, Pipeline, Value, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout_at};

use super::{
    script::Call,
    trouble::{Fault, Trouble},
    url::{Address, Kind, RedisUrl},
};

use cluster::Cluster;
use dial::Dialer;
use lane::Lane;
pub(super) use lane::jittered;
pub(super) use server::{Live, info_value};

/// How long a step may take, waiting for a connection included. It is also how long one waits for a server that has just
/// gone: afterwards steps fail at once until it is back.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a write waits for its replicas, as far as that was asked for.
const REPLICA_PATIENCE: Duration = Duration::from_secs(1);

/// What is sent.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    Read(&'a Cmd),
    Write(&'a Cmd),
    Script(&'a Call),
}

// What is awaited rarely lies in boxes below. A future is as large as all that it may wait for, each step makes one, and an
// allocation of more than a kilobyte is an expensive one.

/// The connections of one store.
pub(super) struct Link {
    route: Route,
    replicas: u32,
}

enum Route {
    Cluster(Cluster),
    One(Lane),
}

impl Link {
    /// Begins to connect. To be called on the runtime.
    pub(super) fn start(url: RedisUrl) -> Self {
        let replicas = url.replicas;
        let is_cluster = url.kind == Kind::Cluster;
        let dialer = Dialer::new(url);
        let route = if is_cluster {
            Route::Cluster(Cluster::new(dialer))
        } else {
            Route::One(Lane::start(move || {
                let dialer = dialer.clone();
                async move { dialer.master().await }
            }))
        };
        Self { route, replicas }
    }

    /// The answer to a request about `key`, which decides where it goes. Errors that are marked untouched were not run.
    pub(super) async fn call(&self, key: &str, request: Request<'_>, deadline: Instant) -> Result<Value, StoreError> {
        let mut pause = Duration::from_millis(5);
        let mut elsewhere: Option<(Address, bool)> = None;
        loop {
            let asking = matches!(elsewhere, Some((_, true)));
            let live = match (&self.route, elsewhere.take()) {
                (Route::One(lane), _) => match lane.live_now() {
                    Some(live) => live,
                    None => Box::pin(lane.live(deadline)).await?,
                },
                (Route::Cluster(cluster), None) => Box::pin(cluster.live(key, deadline)).await?,
                (Route::Cluster(cluster), Some((address, _))) => {
                    Box::pin(cluster.lane(&address).live(deadline)).await?
                }
            };
            let fault = match self.attempt(&live, request, asking, deadline).await {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            match fault {
                Fault::Elsewhere { text, once } => {
                    if let (Route::Cluster(cluster), Some(address)) = (&self.route, live.named(&text)) {
                        if !once {
                            Box::pin(cluster.learn(deadline)).await;
                        }
                        elsewhere = Some((address, once));
                    } else {
                        return Err(not_a_cluster());
                    }
                }
                Fault::Again(error) => {
                    if Instant::now() + pause >= deadline {
                        return Err(error);
                    }
                    // A server that will not write any more is asked for anew; one that is loading just needs time.
                    live.lose();
                    if let Route::Cluster(cluster) = &self.route {
                        Box::pin(cluster.learn(deadline)).await;
                    }
                    Box::pin(sleep(pause)).await;
                    pause = (pause * 2).min(Duration::from_millis(200));
                }
                Fault::NoScript => {
                    return Err(StoreError::new(Code::StoreUnavailable, "Redis keeps no scripts").untouched());
                }
                Fault::Refused(error) | Fault::Unconfirmed(error) => return Err(error),
                Fault::Unknown(error) => {
                    live.lose();
                    // A read may be run twice.
                    if !matches!(request, Request::Read(_)) || Instant::now() >= deadline {
                        return Err(error);
                    }
                }
            }
            if Instant::now() >= deadline {
                return Err(
                    StoreError::new(Code::StoreUnavailable, "Redis sends from one server to the next").untouched(),
                );
            }
        }
    }

    /// A connection of its own to the server that holds `key`, for commands that block.
    pub(super) async fn apart(&self, key: &str, deadline: Instant) -> Result<(Live, MultiplexedConnection), Trouble> {
        let live = match &self.route {
            Route::One(lane) => lane.live(deadline).await,
            Route::Cluster(cluster) => cluster.live(key, deadline).await,
        };
        let live = live.map_err(|error| Trouble { error, lasting: false })?;
        live.apart().await
    }

    /// To be called when the server that [`Self::apart`] led to was of no use. It may have become a replica or given its slots
    /// away, which a host that does not write would not notice: its connections may outlive that.
    pub(super) async fn doubt(&self) {
        let now = Instant::now();
        match &self.route {
            Route::Cluster(cluster) => {
                cluster.learn(now + PATIENCE).await;
            }
            Route::One(lane) => {
                if let Ok(live) = lane.live(now).await
                    && live.is_replica().await
                {
                    live.lose();
                }
            }
        }
    }

    async fn attempt(
        &self,
        live: &Live,
        request: Request<'_>,
        asking: bool,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let waits = self.replicas > 0 && !matches!(request, Request::Read(_));
        match request {
            Request::Read(command) | Request::Write(command) => self.send(live, command, asking, waits, deadline).await,
            Request::Script(call) => {
                let waits = waits && call.writes();
                match self
                    .send(live, &call.by_hash(live, deadline), asking, waits, deadline)
                    .await
                {
                    Err(Fault::NoScript) => {
                        let by_text = call.by_text(live, deadline);
                        Box::pin(self.send(live, &by_text, asking, waits, deadline)).await
                    }
                    answer => answer,
                }
            }
        }
    }

    async fn send(
        &self,
        live: &Live,
        command: &Cmd,
        asking: bool,
        waits: bool,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let mut connection = live.connection();
        let answer = async {
            if asking || waits {
                return Box::pin(self.send_with(connection, command, asking, waits)).await;
            }
            let answer = connection.send_packed_command(command).await;
            answer.and_then(Value::extract_error).map_err(|error| Fault::of(&error))
        };
        let late = || StoreError::new(Code::StoreUnavailable, "Redis did not answer in time");
        timeout_at(deadline.into(), answer)
            .await
            .unwrap_or_else(|_| Err(Fault::Unknown(late())))
    }

    /// Sends a command together with what must come before or after it on the same connection.
    async fn send_with(
        &self,
        mut connection: MultiplexedConnection,
        command: &Cmd,
        asking: bool,
        waits: bool,
    ) -> Result<Value, Fault> {
        let mut pipeline = Pipeline::new();
        if asking {
            pipeline.cmd("ASKING");
        }
        pipeline.add_command(command.clone());
        if waits {
            let patience = u64::try_from(REPLICA_PATIENCE.as_millis()).unwrap_or(0);
            pipeline.cmd("WAIT").arg(self.replicas).arg(patience);
        }
        let answers = connection.send_packed_commands(&pipeline, 0, pipeline.len()).await;
        let mut answers = answers
            .map_err(|error| Fault::of(&error))?
            .into_iter()
            .skip(usize::from(asking));
        let value = answers.next().unwrap_or_default().extract_error();
        let value = value.map_err(|error| Fault::of(&error))?;
        match answers.next() {
            Some(Value::Int(reached)) if u32::try_from(reached).is_ok_and(|reached| reached < self.replicas) => {
                let detail = format!("{reached} of {} replicas have taken the write in time", self.replicas);
                Err(Fault::Unconfirmed(StoreError::new(Code::StoreUnavailable, detail)))
            }
            _ => Ok(value),
        }
    }
}

fn not_a_cluster() -> StoreError {
    let detail = "this Redis is a Cluster; write 'redis+cluster://'";
    StoreError::new(Code::StoreUnavailable, detail).untouched()
}
