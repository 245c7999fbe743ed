//! Revocations for JavaScript.

use keyturn_core::{encoding::json::Text, jwt::Identity, revocation::Revocation, session::ClaimChanges, store::Which};
use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

use crate::{
    answer::{DoneAnswer, EndedAnswer},
    error::number,
    promise,
    session::{NativeSessions, revoked},
    time,
};

/// The claims that revocation looks at.
#[napi(object)]
pub struct NativeIdentity {
    pub jti: Option<String>,
    pub sid: Option<String>,
    pub sub: Option<String>,
    pub iat: Option<f64>,
}

/// Roles and permissions; what is not given stays.
#[napi(object)]
pub struct NativeRights {
    pub roles: Option<Vec<String>>,
    pub permissions: Option<Vec<String>>,
}

#[napi]
impl NativeSessions {
    /// Revokes one token until it would have expired.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn revoke_token<'env>(&self, env: &'env Env, jti: String, expires_at: f64) -> napi::Result<Object<'env>> {
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.revoke_token(jti, time::now(expires_at), answer);
        })
    }

    /// Revokes everything that a key signed.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn revoke_key<'env>(&self, env: &'env Env, kid: String) -> napi::Result<Object<'env>> {
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager.revoke(Revocation::key(kid), answer);
        })
    }

    /// Makes the subject's access tokens stale, and gives its sessions these roles and permissions.
    #[napi(ts_return_type = "Promise<DoneAnswer>")]
    pub fn change_permissions<'env>(
        &self,
        env: &'env Env,
        subject: String,
        rights: NativeRights,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        let changes = ClaimChanges {
            roles: rights.roles,
            permissions: rights.permissions,
            own: None,
        };
        promise::of(env, DoneAnswer::from_result, |answer| {
            self.manager
                .change_permissions(subject, changes, time::now(now), answer);
        })
    }

    /// Revokes everything of a subject up to a moment, or all there is, and ends those sessions.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn revoke_subject<'env>(
        &self,
        env: &'env Env,
        subject: String,
        before: Option<f64>,
        now: f64,
    ) -> napi::Result<Object<'env>> {
        promise::of(env, EndedAnswer::from_result, |answer| {
            let before = before.map(time::now);
            self.manager.end(
                revoked(
                    Which::Subject {
                        subject,
                        before,
                        except: None,
                    },
                    now,
                ),
                answer,
            );
        })
    }

    /// Revokes everything up to a moment, or all there is, and ends those sessions.
    #[napi(ts_return_type = "Promise<EndedAnswer>")]
    pub fn revoke_everything<'env>(&self, env: &'env Env, before: Option<f64>, now: f64) -> napi::Result<Object<'env>> {
        promise::of(env, EndedAnswer::from_result, |answer| {
            self.manager.end(
                revoked(
                    Which::Everything {
                        before: before.map(time::now),
                    },
                    now,
                ),
                answer,
            );
        })
    }

    /// The error number for a revoked identity, or nothing for one that is not.
    #[napi(catch_unwind)]
    pub fn revocation_of(&self, identity: NativeIdentity, now: f64) -> Option<u32> {
        let identity = Identity {
            jti: identity.jti.as_deref().map(Text::literal),
            sid: identity.sid.as_deref().map(Text::literal),
            sub: identity.sub.as_deref().map(Text::literal),
            kid: None,
            issued: identity.iat.map(|iat| time::span(iat).as_millis()),
        };
        let check = self.manager.revocation_check();
        check
            .and_then(|check| check.check(&identity, time::now(now)))
            .err()
            .map(number)
    }
}
