//! Compact tokens: the strict verifier accepts exactly what a slow one of other parts accepts, and refuses everything else
//! with a code that says something about the token.
//!
//! Nobody guesses an HMAC, so half of the inputs are a header, a line break and a payload that get signed first. The first
//! byte says which half, and what is asked of the claims.
#![no_main]

use std::{cell::RefCell, sync::LazyLock};

use keyturn_core::{
    crypto::Algorithm,
    error::{Code, Error},
    jws::{self, Header},
    jwt::{Policy, Scratch, Verifier},
    keys::{Key, KeySet},
    time::UnixMs,
};
use keyturn_fuzz::{
    json::Verdict,
    token::{self, Demands, NOW_MS, SECRET},
};
use libfuzzer_sys::fuzz_target;
use zeroize::Zeroizing;

const STRICT: Demands = Demands {
    issuer: Some("me"),
    audience: Some("api"),
    needs_end: true,
};
const LAX: Demands = Demands {
    issuer: None,
    audience: None,
    needs_end: false,
};

static STRICT_VERIFIER: LazyLock<Verifier> = LazyLock::new(|| verifier(STRICT));
static LAX_VERIFIER: LazyLock<Verifier> = LazyLock::new(|| verifier(LAX));

thread_local! {
    /// Kept from input to input, so that what it remembers of the last header is under test, too.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    let Some((mode, input)) = data.split_first() else {
        return;
    };
    let (verifier, demands) = if mode & 1 == 0 {
        (&*STRICT_VERIFIER, STRICT)
    } else {
        (&*LAX_VERIFIER, LAX)
    };
    if mode & 2 == 0 {
        compare(input, verifier, demands);
        return;
    }
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, payload) = input.split_at(end);
    if let Ok(json) = std::str::from_utf8(header) {
        let _ = Header::parse(json).map_err(judge);
    }
    compare(
        token::seal(header, payload.get(1..).unwrap_or_default()).as_bytes(),
        verifier,
        demands,
    );
});

fn compare(token: &[u8], verifier: &Verifier, demands: Demands) {
    let _ = jws::split(token).map_err(judge);
    let mut fresh = Scratch::default();
    let verified = verifier.verify(token, UnixMs::new(NOW_MS), None, &mut fresh);
    let again = SCRATCH.with_borrow_mut(|used| {
        let verified = verifier.verify(token, UnixMs::new(NOW_MS), None, used);
        verified.map(|verified| verified.payload.to_owned())
    });
    assert_eq!(
        verified
            .as_ref()
            .map(|verified| verified.payload.to_owned())
            .map_err(|error| *error),
        again,
        "what came before changed the outcome"
    );
    match (verified, token::judge(token, demands)) {
        (Ok(verified), Verdict::Object(claims)) => {
            let identity = &verified.identity;
            for (name, found) in [("jti", identity.jti), ("sid", identity.sid), ("sub", identity.sub)] {
                let found = found.map(|text| text.decode().into_owned());
                assert_eq!(
                    found.as_deref(),
                    claims.get(name).and_then(|value| value.as_str()),
                    "{name}"
                );
            }
        }
        (Err(error), Verdict::Refused) => judge(error),
        (_, Verdict::Undecided) => {}
        (verified, verdict) => panic!("keyturn says {verified:?}, the oracle {verdict:?}"),
    }
}

/// A refusal is about the token, never about us.
fn judge(error: Error) {
    let known = matches!(
        error.code(),
        Code::TokenMalformed
            | Code::TokenTooLarge
            | Code::HeaderUnsupported
            | Code::AlgorithmNotAllowed
            | Code::KeyUnknown
            | Code::SignatureInvalid
            | Code::TokenExpired
            | Code::TokenNotActive
            | Code::ClaimMissing
            | Code::ClaimInvalid
    );
    assert!(known, "{error:?}");
}

fn verifier(demands: Demands) -> Verifier {
    let key = Key::hmac(Algorithm::Hs256, Zeroizing::new(SECRET.to_vec()), None).expect("a good key");
    let mut policy = Policy::default();
    policy.issuers = demands.issuer.into_iter().map(str::to_owned).collect();
    policy.audiences = demands.audience.into_iter().map(str::to_owned).collect();
    policy.require_exp = demands.needs_end;
    let keys = KeySet::new([key]).expect("one key").into();
    Verifier::new(std::sync::Arc::new(keys), Vec::new(), policy).expect("a good policy")
}
