//! Buses with very many rules.

use std::time::{Duration, Instant};

use events_api::op::{CreateEventBus, PutRule};
use events_api::{CreateEventBusInput, PutRuleInput};

use crate::kit::{Region, shop, target};

const ROUNDS: usize = 21;
const CALLS_IN_A_ROUND: usize = 10;

/// A bus with `count` rules, of which the first one has a target.
async fn bus(region: &Region, name: &str, count: usize) {
    let input = CreateEventBusInput { name: name.to_owned(), ..Default::default() };
    region.region.call::<CreateEventBus>(input).await.expect("the bus is new");
    let rule = |number: usize| PutRuleInput {
        name: format!("r{number}"),
        event_bus_name: Some(name.to_owned()),
        event_pattern: Some(format!(
            r#"{{"source":["shop"],"detail":{{"customer":["c-{number}"],"total":[{{"numeric":[">",1]}}]}}}}"#
        )),
        ..Default::default()
    };
    let ctx = region.region.ctx();
    for first in (0..count).step_by(500) {
        let own = ctx.clone();
        let rules: Vec<_> = (first..count.min(first + 500)).map(rule).collect();
        let put = ctx.write(move |tx| {
            rules.iter().try_for_each(|rule| own.call_within::<PutRule>(tx, rule.clone()).map(|_| ()))
        });
        put.await.expect("the rules are well formed");
    }
    let queue = region.create_queue(name).await;
    region.put_target(name, "r0", target("queue", &queue)).await.expect("the target is well formed");
}

async fn time(region: &Region, bus: &str) -> Duration {
    let begin = Instant::now();
    for _ in 0..CALLS_IN_A_ROUND {
        let entries = (0..10)
            .map(|number| {
                let mut entry = shop(&format!(r#"{{"customer":"c-{}","total":{number}}}"#, number * 7919));
                entry.event_bus_name = Some(bus.to_owned());
                entry
            })
            .collect();
        region.put(entries).await.expect("the events are well formed");
    }
    begin.elapsed()
}

/// Runs on both buses take turns and are compared pair by pair, so that what else the machine does meets both alike.
#[tokio::test]
async fn ten_thousand_rules_cost_less_than_three_times_what_ten_do() {
    let region = Region::start();
    bus(&region, "few", 10).await;
    bus(&region, "many", 10_000).await;
    for name in ["few", "many"] {
        let mut entry = shop(r#"{"customer":"c-0","total":5}"#);
        entry.event_bus_name = Some(name.to_owned());
        region.put(vec![entry]).await.unwrap();
        assert_eq!(region.event_ids(name).await.len(), 1, "{name}");
    }
    let mut ratios = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let few = time(&region, "few").await;
        ratios.push(time(&region, "many").await.as_secs_f64() / few.as_secs_f64());
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ROUNDS / 2];
    assert!(median < 3.0, "events of a bus with 10,000 rules cost {median:.2} times those of one with 10");
}
