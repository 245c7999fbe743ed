//! ROCA (CVE-2017-15361): RSA moduli whose primes were made by one vendor's faulty generator and can be factored.

/// The primes whose residues give such a modulus away.
const PRIMES: [u16; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether the modulus, big-endian, has the fingerprint of that generator.
///
/// Its primes were `k * M + 65537^a mod M` with `M` a product of small primes, so the modulus is a power of 65537 modulo
/// each of them (Nemec et al., "The Return of Coppersmith's Attack", 2017, section 2.3). A sound modulus passes for one with
/// a probability of about 2^-28.
pub(super) fn is_roca(modulus: &[u8]) -> bool {
    PRIMES.iter().all(|&prime| {
        let prime = u32::from(prime);
        let residue = modulus
            .iter()
            .fold(0, |residue, &byte| (residue * 256 + u32::from(byte)) % prime);
        is_power_of_65537(residue, prime)
    })
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let generator = 65537 % prime;
    let mut power = 1;
    for _ in 0..prime {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_of_65537_has_the_fingerprint() {
        // 65537^3, big-endian: a power modulo every prime.
        let cube = 65_537_u64.pow(3).to_be_bytes();
        assert!(is_roca(&cube));
    }

    #[test]
    fn other_numbers_do_not() {
        for number in [2_u64, 3, 65_536, 65_539, 0xdead_beef] {
            assert!(!is_roca(&number.to_be_bytes()), "{number}");
        }
    }
}
