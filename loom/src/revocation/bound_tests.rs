//! The bound of the index: never more than fit, and never complete while something is missing.

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::bound::Bound;

#[test]
fn of_two_that_race_for_the_last_place_one_is_refused_and_it_shows() {
    loom::model(|| {
        let bound = Arc::new(Bound::new(1));
        let other = {
            let bound = Arc::clone(&bound);
            thread::spawn(move || bound.admit())
        };
        let mine = bound.admit();
        let theirs = other.join().unwrap();
        assert!(mine ^ theirs);
        assert_eq!(bound.held(), 1);
        assert!(bound.is_exceeded());
    });
}

#[test]
fn a_place_that_is_given_back_is_taken_at_most_once() {
    loom::model(|| {
        let bound = Arc::new(Bound::new(1));
        assert!(bound.admit());
        let racers: Vec<_> = (0..2)
            .map(|_| {
                let bound = Arc::clone(&bound);
                thread::spawn(move || bound.admit())
            })
            .collect();
        bound.release(1);
        let admitted = racers.into_iter().map(|racer| racer.join().unwrap());
        let admitted = admitted.filter(|admitted| *admitted).count();
        assert!(admitted <= 1);
        assert_eq!(bound.held(), admitted);
        assert!(bound.is_exceeded(), "one of them was left out");
    });
}

/// What a reload has inserted stands for the entry that was refused: who finds the index complete finds it.
#[test]
fn who_finds_the_index_complete_again_finds_what_the_reload_brought() {
    loom::model(|| {
        let bound = Arc::new(Bound::new(0));
        assert!(!bound.admit());
        let entry = Arc::new(AtomicBool::new(false));
        let reloader = {
            let (bound, entry) = (Arc::clone(&bound), Arc::clone(&entry));
            thread::spawn(move || {
                let begun = bound.begin_reload();
                entry.store(true, Ordering::Relaxed);
                assert!(bound.end_reload(begun));
            })
        };
        if !bound.is_exceeded() {
            assert!(entry.load(Ordering::Relaxed));
        }
        reloader.join().unwrap();
        assert!(!bound.is_exceeded());
    });
}

#[test]
fn a_refusal_during_a_reload_is_not_forgotten() {
    loom::model(|| {
        let bound = Arc::new(Bound::new(0));
        let reloader = {
            let bound = Arc::clone(&bound);
            thread::spawn(move || {
                let begun = bound.begin_reload();
                // What was refused before this is in what is read now, and what comes later is not.
                bound.end_reload(begun);
                begun
            })
        };
        assert!(!bound.admit());
        let begun = reloader.join().unwrap();
        assert_eq!(bound.is_exceeded(), begun == 0);
    });
}

#[test]
fn two_reloads_at_once_make_good_no_more_than_either_has_read() {
    loom::model(|| {
        let bound = Arc::new(Bound::new(0));
        assert!(!bound.admit());
        let other = {
            let bound = Arc::clone(&bound);
            thread::spawn(move || {
                let begun = bound.begin_reload();
                bound.end_reload(begun)
            })
        };
        let begun = bound.begin_reload();
        assert!(!bound.admit());
        bound.end_reload(begun);
        other.join().unwrap();
        let begun = bound.begin_reload();
        assert_eq!(begun, 2);
        assert!(bound.end_reload(begun));
        assert!(!bound.is_exceeded());
    });
}
