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
            Mutex, MutexGuard, RwLock, RwLockReadGuard,
            atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
        };

        /// loom has none; this one shows it who has seen the value being made.
        #[derive(Debug)]
        pub(super) struct OnceLock<T> {
            value: std::sync::OnceLock<T>,
            is_made: AtomicBool,
            making: Mutex<()>,
        }

        impl<T> OnceLock<T> {
            pub(super) fn new() -> Self {
                Self {
                    value: std::sync::OnceLock::new(),
                    is_made: AtomicBool::new(false),
                    making: Mutex::new(()),
                }
            }

            pub(super) fn get(&self) -> Option<&T> {
                self.value.get().filter(|_| self.is_made.load(Ordering::Acquire))
            }

            pub(super) fn set(&self, value: T) -> Result<(), T> {
                let _making = self.making.lock().unwrap();
                self.value.set(value)?;
                self.is_made.store(true, Ordering::Release);
                Ok(())
            }
        }
    }

    #[path = "../../../crates/core/src/revocation/bound.rs"]
    pub(super) mod bound;
    #[path = "../../../crates/core/src/revocation/cutoff.rs"]
    pub(super) mod cutoff;
    #[path = "../../../crates/core/src/revocation/digest.rs"]
    pub(super) mod digest;
    #[path = "../../../crates/core/src/revocation/entries.rs"]
    pub(super) mod entries;
    #[path = "../../../crates/core/src/revocation/everything.rs"]
    pub(super) mod everything;
    #[path = "../../../crates/core/src/revocation/expiry.rs"]
    pub(super) mod expiry;
    #[path = "../../../crates/core/src/revocation/filter.rs"]
    pub(super) mod filter;
    #[path = "../../../crates/core/src/revocation/table.rs"]
    pub(super) mod table;

    mod bound_tests;
    mod everything_tests;
    mod filter_tests;
    mod table_tests;
}
