//! The primitives under what threads share. The model checker in `loom/` puts its own in their place.

pub(super) use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};
