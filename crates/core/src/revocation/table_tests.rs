//! A table by itself. Apart from it, because `loom/` compiles that file a second time and has its own tests.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::{
        digest::{Digest, Hash, Place},
        entries::{Part, Swept},
        expiry::Expiry,
        table::Table,
    };
    use crate::time::UnixMs;

    const SOON: u64 = 10;
    const LATE: u64 = 20;

    fn at(secs: u64) -> Expiry {
        Expiry::from(UnixMs::from_secs(secs))
    }

    /// Names that all begin at the same bucket.
    fn crowded(n: u64) -> Digest {
        Digest {
            place: Place::new(n),
            hash: Hash::new(n << 8),
        }
    }

    fn scattered(n: u64) -> Digest {
        Digest {
            place: Place::new(n),
            hash: Hash::new(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        }
    }

    /// What a sweep did, and the places that it left.
    fn sweep(table: &Table, secs: u64) -> (Swept, Vec<u64>) {
        let mut kept = Vec::new();
        let swept = table.sweep(UnixMs::from_secs(secs), |left| {
            kept.extend(left.iter().map(|name| name.get()));
        });
        kept.sort_unstable();
        (swept, kept)
    }

    #[test]
    fn names_of_one_bucket_are_found_wherever_they_went_and_leave_no_trace() {
        let table = Table::new();
        for n in 0..1000 {
            table.insert(crowded(n), at(if n % 3 == 0 { LATE } else { SOON }), || true);
        }
        assert!((0..1000).all(|n| table.find(crowded(n))));
        assert!(!table.find(crowded(1000)));
        assert_eq!(table.steps(crowded(999)), Some(334), "three in a bucket");
        let (swept, kept) = sweep(&table, SOON);
        let expected = Swept {
            seen: 1000,
            dropped: 666,
        };
        assert_eq!(swept, expected);
        assert_eq!(kept, (0..1000).filter(|n| n % 3 == 0).collect::<Vec<_>>());
        assert!((0..1000).all(|n| table.find(crowded(n)) == (n % 3 == 0)));
        sweep(&table, LATE);
        assert_eq!((table.len(), table.passed()), (0, 0));
    }

    #[test]
    fn both_halves_of_a_digest_have_to_fit() {
        let table = Table::new();
        let name = scattered(1);
        table.insert(name, at(SOON), || true);
        assert!(table.find(name));
        let place = Place::new(2);
        assert!(!table.find(Digest { place, ..name }));
        let hash = Hash::new(2);
        assert!(!table.find(Digest { hash, ..name }));
    }

    #[test]
    fn the_later_expiry_counts_and_what_is_not_admitted_is_not_held() {
        let table = Table::new();
        table.insert(scattered(1), at(SOON), || false);
        assert!(!table.find(scattered(1)));
        table.insert(scattered(1), at(SOON), || true);
        table.insert(scattered(1), at(LATE), || unreachable!("it is there"));
        table.insert(scattered(1), at(SOON), || unreachable!("it is there"));
        sweep(&table, SOON);
        assert!(table.find(scattered(1)));
        sweep(&table, LATE);
        assert!(!table.find(scattered(1)));
    }

    #[test]
    fn it_stays_within_its_share_of_memory_and_gives_it_back() {
        let table = Table::new();
        for n in 1..=20_000 {
            table.insert(scattered(n), at(if n <= 19_900 { SOON } else { LATE }), || true);
            let entries = usize::try_from(n).unwrap();
            // Beyond a few, an entry takes at most 40 bytes.
            assert!(table.buckets() * 64 <= entries * 40 + 128, "{entries}");
        }
        sweep(&table, SOON);
        assert!(table.buckets() < 100);
        assert!((19_901..=20_000).all(|n| table.find(scattered(n))));
        sweep(&table, LATE);
        assert_eq!(table.buckets(), 1);
    }

    #[test]
    fn most_look_ups_end_in_the_first_bucket_also_just_before_a_growth() {
        let table = Table::new();
        let in_first = |names: u64| {
            let in_first = (0..names).filter(|n| table.steps(scattered(*n)) == Some(1));
            in_first.count() * 100 / usize::try_from(names).unwrap()
        };
        let mut names = 0;
        let mut add = || {
            table.insert(scattered(names), at(SOON), || true);
            names += 1;
            (names, table.buckets())
        };
        while add().1 < 5000 {}
        let (begin, buckets) = add();
        assert!(in_first(begin) >= 90, "{} %", in_first(begin));
        while table.buckets() == buckets {
            add();
        }
        let (end, _) = add();
        assert!(end > begin * 5 / 4);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Against a plain list. Names are few and crowded, so that buckets run over and slots are used again.
        #[test]
        fn it_holds_what_a_list_would_hold(
            steps in prop::collection::vec((0..4_u8, 0..40_u64, 1..30_u64), 1..200),
        ) {
            let table = Table::new();
            let mut list = BTreeMap::new();
            let mut now = 0;
            for (what, n, secs) in steps {
                if what > 0 {
                    table.insert(crowded(n), at(now + secs), || true);
                    let there = list.entry(n).or_insert(0);
                    *there = (now + secs).max(*there);
                } else {
                    now += secs / 3;
                    let seen = list.len();
                    list.retain(|_, expiry| *expiry > now);
                    let dropped = seen - list.len();
                    let expected = (Swept { seen, dropped }, list.keys().copied().collect());
                    prop_assert_eq!(sweep(&table, now), expected);
                }
                prop_assert_eq!(table.len(), list.len());
                for n in 0..40 {
                    prop_assert_eq!(table.find(crowded(n)), list.contains_key(&n));
                }
            }
        }
    }
}
