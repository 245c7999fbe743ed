//! Which algorithms take long enough to be worth a change of threads.
//!
//! Handing work to another thread and fetching the answer costs some 20 us. Everything below about 100 us is done at once;
//! what is above would hold everybody else for as long. Figures of one x86-64 server core: RSA-2048 signs in 312 us, and in
//! five times that with 4096 bits; P-384 verifies in 188 us; P-521 is above in both directions.

use crate::crypto::Algorithm;

/// Whether a signature takes more than about 100 us to make.
pub fn signs_slowly(algorithm: Algorithm) -> bool {
    match algorithm {
        Algorithm::Es512
        | Algorithm::Ps256
        | Algorithm::Ps384
        | Algorithm::Ps512
        | Algorithm::Rs256
        | Algorithm::Rs384
        | Algorithm::Rs512 => true,
        Algorithm::EdDsa
        | Algorithm::Es256
        | Algorithm::Es384
        | Algorithm::Hs256
        | Algorithm::Hs384
        | Algorithm::Hs512 => false,
    }
}

/// Whether a signature takes more than about 100 us to verify.
pub fn verifies_slowly(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Es384 | Algorithm::Es512)
}
