//! The longest lives ever used with this store: one hash, without an end.

use keyturn_core::{
    store::{Lives, StoreError},
    time::Span,
};

use super::{
    script::{Call, LIVES},
    step::{Step, damaged},
};

/// Keeps the longer of what is stored and what is given, and answers it.
pub(super) async fn longest(step: &Step, own: Lives) -> Result<Lives, StoreError> {
    let call = Call::new(&LIVES, [step.names.lives()])
        .arg("absolute")
        .number(own.absolute.as_millis())
        .arg("after_expiry")
        .number(own.after_expiry.as_millis());
    let kept: Vec<u64> = step.run(&call).await?;
    let [absolute, after_expiry] = kept[..] else {
        return Err(damaged("an answer"));
    };
    Ok(Lives {
        absolute: Span::from_millis(absolute),
        after_expiry: Span::from_millis(after_expiry),
    })
}
