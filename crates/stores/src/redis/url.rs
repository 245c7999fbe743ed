//! Redis URLs.
//!
//! `redis://[USER[:PASSWORD]@]HOST[:PORT][/DB]`, `redis+sentinel://...HOST,HOST/MASTER`, `redis+cluster://...HOST,HOST`;
//! with `rediss` for TLS. What else there is to say stands in the query.

use std::{fmt, path::PathBuf};

use keyturn_core::{error::Code, store::StoreError};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

const PREFIX: &str = "keyturn:";

/// How many replicas a write can be asked to wait for.
const MOST_REPLICAS: u32 = 16;

/// A Redis server, a master behind Sentinels, or a Cluster. Prints without its passwords.
#[derive(Clone, Eq, PartialEq)]
pub struct RedisUrl {
    pub(super) kind: Kind,
    /// Where to ask first: the server, the Sentinels or some nodes of the Cluster.
    pub(super) hosts: Vec<Address>,
    pub(super) login: Login,
    /// Speaks TLS with every server and Sentinel.
    pub(super) tls: bool,
    /// A file with the certificate authorities to trust in place of the system's.
    pub(super) ca: Option<PathBuf>,
    pub(super) db: i64,
    /// How every key of this store begins.
    pub(super) prefix: String,
    /// How many replicas a write has to reach before it is acknowledged.
    pub(super) replicas: u32,
}

/// How the server that takes writes is found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Cluster,
    Sentinel { master: String, login: Login },
    Single,
}

/// Host and port.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// An ACL user. Without a name it is Redis's `default`.
#[derive(Clone, Default, Eq, PartialEq)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUrl")
            .field("kind", &self.kind)
            .field("hosts", &self.hosts)
            .field("db", &self.db)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

type Refusal = &'static str;

impl RedisUrl {
    /// Reads a URL; `None` if it is none of Redis. What is wrong is [`Code::OptionInvalid`] and says what would be right,
    /// without repeating the URL: there may be a password in it.
    pub fn parse(url: &str) -> Option<Result<Self, StoreError>> {
        let (scheme, rest) = url.split_once("://")?;
        let (tls, kind) = match scheme {
            "redis" => (false, "single"),
            "rediss" => (true, "single"),
            "redis+sentinel" => (false, "sentinel"),
            "rediss+sentinel" => (true, "sentinel"),
            "redis+cluster" => (false, "cluster"),
            "rediss+cluster" => (true, "cluster"),
            _ => return None,
        };
        Some(read(rest, tls, kind).map_err(|detail| StoreError::new(Code::OptionInvalid, detail)))
    }
}

fn read(rest: &str, tls: bool, kind: &str) -> Result<RedisUrl, Refusal> {
    if rest.contains('#') {
        return Err("a Redis URL takes no '#'; in a password write %23");
    }
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = place.split_once('/').unwrap_or((place, ""));
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (read_login(login)?, hosts),
        None => (Login::default(), authority),
    };
    let query = Query::read(query)?;
    let default_port = if kind == "sentinel" { 26379 } else { 6379 };
    let hosts = hosts
        .split(',')
        .map(|host| read_host(host, default_port))
        .collect::<Result<Vec<_>, _>>()?;
    let (kind, db) = match kind {
        "single" if hosts.len() > 1 => {
            return Err("'redis://' takes one host; for several write 'redis+sentinel://' or 'redis+cluster://'");
        }
        "single" => (Kind::Single, path),
        "cluster" if path.is_empty() => (Kind::Cluster, ""),
        "cluster" => return Err("a Redis Cluster has one database: 'redis+cluster://' takes no path"),
        _ if path.is_empty() || path.contains('/') => {
            return Err(
                "'redis+sentinel://' needs the name of the master, for example 'redis+sentinel://host:26379/mymaster'",
            );
        }
        _ => {
            let login = Login {
                user: query.sentinel_user,
                password: query.sentinel_password,
            };
            (
                Kind::Sentinel {
                    master: decoded(path)?,
                    login,
                },
                query.db.as_str(),
            )
        }
    };
    Ok(RedisUrl {
        kind,
        hosts,
        login,
        tls,
        ca: query.ca,
        db: if db.is_empty() { Ok(0) } else { db.parse::<u16>() }
            .map_err(|_| "the number of the Redis database is not valid")?
            .into(),
        prefix: query.prefix,
        replicas: query.replicas,
    })
}

/// What stands behind the question mark.
struct Query {
    ca: Option<PathBuf>,
    db: String,
    prefix: String,
    replicas: u32,
    sentinel_user: Option<String>,
    sentinel_password: Option<Zeroizing<String>>,
}

impl Query {
    fn read(query: &str) -> Result<Self, Refusal> {
        let mut read = Self {
            ca: None,
            db: String::new(),
            prefix: PREFIX.to_owned(),
            replicas: 0,
            sentinel_user: None,
            sentinel_password: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value)?;
            match name {
                "ca" => read.ca = Some(PathBuf::from(value)),
                "db" => read.db = value,
                "prefix" => read.prefix = checked_prefix(value)?,
                "wait" => {
                    read.replicas = value
                        .parse()
                        .ok()
                        .filter(|replicas| *replicas <= MOST_REPLICAS)
                        .ok_or("'wait' takes the number of replicas that a write has to reach, 0 to 16")?;
                }
                "sentinel-user" => read.sentinel_user = Some(value),
                "sentinel-password" => read.sentinel_password = Some(value.into()),
                _ => {
                    return Err(
                        "a Redis URL takes ca, db, prefix, sentinel-user, sentinel-password and wait behind the '?'",
                    );
                }
            }
        }
        Ok(read)
    }
}

/// Braces would choose the Cluster slot of every key.
fn checked_prefix(prefix: String) -> Result<String, Refusal> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || ":-_./".contains(character);
    if prefix.is_empty() || prefix.len() > 64 || !prefix.chars().all(allowed) {
        return Err("the key prefix takes 1 to 64 letters, digits and : - _ . /");
    }
    Ok(prefix)
}

fn read_login(login: &str) -> Result<Login, Refusal> {
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(Zeroizing::new(decoded(password)?))),
        None => (login, None),
    };
    let user = decoded(user)?;
    if !user.is_empty() && password.is_none() {
        return Err("a Redis user needs a password: 'redis://USER:PASSWORD@host'");
    }
    Ok(Login {
        user: Some(user).filter(|user| !user.is_empty()),
        password,
    })
}

fn read_host(text: &str, default_port: u16) -> Result<Address, Refusal> {
    const REFUSED: Refusal = "a Redis URL needs a host, for example 'redis://localhost:6379'";
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(REFUSED)?;
            (
                host,
                if port.is_empty() {
                    None
                } else {
                    Some(port.strip_prefix(':').ok_or(REFUSED)?)
                },
            )
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map_or(Ok(default_port), |port| {
        port.parse().map_err(|_| "the port of a Redis host is not valid")
    })?;
    if host.is_empty()
        || port == 0
        || host.contains(|character: char| character.is_whitespace() || character.is_control())
    {
        return Err(REFUSED);
    }
    Ok(Address {
        host: host.to_owned(),
        port,
    })
}

fn decoded(text: &str) -> Result<String, Refusal> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded
        .map_err(|_| "a Redis URL is percent-encoded UTF-8")?
        .into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> RedisUrl {
        RedisUrl::parse(url).unwrap().unwrap()
    }

    fn address(host: &str, port: u16) -> Address {
        Address {
            host: host.into(),
            port,
        }
    }

    #[test]
    fn a_single_server_is_read_with_all_that_can_be_said() {
        let plain = read("redis://localhost");
        assert_eq!(plain.hosts, [address("localhost", 6379)]);
        assert_eq!(
            (plain.db, plain.prefix.as_str(), plain.replicas, plain.tls),
            (0, "keyturn:", 0, false)
        );
        let full = read("rediss://app:p%40ss%3A@[::1]:6380/3?prefix=a:b:&wait=1&ca=/etc/ca.pem");
        assert_eq!(full.hosts, [address("::1", 6380)]);
        assert_eq!(full.login.user.as_deref(), Some("app"));
        assert_eq!(full.login.password.as_deref().map(String::as_str), Some("p@ss:"));
        assert_eq!(
            (full.db, full.prefix.as_str(), full.replicas, full.tls),
            (3, "a:b:", 1, true)
        );
        assert_eq!(full.ca, Some(PathBuf::from("/etc/ca.pem")));
        assert_eq!(read("redis://:secret@h").login.user, None);
    }

    #[test]
    fn sentinels_and_clusters_have_several_hosts() {
        let sentinel = read("redis+sentinel://u:p@a,b:1/main?db=2&sentinel-password=q");
        assert_eq!(sentinel.hosts, [address("a", 26379), address("b", 1)]);
        assert_eq!(sentinel.db, 2);
        let Kind::Sentinel { master, login } = sentinel.kind else {
            panic!()
        };
        assert_eq!(master, "main");
        assert_eq!(login.password.as_deref().map(String::as_str), Some("q"));
        let cluster = read("rediss+cluster://a,b,c:7000");
        assert_eq!(
            (cluster.kind, cluster.hosts.len(), cluster.tls),
            (Kind::Cluster, 3, true)
        );
    }

    #[test]
    fn a_password_is_never_printed() {
        for url in [
            "redis://u:hunter2@h",
            "redis+sentinel://u:hunter2@h/m?sentinel-password=hunter2",
        ] {
            assert!(!format!("{:?}", read(url)).contains("hunter2"));
        }
        for url in [
            "redis://u:hunter2@h:x",
            "redis://u:hunter2@h/x",
            "redis://u:hunter2@h?x=1",
        ] {
            let error = RedisUrl::parse(url).unwrap().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "redis://",
            "redis://:6379",
            "redis://a:b",
            "redis://a:0",
            "redis://a,b",
            "redis://user@a",
            "redis://a/-1",
            "redis://a/x",
            "redis://a?prefix=",
            "redis://a?prefix={x}",
            "redis://a?wait=x",
            "redis://a?wait=17",
            "redis://a?insecure=1",
            "redis://a#insecure",
            "redis://a b",
            "redis+cluster://a/1",
            "redis+sentinel://a",
            "redis+sentinel://a/x/y",
            "redis://:%ff@a",
        ] {
            let error = RedisUrl::parse(url).unwrap().unwrap_err();
            assert_eq!(error.code, Code::OptionInvalid, "{url:?}");
        }
        assert!(RedisUrl::parse("http://a").is_none());
        assert!(RedisUrl::parse("redis:").is_none());
    }
}
