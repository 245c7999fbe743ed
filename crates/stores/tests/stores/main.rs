//! The stores from outside: one contract suite for all of them, and what each has of its own. One binary, because every
//! test binary is linked with whole-program optimisation.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test a failure is the point; clippy knows test functions, but not what they call"
)]

mod contract;
mod faults;
mod keys;
mod manager;
mod model;
mod races;
mod ring;
mod sqlite;
mod support;
