//! Promises that are settled from any thread, exactly once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use keyturn_core::{
    error::Code,
    session::{Answer, Failure},
};
use napi::{
    Env, JsDeferred, Result,
    bindgen_prelude::{Object, ToNapiValue},
};

type Resolver<D> = Box<dyn FnOnce(Env) -> Result<D>>;

/// A promise that has not been settled. Dropping it settles it with an internal error, so that no caller ever waits for an
/// answer that was lost.
struct Pending<D: ToNapiValue + 'static> {
    deferred: Option<JsDeferred<D, Resolver<D>>>,
    lost: fn() -> D,
}

impl<D: ToNapiValue + 'static> Pending<D> {
    fn settle<T: Send + 'static>(mut self, value: T, convert: impl FnOnce(T) -> D + Send + 'static) {
        if let Some(deferred) = self.deferred.take() {
            deferred.resolve(Box::new(move |_| Ok(convert(value))));
        }
    }
}

impl<D: ToNapiValue + 'static> Drop for Pending<D> {
    fn drop(&mut self) {
        let lost = self.lost;
        if let Some(deferred) = self.deferred.take() {
            deferred.resolve(Box::new(move |_| Ok(lost())));
        }
    }
}

/// Starts work that answers through a callback and returns the promise of that answer. Failures are answers too: the
/// promise never rejects, `convert` makes data of either.
pub(crate) fn of<T, D>(
    env: &Env,
    convert: fn(std::result::Result<T, Failure>) -> D,
    start: impl FnOnce(Answer<T>),
) -> Result<Object<'_>>
where
    T: Send + 'static,
    D: ToNapiValue + From<Failure> + 'static,
{
    let (deferred, promise) = env.create_deferred::<D, Resolver<D>>()?;
    let pending = Pending {
        deferred: Some(deferred),
        lost: || D::from(keyturn_core::error::Error::new(Code::Internal).into()),
    };
    let answer: Answer<T> = Box::new(move |result| pending.settle(result, convert));
    // A panic drops the callback, and that settles the promise.
    let _panic = catch_unwind(AssertUnwindSafe(|| start(answer)));
    Ok(promise)
}
