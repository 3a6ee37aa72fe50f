//! Conditional and transactional writes under concurrency: whatever clients see of a few counters must be what they could
//! have seen had the requests happened one after another, each between its call and its answer (Herlihy and Wing,
//! "Linearizability: a correctness condition for concurrent objects"; the search is Wing and Gong's).

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cloud::Ctx;
use dynamodb_api::op::{DeleteItem, GetItem, PutItem, TransactGetItems, TransactWriteItems, UpdateItem};
use dynamodb_api::*;
use proptest::prelude::*;
use shapes::ApiError;

use crate::kit::{Db, Item, item, put, table, values_of};

const REGISTERS: usize = 2;
const CLIENTS: usize = 4;
const ROUNDS: usize = 5;

/// What the registers hold; `None` where there is no item.
type State = [Option<i64>; REGISTERS];

#[derive(Clone, Debug)]
enum Call {
    Read(usize),
    ReadAll,
    Put(usize, i64),
    PutNew(usize, i64),
    Add(usize, i64),
    /// From what it must be to what it shall be.
    Exchange(usize, i64, i64),
    Delete(usize),
    /// Takes from one and gives to the other if there is enough.
    Transfer(usize, i64),
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Held(Vec<Option<i64>>),
    Done,
    Refused,
}

#[derive(Debug)]
struct Event {
    call: Call,
    answer: Answer,
    began: u64,
    ended: u64,
}

impl Call {
    /// What the call does to the registers, were it alone.
    fn apply(&self, state: &mut State) -> Answer {
        match *self {
            Self::Read(at) => return Answer::Held(vec![state[at]]),
            Self::ReadAll => return Answer::Held(state.to_vec()),
            Self::Put(at, value) => state[at] = Some(value),
            Self::PutNew(at, value) if state[at].is_none() => state[at] = Some(value),
            Self::Add(at, value) => {
                state[at] = Some(state[at].unwrap_or(0) + value);
                return Answer::Held(vec![state[at]]);
            }
            Self::Exchange(at, from, to) if state[at] == Some(from) => state[at] = Some(to),
            Self::Delete(at) => return Answer::Held(vec![state[at].take()]),
            Self::Transfer(from, amount) if state[from] >= Some(amount) => {
                state[from] = state[from].map(|held| held - amount);
                state[1 - from] = Some(state[1 - from].unwrap_or(0) + amount);
            }
            Self::PutNew(..) | Self::Exchange(..) | Self::Transfer(..) => return Answer::Refused,
        }
        Answer::Done
    }

    async fn make(&self, ctx: &Ctx) -> Answer {
        match *self {
            Self::Read(at) => {
                let input = GetItemInput { consistent_read: Some(true), ..get(at) };
                Answer::Held(vec![held(ctx.call::<GetItem>(input).await.unwrap().item.as_ref())])
            }
            Self::ReadAll => {
                let transact_items = (0..REGISTERS)
                    .map(|at| TransactGetItem {
                        get: Get { table_name: "orders".to_owned(), key: key(at), ..Default::default() },
                    })
                    .collect();
                let input = TransactGetItemsInput { transact_items, ..Default::default() };
                let responses = ctx.call::<TransactGetItems>(input).await.unwrap().responses.unwrap();
                Answer::Held(responses.iter().map(|response| held(response.item.as_ref())).collect())
            }
            Self::Put(at, value) => done(ctx.call::<PutItem>(put(&format!("pk=r{at} n={value}"))).await),
            Self::PutNew(at, value) => {
                let input = PutItemInput {
                    condition_expression: Some("attribute_not_exists(pk)".to_owned()),
                    ..put(&format!("pk=r{at} n={value}"))
                };
                done(ctx.call::<PutItem>(input).await)
            }
            Self::Add(at, value) => {
                let input = update(at, "ADD n :n", None, &format!(":n={value}"));
                Answer::Held(vec![held(ctx.call::<UpdateItem>(input).await.unwrap().attributes.as_ref())])
            }
            Self::Exchange(at, from, to) => {
                let values = format!(":from={from} :to={to}");
                done(ctx.call::<UpdateItem>(update(at, "SET n = :to", Some("n = :from"), &values)).await)
            }
            Self::Delete(at) => {
                let input = DeleteItemInput {
                    table_name: "orders".to_owned(),
                    key: key(at),
                    return_values: Some("ALL_OLD".to_owned()),
                    ..Default::default()
                };
                Answer::Held(vec![held(ctx.call::<DeleteItem>(input).await.unwrap().attributes.as_ref())])
            }
            Self::Transfer(from, amount) => {
                let part = |at: usize, expression: &str, condition: Option<&str>| TransactWriteItem {
                    update: Some(Update {
                        table_name: "orders".to_owned(),
                        key: key(at),
                        update_expression: expression.to_owned(),
                        condition_expression: condition.map(str::to_owned),
                        expression_attribute_values: values_of(&format!(":n={amount}")),
                        ..Default::default()
                    }),
                    ..Default::default()
                };
                let transact_items =
                    vec![part(from, "SET n = n - :n", Some("n >= :n")), part(1 - from, "ADD n :n", None)];
                let input = TransactWriteItemsInput { transact_items, ..Default::default() };
                done(ctx.call::<TransactWriteItems>(input).await)
            }
        }
    }
}

fn key(at: usize) -> Item {
    item(&format!("pk=r{at}"))
}

fn get(at: usize) -> GetItemInput {
    GetItemInput { table_name: "orders".to_owned(), key: key(at), ..Default::default() }
}

fn update(at: usize, expression: &str, condition: Option<&str>, values: &str) -> UpdateItemInput {
    UpdateItemInput {
        table_name: "orders".to_owned(),
        key: key(at),
        update_expression: Some(expression.to_owned()),
        condition_expression: condition.map(str::to_owned),
        expression_attribute_values: values_of(values),
        return_values: Some("ALL_NEW".to_owned()),
        ..Default::default()
    }
}

fn held(item: Option<&Item>) -> Option<i64> {
    match item?.get("n")? {
        AttributeValue::N(number) => Some(number.parse().unwrap()),
        other => panic!("{other:?} is no number"),
    }
}

fn done<T>(result: Result<T, ApiError>) -> Answer {
    match result {
        Ok(_) => Answer::Done,
        Err(error) => {
            let is_refusal =
                ["ConditionalCheckFailedException", "TransactionCanceledException"].contains(&error.name());
            assert!(is_refusal, "{error:?}");
            Answer::Refused
        }
    }
}

/// Whether the events can be put in an order in which each answer is right, and that no event leaves its time.
fn is_linearisable(events: &[Event]) -> bool {
    let all = (1u64 << events.len()) - 1;
    let mut seen = HashSet::new();
    let mut open = vec![(0u64, State::default())];
    while let Some((taken, state)) = open.pop() {
        if taken == all {
            return true;
        }
        if !seen.insert((taken, state)) {
            continue;
        }
        let left = || events.iter().enumerate().filter(|(at, _)| taken & (1 << at) == 0);
        // What began after another's end cannot come before it.
        let first_end = left().map(|(_, event)| event.ended).min().unwrap_or(u64::MAX);
        for (at, event) in left().filter(|(_, event)| event.began < first_end) {
            let mut after = state;
            if event.call.apply(&mut after) == event.answer {
                open.push((taken | 1 << at, after));
            }
        }
    }
    false
}

fn call() -> impl Strategy<Value = Call> {
    let (at, value) = (0..REGISTERS, 1..4i64);
    prop_oneof![
        2 => at.clone().prop_map(Call::Read),
        2 => Just(Call::ReadAll),
        1 => (at.clone(), value.clone()).prop_map(|(at, value)| Call::Put(at, value)),
        2 => (at.clone(), value.clone()).prop_map(|(at, value)| Call::PutNew(at, value)),
        2 => (at.clone(), value.clone()).prop_map(|(at, value)| Call::Add(at, value)),
        3 => (at.clone(), value.clone(), value.clone()).prop_map(|(at, from, to)| Call::Exchange(at, from, to)),
        1 => at.clone().prop_map(Call::Delete),
        3 => (at, value).prop_map(|(at, value)| Call::Transfer(at, value)),
    ]
}

/// Lets every client make its calls, all at once, and tells what they saw.
async fn history(db: &Db, scripts: Vec<Vec<Call>>) -> Vec<Event> {
    let time = Arc::new(AtomicU64::new(0));
    let start = Arc::new(tokio::sync::Barrier::new(scripts.len()));
    let mut clients = tokio::task::JoinSet::new();
    for script in scripts {
        let (ctx, time, start) = (db.region.ctx(), Arc::clone(&time), Arc::clone(&start));
        clients.spawn(async move {
            let mut events = Vec::new();
            start.wait().await;
            for call in script {
                let began = time.fetch_add(1, Ordering::SeqCst);
                // Others get to call before the answer.
                tokio::task::yield_now().await;
                let answer = call.make(&ctx).await;
                tokio::task::yield_now().await;
                let ended = time.fetch_add(1, Ordering::SeqCst);
                events.push(Event { call, answer, began, ended });
            }
            events
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn concurrent_writes_seem_to_happen_one_after_another(
        scripts in proptest::collection::vec(proptest::collection::vec(call(), ROUNDS), CLIENTS),
        is_streamed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let events = runtime.block_on(async {
            let mut input = table("orders", false);
            let view = Some("NEW_AND_OLD_IMAGES".to_owned());
            input.stream_specification =
                is_streamed.then_some(StreamSpecification { stream_enabled: true, stream_view_type: view });
            history(&Db::with(input).await, scripts).await
        });
        prop_assert!(is_linearisable(&events), "{events:#?}");
    }
}

#[test]
fn the_check_knows_a_lost_update() {
    let add = |answer, began, ended| Event {
        call: Call::Add(0, 1),
        answer: Answer::Held(vec![Some(answer)]),
        began,
        ended,
    };
    assert!(is_linearisable(&[add(2, 0, 3), add(1, 1, 2)]));
    assert!(!is_linearisable(&[add(1, 0, 3), add(1, 1, 2)]));
    assert!(!is_linearisable(&[add(2, 0, 1), add(1, 2, 3)]));
}
