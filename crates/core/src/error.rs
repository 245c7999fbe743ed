//! Every way in which keyturn says no.
//!
//! One table gives each error a [`Code`]; `lib/errors.ts` and `docs/errors.md` hold the same table and a test compares
//! the three. An [`Error`] is built from static text alone, so nothing that a caller sent and no secret can get into it,
//! and it is `Copy`: refusing a token allocates nothing.

use std::fmt;

/// Who has to act. HTTP statuses and log levels are derived from it further out, never here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Blame {
    /// A mistake in the calling program.
    Caller,
    /// The store or its surroundings; an operator can mend it.
    Operator,
    /// The request that was sent.
    Request,
    /// The state of the session.
    Session,
    /// The token that was presented.
    Token,
}

macro_rules! codes {
    ($($variant:ident $text:literal $blame:ident $message:literal)*) => {
        /// The closed set of error codes. The order is the wire order between the addon and TypeScript.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[repr(u8)]
        pub enum Code {
            $(#[doc = $message] $variant,)*
        }

        impl Code {
            /// Every code, in wire order.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The stable name, for instance `ERR_TOKEN_EXPIRED`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),* }
            }

            /// Who has to act.
            pub const fn blame(self) -> Blame {
                match self { $(Code::$variant => Blame::$blame),* }
            }

            /// One sentence for a person, the same at every occurrence.
            pub const fn message(self) -> &'static str {
                match self { $(Code::$variant => $message),* }
            }

            /// Its place in [`Code::ALL`].
            pub const fn number(self) -> u8 {
                // The discriminant of a fieldless `repr(u8)` enum: the conversion cannot lose anything.
                #[allow(clippy::as_conversions)]
                { self as u8 }
            }
        }
    };
}

codes! {
    TokenMissing "ERR_TOKEN_MISSING" Token "No access token was sent."
    TokenMalformed "ERR_TOKEN_MALFORMED" Token "The token is not a well-formed compact JWS or JWE."
    TokenTooLarge "ERR_TOKEN_TOO_LARGE" Token "The token is longer than maxTokenBytes."
    HeaderUnsupported "ERR_HEADER_UNSUPPORTED" Token "The token's header asks for an extension that is not supported."
    AlgorithmNotAllowed "ERR_ALGORITHM_NOT_ALLOWED" Token "The token's algorithm is not the key's."
    KeyUnknown "ERR_KEY_UNKNOWN" Token "No key fits the token."
    SignatureInvalid "ERR_SIGNATURE_INVALID" Token "The token's signature is not valid."
    DecryptionFailed "ERR_DECRYPTION_FAILED" Token "The token could not be decrypted."
    TokenType "ERR_TOKEN_TYPE" Token "The token is of another type (typ) than the one asked for."
    TokenExpired "ERR_TOKEN_EXPIRED" Token "The token has expired."
    TokenNotActive "ERR_TOKEN_NOT_ACTIVE" Token "The token is not valid yet."
    TokenTooOld "ERR_TOKEN_TOO_OLD" Token "The token was issued longer ago than maxAge."
    ClaimMissing "ERR_CLAIM_MISSING" Token "A required claim is missing."
    ClaimInvalid "ERR_CLAIM_INVALID" Token "A claim is not what was asked for."
    TokenRevoked "ERR_TOKEN_REVOKED" Token "The token has been revoked."
    PermissionsStale "ERR_PERMISSIONS_STALE" Token "The roles or permissions in the token are out of date; a refresh gets a new one."
    RefreshInvalid "ERR_REFRESH_INVALID" Session "The refresh token is not valid."
    RefreshReused "ERR_REFRESH_REUSED" Session "The refresh token had been used before; its session was ended."
    RefreshRefused "ERR_REFRESH_REFUSED" Session "The refresh was refused."
    SessionRevoked "ERR_SESSION_REVOKED" Session "The session has been ended."
    SessionExpired "ERR_SESSION_EXPIRED" Session "The session has expired."
    SessionUnknown "ERR_SESSION_UNKNOWN" Session "There is no such session."
    SessionLimit "ERR_SESSION_LIMIT" Session "The user has as many sessions as are allowed."
    Pairing "ERR_PAIRING" Session "The refresh did not bring an access token of its session along."
    LoginFailed "ERR_LOGIN_FAILED" Request "The user name or the password is wrong."
    RegisterRefused "ERR_REGISTER_REFUSED" Request "The registration was refused."
    AccessDenied "ERR_ACCESS_DENIED" Request "The access token does not grant this."
    Csrf "ERR_CSRF" Request "The request does not prove that it comes from this site."
    RateLimited "ERR_RATE_LIMITED" Request "Too many attempts; try again later."
    BodyInvalid "ERR_BODY_INVALID" Request "The request body is not the JSON object that was asked for."
    BodyTooLarge "ERR_BODY_TOO_LARGE" Request "The request body is too large."
    BodyType "ERR_BODY_TYPE" Request "The request body must be sent as application/json."
    RouteUnknown "ERR_ROUTE_UNKNOWN" Request "There is nothing at this address."
    MethodNotAllowed "ERR_METHOD_NOT_ALLOWED" Request "This address does not answer to that method."
    StoreUnavailable "ERR_STORE_UNAVAILABLE" Operator "The session store cannot be reached or written."
    StoreCorrupt "ERR_STORE_CORRUPT" Operator "The store's file is damaged or is not a database."
    StoreVersion "ERR_STORE_VERSION" Operator "The store was written by a newer version of keyturn."
    StoreClosed "ERR_STORE_CLOSED" Operator "The store has been closed."
    MasterKey "ERR_MASTER_KEY" Operator "The keys in the store are sealed, and not by this master key."
    RevocationFull "ERR_REVOCATION_FULL" Operator "The revocation index is full."
    NotReady "ERR_NOT_READY" Operator "The revocations have not been loaded yet."
    PoolFull "ERR_POOL_FULL" Operator "Too much work is waiting; try again later."
    KeySetUnavailable "ERR_KEY_SET_UNAVAILABLE" Operator "The key set could not be fetched."
    OptionInvalid "ERR_OPTION_INVALID" Caller "An option has a value that cannot be used."
    OptionUnknown "ERR_OPTION_UNKNOWN" Caller "There is no such option."
    KeyInvalid "ERR_KEY_INVALID" Caller "The key material cannot be used."
    KeyTooWeak "ERR_KEY_TOO_WEAK" Caller "The key is too weak for its algorithm."
    ClaimsInvalid "ERR_CLAIMS_INVALID" Caller "The claims cannot be signed."
    PasswordInvalid "ERR_PASSWORD_INVALID" Caller "The password or its hash cannot be used."
    Internal "ERR_INTERNAL" Caller "Something that should not happen did; please report it."
}

/// The claim (or header parameter) that an error is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// `aud`, RFC 7519 section 4.1.3.
    Aud,
    /// `exp`, RFC 7519 section 4.1.4.
    Exp,
    /// `iat`, RFC 7519 section 4.1.6.
    Iat,
    /// `iss`, RFC 7519 section 4.1.1.
    Iss,
    /// `jti`, RFC 7519 section 4.1.7.
    Jti,
    /// `nbf`, RFC 7519 section 4.1.5.
    Nbf,
    /// The entry with this index in the verifier's list of required claims.
    Required(u8),
    /// `sid`, the session identifier.
    Sid,
    /// `sub`, RFC 7519 section 4.1.2.
    Sub,
}

impl Claim {
    /// Those with a fixed name; the position is the claim's number on the wire, counted from 1.
    pub const NAMED: &'static [Claim] = &[
        Claim::Aud,
        Claim::Exp,
        Claim::Iat,
        Claim::Iss,
        Claim::Jti,
        Claim::Nbf,
        Claim::Sid,
        Claim::Sub,
    ];

    /// The claim's name; empty for [`Claim::Required`], whose name only the owner of the list knows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aud => "aud",
            Self::Exp => "exp",
            Self::Iat => "iat",
            Self::Iss => "iss",
            Self::Jti => "jti",
            Self::Nbf => "nbf",
            Self::Required(_) => "",
            Self::Sid => "sid",
            Self::Sub => "sub",
        }
    }
}

/// A refusal: its code and, where the code alone does not say it, the claim or one word of reason.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Error {
    code: Code,
    claim: Option<Claim>,
    reason: Option<&'static str>,
}

impl Error {
    /// An error that its code explains wholly.
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            claim: None,
            reason: None,
        }
    }

    /// An error about one claim.
    pub const fn about(code: Code, claim: Claim) -> Self {
        Self {
            code,
            claim: Some(claim),
            reason: None,
        }
    }

    /// An error with a reason, which is static text by type and so never holds input.
    pub const fn because(code: Code, reason: &'static str) -> Self {
        Self {
            code,
            claim: None,
            reason: Some(reason),
        }
    }

    /// Its code.
    pub const fn code(self) -> Code {
        self.code
    }

    /// The claim it is about.
    pub const fn claim(self) -> Option<Claim> {
        self.claim
    }

    /// Why, where the code alone does not say it.
    pub const fn reason(self) -> Option<&'static str> {
        self.reason
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.code.message())?;
        if let Some(reason) = self.reason {
            write!(f, " ({reason})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_code_has_a_name_of_its_own_and_keeps_its_number() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for (index, code) in Code::ALL.iter().enumerate() {
            assert_eq!(usize::from(code.number()), index);
            assert!(code.as_str().starts_with("ERR_"));
            assert!(code.message().ends_with('.'));
        }
    }

    #[test]
    fn an_error_prints_its_code_and_reason() {
        let error = Error::because(Code::SessionRevoked, "logout");
        assert_eq!(
            error.to_string(),
            "ERR_SESSION_REVOKED: The session has been ended. (logout)"
        );
    }
}
