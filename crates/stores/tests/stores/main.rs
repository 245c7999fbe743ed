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
mod examine;
mod faults;
mod freshness;
mod histories;
mod keys;
mod manager;
mod manager_options;
mod model;
mod model_rights;
mod option_model;
mod pairing;
mod permissions;
mod races;
mod redis_cluster;
mod redis_commands;
mod redis_endings;
mod redis_judgement;
mod redis_proxy;
mod redis_sentinel;
mod redis_server;
mod redis_trouble;
mod redis_watch;
mod renewal;
mod ring;
mod rotation_options;
mod sqlite;
mod stored_late;
mod strategies;
mod support;
