//! Randomness as a parameter: core never draws any by itself, so tests can repeat a run.

mod buffered;

use ring::rand::SecureRandom;

use crate::error::{Code, Error};

pub use buffered::BufferedRandom;

/// A source of unpredictable bytes. Anything but [`SystemRandom`], and [`BufferedRandom`] over it, belongs in tests.
pub trait Random: Send + Sync {
    /// Fills `out` wholly, or fails with [`Code::Internal`] and leaves it unspecified.
    fn fill(&self, out: &mut [u8]) -> Result<(), Error>;
}

/// The operating system's generator, through ring.
#[derive(Debug)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemRandom {
    /// A handle; the operating system keeps the state.
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        self.0
            .fill(out)
            .map_err(|_| Error::because(Code::Internal, "no randomness"))
    }
}

/// An array of random bytes, for instance a key or the random part of an identifier.
pub fn array<const N: usize>(random: &dyn Random) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    random.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        let random = SystemRandom::new();
        assert_ne!(array::<32>(&random).unwrap(), array::<32>(&random).unwrap());
    }
}
