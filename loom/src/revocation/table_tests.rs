//! A table: a name that is held is found, whatever writers do meanwhile.

use loom::{
    model::Builder,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::{
    digest::{Digest, Hash, Place},
    entries::Part,
    expiry::Expiry,
    table::Table,
};
use crate::time::UnixMs;

const SOON: UnixMs = UnixMs::from_secs(10);
const LATE: UnixMs = UnixMs::from_secs(20);

/// All names begin at the first bucket.
fn name(n: u64) -> Digest {
    Digest {
        place: Place::new(n),
        hash: Hash::new(n << 8),
    }
}

fn table(names: &[(u64, UnixMs)]) -> Arc<Table> {
    let table = Table::new();
    for (n, expires_at) in names {
        table.insert(name(*n), Expiry::from(*expires_at), || true);
    }
    Arc::new(table)
}

fn insert(table: &Table, n: u64) {
    table.insert(name(n), Expiry::from(LATE), || true);
}

fn beside(table: &Arc<Table>, write: impl FnOnce(&Table) + Send + 'static) -> thread::JoinHandle<()> {
    let table = Arc::clone(table);
    thread::spawn(move || write(&table))
}

fn check(run: impl Fn() + Sync + Send + 'static) {
    let mut model = Builder::new();
    // A look at a bucket is seven places to be interrupted at: all interruptions, but few at a time.
    model.preemption_bound = Some(3);
    model.max_branches = 10_000;
    model.check(run);
}

#[test]
fn a_name_is_found_while_the_table_grows() {
    check(|| {
        let table = table(&[(1, LATE), (2, LATE)]);
        let before = table.buckets();
        let writer = beside(&table, |table| insert(table, 3));
        assert!(table.find(name(1)) && table.find(name(2)));
        writer.join().unwrap();
        assert!(table.buckets() > before);
        assert!(table.find(name(1)) && table.find(name(2)) && table.find(name(3)));
    });
}

#[test]
fn a_name_that_passed_a_full_bucket_is_found_while_one_there_is_dropped_and_its_slot_taken() {
    check(|| {
        let table = table(&[(1, SOON), (2, LATE), (3, LATE), (4, LATE)]);
        assert_eq!(table.steps(name(4)), Some(2));
        let writer = beside(&table, |table| {
            table.sweep(SOON, |_| {});
            insert(table, 5);
        });
        assert!(table.find(name(4)));
        writer.join().unwrap();
        assert_eq!(table.steps(name(5)), Some(1));
        assert!(table.find(name(4)) && !table.find(name(1)));
    });
}

#[test]
fn a_name_that_passes_a_full_bucket_is_found_by_whoever_knows_of_it() {
    check(|| {
        let table = table(&[(1, LATE), (2, LATE), (3, LATE)]);
        let is_in = Arc::new(AtomicBool::new(false));
        let writer = {
            let is_in = Arc::clone(&is_in);
            beside(&table, move |table| {
                insert(table, 4);
                is_in.store(true, Ordering::Release);
            })
        };
        let knows = is_in.load(Ordering::Acquire);
        assert!(table.find(name(4)) || !knows);
        writer.join().unwrap();
        assert_eq!(table.steps(name(4)), Some(2));
    });
}

#[test]
fn a_name_that_comes_twice_at_once_is_held_once() {
    check(|| {
        let table = table(&[]);
        let writer = beside(&table, |table| insert(table, 1));
        insert(&table, 1);
        writer.join().unwrap();
        assert_eq!((table.len(), table.passed()), (1, 0));
        table.sweep(LATE, |_| {});
        assert_eq!(table.len(), 0);
    });
}
