//! Limits on how often something may happen.

mod gcra;

pub use gcra::Limiter;
