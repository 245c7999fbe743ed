//! Sessions for JavaScript.

use std::sync::Arc;

use keyturn_core::{
    crypto::install_provider,
    error::{Code, Error},
    random::SystemRandom,
    session::{
        ClaimChanges, Decision, EndReason, Forget, KeyOptions, Manager, Pairing, RefreshRequest, Renewal, SessionId,
        SessionLimit, Settings, SignIn, Strategy, WhenFull,
        rotation::{Heal, Mismatch},
    },
    store::{EndAsk, Which},
    time::UnixMs,
};
use keyturn_stores::StoreUrl;
use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

use crate::{
    answer::{CheckAnswer, DoneAnswer, EndedAnswer, ListAnswer, PairAnswer, TimeAnswer},
    error::{Thrown, store_thrown, thrown},
    key_set::{NativeKeySet, public_jwks},
    promise,
    session_keys::{NativeTimetable, key_options},
    time,
};

/// The options of `createSessions`, checked for types by its caller. Spans in milliseconds.
#[napi(object)]
pub struct NativeSessionOptions {
    pub strategy: String,
    pub store: String,
    pub issuer: String,
    pub audience: String,
    pub access_ttl: f64,
    pub grace: f64,
    pub idle: f64,
    pub absolute: f64,
    pub heal: String,
    pub pairing: String,
    pub binding: Option<String>,
    pub on_refresh: bool,
    pub max_sessions: Option<NativeSessionLimit>,
}

/// How many sessions a subject may have, and what gives way.
#[napi(object)]
pub struct NativeSessionLimit {
    pub count: u32,
    pub when: String,
}

/// A sign-in. `claims` is JSON text.
#[napi(object)]
pub struct NativeSignIn {
    pub subject: String,
    pub roles: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
    pub claims: Option<String>,
    pub device: Option<String>,
    pub context: Option<String>,
}

/// A refresh. `report`: milliseconds since the user's last input.
#[napi(object)]
pub struct NativeRefresh {
    pub token: String,
    pub report: Option<f64>,
    pub context: Option<String>,
    pub origin: Option<String>,
    pub access_token: Option<String>,
    pub decision: Option<NativeDecision>,
}

/// What the application decided: what it replaces of `instead_of`, when the request came, and the `read_at` of the check.
/// `claims` is JSON text.
#[napi(object)]
pub struct NativeDecision {
    pub roles: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
    pub claims: Option<String>,
    pub instead_of: String,
    pub arrived: f64,
    pub read_at: f64,
}

/// A session to be put in the place of that of a refresh token. `claims` is JSON text.
#[napi(object)]
pub struct NativeRenewal {
    pub token: String,
    pub roles: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
    pub claims: Option<String>,
    pub authenticated: bool,
    pub context: Option<String>,
    pub read_at: Option<f64>,
}

/// A session manager.
#[napi(js_name = "NativeSessions")]
pub struct NativeSessions {
    pub(crate) manager: Arc<Manager>,
}

#[napi]
impl NativeSessions {
    /// Sessions over the store at `options.store`. Without `keys` the store keeps a ring of that timetable. Nothing is opened
    /// before `open`.
    #[napi(factory, catch_unwind)]
    pub fn create(
        options: NativeSessionOptions,
        keys: Option<&NativeKeySet>,
        timetable: Option<NativeTimetable>,
    ) -> Result<Self, Thrown> {
        install_provider();
        let settings = Settings {
            strategy: named(Strategy::from_text(&options.strategy))?,
            issuer: options.issuer,
            audience: options.audience,
            access_ttl: time::span(options.access_ttl),
            grace: time::span(options.grace),
            idle: time::span(options.idle),
            absolute: time::span(options.absolute),
            pairing: named(Pairing::from_text(&options.pairing))?,
            heal: named(Heal::from_text(&options.heal))?,
            binding: options
                .binding
                .map(|name| named(Mismatch::from_text(&name)))
                .transpose()?,
            on_refresh: options.on_refresh,
            max_sessions: options.max_sessions.map(limit).transpose()?,
        };
        settings.check().map_err(thrown)?;
        let random = SystemRandom::new();
        let url = StoreUrl::parse(&options.store).map_err(store_thrown)?;
        let shared = keyturn_stores::open(&url, &random).map_err(store_thrown)?;
        let keys = KeyOptions {
            given: keys.map(|set| Arc::clone(&set.keys)),
            ..key_options(timetable.as_ref()).map_err(thrown)?
        };
        let manager = Manager::new(settings, shared, keys, Arc::new(random)).map_err(thrown)?;
        Ok(Self { manager })
    }

    /// Loads keys and revocations.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn open<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.open(time::now(now), answer);
        })
    }

    /// Starts a session.
    #[napi(ts_return_type = "Promise<PairAnswer>")]
    pub fn start<'env>(&self, env: &'env Env, sign_in: NativeSignIn, now: f64) -> napi::Result<Object<'env>> {
        let sign_in = SignIn {
            subject: sign_in.subject,
            roles: sign_in.roles,
            permissions: sign_in.permissions,
            claims: sign_in.claims,
            device: sign_in.device,
            context: sign_in.context,
        };
        promise::of(env, PairAnswer::from_started, |answer| {
            self.manager.start(&sign_in, time::now(now), answer);
        })
    }

    /// Exchanges a refresh token.
    #[napi(ts_return_type = "Promise<PairAnswer>")]
    pub fn refresh<'env>(&self, env: &'env Env, request: NativeRefresh, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, PairAnswer::from_refreshed, |answer| {
            self.manager.refresh(&request.as_core(), time::now(now), answer);
        })
    }

    /// Says whether a refresh would be granted, and what its session carries.
    #[napi(ts_return_type = "Promise<CheckAnswer>")]
    pub fn check_refresh<'env>(&self, env: &'env Env, request: NativeRefresh, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, CheckAnswer::from_result, |answer| {
            self.manager.check_refresh(&request.as_core(), time::now(now), answer);
        })
    }

    /// Whether [`NativeSessions::renew`] would renew, which ends the session if that is what comes of it.
    #[napi(ts_return_type = "Promise<CheckAnswer>")]
    pub fn check_renewal<'env>(&self, env: &'env Env, request: NativeRefresh, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, CheckAnswer::from_result, |answer| {
            self.manager.check_renewal(&request.as_core(), time::now(now), answer);
        })
    }

    /// Ends the session of a live refresh token and starts one in its place.
    #[napi(ts_return_type = "Promise<PairAnswer>")]
    pub fn renew<'env>(&self, env: &'env Env, renewal: NativeRenewal, now: f64) -> napi::Result<Object<'env>> {
        let renewal = &renewal;
        promise::of(env, PairAnswer::from_refreshed, |answer| {
            self.manager.renew(&renewal.as_core(), time::now(now), answer);
        })
    }

    /// The live sessions of a subject.
    #[napi(ts_return_type = "Promise<ListAnswer>")]
    pub fn list<'env>(&self, env: &'env Env, subject: String, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, ListAnswer::from_result, |answer| {
            self.manager.list(subject, time::now(now), answer);
        })
    }

    /// Ends one session; with `subject`, only if it is that subject's.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn end<'env>(
        &self,
        env: &'env Env,
        sid: String,
        subject: Option<String>,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        promise::of(env, EndedAnswer::from_result, |answer| {
            let Ok(sid) = SessionId::parse(&sid) else {
                return answer(Err(Error::new(Code::SessionUnknown).into()));
            };
            let which = Which::Session { sid, subject };
            self.manager.end(revoked(which, now), answer);
        })
    }

    /// Ends the sessions of a subject, all but one of them if `except` names it.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn end_all<'env>(
        &self,
        env: &'env Env,
        subject: String,
        except: Option<String>,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        promise::of(env, EndedAnswer::from_result, |answer| {
            let Ok(except) = except.map(|sid| SessionId::parse(&sid)).transpose() else {
                return answer(Err(
                    Error::because(Code::OptionInvalid, "except is no session id").into()
                ));
            };
            let which = Which::Subject {
                subject,
                before: None,
                except,
            };
            self.manager.end(revoked(which, now), answer);
        })
    }

    /// Ends the session of a refresh token of any generation.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn end_by_refresh_token<'env>(
        &self,
        env: &'env Env,
        token: String,
        reason: String,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        let reason = EndReason::from_text(&reason).unwrap_or(EndReason::Logout);
        promise::of(env, EndedAnswer::from_optional, |answer| {
            self.manager
                .end_by_refresh_token(&token, reason, time::now(now), answer);
        })
    }

    /// Ends all sessions of the refresh token's subject if a refresh would be granted now, else its own session only.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn end_all_by_refresh_token<'env>(
        &self,
        env: &'env Env,
        token: String,
        context: Option<String>,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        promise::of(env, EndedAnswer::from_optional, |answer| {
            let request = RefreshRequest {
                context: context.as_deref(),
                ..RefreshRequest::new(&token)
            };
            self.manager
                .end_all_by_refresh_token(&request, EndReason::Logout, time::now(now), answer);
        })
    }

    /// The sid of a token that may be presented to be refreshed, whether it still could be or not.
    #[napi(catch_unwind)]
    pub fn session_of(&self, token: String, now: f64) -> Option<String> {
        let sid = self.manager.session_of(&token, time::now(now));
        sid.ok().map(|sid| sid.to_string())
    }

    /// The CSRF token of a session.
    #[napi(catch_unwind)]
    pub fn csrf_token(&self, sid: String, now: f64) -> Result<String, Thrown> {
        let sid = SessionId::parse(&sid).map_err(thrown)?;
        Ok(self.manager.csrf().map_err(thrown)?.token(&sid, time::now(now)))
    }

    /// Whether a CSRF token is the session's.
    #[napi(catch_unwind)]
    pub fn csrf_matches(&self, sid: String, presented: String) -> Result<bool, Thrown> {
        let csrf = self.manager.csrf().map_err(thrown)?;
        Ok(SessionId::parse(&sid).is_ok_and(|sid| csrf.matches(&sid, &presented)))
    }

    /// Notes activity of a session.
    #[napi(catch_unwind)]
    pub fn note_activity(&self, sid: String, at: f64) {
        if let Ok(sid) = SessionId::parse(&sid) {
            self.manager.note_activity(sid, time::now(at));
        }
    }

    /// The public JWKs of the asymmetric keys, as JSON texts.
    #[napi(catch_unwind)]
    pub fn jwks(&self, now: f64) -> Result<Vec<String>, Thrown> {
        let keys = self.manager.keys(time::now(now)).map_err(thrown)?;
        public_jwks(&keys).map_err(thrown)
    }

    /// How many revocations are held, how often activity was dropped, and whether there are keys that cannot be read.
    #[napi(catch_unwind)]
    pub fn gauges(&self) -> Gauges {
        let shared = self.manager.shared();
        let unstored = shared.unstored();
        Gauges {
            revocations: u32::try_from(shared.index.len()).unwrap_or(u32::MAX),
            revocations_nearly_full: shared.index.is_nearly_full(),
            keys_unreadable: self.manager.keys_unreadable(),
            activity_dropped: u32::try_from(shared.activity.dropped()).unwrap_or(u32::MAX),
            waiting: u32::try_from(unstored.waiting).unwrap_or(u32::MAX),
            waiting_dropped: u32::try_from(unstored.dropped).unwrap_or(u32::MAX),
        }
    }

    /// The time of the store, if it has a clock.
    #[napi(ts_return_type = "Promise<TimeAnswer>")]
    pub fn store_time<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        promise::of(env, TimeAnswer::from_result, |answer| self.manager.store_time(answer))
    }

    /// What is to be thought of this host's clock, which said `asked` before the store said `time`, and `answered` after.
    #[napi(catch_unwind)]
    pub fn compare_clock(&self, time: f64, asked: f64, answered: f64) -> ClockComparison {
        let clock = &self.manager.shared().clock;
        let off = clock.compare(time::now(time), time::now(asked), time::now(answered));
        ClockComparison {
            off_by: time::to_js(UnixMs::default().plus(off)),
            state: clock.state().as_str().to_owned(),
        }
    }

    /// One step of forgetting expired revocations in this process; `true` if it was the last one of a round.
    #[napi(catch_unwind)]
    pub fn expire(&self, now: f64) -> bool {
        self.manager.expire(time::now(now))
    }

    /// For how many milliseconds others may have revoked what is still accepted here.
    #[napi(catch_unwind)]
    pub fn staleness(&self, now: f64) -> f64 {
        time::span_to_js(self.manager.staleness(time::now(now)))
    }

    /// Stores activity. `forget`: 0 nothing, 1 expired revocations in this process, 2 also in the store what is past use.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn maintain<'env>(&self, env: &'env Env, forget: u32, now: f64) -> napi::Result<Object<'env>> {
        let forget = match forget {
            0 => Forget::Nothing,
            1 => Forget::HerePast,
            _ => Forget::EverywherePast,
        };
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.maintain(time::now(now), forget, answer);
        })
    }

    /// Stores what has been seen and lets go of the store.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn close<'env>(&self, env: &'env Env, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.close(time::now(now), answer);
        })
    }
}

/// Numbers for an operator.
#[napi(object)]
pub struct Gauges {
    pub revocations: u32,
    pub revocations_nearly_full: bool,
    pub keys_unreadable: bool,
    pub activity_dropped: u32,
    /// Ends and revocations that are in force here and not stored yet, and those that were not even kept for later.
    pub waiting: u32,
    pub waiting_dropped: u32,
}

/// By how many milliseconds this host's clock is off at least, and whether that is `right`, `off` or `wrong`.
#[napi(object)]
pub struct ClockComparison {
    pub off_by: f64,
    pub state: String,
}

impl NativeRefresh {
    fn as_core(&self) -> RefreshRequest<'_> {
        RefreshRequest {
            token: &self.token,
            report: self.report.map(time::span),
            context: self.context.as_deref(),
            origin: self.origin.as_deref(),
            access_token: self.access_token.as_deref(),
            decision: self.decision.as_ref().map(NativeDecision::as_core),
        }
    }
}

impl NativeRenewal {
    fn as_core(&self) -> Renewal<'_> {
        Renewal {
            token: &self.token,
            changes: ClaimChanges {
                roles: self.roles.clone(),
                permissions: self.permissions.clone(),
                own: self.claims.clone(),
            },
            authenticated: self.authenticated,
            context: self.context.as_deref(),
            read_at: self.read_at.map(time::now),
        }
    }
}

impl NativeDecision {
    fn as_core(&self) -> Decision {
        Decision {
            changes: ClaimChanges {
                roles: self.roles.clone(),
                permissions: self.permissions.clone(),
                own: self.claims.clone(),
            },
            instead_of: self.instead_of.clone(),
            arrived: time::now(self.arrived),
            read_at: time::now(self.read_at),
        }
    }
}

fn limit(options: NativeSessionLimit) -> Result<SessionLimit, Thrown> {
    Ok(SessionLimit {
        count: options.count,
        when_full: named(WhenFull::from_text(&options.when))?,
    })
}

fn named<T>(option: Option<T>) -> Result<T, Thrown> {
    option.ok_or_else(|| thrown(Code::OptionInvalid.into()))
}

pub(crate) fn revoked(which: Which, now: f64) -> EndAsk {
    EndAsk::new(which, EndReason::Revoked, time::now(now))
}
