//! One store per place and process: whoever opens the same URL gets the same state.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

use keyturn_core::{
    random::Random,
    revocation::{DEFAULT_CAPACITY, RevocationIndex},
    session::Shared,
    store::{Store, StoreError},
};

use crate::{MemoryStore, RedisStore, SqliteStore, StoreUrl};

/// The stores of this process by place. Weak references only, so a store that nobody uses goes away by itself. The lock is
/// held while a store is made, which does no I/O.
static STORES: OnceLock<Mutex<HashMap<String, Weak<Shared>>>> = OnceLock::new();

/// The shared state of the store at `url`. `memory:` is a new one each time; anything else is the one that this process
/// already has, unless that has been closed. Opens no file yet: a store's own thread does, and every step reports failure.
pub fn open(url: &StoreUrl, random: &dyn Random) -> Result<Arc<Shared>, StoreError> {
    let Some(place) = place(url) else {
        return shared(Arc::new(MemoryStore::new()), random);
    };
    let mut stores = STORES
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    stores.retain(|_, known| known.strong_count() > 0);
    if let Some(known) = stores.get(&place).and_then(Weak::upgrade)
        && !known.is_closed()
    {
        return Ok(known);
    }
    let store: Arc<dyn Store> = match url {
        StoreUrl::Memory { .. } => Arc::new(MemoryStore::new()),
        StoreUrl::Redis { url, .. } => Arc::new(RedisStore::open(url)?),
        StoreUrl::Sqlite { path } => Arc::new(SqliteStore::open(path)?),
    };
    let made = shared(store, random)?;
    stores.insert(place, Arc::downgrade(&made));
    Ok(made)
}

fn shared(store: Arc<dyn Store>, random: &dyn Random) -> Result<Arc<Shared>, StoreError> {
    let index = RevocationIndex::new(DEFAULT_CAPACITY, random)
        .map_err(|error| StoreError::new(error.code(), error.to_string()))?;
    Ok(Shared::new(store, index))
}

/// What tells one store from another; `None` for a private one.
fn place(url: &StoreUrl) -> Option<String> {
    match url {
        StoreUrl::Memory { name } => name.as_ref().map(|name| format!("memory:{name}")),
        // With its password: who knows another one has another store, until Redis says otherwise. It is never printed.
        StoreUrl::Redis { text, .. } => Some(text.to_string()),
        StoreUrl::Sqlite { path } => Some(format!("sqlite:{}", absolute(path).display())),
    }
}

/// The path with links resolved as far as it exists, so that two spellings of one file are one store.
fn absolute(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(real) = whole.canonicalize() {
        return real;
    }
    match (
        whole.parent().and_then(|parent| parent.canonicalize().ok()),
        whole.file_name(),
    ) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use keyturn_core::random::SystemRandom;

    use super::*;

    fn open_url(url: &str) -> Arc<Shared> {
        open(&StoreUrl::parse(url).unwrap(), &SystemRandom::new()).unwrap()
    }

    #[test]
    fn a_private_store_is_new_each_time_and_a_named_one_is_the_same() {
        assert!(!Arc::ptr_eq(&open_url("memory:"), &open_url("memory:")));
        let named = open_url("memory:same");
        assert!(Arc::ptr_eq(&named, &open_url("memory:same")));
        assert!(!Arc::ptr_eq(&named, &open_url("memory:other")));
    }

    #[test]
    fn two_spellings_of_one_file_are_one_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display();
        let first = open_url(&format!("sqlite:{path}/a.db"));
        assert!(Arc::ptr_eq(
            &first,
            &open_url(&format!(
                "sqlite:{path}/../{}/./a.db",
                folder.path().file_name().unwrap().display()
            ))
        ));
    }
}
