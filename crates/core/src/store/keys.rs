//! Keys as a store sees them: one document a purpose, which it cannot read, and a version.

use std::fmt;

use zeroize::Zeroizing;

/// What keys are for. The text is stored; existing texts never change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Purpose {
    /// CSRF tokens.
    Csrf,
    /// Refresh tokens.
    Refresh,
    /// Access tokens.
    Signing,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 3] = [Self::Csrf, Self::Refresh, Self::Signing];

    /// Its stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csrf => "csrf",
            Self::Refresh => "refresh",
            Self::Signing => "signing",
        }
    }

    /// The purpose with that name.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// The keys of one purpose as a store keeps them. What is in the document is not the store's business; it may be open, so it
/// prints as redacted and is wiped when dropped.
#[derive(Clone, Eq, PartialEq)]
pub struct StoredKeys {
    /// What they are for.
    pub purpose: Purpose,
    /// Counts the changes, from 1.
    pub version: u64,
    /// The keys, some kilobytes at most.
    pub document: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKeys")
            .field("purpose", &self.purpose)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
