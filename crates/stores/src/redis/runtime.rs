//! The threads on which every Redis store of the process works, made when the first is opened.

use std::{num::NonZero, sync::OnceLock, thread};

use keyturn_core::{error::Code, store::StoreError};
use tokio::runtime::{Builder, Handle, Runtime};

/// Answers are finished on these threads, which includes signing the access token. More would mostly wait for each other.
const MOST_THREADS: usize = 2;

static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();

/// One core is left to Node's own thread: where there are two, a second one here costs a third more for each step.
fn threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    cores.saturating_sub(1).clamp(1, MOST_THREADS)
}

/// Where to spawn. The threads wait without work when no store is open, and end with the process.
pub(super) fn handle() -> Result<&'static Handle, StoreError> {
    let made = RUNTIME.get_or_init(|| {
        // redis-rs takes the process's provider. Another one that is there already does as well.
        let _already = rustls::crypto::ring::default_provider().install_default();
        Builder::new_multi_thread()
            .worker_threads(threads())
            .thread_name("keyturn-redis")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())
    });
    match made {
        Ok(runtime) => Ok(runtime.handle()),
        Err(error) => {
            Err(StoreError::new(Code::StoreUnavailable, format!("no threads for the store: {error}")).untouched())
        }
    }
}
