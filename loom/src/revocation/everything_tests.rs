//! The cut-off for everything: it never moves back, and expires as a whole.

use loom::{sync::Arc, thread};

use super::{cutoff::Cutoff, everything::Everything, expiry::Expiry};
use crate::time::UnixMs;

fn cutoff(before: u64, expires: u64) -> Cutoff {
    Cutoff::new(UnixMs::new(before), Expiry::from(UnixMs::from_secs(expires)))
}

#[test]
fn of_two_cut_offs_the_later_stands() {
    loom::model(|| {
        let everything = Arc::new(Everything::new());
        let other = {
            let everything = Arc::clone(&everything);
            thread::spawn(move || everything.insert(cutoff(7, 10)))
        };
        everything.insert(cutoff(5, 20));
        assert!(everything.before() >= Some(UnixMs::new(5)));
        other.join().unwrap();
        assert_eq!(everything.before(), Some(UnixMs::new(7)));
        everything.expire(UnixMs::from_secs(19));
        assert_eq!(everything.before(), Some(UnixMs::new(7)), "kept as long as either");
    });
}

#[test]
fn an_expiry_takes_no_cut_off_with_it_that_comes_at_the_same_time() {
    loom::model(|| {
        let everything = Arc::new(Everything::new());
        everything.insert(cutoff(5, 10));
        let other = {
            let everything = Arc::clone(&everything);
            thread::spawn(move || everything.expire(UnixMs::from_secs(10)))
        };
        everything.insert(cutoff(7, 20));
        assert_eq!(everything.before(), Some(UnixMs::new(7)));
        other.join().unwrap();
        assert_eq!(everything.before(), Some(UnixMs::new(7)));
    });
}
