//! The files of keyturn-core that threads share without a library's help, compiled a second time over loom's primitives.
//! loom runs each test under every interleaving that the memory model allows.
#![cfg(test)]
#![allow(dead_code, reason = "a test needs part of a file")]

#[path = "../../crates/core/src/time.rs"]
mod time;

mod revocation {
    /// Stands in for the core's module of the same name.
    mod atomic {
        pub(super) use std::sync::PoisonError;

        pub(super) use loom::sync::{
            Mutex,
            atomic::{AtomicU64, AtomicUsize, Ordering},
        };
    }

    #[path = "../../../crates/core/src/revocation/bound.rs"]
    pub(super) mod bound;
    #[path = "../../../crates/core/src/revocation/cutoff.rs"]
    pub(super) mod cutoff;
    #[path = "../../../crates/core/src/revocation/everything.rs"]
    pub(super) mod everything;
    #[path = "../../../crates/core/src/revocation/expiry.rs"]
    pub(super) mod expiry;

    mod bound_tests;
    mod everything_tests;
}
