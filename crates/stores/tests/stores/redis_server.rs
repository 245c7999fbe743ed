//! Real Redis servers for the tests: on loopback ports of their own, gone with the test.

use std::{
    env, fs,
    io::Write,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Once,
    thread,
    time::{Duration, Instant},
};

use keyturn_core::store::StoreError;
use keyturn_stores::{RedisStore, RedisUrl, StoreUrl};
use tempfile::TempDir;

/// A server under the test's control. It is killed when dropped, with whatever it keeps.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    arguments: Vec<String>,
    folder: TempDir,
    child: Child,
}

impl RedisServer {
    /// A server that keeps nothing on disk, or `None` if there is none to start; then the skip is told, and is a failure where
    /// everything is required.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn with(arguments: &[&str]) -> Option<Self> {
        if !is_there() {
            return None;
        }
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        // Somebody else may have taken the port by the time that the server opens it.
        (0..10).find_map(|_| Self::on(free_port(), &arguments))
    }

    fn on(port: u16, arguments: &[String]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self {
            port,
            arguments: arguments.to_vec(),
            child: spawn(port, arguments, folder.path()),
            folder,
        };
        server.answers().then_some(server)
    }

    /// Its URL as a store, whose keys begin with `keyturn:`.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// A store on it.
    pub(crate) fn store(&self) -> RedisStore {
        open(&self.url()).unwrap()
    }

    /// What redis-cli prints.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        cli(self.port, arguments)
    }

    /// Stops the process as it stands, or lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        // The shell's own: not every machine has a program of that name.
        let status = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.child.id())])
            .status();
        assert!(status.unwrap().success());
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again on the same port with what is in its folder.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.arguments, self.folder.path());
        assert!(self.answers());
    }

    /// Waits until it answers; `false` if it has ended.
    fn answers(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let answer = self.cli(&["ping"]);
            if answer == "PONG" || answer.contains("NOAUTH") || self.arguments.contains(&"--tls-port".to_owned()) {
                return true;
            }
            thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// A store at a URL.
pub(crate) fn open(url: &str) -> Result<RedisStore, StoreError> {
    RedisStore::open(&redis_url(url))
}

pub(crate) fn redis_url(url: &str) -> RedisUrl {
    match StoreUrl::parse(url).unwrap() {
        StoreUrl::Redis { url, .. } => *url,
        other => panic!("{other:?} is no Redis URL"),
    }
}

/// What redis-cli prints.
pub(crate) fn cli(port: u16, arguments: &[&str]) -> String {
    let output = Command::new("redis-cli")
        .args(["-p", &port.to_string()])
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A Cluster's bus takes the port ten thousand higher.
        if port < 55_000 {
            return port;
        }
    }
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn spawn(port: u16, arguments: &[String], folder: &Path) -> Child {
    Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .arg("--dir")
        .arg(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether Redis can be started. If not, the skip is told, and is a failure where everything is required.
pub(crate) fn is_there() -> bool {
    let is_there = is_installed();
    if !is_there {
        tell_of_the_skip("redis-server: install redis-server");
    }
    is_there
}

fn is_installed() -> bool {
    let found = |program: &str| {
        Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_ok()
    };
    found("redis-server") && found("redis-cli")
}

/// Says what is missing, once a process, or fails where everything is required.
pub(crate) fn tell_of_the_skip(hint: &str) {
    static ONCE: Once = Once::new();
    assert!(env::var("KEYTURN_REQUIRE_ALL").as_deref() != Ok("1"), "{hint}");
    ONCE.call_once(|| {
        eprintln!("skipped: {hint}");
        if let Ok(path) = env::var("KEYTURN_SKIP_LOG") {
            let log = fs::OpenOptions::new().create(true).append(true).open(path);
            writeln!(log.unwrap(), "{hint}").unwrap();
        }
    });
}
