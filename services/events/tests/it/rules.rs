//! Rules and targets as they are kept.

use events_api::op::{
    DeleteRule, DescribeRule, DisableRule, EnableRule, ListRuleNamesByTarget, ListRules, ListTargetsByRule,
    RemoveTargets,
};
use events_api::{
    DeadLetterConfig, DeleteRuleInput, DescribeRuleInput, DisableRuleInput, EnableRuleInput,
    InputTransformer, ListRuleNamesByTargetInput, ListRulesInput, ListTargetsByRuleInput, RemoveTargetsInput,
    RetryPolicy, SqsParameters, Target,
};
use shapes::Map;

use crate::kit::{Region, target};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:q";

fn named(name: &str) -> DescribeRuleInput {
    DescribeRuleInput { name: name.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn a_rule_is_made_replaced_switched_and_deleted() {
    let region = Region::start();
    let arn = region.put_rule("default", "r", r#"{"source":["a"]}"#).await.unwrap();
    assert_eq!(arn, "arn:aws:events:us-east-1:000000000000:rule/r");
    region.put_rule("default", "r", r#"{"source":["b"]}"#).await.unwrap();
    let described = region.region.call::<DescribeRule>(named("r")).await.unwrap();
    assert_eq!(described.event_pattern.as_deref(), Some(r#"{"source":["b"]}"#));
    assert_eq!(described.state.as_deref(), Some("ENABLED"));
    assert_eq!(described.event_bus_name.as_deref(), Some("default"));
    let input = DisableRuleInput { name: "r".to_owned(), ..Default::default() };
    region.region.call::<DisableRule>(input).await.unwrap();
    assert_eq!(
        region.region.call::<DescribeRule>(named("r")).await.unwrap().state.as_deref(),
        Some("DISABLED")
    );
    let input = EnableRuleInput { name: "r".to_owned(), ..Default::default() };
    region.region.call::<EnableRule>(input).await.unwrap();

    region.put_target("default", "r", target("t", QUEUE)).await.unwrap();
    let delete = || DeleteRuleInput { name: "r".to_owned(), ..Default::default() };
    let refused = region.region.call::<DeleteRule>(delete()).await.unwrap_err();
    assert_eq!(refused.message(), "Rule can't be deleted since it has targets.");
    let remove = RemoveTargetsInput {
        rule: "r".to_owned(),
        ids: vec!["t".to_owned(), "gone".to_owned()],
        ..Default::default()
    };
    let removed = region.region.call::<RemoveTargets>(remove).await.unwrap();
    assert_eq!(removed.failed_entry_count, Some(1));
    region.region.call::<DeleteRule>(delete()).await.unwrap();
    region.region.call::<DeleteRule>(delete()).await.unwrap();
    let gone = region.region.call::<DescribeRule>(named("r")).await.unwrap_err();
    assert_eq!(gone.message(), "Rule r does not exist on EventBus default.");
}

#[tokio::test]
async fn wrong_rules_are_refused() {
    let region = Region::start();
    for (pattern, name) in [
        ("{", "InvalidEventPatternException"),
        (r#"{"source":"a"}"#, "InvalidEventPatternException"),
        (r#"{"source":[{"near":1}]}"#, "InvalidEventPatternException"),
        ("", "ValidationException"),
    ] {
        let error = region.put_rule("default", "r", pattern).await.unwrap_err();
        assert_eq!(error.name(), name, "{pattern}: {error}");
    }
    let error = region.put_rule("nobody", "r", r#"{"source":["a"]}"#).await.unwrap_err();
    assert_eq!(error.message(), "Event bus nobody does not exist.");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let region = Region::start();
    for name in ["a1", "a2", "a3", "b1"] {
        region.put_rule("default", name, r#"{"source":["a"]}"#).await.unwrap();
        region.put_target("default", name, target("t", QUEUE)).await.unwrap();
    }
    let mut found = Vec::new();
    let mut next_token = None;
    loop {
        let input = ListRulesInput {
            name_prefix: Some("a".to_owned()),
            limit: Some(2),
            next_token,
            ..Default::default()
        };
        let page = region.region.call::<ListRules>(input).await.unwrap();
        found.push(
            page.rules.unwrap_or_default().into_iter().filter_map(|rule| rule.name).collect::<Vec<_>>(),
        );
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(found, [vec!["a1", "a2"], vec!["a3"]]);
    let input =
        ListRuleNamesByTargetInput { target_arn: QUEUE.to_owned(), limit: Some(3), ..Default::default() };
    let page = region.region.call::<ListRuleNamesByTarget>(input).await.unwrap();
    assert_eq!(page.rule_names.unwrap(), ["a1", "a2", "a3"]);
    assert_eq!(page.next_token.as_deref(), Some("a3"));
}

#[tokio::test]
async fn targets_are_kept_as_they_were_given() {
    let region = Region::start();
    region.put_rule("default", "r", r#"{"source":["a"]}"#).await.unwrap();
    let given = Target {
        input_transformer: Some(InputTransformer {
            input_paths_map: Some(Map::from([("x".to_owned(), "$.detail.x".to_owned())])),
            input_template: r#"{"x": <x>}"#.to_owned(),
        }),
        retry_policy: Some(RetryPolicy { maximum_retry_attempts: Some(2), ..Default::default() }),
        dead_letter_config: Some(DeadLetterConfig { arn: Some(QUEUE.to_owned()) }),
        sqs_parameters: Some(SqsParameters { message_group_id: Some("g".to_owned()) }),
        ..target("t", "arn:aws:sqs:us-east-1:000000000000:q.fifo")
    };
    region.put_target("default", "r", given.clone()).await.unwrap();
    let input = ListTargetsByRuleInput { rule: "r".to_owned(), ..Default::default() };
    let listed = region.region.call::<ListTargetsByRule>(input).await.unwrap().targets.unwrap_or_default();
    assert_eq!(format!("{listed:?}"), format!("{:?}", [given]));
}

#[tokio::test]
async fn wrong_targets_are_refused() {
    let region = Region::start();
    region.put_rule("default", "r", r#"{"source":["a"]}"#).await.unwrap();
    let with = |change: fn(&mut Target)| {
        let mut target = target("t", QUEUE);
        change(&mut target);
        target
    };
    for (target, name, words) in [
        (with(|target| target.arn = "nonsense".to_owned()), "ValidationException", "not in correct format"),
        (
            with(|target| target.arn = "arn:aws:states:us-east-1:000000000000:stateMachine:m".to_owned()),
            "NotImplemented",
            "states",
        ),
        (
            with(|target| target.input = Some("{".to_owned())),
            "ValidationException",
            "JSON syntax error in input",
        ),
        (with(|target| target.input_path = Some("x".to_owned())), "ValidationException", "Invalid InputPath"),
        (
            with(|target| {
                target.input = Some("{}".to_owned());
                target.input_path = Some("$".to_owned());
            }),
            "ValidationException",
            "Only one of Input, InputPath, or InputTransformer",
        ),
        (
            with(|target| {
                target.input_transformer =
                    Some(InputTransformer { input_template: "{<x>".to_owned(), ..Default::default() });
            }),
            "ValidationException",
            "Invalid InputTemplate for target t",
        ),
        (
            with(|target| target.arn.push_str(".fifo")),
            "ValidationException",
            "Parameter(s) SqsParameters must be specified for target: t.",
        ),
    ] {
        let error = region.put_target("default", "r", target).await.unwrap_err();
        assert_eq!(error.name(), name, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    for index in 0..5 {
        region.put_target("default", "r", target(&index.to_string(), QUEUE)).await.unwrap();
    }
    let error = region.put_target("default", "r", target("6", QUEUE)).await.unwrap_err();
    assert_eq!(error.name(), "LimitExceededException");
    region.put_target("default", "r", target("4", QUEUE)).await.unwrap();
}
