//! Random histories, compared with a plain map.

use std::collections::BTreeMap;
use std::sync::Arc;

use kv::{Durability, Engine, MemoryEngine, Order, Transaction, Verdict};
use proptest::prelude::*;

use crate::support::{open, scan, scan_tx};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Transaction { writes: Vec<(Vec<u8>, Option<Vec<u8>>)>, verdict: Verdict },
    Scan { from: Vec<u8>, to: Vec<u8>, order: Order, limit: usize },
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(0xff)], 1..4)
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::Ascending), Just(Order::Descending)]
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..8).prop_map(Some),
        1 => Just(Some(vec![7; 100_000])),
        2 => Just(None),
    ];
    let verdict = prop_oneof![4 => Just(Verdict::Commit), 1 => Just(Verdict::Abort)];
    prop_oneof![
        6 => (prop::collection::vec((key(), value), 0..6), verdict)
            .prop_map(|(writes, verdict)| Step::Transaction { writes, verdict }),
        3 => (key(), key(), order(), 1..9_usize)
            .prop_map(|(from, to, order, limit)| Step::Scan { from, to, order, limit }),
        1 => Just(Step::Reopen),
    ]
}

fn apply(model: &mut Model, writes: &[(Vec<u8>, Option<Vec<u8>>)]) {
    for (key, value) in writes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

fn pairs(model: &Model, from: &[u8], to: &[u8], order: Order, limit: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<_> = model
        .iter()
        .filter(|(key, _)| from <= key.as_slice() && key.as_slice() < to)
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if order == Order::Descending {
        pairs.reverse();
    }
    pairs.truncate(limit);
    pairs
}

/// Writes, and compares what the transaction then sees with `expected`.
fn write_and_compare(tx: &mut dyn Transaction, writes: &[(Vec<u8>, Option<Vec<u8>>)], expected: &Model) {
    for (key, value) in writes {
        match value {
            Some(value) => tx.put(key, value),
            None => tx.delete(key),
        }
    }
    for order in [Order::Ascending, Order::Descending] {
        assert_eq!(scan_tx(tx, b"a", &[0xff; 9], order, 99), pairs(expected, b"a", &[0xff; 9], order, 99));
    }
    for (key, _) in writes {
        assert_eq!(tx.get(key).unwrap().as_deref(), expected.get(key).map(Vec::as_slice));
    }
}

/// Runs `steps` on what `open` opens, which is called again for each `Reopen`.
async fn check(steps: Vec<Step>, open: impl Fn(Option<Arc<dyn Engine>>) -> Arc<dyn Engine>) {
    let mut engine = open(None);
    let mut model = Model::new();
    for step in steps {
        match step {
            Step::Transaction { writes, verdict } => {
                let mut after = model.clone();
                apply(&mut after, &writes);
                let expected = after.clone();
                let outcome = engine.transact(Box::new(move |tx| {
                    write_and_compare(tx, &writes, &expected);
                    verdict
                }));
                outcome.await.unwrap();
                if verdict == Verdict::Commit {
                    model = after;
                }
            }
            Step::Scan { from, to, order, limit } => {
                assert_eq!(scan(&*engine, &from, &to, order, limit), pairs(&model, &from, &to, order, limit));
            }
            Step::Reopen => engine = open(Some(engine)),
        }
        let everything = scan(&*engine, b"a", &[0xff; 9], Order::Ascending, usize::MAX);
        assert_eq!(everything, model.clone().into_iter().collect::<Vec<_>>());
    }
}

fn run(steps: Vec<Step>, open: impl Fn(Option<Arc<dyn Engine>>) -> Arc<dyn Engine>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(check(steps, open));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn memory_behaves_as_a_map(steps in prop::collection::vec(step(), 1..40)) {
        run(steps, |before| before.unwrap_or_else(|| Arc::new(MemoryEngine::new())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn embedded_behaves_as_a_map(steps in prop::collection::vec(step(), 1..40), is_durable in any::<bool>()) {
        let directory = tempfile::tempdir().unwrap();
        let durability = if is_durable { Durability::Durable } else { Durability::Relaxed };
        run(steps, |before| {
            drop(before);
            Arc::new(open(directory.path(), durability))
        });
    }
}
