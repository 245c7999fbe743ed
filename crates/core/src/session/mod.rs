//! Sessions: sign-in, rotation of refresh tokens, limits, ends.

mod access_token;
mod activity;
mod csrf;
mod id;
mod keys;
mod manager;
mod record;
mod refresh_token;
pub mod rotation;
mod settings;

pub use activity::ActivityLog;
pub use csrf::CsrfKeys;
pub use id::{SessionId, TimedId};
pub use keys::KeyOptions;
pub use manager::{Answer, Failure, Forget, Granted, Issued, Manager, Shared, SignIn};
pub use record::{EndReason, Ended, Record};
pub use refresh_token::{FamilySecret, RefreshKeys, RefreshToken};
pub use settings::Settings;
