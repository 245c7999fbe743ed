//! Making connections: settings, TLS, and asking Sentinels for the master.

use std::{sync::Arc, time::Duration};

use keyturn_core::error::Code;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisConnectionInfo,
    RedisError, TlsCertificates, aio::MultiplexedConnection, io::tcp::TcpSettings,
};

use super::{
    super::{
        trouble::Trouble,
        url::{Address, Kind, Login, RedisUrl},
    },
    Live,
    server::query,
};

/// How long one attempt to connect may take.
const CONNECT: Duration = Duration::from_secs(2);

/// Makes connections as a URL says.
#[derive(Clone)]
pub(super) struct Dialer(Arc<RedisUrl>);

impl Dialer {
    pub(super) fn new(url: RedisUrl) -> Self {
        Self(Arc::new(url))
    }

    pub(super) fn hosts(&self) -> &[Address] {
        &self.0.hosts
    }

    /// The server that takes writes; not for a Cluster, which has several.
    pub(super) async fn master(&self) -> Result<Live, Trouble> {
        let Kind::Sentinel { master, login } = &self.0.kind else {
            return Live::connect(self, self.first()?).await;
        };
        let mut trouble = Trouble::passing("no Sentinel can be reached");
        for sentinel in &self.0.hosts {
            match self.ask_sentinel(sentinel, master, login).await {
                Ok(address) => match Live::connect(self, &address).await {
                    Ok(live) => return Ok(live),
                    // Another Sentinel may know better.
                    Err(error) => trouble = error,
                },
                Err(error) => trouble = error,
            }
        }
        Err(trouble)
    }

    /// A connection to a server, with the login of the URL.
    pub(super) async fn connect(
        &self,
        address: &Address,
        on_push: impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, Trouble> {
        let config = AsyncConnectionConfig::new().set_push_sender(on_push);
        self.open(address, &self.0.login, self.0.db, config).await
    }

    async fn ask_sentinel(&self, sentinel: &Address, master: &str, login: &Login) -> Result<Address, Trouble> {
        let connection = self.open(sentinel, login, 0, AsyncConnectionConfig::new()).await?;
        let mut command = redis::cmd("SENTINEL");
        command.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let found: Option<(String, u16)> = query(connection, command)
            .await
            .map_err(|error| Trouble::of_connecting(sentinel, &error))?;
        let unknown = || {
            Trouble::lasting(
                Code::StoreUnavailable,
                format!("the Sentinel at {sentinel} does not know this master"),
            )
        };
        found.map(|(host, port)| Address { host, port }).ok_or_else(unknown)
    }

    async fn open(
        &self,
        address: &Address,
        login: &Login,
        db: i64,
        config: AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, Trouble> {
        let trouble = |error: RedisError| Trouble::of_connecting(address, &error);
        // Every wait has a limit of its own further up.
        let config = config.set_connection_timeout(Some(CONNECT)).set_response_timeout(None);
        let client = self.client(address, login, db).await?;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
            .map_err(trouble)
    }

    async fn client(&self, address: &Address, login: &Login, db: i64) -> Result<Client, Trouble> {
        // CLIENT SETINFO is of Redis 7.2.
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(db)
            .set_skip_set_lib_name();
        if let Some(user) = &login.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &login.password {
            settings = settings.set_password(password.as_str());
        }
        let (host, port) = (address.host.clone(), address.port);
        let trouble = |error: RedisError| Trouble::of_connecting(address, &error);
        let info = |place: ConnectionAddr| {
            let info = place.into_connection_info()?;
            let tcp = TcpSettings::default().set_nodelay(true);
            Ok(info.set_redis_settings(settings).set_tcp_settings(tcp))
        };
        if !self.0.tls {
            return Client::open(info(ConnectionAddr::Tcp(host, port)).map_err(trouble)?).map_err(trouble);
        }
        let info = info(ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        })
        .map_err(trouble)?;
        let Some(ca) = &self.0.ca else {
            return Client::open(info).map_err(trouble);
        };
        // Read anew each time: certificates are replaced while processes run.
        let read = tokio::task::spawn_blocking({
            let ca = ca.clone();
            move || std::fs::read(ca)
        });
        let root_cert = match read.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(Trouble::passing(format!("{}: {error}", ca.display()))),
            Err(error) => return Err(Trouble::passing(error.to_string())),
        };
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: Some(root_cert),
        };
        Client::build_with_tls(info, certificates).map_err(trouble)
    }

    fn first(&self) -> Result<&Address, Trouble> {
        let missing = || Trouble::lasting(Code::OptionInvalid, "a Redis URL needs a host");
        self.0.hosts.first().ok_or_else(missing)
    }
}
