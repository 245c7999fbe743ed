//! The stores from outside: one contract suite for all of them, and what each has of its own. One binary, because every
//! test binary is linked with whole-program optimisation.

mod contract;
mod faults;
mod manager;
mod model;
mod races;
mod sqlite;
mod support;
