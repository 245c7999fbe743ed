//! Accounts: who may sign in, for applications that have no user table of their own yet.
//!
//! They live in the session store because an SQLite file must not be opened by two SQLite libraries of one process: POSIX
//! file locks belong to the process, and the second library's close would drop the first one's locks.

use crate::error::{Code, Error};

/// The longest name in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// One account.
#[derive(Clone, Eq, PartialEq)]
pub struct Account {
    /// The name to sign in with, compared byte by byte.
    pub name: String,
    /// What becomes `sub`.
    pub subject: String,
    /// The argon2id hash in PHC form.
    pub password_hash: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Permissions.
    pub permissions: Vec<String>,
}

impl Account {
    /// Refuses a name or subject that is empty, too long or holds control characters.
    pub fn check(&self) -> Result<(), Error> {
        let fine = |text: &str| !text.is_empty() && text.len() <= MAX_NAME_BYTES && !text.chars().any(char::is_control);
        if !fine(&self.name) || !fine(&self.subject) {
            return Err(Error::because(
                Code::OptionInvalid,
                "a name takes 1 to 255 bytes without control characters",
            ));
        }
        Ok(())
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Account {
        Account {
            name: name.into(),
            subject: "s".into(),
            password_hash: "secret hash".into(),
            roles: vec![],
            permissions: vec![],
        }
    }

    #[test]
    fn a_name_is_short_and_printable() {
        assert_eq!(account("alice").check(), Ok(()));
        for name in ["", "a\nb", "\0", &"a".repeat(256)] {
            assert_eq!(
                account(name).check().unwrap_err().code(),
                Code::OptionInvalid,
                "{name:?}"
            );
        }
    }

    #[test]
    fn it_prints_no_hash() {
        assert!(!format!("{:?}", account("alice")).contains("secret"));
    }
}
