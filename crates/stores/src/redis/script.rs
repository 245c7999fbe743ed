//! The Lua scripts, one a step.

use std::{sync::LazyLock, time::Instant};

use redis::Cmd;

use super::link::Live;

/// A script and the digest by which the server knows it.
pub(super) struct Script {
    text: &'static str,
    hash: LazyLock<String>,
    writes: bool,
}

macro_rules! script {
    ($name:ident, $file:literal, $writes:literal, $about:literal) => {
        #[doc = $about]
        pub(super) static $name: Script = Script {
            text: include_str!($file),
            hash: LazyLock::new(|| sha1_smol::Sha1::from(include_str!($file)).digest().to_string()),
            writes: $writes,
        };
    };
}

script!(
    ADMIT,
    "lua/admit.lua",
    true,
    "Puts a session into an index that is still as it was read."
);
script!(CREATE, "lua/create.lua", true, "Stores a new session.");
script!(END, "lua/end.lua", true, "Ends a session.");
script!(FORGET, "lua/forget.lua", true, "Deletes expired revocations.");
script!(INDEX, "lua/index.lua", true, "Puts a session into an index.");
script!(LIVES, "lua/lives.lua", true, "Keeps the longest lives.");
script!(POSITION, "lua/position.lua", false, "How far the news have come.");
script!(REFRESH, "lua/refresh.lua", true, "Judges a refresh token.");
script!(REVOKE, "lua/revoke.lua", true, "Stores revocations.");
script!(RIGHTS, "lua/rights.lua", true, "Gives a session other claims.");
script!(SAVE_KEYS, "lua/save_keys.lua", true, "Stores the keys of a purpose.");
script!(TOUCH, "lua/touch.lua", true, "Moves activity forward.");

/// As much as most calls need.
const ROOM: usize = 256;
const ROOM_FOR_ARGS: usize = 20;

/// A script with its keys, which all lie in one slot, and its arguments.
pub(super) struct Call {
    script: &'static Script,
    keys: Vec<String>,
    /// One after another, and where each ends.
    args: Vec<u8>,
    ends: Vec<usize>,
    timely: bool,
}

impl Call {
    pub(super) fn new(script: &'static Script, keys: impl IntoIterator<Item = String>) -> Self {
        Self {
            script,
            keys: keys.into_iter().collect(),
            args: Vec::with_capacity(ROOM),
            ends: Vec::with_capacity(ROOM_FOR_ARGS),
            timely: false,
        }
    }

    pub(super) fn arg(mut self, arg: impl AsRef<[u8]>) -> Self {
        self.args.extend_from_slice(arg.as_ref());
        self.ends.push(self.args.len());
        self
    }

    /// A number as decimal text.
    pub(super) fn number(self, number: impl Into<u64>) -> Self {
        let number: u64 = number.into();
        self.arg(itoa::Buffer::new().format(number))
    }

    /// The last argument is the server's time at which the caller gives up. A server that had stopped for a while must not
    /// run what nobody waits for any more.
    pub(super) fn timely(mut self) -> Self {
        self.timely = true;
        self
    }

    /// The key that decides where it runs.
    pub(super) fn key(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    pub(super) fn writes(&self) -> bool {
        self.script.writes
    }

    pub(super) fn by_hash(&self, live: &Live, deadline: Instant) -> Cmd {
        self.command("EVALSHA", &self.script.hash, live, deadline)
    }

    pub(super) fn by_text(&self, live: &Live, deadline: Instant) -> Cmd {
        self.command("EVAL", self.script.text, live, deadline)
    }

    fn command(&self, name: &str, script: &str, live: &Live, deadline: Instant) -> Cmd {
        let mut command = Cmd::with_capacity(self.ends.len() + ROOM_FOR_ARGS, script.len() + self.args.len() + ROOM);
        command.arg(name).arg(script).arg(self.keys.len()).arg(&self.keys);
        let mut begin = 0;
        for end in &self.ends {
            command.arg(self.args.get(begin..*end).unwrap_or_default());
            begin = *end;
        }
        if self.timely {
            command.arg(live.time_at(deadline));
        }
        command
    }
}
