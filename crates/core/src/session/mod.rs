//! Sessions: sign-in, rotation of refresh tokens, limits, ends.

mod access_token;
mod activity;
mod claims;
mod clock;
mod contention;
mod csrf;
mod id;
mod limit;
mod manager;
mod record;
mod refresh_token;
pub mod rotation;
mod settings;

pub use activity::ActivityLog;
pub use claims::{ClaimChanges, changed_claims};
pub use clock::{ClockState, ClockWatch};
pub use contention::{Contention, ContentionLog};
pub use csrf::CsrfKey;
pub use id::{SessionId, TimedId};
pub use limit::{SessionLimit, WhenFull, make_room};
pub use manager::{
    Answer, Checked, Decision, Failure, Forget, Granted, Issued, Manager, RefreshRequest, Shared, SignIn,
};
pub use record::{EndReason, Ended, Record};
pub use refresh_token::{FamilySecret, RefreshKeys, RefreshToken};
pub use settings::Settings;
