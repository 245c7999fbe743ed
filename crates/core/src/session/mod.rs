//! Sessions: sign-in, rotation of refresh tokens, limits, ends.

mod access_token;
mod activity;
mod claims;
mod clock;
mod contention;
mod csrf;
mod exchange;
mod id;
mod keys;
mod limit;
mod manager;
mod pairing;
mod past_token;
mod permissions;
mod record;
mod refresh_token;
mod renew;
pub mod rotation;
mod settings;
mod strategy;

pub use activity::ActivityLog;
pub use claims::{ClaimChanges, changed_claims};
pub use clock::{ClockState, ClockWatch};
pub use contention::{Contention, ContentionLog};
pub use csrf::CsrfKeys;
pub use id::{IdText, SessionId, TimedId};
pub use keys::KeyOptions;
pub use limit::{SessionLimit, WhenFull, make_room};
pub use manager::{
    Answer, Checked, Decision, Failure, Forget, Granted, Issued, Manager, RefreshRequest, Renewal, Shared, SignIn,
    StoredLate, Unstored,
};
pub use pairing::Pairing;
pub use permissions::{NewNames, NewRights, PermissionsAsk, RightsTimes, change_permissions};
pub use record::{EndReason, Ended, Record};
pub use refresh_token::{FamilySecret, RefreshKeys, RefreshToken};
pub use renew::{RenewAsk, Renewed, renew};
pub use settings::Settings;
pub use strategy::Strategy;
