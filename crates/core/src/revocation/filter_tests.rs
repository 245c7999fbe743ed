//! The filter by itself. Apart from it, because `loom/` compiles that file a second time and has its own tests.

#[cfg(test)]
mod tests {
    use super::super::{digest::Place, filter::Filter};

    /// The second of three parts.
    const PART: usize = 1;

    fn name(n: u64) -> Place {
        let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Place::new((mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }

    fn wrong(filter: &Filter) -> usize {
        (1_000_000..1_010_000)
            .filter(|n| filter.may_hold(PART, name(*n)))
            .count()
    }

    #[test]
    fn it_knows_every_name_and_hardly_any_other() {
        for names in [6, 200, 20_000] {
            let filter = Filter::new(3, 20_000);
            assert!(!filter.may_hold(PART, name(1)));
            (0..names).for_each(|n| filter.add(PART, name(n)));
            assert!((0..names).all(|n| filter.may_hold(PART, name(n))));
            filter.rebuild(PART, &(0..names).map(name).collect::<Vec<_>>());
            assert!((0..names).all(|n| filter.may_hold(PART, name(n))));
            // At its bound a word holds six names on average.
            assert!(wrong(&filter) < 250, "{} of 10,000", wrong(&filter));
        }
    }

    #[test]
    fn what_a_sweep_does_not_hand_over_is_gone_in_time() {
        let filter = Filter::new(3, 20_000);
        for round in 0..5_u64 {
            let old = round * 5000;
            (old..old + 10_000).for_each(|n| filter.add(PART, name(n)));
            filter.rebuild(PART, &(old + 5000..old + 10_000).map(name).collect::<Vec<_>>());
            assert!((old + 5000..old + 10_000).all(|n| filter.may_hold(PART, name(n))));
            assert!((old..old + 5000).filter(|n| filter.may_hold(PART, name(*n))).count() < 300);
        }
    }
}
