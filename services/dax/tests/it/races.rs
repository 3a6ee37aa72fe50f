//! Reads and writes at once: no client reads a value older than a write that was answered before it asked.

use std::sync::Arc;
use std::sync::Mutex;

use proptest::prelude::*;

use crate::client::{Client, Lab};

const KEYS: [&str; 2] = ["a", "b"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Get,
    GetMany,
    Query,
    Put,
    Update,
    Delete,
    Batch,
    Transact,
    PutPast,
    DeletePast,
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    use Step::*;
    let step = prop_oneof![
        6 => Just(Get),
        2 => Just(GetMany),
        1 => Just(Query),
        2 => Just(Put),
        1 => Just(Update),
        1 => Just(Delete),
        1 => Just(Batch),
        1 => Just(Transact),
        2 => Just(PutPast),
        1 => Just(DeletePast),
    ];
    prop::collection::vec((0..KEYS.len(), step), 5..40)
}

/// What became of one item: one write at a time, any number of reads beside it.
#[derive(Default)]
struct History {
    /// The values that were written, in order; none is a deletion. The first is that there is no item.
    values: Vec<Option<String>>,
    /// How many of them were answered.
    answered: usize,
}

#[derive(Default)]
struct Item {
    history: Mutex<History>,
    writing: tokio::sync::Mutex<()>,
}

impl Item {
    fn begin(&self, value: Option<String>) {
        let mut history = self.history.lock().expect("no test panicked");
        if history.values.is_empty() {
            history.values.push(None);
            history.answered = 1;
        }
        history.values.push(value);
    }

    fn end(&self) {
        let mut history = self.history.lock().expect("no test panicked");
        history.answered = history.values.len();
    }

    fn answered(&self) -> usize {
        self.history.lock().expect("no test panicked").answered
    }

    /// Whether `found` was the value at some time since `answered` was asked for.
    fn check(&self, answered: usize, found: Option<&str>, step: Step) {
        let history = self.history.lock().expect("no test panicked");
        if history.values.is_empty() {
            assert_eq!(found, None, "nothing was written yet");
            return;
        }
        let since = &history.values[answered.saturating_sub(1)..];
        let is_right = since.iter().any(|value| value.as_deref() == found);
        assert!(is_right, "{step:?} found {found:?}, but since it asked the values were {since:?}");
    }
}

async fn follow(
    lab: Arc<Lab>,
    items: Arc<[Item; 2]>,
    mut client: Client,
    number: usize,
    script: Vec<(usize, Step)>,
) {
    for (place, (index, step)) in script.into_iter().enumerate() {
        let (key, item) = (KEYS[index], &items[index]);
        let value = format!("{number}-{place}");
        match step {
            Step::Get | Step::GetMany | Step::Query => {
                let answered = item.answered();
                let found = match step {
                    Step::Get => client.get(key).await,
                    Step::GetMany => client.get_many(&[key]).await.into_iter().map(|(_, value)| value).next(),
                    _ => client.query(key).await,
                };
                item.check(answered, found.as_deref(), step);
            }
            Step::Delete | Step::DeletePast => {
                let _alone = item.writing.lock().await;
                item.begin(None);
                match step {
                    Step::Delete => client.delete(key).await,
                    _ => lab.delete_directly(key).await,
                }
                item.end();
            }
            _ => {
                let _alone = item.writing.lock().await;
                item.begin(Some(value.clone()));
                match step {
                    Step::Put => client.put(key, &value).await,
                    Step::Update => drop(client.update(key, &value).await.expect("an update")),
                    Step::Batch => drop(client.write_many(&[(key, Some(&value))]).await.expect("a batch")),
                    Step::Transact => {
                        drop(client.transact(&[(key, &value)], None).await.expect("a transaction"));
                    }
                    _ => lab.put_directly(key, &value).await,
                }
                item.end();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_read_is_older_than_what_was_answered_before_it(
        scripts in prop::collection::vec(steps(), 2..6),
        threads in 1..4_usize,
    ) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(threads).enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let lab = Arc::new(Lab::new().await);
            let items = Arc::new(<[Item; 2]>::default());
            let mut clients = tokio::task::JoinSet::new();
            for (number, script) in scripts.into_iter().enumerate() {
                let client = lab.connect().await;
                clients.spawn(follow(Arc::clone(&lab), Arc::clone(&items), client, number, script));
            }
            while let Some(done) = clients.join_next().await {
                done.expect("no client found what is too old");
            }
            // At the end all ways lead to the same.
            let mut client = lab.connect().await;
            for (key, item) in KEYS.into_iter().zip(&*items) {
                let answered = item.answered();
                for is_consistent in [false, true, false] {
                    let found = client.get_with(key, is_consistent).await.expect("an answer");
                    item.check(answered, found.as_deref(), Step::Get);
                }
            }
        });
    }
}
