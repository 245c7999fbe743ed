//! The filter by itself. Apart from it, because `loom/` compiles that file a second time and has its own tests.

#[cfg(test)]
mod tests {
    use super::super::{digest::Digest, filter::Filter};

    fn name(n: u64) -> Digest {
        let mixed = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        (mixed ^ mixed >> 61).to_be_bytes()
    }

    fn wrong(filter: &Filter) -> usize {
        (1_000_000..1_010_000).filter(|n| filter.may_hold(&name(*n))).count()
    }

    #[test]
    fn it_knows_every_name_and_hardly_any_other() {
        for names in [200, 20_000] {
            let filter = Filter::new(20_000);
            assert!(!filter.may_hold(&name(1)));
            (0..names).for_each(|n| filter.add(&name(n)));
            assert!((0..names).all(|n| filter.may_hold(&name(n))));
            filter.rebuild(usize::try_from(names).unwrap(), |keep| {
                (0..names).for_each(|n| keep(&name(n)));
            });
            assert!((0..names).all(|n| filter.may_hold(&name(n))));
            // At its bound a word holds eight names on average.
            assert!(wrong(&filter) < 450, "{} of 10,000", wrong(&filter));
        }
    }

    #[test]
    fn what_a_sweep_does_not_hand_over_is_gone_in_time() {
        let filter = Filter::new(20_000);
        for round in 0..5_u64 {
            let old = round * 5000;
            (old..old + 10_000).for_each(|n| filter.add(&name(n)));
            filter.rebuild(5000, |keep| (old + 5000..old + 10_000).for_each(|n| keep(&name(n))));
            assert!((old + 5000..old + 10_000).all(|n| filter.may_hold(&name(n))));
            assert!((old..old + 5000).filter(|n| filter.may_hold(&name(*n))).count() < 300);
        }
    }
}
