//! The times of a token, judged anew each time that it is shown.

use super::{claims::ClaimsView, numeric_date::NumericDate, policy::Policy};
use crate::{
    error::{Claim, Code, Error},
    time::UnixMs,
};

/// `exp`, `iat` and `nbf` of a token (RFC 7519, sections 4.1.4 to 4.1.6).
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    exp: Option<NumericDate>,
    iat: Option<NumericDate>,
    nbf: Option<NumericDate>,
}

impl Times {
    pub(super) fn of(claims: &ClaimsView<'_>) -> Self {
        Self {
            exp: claims.exp,
            iat: claims.iat,
            nbf: claims.nbf,
        }
    }

    /// Everything that a policy asks of a token's times.
    pub(super) fn judge(&self, policy: &Policy, now: UnixMs) -> Result<(), Error> {
        const NO_IAT: Error = Error::about(Code::ClaimMissing, Claim::Iat);
        const NO_EXP: Error = Error::about(Code::ClaimMissing, Claim::Exp);
        const BAD_IAT: Error = Error::about(Code::ClaimInvalid, Claim::Iat);
        const BAD_EXP: Error = Error::about(Code::ClaimInvalid, Claim::Exp);
        let tolerance = policy.tolerance;
        match self.exp {
            Some(exp) if exp.is_past(now, tolerance) => return Err(Code::TokenExpired.into()),
            Some(exp)
                if policy
                    .max_life
                    .is_some_and(|life| exp.is_future(now.plus(life), policy.max_life_slack.unwrap_or(tolerance))) =>
            {
                return Err(BAD_EXP);
            }
            None if policy.require_exp || policy.max_life.is_some() => return Err(NO_EXP),
            _ => {}
        }
        if self.nbf.is_some_and(|nbf| nbf.is_future(now, tolerance)) {
            return Err(Code::TokenNotActive.into());
        }
        if let (Some(life), Some(exp)) = (policy.max_life, self.exp) {
            // Counted from its issue, not from now: a token that lives for a month is not shorter on its last day, when what
            // revoked it has long been forgotten.
            let issued = self.iat.ok_or(NO_IAT)?;
            if policy.max_life_slack.is_none() && issued.is_future(now, tolerance) {
                return Err(BAD_IAT);
            }
            if exp.exceeds(issued, life) {
                return Err(BAD_EXP);
            }
        }
        if let Some(max_age) = policy.max_age {
            let issued = self.iat.ok_or(NO_IAT)?;
            if issued.is_future(now, tolerance) {
                return Err(BAD_IAT);
            }
            if issued.is_past(now.minus(max_age), tolerance) {
                return Err(Code::TokenTooOld.into());
            }
        }
        Ok(())
    }
}
