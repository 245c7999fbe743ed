//! What is measured of everything that could hold revocations.

/// Holds entries by number. The numbers become names, or digests, outside of what is timed.
pub(crate) trait Contender: Sync {
    /// A number made ready to be asked about.
    type Question;

    /// Adds an entry that expires at a second.
    fn insert(&self, number: u32, expires_at: u32);

    /// Makes one step of dropping what has expired.
    fn expire(&self, now: u32);

    /// Makes a number ready.
    fn question(&self, number: u32) -> Self::Question;

    /// The look-up that is timed.
    fn is_revoked(&self, question: &Self::Question) -> bool;
}

/// Numbers scattered over all bits, so that neighbours are not neighbours in a map.
pub(crate) const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The sixteen bytes that stand for a number.
pub(crate) fn digest(number: u32) -> [u8; 16] {
    let wide = u128::from(scattered(u64::from(number))) << 64 | u128::from(scattered(u64::from(number) << 32));
    wide.to_le_bytes()
}
