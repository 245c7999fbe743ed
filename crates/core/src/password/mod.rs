//! Password hashes: argon2id (RFC 9106) in PHC string form.
//!
//! One hash takes about 20 ms and 19 MiB, so it never runs on the event loop; the binding's pool bounds how many run at
//! once. The costs are the ones OWASP names first for argon2id: 19 MiB, two passes, one lane.

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

use crate::{
    error::{Code, Error},
    random::{self, Random},
};

/// The longest password in bytes. Hashing reads it once; the bound keeps a request from carrying megabytes.
pub const MAX_PASSWORD_BYTES: usize = 1024;

/// What a hash from elsewhere may cost at most: a stored hash must not decide how long the server works.
const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 16;

/// A hash of the same cost as real ones, of a password nobody has: compared with when there is no user.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$a2V5dHVybiBub2JvZHkhIQ$WVRoaXMgaXMgbm8gcGFzc3dvcmQgb2YgYW55Ym9keS4";

/// The PHC string of a new hash with a random salt of 16 bytes.
pub fn hash(password: &[u8], random: &dyn Random) -> Result<String, Error> {
    check_length(password)?;
    let salt: [u8; 16] = random::array(random)?;
    hasher()?
        .hash_password_with_salt(password, &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| Error::new(Code::Internal))
}

/// Whether `password` is the one that was hashed. Without a hash, or with a password that is too long, the answer is no and
/// takes as long as a real comparison.
///
/// A hash that is no argon2 PHC string, or that asks for unreasonable work, is [`Code::PasswordInvalid`].
pub fn verify(hash: Option<&str>, password: &[u8]) -> Result<bool, Error> {
    let acceptable = check_length(password).is_ok();
    let password = if acceptable { password } else { b"" };
    let matches = matches(hash.unwrap_or(NOBODY), password)?;
    Ok(matches && acceptable && hash.is_some())
}

fn matches(hash: &str, password: &[u8]) -> Result<bool, Error> {
    const REFUSED: Error = Error::because(Code::PasswordInvalid, "not an argon2 hash in PHC form");
    if hash.len() > 512 {
        return Err(REFUSED);
    }
    let parsed = PasswordHash::new(hash).map_err(|_| REFUSED)?;
    let params = Params::try_from(&parsed).map_err(|_| REFUSED)?;
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
        return Err(Error::because(Code::PasswordInvalid, "the hash asks for too much work"));
    }
    if Algorithm::try_from(parsed.algorithm.as_str()).is_err() {
        return Err(REFUSED);
    }
    Ok(hasher()?.verify_password(password, &parsed).is_ok())
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| Error::new(Code::Internal))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn check_length(password: &[u8]) -> Result<(), Error> {
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES {
        return Err(Error::because(
            Code::PasswordInvalid,
            "a password takes 1 to 1024 bytes",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn the_right_password_matches_and_no_other() {
        let hash = hash(b"correct horse", &SystemRandom::new()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verify(Some(&hash), b"correct horse"), Ok(true));
        assert_eq!(verify(Some(&hash), b"correct horsf"), Ok(false));
        assert_eq!(verify(Some(&hash), b""), Ok(false));
        assert_eq!(verify(Some(&hash), &[b'a'; 1025]), Ok(false));
    }

    #[test]
    fn nobody_has_no_password() {
        assert_eq!(verify(None, b"anything"), Ok(false));
        assert!(
            matches(NOBODY, b"x").is_ok(),
            "the hash of nobody must cost a real comparison"
        );
    }

    #[test]
    fn two_hashes_of_one_password_differ() {
        let random = SystemRandom::new();
        assert_ne!(hash(b"same", &random), hash(b"same", &random));
    }

    #[test]
    fn a_hash_that_is_none_or_too_costly_is_refused() {
        for stored in [
            "",
            "plain text",
            "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQxMjM0NTY$WVRoaXMgaXMgbm8gcGFzc3dvcmQgb2YgYW55Ym9keS4",
            "$argon2id$v=19$m=19456,t=1000,p=1$c29tZXNhbHQxMjM0NTY$WVRoaXMgaXMgbm8gcGFzc3dvcmQgb2YgYW55Ym9keS4",
            &"$argon2id$".repeat(60),
        ] {
            let error = verify(Some(stored), b"x").expect_err(stored);
            assert_eq!(error.code(), Code::PasswordInvalid, "{stored}");
        }
    }

    #[test]
    fn a_password_that_is_empty_or_huge_is_not_hashed() {
        for password in [&b""[..], &[b'a'; 1025]] {
            assert_eq!(
                hash(password, &SystemRandom::new()).unwrap_err().code(),
                Code::PasswordInvalid
            );
        }
    }
}
