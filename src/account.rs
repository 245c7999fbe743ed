//! Accounts for JavaScript.

use keyturn_core::{account::Account, session::Failure};
use napi::{Env, bindgen_prelude::Object};
use napi_derive::napi;

use crate::{answer::NativeFailure, promise, session::NativeSessions};

/// An account.
#[napi(object)]
pub struct NativeAccount {
    pub name: String,
    pub subject: String,
    pub password_hash: String,
    pub roles: Vec<String>,
    pub permissions: Vec<String>,
}

/// Whether it was stored, or a failure.
#[napi(object)]
pub struct SavedAnswer {
    pub failure: Option<NativeFailure>,
    pub stored: Option<bool>,
}

/// The account, if there is one, or a failure.
#[napi(object)]
pub struct AccountAnswer {
    pub failure: Option<NativeFailure>,
    pub account: Option<NativeAccount>,
}

#[napi]
impl NativeSessions {
    /// Stores an account; `unless_present`: only if the name is free.
    #[napi(ts_return_type = "Promise<SavedAnswer>")]
    pub fn save_account<'env>(
        &self,
        env: &'env Env,
        account: NativeAccount,
        unless_present: bool,
    ) -> napi::Result<Object<'env>> {
        let account = Account {
            name: account.name,
            subject: account.subject,
            password_hash: account.password_hash,
            roles: account.roles,
            permissions: account.permissions,
        };
        promise::of(env, SavedAnswer::from_result, |answer| {
            if let Err(error) = self.manager.check_ready().and_then(|()| account.check()) {
                return answer(Err(error.into()));
            }
            let done = Box::new(move |stored: Result<bool, _>| answer(stored.map_err(Failure::from)));
            self.manager.shared().store.save_account(account, unless_present, done);
        })
    }

    /// The account of that name.
    #[napi(ts_return_type = "Promise<AccountAnswer>")]
    pub fn account<'env>(&self, env: &'env Env, name: String) -> napi::Result<Object<'env>> {
        promise::of(env, AccountAnswer::from_result, |answer| {
            if let Err(error) = self.manager.check_ready() {
                return answer(Err(error.into()));
            }
            let done = Box::new(move |account: Result<Option<Account>, _>| answer(account.map_err(Failure::from)));
            self.manager.shared().store.account(name, done);
        })
    }
}

impl SavedAnswer {
    fn from_result(result: Result<bool, Failure>) -> Self {
        result.map_or_else(Self::from, |stored| Self {
            failure: None,
            stored: Some(stored),
        })
    }
}

impl From<Failure> for SavedAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            stored: None,
        }
    }
}

impl AccountAnswer {
    fn from_result(result: Result<Option<Account>, Failure>) -> Self {
        result.map_or_else(Self::from, |account| Self {
            failure: None,
            account: account.map(|account| NativeAccount {
                name: account.name,
                subject: account.subject,
                password_hash: account.password_hash,
                roles: account.roles,
                permissions: account.permissions,
            }),
        })
    }
}

impl From<Failure> for AccountAnswer {
    fn from(failure: Failure) -> Self {
        Self {
            failure: Some(failure.into()),
            account: None,
        }
    }
}
