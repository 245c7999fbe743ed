//! Store URLs.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use keyturn_core::{error::Code, store::StoreError};
use zeroize::Zeroizing;

use crate::RedisUrl;

/// Where sessions are kept.
#[derive(Clone, Eq, PartialEq)]
pub enum StoreUrl {
    /// `memory:` is private to one set of sessions, `memory:NAME` is shared by the threads of the process.
    Memory {
        /// The name, if it has one.
        name: Option<String>,
    },
    /// `redis://...` and its kin.
    Redis {
        /// What it says.
        url: Box<RedisUrl>,
        /// All of it, the password included.
        text: Zeroizing<String>,
    },
    /// `sqlite:PATH`.
    Sqlite {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory { name } => f.debug_struct("Memory").field("name", name).finish(),
            Self::Redis { url, .. } => f.debug_tuple("Redis").field(url).finish(),
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
        }
    }
}

impl StoreUrl {
    /// Reads a URL; anything that is not understood is [`Code::OptionInvalid`] with the forms that are.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |detail: &str| Err(StoreError::new(Code::OptionInvalid, detail));
        if let Some(name) = url.strip_prefix("memory:") {
            let name = (!name.is_empty()).then(|| name.to_owned());
            return Ok(Self::Memory { name });
        }
        if let Some(redis) = RedisUrl::parse(url) {
            return Ok(Self::Redis {
                url: Box::new(redis?),
                text: url.to_owned().into(),
            });
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return refused(
                "store takes 'memory:', 'memory:NAME', 'sqlite:PATH' or 'redis://HOST', for example \
                 'sqlite:./data/keyturn.db'",
            );
        };
        if path.is_empty() || path.ends_with('/') || path.contains('\0') {
            return refused("'sqlite:' needs the path of a file, for example 'sqlite:./data/keyturn.db'");
        }
        if path == ":memory:" || path.starts_with("file:") {
            return refused("'sqlite:' takes a plain path; for a store without a file use 'memory:'");
        }
        let path = match path.strip_prefix("//") {
            Some(rest) if rest.starts_with('/') => rest,
            // `//x` would be `/x`, which nobody means who writes `sqlite://x`.
            Some(_) => {
                return refused(
                    "'sqlite://' takes an absolute path, 'sqlite:///var/lib/app.db'; a relative one is 'sqlite:./app.db'",
                );
            }
            None => path,
        };
        Ok(Self::Sqlite {
            path: Path::new(path).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_forms_are_read() {
        assert_eq!(StoreUrl::parse("memory:").unwrap(), StoreUrl::Memory { name: None });
        assert_eq!(
            StoreUrl::parse("memory:a").unwrap(),
            StoreUrl::Memory { name: Some("a".into()) }
        );
        for (url, path) in [
            ("sqlite:a.db", "a.db"),
            ("sqlite:/x/a.db", "/x/a.db"),
            ("sqlite:///x/a.db", "/x/a.db"),
        ] {
            assert_eq!(StoreUrl::parse(url).unwrap(), StoreUrl::Sqlite { path: path.into() });
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_would_do() {
        for url in [
            "",
            "a.db",
            "sqlite:",
            "sqlite:dir/",
            "sqlite::memory:",
            "sqlite:file:a",
            "redis:x",
            "redis://",
            "http://x",
            "sqlite://x",
            "sqlite://./a.db",
            "sqlite:a\0b",
        ] {
            let error = StoreUrl::parse(url).unwrap_err();
            assert_eq!(error.code, Code::OptionInvalid, "{url:?}");
        }
    }
}
