//! The filter: a name that is held is never denied, whatever a sweep does meanwhile.

use loom::{
    model::Builder,
    sync::{Arc, Mutex},
    thread,
};

use super::{digest::Place, filter::Filter};

const NAME: Place = Place::new(7);

/// The only part.
const PART: usize = 0;

/// One shard of a table with its filter, used as the index uses them.
struct Shard {
    filter: Filter,
    names: Mutex<Vec<Place>>,
}

impl Shard {
    fn insert(&self) {
        let mut names = self.names.lock().unwrap();
        self.filter.add(PART, NAME);
        names.push(NAME);
    }

    fn sweep(&self) {
        self.filter.rebuild(PART, 1, |keep| {
            for name in &*self.names.lock().unwrap() {
                keep(*name);
            }
        });
    }
}

fn check(run: impl Fn(Arc<Shard>) + Sync + Send + 'static) {
    let mut model = Builder::new();
    // A set has 64 words, and clearing them is 64 places to be interrupted at: all interruptions, but few at a time.
    model.preemption_bound = Some(3);
    model.max_branches = 10_000;
    model.check(move || {
        run(Arc::new(Shard {
            filter: Filter::new(1, 1),
            names: Mutex::new(Vec::new()),
        }));
    });
}

#[test]
fn a_name_that_comes_during_a_sweep_is_known_after_it() {
    check(|shard| {
        let sweeper = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || shard.sweep())
        };
        shard.insert();
        assert!(shard.filter.may_hold(PART, NAME));
        sweeper.join().unwrap();
        assert!(shard.filter.may_hold(PART, NAME));
        shard.sweep();
        assert!(shard.filter.may_hold(PART, NAME));
    });
}

#[test]
fn a_reader_is_not_misled_when_sweep_follows_on_sweep() {
    check(|shard| {
        shard.insert();
        let sweeper = {
            let shard = Arc::clone(&shard);
            thread::spawn(move || {
                shard.sweep();
                shard.sweep();
            })
        };
        assert!(shard.filter.may_hold(PART, NAME));
        sweeper.join().unwrap();
    });
}
