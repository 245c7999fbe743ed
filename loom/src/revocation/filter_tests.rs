//! The filter: a name that is held is never denied, whatever a writer does meanwhile.

use loom::{
    model::Builder,
    sync::{Arc, Mutex},
    thread,
};

use super::{digest::Place, filter::Filter};

const NAME: Place = Place::new(7);

/// The only part.
const PART: usize = 0;

/// One part of a table with its filter, used as the index uses them.
struct Part {
    filter: Filter,
    names: Mutex<Vec<Place>>,
}

impl Part {
    /// With so many names beside the one that is asked for.
    fn new(others: u64) -> Arc<Self> {
        let part = Self {
            filter: Filter::new(1, 1),
            names: Mutex::new(Vec::new()),
        };
        (0..others).for_each(|n| part.insert(Place::new(100 + n)));
        Arc::new(part)
    }

    fn insert(&self, name: Place) {
        let mut names = self.names.lock().unwrap();
        self.filter.add(PART, name);
        names.push(name);
    }

    fn sweep(&self, is_left: impl Fn(Place) -> bool) {
        let mut names = self.names.lock().unwrap();
        names.retain(|name| is_left(*name));
        self.filter.rebuild(PART, &names);
    }

    fn may_hold(&self) -> bool {
        self.filter.may_hold(PART, NAME)
    }
}

fn check(run: impl Fn() + Sync + Send + 'static) {
    let mut model = Builder::new();
    // A set has 64 words, each a place to be interrupted at: all interruptions, but few at a time.
    model.preemption_bound = Some(3);
    model.max_branches = 10_000;
    model.check(run);
}

#[test]
fn a_name_that_comes_beside_a_sweep_is_known_after_it() {
    for others in [0, 7] {
        check(move || {
            let part = Part::new(others);
            let sweeper = {
                let part = Arc::clone(&part);
                thread::spawn(move || part.sweep(|_| true))
            };
            part.insert(NAME);
            assert!(part.may_hold());
            sweeper.join().unwrap();
            assert!(part.may_hold());
            part.sweep(|_| true);
            assert!(part.may_hold());
        });
    }
}

#[test]
fn a_reader_is_not_misled_when_a_sweep_makes_a_set_and_the_next_one_fills_it_anew() {
    check(|| {
        let part = Part::new(6);
        part.insert(NAME);
        let sweeper = {
            let part = Arc::clone(&part);
            thread::spawn(move || {
                part.sweep(|_| true);
                part.sweep(|name| name == NAME);
            })
        };
        assert!(part.may_hold());
        sweeper.join().unwrap();
        assert!(part.may_hold());
    });
}
