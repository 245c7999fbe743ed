//! Sessions: sign-in, rotation of refresh tokens, limits, ends.

mod access_token;
mod activity;
mod claims_change;
mod csrf;
mod id;
mod manager;
mod pairing;
mod past_token;
mod record;
mod refresh_token;
mod renew;
pub mod rotation;
mod settings;

pub use activity::ActivityLog;
pub use claims_change::ClaimsChange;
pub use csrf::CsrfKey;
pub use id::{SessionId, TimedId};
pub use manager::{Answer, Failure, Forget, Granted, Issued, Manager, Renewal, Shared, SignIn};
pub use pairing::Pairing;
pub use record::{EndReason, Ended, Record};
pub use refresh_token::{FamilySecret, RefreshKeys, RefreshToken};
pub use renew::{RenewAsk, renew};
pub use settings::Settings;
