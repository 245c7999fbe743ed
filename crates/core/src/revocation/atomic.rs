//! The primitives under what threads share. The model checker in `loom/` puts its own in their place.

pub(super) use std::sync::{
    Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
};
