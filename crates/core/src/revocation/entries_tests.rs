//! Entries and their filter together. Apart from them, because `loom/` compiles those files a second time and has its own tests.

#[cfg(test)]
mod tests {
    use super::super::{
        cutoff::Cutoff,
        cutoffs::Cutoffs,
        digest::{Digest, Hash, Place},
        entries::{Entries, Swept},
        expiry::Expiry,
        table::Table,
    };
    use crate::time::UnixMs;

    fn name(n: u64) -> Digest {
        Digest {
            // Four parts take turns.
            place: Place::new(n << 62 | n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2),
            hash: Hash::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        }
    }

    fn at(secs: u64) -> Expiry {
        Expiry::from(UnixMs::from_secs(secs))
    }

    fn holds(entries: &Entries<Table>, n: u64) -> bool {
        entries.get(name(n))
    }

    #[test]
    fn a_sweep_takes_part_after_part() {
        let entries = Entries::<Table>::new(4, 4000);
        (0..4000).for_each(|n| entries.insert(name(n), at(if n < 3900 { 10 } else { 20 }), || true));
        let now = UnixMs::from_secs(10);
        for part in 0..entries.parts() {
            assert!((0..3900).any(|n| holds(&entries, n)), "{part}");
            let swept = Swept {
                seen: 1000,
                dropped: 975,
            };
            assert_eq!(entries.sweep(part, now), swept);
        }
        assert_eq!((0..4000).filter(|n| holds(&entries, *n)).count(), 100);
        let may_hold = (0..3900).filter(|n| entries.may_hold(name(*n))).count();
        assert!(may_hold < 200, "the filter forgets as well: {may_hold}");
        assert!(!entries.is_empty());
    }

    #[test]
    fn what_is_not_admitted_is_not_held() {
        let entries = Entries::<Table>::new(1, 1);
        entries.insert(name(1), at(1), || false);
        assert!(entries.is_empty() && !holds(&entries, 1));
        entries.insert(name(1), at(1), || true);
        assert!(!entries.is_empty() && holds(&entries, 1));
    }

    #[test]
    fn no_cut_off_is_lost_that_comes_beside_a_sweep() {
        const THREADS: u64 = 4;
        const EACH: u64 = 2000;
        let entries = Entries::<Cutoffs>::new(1, 100);
        let cutoff = |secs| Cutoff::new(UnixMs::from_secs(5), at(secs));
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let entries = &entries;
                scope.spawn(move || {
                    for n in thread * EACH..(thread + 1) * EACH {
                        entries.insert(name(n), cutoff(20), || true);
                        entries.insert(name(n + (1 << 40)), cutoff(10), || true);
                        if n % 16 == 0 {
                            entries.sweep(0, UnixMs::from_secs(10));
                        }
                        assert!(entries.get(name(n)).is_some(), "{n}");
                    }
                });
            }
        });
        assert!((0..THREADS * EACH).all(|n| entries.get(name(n)).is_some()));
    }

    #[test]
    fn threads_that_add_and_sweep_at_once_lose_nothing() {
        const THREADS: u64 = 4;
        const EACH: u64 = 5000;
        let entries = Entries::<Table>::new(8, 100);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let entries = &entries;
                scope.spawn(move || {
                    for n in thread * EACH..(thread + 1) * EACH {
                        entries.insert(name(n), at(20), || true);
                        // Short lives beside, so that slots are freed and taken again.
                        entries.insert(name(n + (1 << 40)), at(10), || true);
                        if n % 16 == 0 {
                            entries.sweep(usize::try_from(n / 16 % 8).unwrap(), UnixMs::from_secs(10));
                        }
                        assert!(holds(entries, n), "{n}");
                    }
                });
            }
        });
        assert!((0..THREADS * EACH).all(|n| holds(&entries, n)));
        (0..8).for_each(|part| {
            entries.sweep(part, UnixMs::from_secs(20));
        });
        assert!(entries.is_empty());
    }
}
