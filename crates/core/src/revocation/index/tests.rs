//! The index asked about whole tokens.

use super::*;
use crate::{
    encoding::json::{Value, scan_object},
    random::SystemRandom,
    time::Span,
};

const NOW: UnixMs = UnixMs::new(1_700_000_000_500);
const LATER: UnixMs = UnixMs::new(1_700_000_060_000);

fn index(capacity: usize) -> RevocationIndex {
    RevocationIndex::new(capacity, &SystemRandom::new()).unwrap()
}

fn sid(at: u64) -> TimedId {
    TimedId::generate(UnixMs::new(at), &SystemRandom::new()).unwrap()
}

fn revoke(index: &RevocationIndex, target: Target) {
    index.insert(&Revocation {
        target,
        expires_at: LATER,
    });
}

/// The index's answer for a token with these claims, signed by key `k`.
fn reason(index: &RevocationIndex, claims: &str) -> Option<&'static str> {
    let mut identity = Identity {
        jti: None,
        sid: None,
        sub: None,
        kid: Some("k"),
        issued: None,
    };
    scan_object(claims, |name, value| match (name.plain(), value) {
        (Some("jti"), Value::String(text)) => identity.jti = Some(text),
        (Some("sid"), Value::String(text)) => identity.sid = Some(text),
        (Some("sub"), Value::String(text)) => identity.sub = Some(text),
        (Some("iat"), Value::Number(number)) => identity.issued = number.parse().ok(),
        _ => {}
    })
    .unwrap();
    let answer = index.check(&identity, NOW);
    let again = index.check_again(&index.fingerprint(&identity), NOW);
    assert_eq!(again, answer, "a fingerprint is judged as the token itself is");
    answer.err().map(|error| match error.code() {
        Code::PermissionsStale => "stale",
        code => {
            assert_eq!(code, Code::TokenRevoked);
            error.reason().unwrap()
        }
    })
}

#[test]
fn a_token_a_session_and_a_key_are_revoked_by_name() {
    let index = index(10);
    let sid = sid(1_700_000_000_000);
    assert_eq!(reason(&index, r#"{"jti":"a"}"#), None);
    revoke(&index, Target::Token { jti: "a".into() });
    revoke(&index, Target::Session { sid });
    assert_eq!(reason(&index, r#"{"jti":"a"}"#), Some("token"));
    assert_eq!(reason(&index, r#"{"jti":"\u0061"}"#), Some("token"));
    assert_eq!(reason(&index, &format!(r#"{{"sid":"{sid}"}}"#)), Some("session"));
    assert_eq!(reason(&index, r#"{"jti":"b","sid":"a","sub":"a"}"#), None);
    revoke(&index, Target::Key { kid: "k".into() });
    assert_eq!(reason(&index, "{}"), Some("key"));
}

#[test]
fn a_cut_off_compares_with_the_start_of_the_session_to_the_millisecond() {
    let index = index(10);
    revoke(
        &index,
        Target::Subject {
            subject: "alice".into(),
            before: NOW,
        },
    );
    let claims = |sub: &str, start: u64| format!(r#"{{"sub":"{sub}","sid":"{}","iat":1700000001}}"#, sid(start));
    assert_eq!(reason(&index, &claims("alice", NOW.as_millis())), Some("subject"));
    assert_eq!(reason(&index, &claims("alice", NOW.as_millis() + 1)), None);
    assert_eq!(reason(&index, &claims("bob", NOW.as_millis())), None);
    revoke(&index, Target::Everything { before: NOW });
    assert_eq!(reason(&index, &claims("bob", NOW.as_millis())), Some("everything"));
    assert_eq!(reason(&index, &claims("bob", NOW.as_millis() + 1)), None);
}

#[test]
fn a_foreign_token_is_judged_by_its_second_and_the_doubtful_one_is_dead() {
    let index = index(10);
    revoke(
        &index,
        Target::Subject {
            subject: "alice".into(),
            before: NOW,
        },
    );
    for (claims, expected) in [
        (r#"{"sub":"alice","iat":1700000000}"#, Some("subject")),
        (r#"{"sub":"alice","iat":1700000001}"#, None),
        (r#"{"sub":"alice"}"#, Some("subject")),
        (
            r#"{"sub":"alice","sid":"f81d4fae-7dec-11d0-a765-00a0c91e6bf6","iat":1700000000}"#,
            Some("subject"),
        ),
        // 22 characters that read as a time long before or after the token's own are no sid of ours.
        (
            r#"{"sub":"alice","sid":"AAAAAAAAAAAAAAAAAAAAAA","iat":1700000001}"#,
            None,
        ),
        (
            r#"{"sub":"alice","sid":"_____________________w","iat":1700000000}"#,
            Some("subject"),
        ),
    ] {
        assert_eq!(reason(&index, claims), expected, "{claims}");
    }
}

#[test]
fn the_later_cut_off_wins() {
    let index = index(10);
    revoke(
        &index,
        Target::Subject {
            subject: "alice".into(),
            before: NOW,
        },
    );
    revoke(
        &index,
        Target::Subject {
            subject: "alice".into(),
            before: UnixMs::new(5),
        },
    );
    assert_eq!(index.cutoff("alice"), Some(NOW));
    revoke(&index, Target::Everything { before: LATER });
    assert_eq!(index.cutoff("alice"), Some(LATER));
    assert_eq!(index.cutoff("bob"), Some(LATER));
    assert_eq!(index.len(), 1);
}

#[test]
fn stale_permissions_go_by_the_time_in_the_jti_to_the_millisecond() {
    let index = index(10);
    let before = NOW;
    revoke(
        &index,
        Target::Permissions {
            subject: "alice".into(),
            before,
        },
    );
    let claims = |sub: &str, read: u64, iat: u64| format!(r#"{{"sub":"{sub}","jti":"{}","iat":{iat}}}"#, sid(read));
    let now = NOW.as_millis();
    assert_eq!(reason(&index, &claims("alice", now, 1_700_000_000)), Some("stale"));
    assert_eq!(reason(&index, &claims("alice", now + 1, 1_700_000_000)), None);
    assert_eq!(reason(&index, &claims("bob", now, 1_700_000_000)), None);
    // Read long before it was issued, as a renewed token's are.
    assert_eq!(reason(&index, &claims("alice", now - 1, 1_700_005_000)), Some("stale"));
    // Moved behind the cut-off of a host whose clock is a little ahead.
    assert_eq!(reason(&index, &claims("alice", now + 1, 1_699_999_980)), None);
    assert_eq!(index.permissions_cutoff("alice"), Some(before));
    assert_eq!(index.permissions_cutoff("bob"), None);
    assert_eq!(index.cutoff("alice"), None, "sessions go on");
}

#[test]
fn foreign_permissions_of_the_doubtful_second_are_stale_and_so_are_undated_ones() {
    let index = index(10);
    revoke(
        &index,
        Target::Permissions {
            subject: "alice".into(),
            before: NOW,
        },
    );
    for jti in [
        "",
        r#""jti":"x","#,
        r#""jti":"AAAAAAAAAAAAAAAAAAAAAA","#,
        r#""jti":"__________________________","#,
    ] {
        let at = |iat: &str| reason(&index, &format!(r#"{{"sub":"alice",{jti}"x":0{iat}}}"#));
        assert_eq!(at(r#","iat":1700000000"#), Some("stale"), "{jti}");
        assert_eq!(at(r#","iat":1700000001"#), None, "{jti}");
        assert_eq!(at(""), Some("stale"), "{jti}");
    }
}

#[test]
fn what_is_revoked_and_stale_is_revoked() {
    let index = index(10);
    let subject = "alice".to_owned();
    revoke(&index, Target::Permissions { subject, before: NOW });
    revoke(&index, Target::Everything { before: NOW });
    assert_eq!(reason(&index, r#"{"sub":"alice","iat":1}"#), Some("everything"));
    index.expire(LATER);
    assert_eq!(reason(&index, r#"{"sub":"alice","iat":1}"#), None);
    assert!(index.is_empty());
}

#[test]
fn an_entry_is_kept_until_it_expires_and_not_longer() {
    let index = index(10);
    revoke(&index, Target::Token { jti: "a".into() });
    revoke(&index, Target::Everything { before: NOW });
    index.expire(LATER.minus(Span::from_millis(1)));
    assert_eq!(reason(&index, r#"{"jti":"a","iat":1700000001}"#), Some("token"));
    index.expire(LATER);
    assert_eq!(reason(&index, r#"{"jti":"a","iat":1}"#), None);
    assert!(index.is_empty());
}

#[test]
fn at_its_bound_it_refuses_everything_and_forgets_nothing() {
    let index = index(5);
    for jti in ["a", "b", "c", "d"] {
        revoke(&index, Target::Token { jti: jti.into() });
    }
    assert!(index.is_nearly_full());
    revoke(&index, Target::Token { jti: "e".into() });
    assert!(!index.is_full());
    revoke(&index, Target::Token { jti: "a".into() });
    assert!(!index.is_full(), "an entry that is there already takes no room");
    revoke(&index, Target::Token { jti: "f".into() });
    let identity = Identity {
        jti: None,
        sid: None,
        sub: None,
        kid: None,
        issued: None,
    };
    assert_eq!(index.check(&identity, NOW).unwrap_err().code(), Code::RevocationFull);
    let stored = |jtis: &[&str]| -> Vec<Revocation> {
        let target = |jti: &&str| Target::Token { jti: (*jti).to_owned() };
        jtis.iter()
            .map(|jti| Revocation {
                target: target(jti),
                expires_at: LATER,
            })
            .collect()
    };
    index.reload(&stored(&["a", "b", "c", "d", "e", "f"]));
    assert!(index.is_full(), "what does not fit cannot be made good");
    index.reload(&stored(&["a", "b", "c", "d", "e"]));
    assert!(!index.is_full());
    assert_eq!(index.len(), 5);
    assert_eq!(reason(&index, r#"{"jti":"e"}"#), Some("token"));
}
