//! Random bytes in small portions, drawn from another source by the block.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use zeroize::{Zeroize, Zeroizing};

use super::Random;
use crate::error::Error;

/// How much is drawn at once: a call into the operating system for some fifty identifiers.
const BLOCK: usize = 512;

/// For identifiers, which must not be guessed or met twice, and of which one is needed at each refresh: a call into the operating
/// system for each would cost more than the rest of their making. What is handed out is wiped here.
///
/// Not for secrets: a virtual machine that is resumed twice from one image draws what is left of the block twice, while the
/// operating system's own generator is told of it. The same goes for `fork` without `exec`, which Node does not do.
pub struct BufferedRandom {
    source: Arc<dyn Random>,
    block: Mutex<Block>,
}

/// What is left of the last block: its last bytes, so many.
struct Block {
    bytes: Zeroizing<[u8; BLOCK]>,
    left: usize,
}

impl BufferedRandom {
    /// Draws from `source`, at the first use for the first time.
    pub fn new(source: Arc<dyn Random>) -> Self {
        let block = Block {
            bytes: Zeroizing::new([0; BLOCK]),
            left: 0,
        };
        Self {
            source,
            block: Mutex::new(block),
        }
    }
}

impl Random for BufferedRandom {
    /// As the source; at most 512 bytes come out of a block, and for more than that it is asked itself.
    fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
        if out.len() > BLOCK {
            return self.source.fill(out);
        }
        let mut block = self.block.lock().unwrap_or_else(PoisonError::into_inner);
        if block.left < out.len() {
            // Nothing is left meanwhile: what a source that fails may have written is never handed out.
            block.left = 0;
            self.source.fill(block.bytes.as_mut())?;
            block.left = BLOCK;
        }
        let start = BLOCK - block.left;
        if let Some(bytes) = block.bytes.get_mut(start..start + out.len()) {
            out.copy_from_slice(bytes);
            bytes.zeroize();
        }
        block.left -= out.len();
        Ok(())
    }
}

impl fmt::Debug for BufferedRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BufferedRandom(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::{error::Code, random::array};

    /// Counts upwards, so that each byte tells where it stood.
    #[derive(Default)]
    struct Counting {
        next: AtomicUsize,
        calls: AtomicUsize,
        broken: AtomicBool,
    }

    impl Random for Counting {
        fn fill(&self, out: &mut [u8]) -> Result<(), Error> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            for byte in out {
                *byte = u8::try_from(self.next.fetch_add(1, Ordering::Relaxed) % 251).unwrap();
            }
            if self.broken.load(Ordering::Relaxed) {
                return Err(Code::Internal.into());
            }
            Ok(())
        }
    }

    fn buffered() -> (Arc<Counting>, BufferedRandom) {
        let source = Arc::new(Counting::default());
        (Arc::clone(&source), BufferedRandom::new(source))
    }

    #[test]
    fn each_byte_is_handed_out_once_and_in_order() {
        let (source, random) = buffered();
        let mut seen = Vec::new();
        for _ in 0..51 {
            seen.extend(array::<10>(&random).unwrap());
        }
        let expected: Vec<u8> = (0..510).map(|n: usize| u8::try_from(n % 251).unwrap()).collect();
        assert_eq!(seen, expected);
        assert_eq!(source.calls.load(Ordering::Relaxed), 1);
        // Two bytes are left, which are not enough: they are never used.
        assert_eq!(array::<3>(&random).unwrap(), [10, 11, 12]);
        assert_eq!(source.calls.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_was_handed_out_is_no_longer_held() {
        let (_, random) = buffered();
        let taken = array::<16>(&random).unwrap();
        assert_eq!(taken[15], 15);
        let block = random.block.lock().unwrap();
        assert_eq!(block.bytes[..16], [0; 16]);
        assert_eq!((block.bytes[16], block.left), (16, BLOCK - 16));
    }

    #[test]
    fn a_whole_block_comes_out_and_more_than_that_from_the_source() {
        let (source, random) = buffered();
        assert_eq!(array::<BLOCK>(&random).unwrap()[BLOCK - 1], 9);
        assert_eq!(array::<{ BLOCK + 1 }>(&random).unwrap()[0], 10);
        assert_eq!(random.block.lock().unwrap().left, 0);
        assert_eq!(source.calls.load(Ordering::Relaxed), 2);
        random.fill(&mut []).unwrap();
        assert_eq!(source.calls.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_source_that_fails_is_told_and_asked_again() {
        let (source, random) = buffered();
        source.broken.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            assert_eq!(array::<10>(&random).unwrap_err().code(), Code::Internal);
        }
        source.broken.store(false, Ordering::Relaxed);
        assert!(array::<10>(&random).is_ok());
        assert_eq!(source.calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn threads_never_get_the_same_bytes() {
        let random = BufferedRandom::new(Arc::new(crate::random::SystemRandom::new()));
        let draw = || (0..500).map(|_| array::<10>(&random).unwrap()).collect::<Vec<_>>();
        let drawn: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(draw)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        let distinct: std::collections::HashSet<_> = drawn.iter().collect();
        assert_eq!(distinct.len(), 2000);
    }
}
