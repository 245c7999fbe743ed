//! The core by itself: what verifying, signing and looking up cost before JavaScript is involved.
//!
//!     cargo bench --bench core
//!
//! The payload is the one that benches/peers uses, 369 bytes as an HS256 token. Every result is asserted before it is
//! timed, and all of it is the path on which the answer is yes.

use std::{error::Error, hint::black_box, process::ExitCode, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput};
use keyturn_core::{
    crypto::{Algorithm, HmacKey},
    encoding::{
        base64url,
        json::{Fault, Text, scan_object},
    },
    jws,
    jwt::{
        Answer, CallClaims, ClaimsView, DEFAULT_CACHE_ENTRIES, Identity, Policy, RevocationCheck, Scratch, Signer,
        SignerOptions, TokenCache, Verifier,
    },
    keys::{Key, KeySet},
    random::SystemRandom,
    revocation::{Revocation, RevocationIndex, Target},
    session::{FamilySecret, RefreshKeys, RefreshToken, SessionId},
    time::{Span, UnixMs},
};
use zeroize::Zeroizing;

const NOW: UnixMs = UnixMs::from_secs(1_767_225_600);

/// What an application signs; issuer, audience and times are added by the signer.
const CLAIMS: &str = concat!(
    r#"{"sub":"user-1842","name":"Ada Lovelace","roles":["admin","operator"],"sid":"AZt4rAgAmJ2r8b1c4d5e6Q","#,
    r#""jti":"AZt4rAgAmJ2r8b1c4d5e6w","age":36}"#,
);

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789_";

/// How many different sessions ask a full index: more than stay in a processor's own cache.
const ASKERS: usize = 1 << 16;

fn main() -> ExitCode {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let outcome = bench_all(&mut criterion);
    criterion.final_summary();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn bench_all(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let tokens = Algorithm::ALL
        .iter()
        .map(|algorithm| Subject::new(*algorithm))
        .collect::<Result<Vec<_>, _>>()?;
    for subject in &tokens {
        subject.bench(criterion)?;
    }
    let hs256 = tokens
        .iter()
        .find(|subject| subject.key.algorithm() == Algorithm::Hs256);
    steps(criterion, &hs256.ok_or("there is no HS256")?.token)?;
    refresh_tokens(criterion)?;
    revocation(criterion)
}

/// One algorithm's token with who signs and verifies it.
struct Subject {
    key: Key,
    signer: Signer,
    verifier: Verifier,
    token: String,
}

impl Subject {
    fn new(algorithm: Algorithm) -> Result<Self, Box<dyn Error>> {
        let key = match algorithm {
            Algorithm::Hs256 => Key::hmac(algorithm, Zeroizing::new(SECRET.to_vec()), None)?,
            _ => Key::generate(algorithm, None, &SystemRandom::new())?,
        };
        let mut options = SignerOptions::default();
        options.issuer = Some("https://auth.example".to_owned());
        options.audiences = vec!["api".to_owned()];
        options.expires_in = Some(Span::from_secs(3600));
        let mut policy = Policy::default();
        policy.issuers.extend(options.issuer.clone());
        policy.audiences.clone_from(&options.audiences);
        let signer = Signer::new(key.clone(), options)?;
        let verifier = Verifier::new(Arc::new(KeySet::new([key.clone()])?.into()), vec![algorithm], policy)?;
        let mut token = String::new();
        signer.sign(CLAIMS, &CallClaims::default(), NOW, &mut token)?;
        Ok(Self {
            key,
            signer,
            verifier,
            token,
        })
    }

    fn bench(&self, criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
        let name = self.key.algorithm().as_str();
        let mut scratch = Scratch::default();
        let verified = self.verifier.verify(self.token.as_bytes(), NOW, None, &mut scratch)?;
        assert!(verified.payload.starts_with(CLAIMS.trim_end_matches('}')));
        let mut group = criterion.benchmark_group("verify");
        let _group = group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let verified = self
                    .verifier
                    .verify(black_box(self.token.as_bytes()), NOW, None, &mut scratch);
                verified.is_ok_and(|verified| !black_box(verified.payload).is_empty())
            });
        });
        group.finish();

        self.bench_cache(criterion, &mut scratch)?;
        let mut group = criterion.benchmark_group("sign");
        let mut out = String::new();
        let _group = group.bench_function(name, |bencher| {
            bencher.iter(|| {
                self.signer
                    .sign(black_box(CLAIMS), &CallClaims::default(), NOW, &mut out)
            });
        });
        group.finish();
        Ok(())
    }

    /// A token that was verified before.
    fn bench_cache(&self, criterion: &mut Criterion, scratch: &mut Scratch) -> Result<(), Box<dyn Error>> {
        let mut cache = TokenCache::new(DEFAULT_CACHE_ENTRIES, &SystemRandom::new())?;
        let mut hit = || {
            let token = black_box(self.token.as_bytes());
            let answer = self.verifier.verify_cached(token, NOW, None, scratch, &mut cache);
            let hit = matches!(answer, Ok(Answer::Cached(_)));
            if !hit {
                let _slot = cache.keep();
            }
            hit
        };
        assert_eq!([hit(), hit()], [false, true]);
        let mut group = criterion.benchmark_group("verify, cache hit");
        let _group = group.bench_function(self.key.algorithm().as_str(), |bencher| bencher.iter(&mut hit));
        group.finish();
        Ok(())
    }
}

/// What an HS256 verification consists of, each step alone.
fn steps(criterion: &mut Criterion, token: &str) -> Result<(), Box<dyn Error>> {
    let parts = jws::split(token.as_bytes())?;
    let payload = String::from_utf8(base64url::decode(parts.payload)?)?;
    let tag = base64url::decode(parts.signature)?;
    let key = HmacKey::sha256(SECRET);
    let mut members = 0;
    scan_object(&payload, |_, _| members += 1).map_err(Fault::as_str)?;
    assert_eq!((token.len(), payload.len(), members), (369, 216, 10));
    assert!(key.matches(parts.signing_input, &tag));

    let mut group = criterion.benchmark_group("step");
    let _group = group.throughput(Throughput::Bytes(u64::try_from(payload.len())?));
    let mut decoded = Vec::new();
    let _group = group.bench_function("base64url decode", |bencher| {
        bencher.iter(|| base64url::decode_to(black_box(parts.payload), &mut decoded));
    });
    let mut encoded = String::new();
    let _group = group.bench_function("base64url encode", |bencher| {
        bencher.iter(|| {
            encoded.clear();
            base64url::encode_to(black_box(payload.as_bytes()), &mut encoded);
        });
    });
    let _group = group.bench_function("JSON scan", |bencher| {
        bencher.iter(|| {
            scan_object(black_box(&payload), |name, value| {
                let _shown = black_box((name, value));
            })
        });
    });
    let _group = group.bench_function("claims", |bencher| {
        bencher.iter(|| ClaimsView::parse(black_box(&payload), &[]).is_ok());
    });
    let _group = group.bench_function("HMAC", |bencher| {
        bencher.iter(|| key.matches(black_box(parts.signing_input), &tag));
    });
    group.finish();
    Ok(())
}

fn refresh_tokens(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let random = SystemRandom::new();
    let keys = RefreshKeys::new(&[(0, SECRET)])?;
    let token = RefreshToken {
        sid: SessionId::generate(NOW, &random)?,
        generation: 7,
        family: FamilySecret::generate(&random)?,
    };
    let text = keys.seal(&token, 0)?;
    assert_eq!(keys.open(&text)?.sid, token.sid);

    let mut group = criterion.benchmark_group("refresh token");
    let _group = group.bench_function("open", |bencher| bencher.iter(|| keys.open(black_box(&text)).is_ok()));
    let _group = group.bench_function("seal", |bencher| {
        bencher.iter(|| keys.seal(black_box(&token), 0).is_ok());
    });
    group.finish();
    Ok(())
}

/// What "is it revoked?" costs for a token that is not.
fn revocation(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let random = SystemRandom::new();
    let sids = (0..ASKERS).map(|_| SessionId::generate(NOW, &random).map(|sid| sid.to_string()));
    let sids = sids.collect::<Result<Vec<_>, _>>()?;
    let mut group = criterion.benchmark_group("revocation look-up");
    for entries in [0, 1_000_000] {
        let index = RevocationIndex::new(2 * entries.max(1), &random)?;
        for _ in 0..entries {
            let target = Target::Session {
                sid: SessionId::generate(NOW, &random)?,
            };
            let expires_at = NOW.plus(Span::from_secs(3600));
            index.insert(&Revocation { target, expires_at });
        }
        assert_eq!(index.len(), entries);
        assert!(sids.iter().all(|sid| index.check(&identity(sid), NOW).is_ok()));
        let mut askers = sids.iter().cycle();
        let _group = group.bench_function(BenchmarkId::new("entries", entries), |bencher| {
            bencher.iter(|| askers.next().map(|sid| index.check(&identity(sid), NOW).is_ok()));
        });
    }
    group.finish();
    Ok(())
}

/// A token's identity as a verifier hands it over; its `jti` is as unknown as its `sid`.
fn identity(sid: &str) -> Identity<'_> {
    Identity {
        jti: Some(Text::literal(sid)),
        sid: Some(Text::literal(sid)),
        sub: Some(Text::literal("user-1842")),
        kid: Some("k1"),
        issued: Some(NOW.as_secs()),
    }
}
