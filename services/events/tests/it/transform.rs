//! What targets get of an event.

use events_api::{InputTransformer, Target};
use shapes::Map;

use crate::kit::{Region, target};

const DETAIL: &str =
    r#"{"state":"RUNNING","n":5,"o":{"a":"b","c":[1]},"l":["x","y"],"q":"say \"hi\"","null":null}"#;

/// What a queue gets of the event when its target is changed so.
async fn delivered(change: impl FnOnce(&mut Target)) -> String {
    let region = Region::start();
    let queue = region.create_queue("q").await;
    let mut target = target("t", &queue);
    change(&mut target);
    region.shop_rule(target).await;
    let id = region.put_shop(DETAIL).await;
    let mut bodies = region.bodies("q").await;
    assert_eq!(bodies.len(), 1);
    bodies.remove(0).replace(&id, "ID")
}

async fn transformed(paths: &[(&str, &str)], template: &str) -> String {
    let paths: Map<String> =
        paths.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
    let template = template.to_owned();
    delivered(move |target| {
        target.input_transformer =
            Some(InputTransformer { input_paths_map: Some(paths), input_template: template });
    })
    .await
}

#[tokio::test]
async fn constants_and_paths() {
    let constant = delivered(|target| target.input = Some(r#"{"a": 1}"#.to_owned())).await;
    assert_eq!(constant, r#"{"a": 1}"#);
    for (path, wanted) in [
        ("$.detail.o", r#"{"a":"b","c":[1]}"#),
        ("$.detail.state", r#""RUNNING""#),
        ("$.detail.l[1]", r#""y""#),
        ("$.detail-type", r#""order""#),
        ("$.detail.gone", "{}"),
    ] {
        let path = path.to_owned();
        assert_eq!(delivered(move |target| target.input_path = Some(path)).await, wanted);
    }
}

#[tokio::test]
async fn templates_with_variables() {
    let paths = [("state", "$.detail.state"), ("n", "$.detail.n"), ("o", "$.detail.o"), ("q", "$.detail.q")];
    for (template, wanted) in [
        (r#""it is <state>""#, r#""it is RUNNING""#),
        (
            r#"{"a": <state>, "b": <n>, "c": {"d": <o>}}"#,
            r#"{"a": "RUNNING", "b": 5, "c": {"d": {"a":"b","c":[1]}}}"#,
        ),
        (r#"{"a": "<state>-<n>", "b": "<q>"}"#, r#"{"a": "RUNNING-5", "b": "say \"hi\""}"#),
        (r#"{"a": [<n>, "<n>"]}"#, r#"{"a": [5, "5"]}"#),
        (r#""<o>""#, r#""{a:b,c:[1]}""#),
    ] {
        assert_eq!(transformed(&paths, template).await, wanted, "{template}");
    }
    assert_eq!(
        transformed(
            &[("gone", "$.detail.gone"), ("null", "$.detail.null")],
            r#"{"a": <gone>, "b": "<gone>", "c": <null>}"#
        )
        .await,
        r#"{"a": "", "b": "", "c": null}"#
    );
}

#[tokio::test]
async fn predefined_variables() {
    let template = r#"{"rule": "<aws.events.rule-arn>", "name": <aws.events.rule-name>, "at": "<aws.events.event.ingestion-time>"}"#;
    assert_eq!(
        transformed(&[], template).await,
        r#"{"rule": "arn:aws:events:us-east-1:000000000000:rule/shop", "name": "shop", "at": "2026-01-01T00:00:00Z"}"#
    );
    let event: serde_json::Value = serde_json::from_str(
        &transformed(&[], r#"{"e": <aws.events.event>, "j": <aws.events.event.json>}"#).await,
    )
    .unwrap();
    assert_eq!((&event["e"]["source"], event["e"].get("detail")), (&"shop".into(), None));
    assert_eq!(event["j"]["detail"]["n"], 5);
}
