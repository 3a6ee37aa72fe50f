//! Pipes as resources.

use std::collections::BTreeMap;

use pipes_api as api;
use pipes_api::op::{
    DeletePipe, DescribePipe, ListPipes, ListTagsForResource, StartPipe, StopPipe, TagResource,
    UntagResource, UpdatePipe,
};

use crate::kit::{FUNCTION, ROLE, Region, pipe};

const SOURCE: &str = "arn:aws:sqs:us-east-1:000000000000:in";
const TARGET: &str = "arn:aws:sqs:us-east-1:000000000000:out";

#[tokio::test]
async fn a_pipe_is_described_as_it_was_made_and_its_name_is_taken() {
    let region = Region::start();
    let input = api::CreatePipeInput {
        description: Some("orders".to_owned()),
        source_parameters: Some(api::PipeSourceParameters {
            filter_criteria: Some(api::FilterCriteria {
                filters: Some(vec![api::Filter { pattern: Some(r#"{"body":{"n":[1]}}"#.to_owned()) }]),
            }),
            sqs_queue_parameters: Some(api::PipeSourceSqsQueueParameters {
                batch_size: Some(5),
                maximum_batching_window_in_seconds: Some(1),
            }),
            ..Default::default()
        }),
        enrichment: Some(FUNCTION.to_owned()),
        tags: Some(BTreeMap::from([("team".to_owned(), "a".to_owned())])),
        desired_state: Some("STOPPED".to_owned()),
        ..pipe("p", SOURCE, TARGET)
    };
    region.create(input.clone()).await.unwrap();
    let told = region.describe("p").await;
    assert_eq!(told.arn.as_deref(), Some("arn:aws:pipes:us-east-1:000000000000:pipe/p"));
    assert_eq!(
        (told.desired_state.as_deref(), told.current_state.as_deref()),
        (Some("STOPPED"), Some("STOPPED"))
    );
    assert_eq!(
        (told.source_parameters, told.enrichment),
        (input.source_parameters.clone(), input.enrichment.clone())
    );
    assert_eq!((told.description, told.tags), (input.description.clone(), input.tags.clone()));
    let again = region.create(input).await.unwrap_err();
    assert_eq!((again.code(), again.message()), ("ConflictException", "Pipe p already exists."));
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_its_name() {
    let region = Region::start();
    for (source, target, named) in [
        ("arn:aws:kinesis:us-east-1:000000000000:stream/s", TARGET, "kinesis"),
        (SOURCE, "arn:aws:states:us-east-1:000000000000:stateMachine:s", "states"),
        ("smk://broker.example.com:9092", TARGET, "Kafka"),
    ] {
        let error = region.create(pipe("p", source, target)).await.unwrap_err();
        assert_eq!(error.code(), "NotImplemented");
        assert!(error.message().contains(named), "{error}");
    }
    let key = api::CreatePipeInput { kms_key_identifier: Some("k".to_owned()), ..pipe("p", SOURCE, TARGET) };
    assert!(region.create(key).await.unwrap_err().message().contains("KmsKeyIdentifier"));
}

#[tokio::test]
async fn parameters_that_do_not_fit_are_refused() {
    let region = Region::start();
    let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";
    let filter = |pattern: &str| api::PipeSourceParameters {
        filter_criteria: Some(api::FilterCriteria {
            filters: Some(vec![api::Filter { pattern: Some(pattern.to_owned()) }]),
        }),
        ..Default::default()
    };
    let large = api::PipeSourceParameters {
        sqs_queue_parameters: Some(api::PipeSourceSqsQueueParameters {
            batch_size: Some(100),
            maximum_batching_window_in_seconds: None,
        }),
        ..Default::default()
    };
    let template =
        api::PipeTargetParameters { input_template: Some("<$.a..b>".to_owned()), ..Default::default() };
    let batch = |size: i32| api::PipeSourceParameters {
        dynamo_db_stream_parameters: Some(api::PipeSourceDynamoDBStreamParameters {
            starting_position: "LATEST".to_owned(),
            batch_size: Some(size),
            ..Default::default()
        }),
        ..Default::default()
    };
    let destination = "arn:aws:events:us-east-1:000000000000:api-destination/d/1";
    let bus = "arn:aws:events:us-east-1:000000000000:event-bus/b";
    let from_aws = api::PipeTargetParameters {
        event_bridge_event_bus_parameters: Some(api::PipeTargetEventBridgeEventBusParameters {
            source: Some("aws.s3".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let blank = api::PipeTargetParameters {
        http_parameters: Some(api::PipeTargetHttpParameters {
            path_parameter_values: Some(vec![" ".to_owned()]),
            ..Default::default()
        }),
        ..Default::default()
    };
    for input in [
        api::CreatePipeInput { target_parameters: Some(from_aws), ..pipe("p", SOURCE, bus) },
        api::CreatePipeInput { target_parameters: Some(blank), ..pipe("p", SOURCE, destination) },
        api::CreatePipeInput { source_parameters: Some(batch(11)), ..pipe("p", stream, TARGET) },
        api::CreatePipeInput { source_parameters: Some(batch(2)), ..pipe("p", stream, destination) },
        api::CreatePipeInput {
            source_parameters: Some(batch(2)),
            enrichment: Some(destination.to_owned()),
            ..pipe("p", stream, FUNCTION)
        },
        pipe("p", stream, TARGET),
        pipe("p", SOURCE, "arn:aws:sqs:us-east-1:000000000000:out.fifo"),
        api::CreatePipeInput { source_parameters: Some(filter("{")), ..pipe("p", SOURCE, TARGET) },
        api::CreatePipeInput { source_parameters: Some(large), ..pipe("p", SOURCE, TARGET) },
        api::CreatePipeInput { target_parameters: Some(template), ..pipe("p", SOURCE, TARGET) },
        api::CreatePipeInput { enrichment: Some(TARGET.to_owned()), ..pipe("p", SOURCE, TARGET) },
    ] {
        let error = region.create(input.clone()).await.unwrap_err();
        assert_eq!(error.code(), "ValidationException", "{input:?}");
    }
}

#[tokio::test]
async fn pipes_are_listed_by_what_they_begin_with_in_pages() {
    let region = Region::start();
    for name in ["a1", "a2", "b1"] {
        let stopped = Some("STOPPED".to_owned()).filter(|_| name == "b1");
        region
            .create(api::CreatePipeInput { desired_state: stopped, ..pipe(name, SOURCE, TARGET) })
            .await
            .unwrap();
    }
    let list = async |input: api::ListPipesInput| {
        let page = region.region.call::<ListPipes>(input).await.unwrap();
        let names: Vec<String> = page.pipes.unwrap().into_iter().filter_map(|pipe| pipe.name).collect();
        (names.join(" "), page.next_token)
    };
    let first = api::ListPipesInput { limit: Some(2), ..Default::default() };
    assert_eq!(list(first.clone()).await, ("a1 a2".to_owned(), Some("a2".to_owned())));
    let second = api::ListPipesInput { next_token: Some("a2".to_owned()), ..first };
    assert_eq!(list(second).await, ("b1".to_owned(), None));
    let named = api::ListPipesInput { name_prefix: Some("a".to_owned()), ..Default::default() };
    assert_eq!(list(named).await.0, "a1 a2");
    let stopped = api::ListPipesInput { current_state: Some("STOPPED".to_owned()), ..Default::default() };
    assert_eq!(list(stopped).await.0, "b1");
}

#[tokio::test]
async fn pipes_have_tags() {
    let region = Region::start();
    region.create(pipe("p", SOURCE, TARGET)).await.unwrap();
    let arn = "arn:aws:pipes:us-east-1:000000000000:pipe/p".to_owned();
    let tags = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]);
    region
        .region
        .call::<TagResource>(api::TagResourceInput { resource_arn: arn.clone(), tags })
        .await
        .unwrap();
    let input = api::UntagResourceInput { resource_arn: arn.clone(), tag_keys: vec!["a".to_owned()] };
    region.region.call::<UntagResource>(input).await.unwrap();
    let input = api::ListTagsForResourceInput { resource_arn: arn };
    let tags = region.region.call::<ListTagsForResource>(input).await.unwrap().tags.unwrap();
    assert_eq!(tags, BTreeMap::from([("b".to_owned(), "2".to_owned())]));
}

#[tokio::test]
async fn a_stopped_pipe_leaves_messages_alone_until_it_is_started_even_over_a_restart() {
    let region = Region::start();
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    region.create(pipe("p", &source, &target)).await.unwrap();
    let name = || "p".to_owned();
    let stopped = region.region.call::<StopPipe>(api::StopPipeInput { name: name() }).await.unwrap();
    assert_eq!(stopped.current_state.as_deref(), Some("STOPPING"));
    region.region.settle().await;
    region.send("in", "{}").await;
    assert_eq!(region.bodies("out").await.len(), 0);
    let started = region.region.call::<StartPipe>(api::StartPipeInput { name: name() }).await.unwrap();
    assert_eq!(started.current_state.as_deref(), Some("STARTING"));
    assert_eq!(region.bodies("out").await.len(), 1);
    let region = region.restarted();
    region.send("in", "again").await;
    let bodies = region.bodies("out").await;
    assert!(bodies.iter().any(|body| body.contains("again")), "{bodies:?}");
    let deleted = region.region.call::<DeletePipe>(api::DeletePipeInput { name: name() }).await.unwrap();
    assert_eq!(
        (deleted.desired_state.as_deref(), deleted.current_state.as_deref()),
        (Some("DELETED"), Some("DELETING"))
    );
    region.region.settle().await;
    let gone = region.region.call::<DescribePipe>(api::DescribePipeInput { name: name() }).await.unwrap_err();
    assert_eq!((gone.code(), gone.message()), ("NotFoundException", "Pipe p does not exist."));
    region.send("in", "left").await;
    assert!(!region.bodies("out").await.iter().any(|body| body.contains("left")));
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_the_pipe_that_runs() {
    let region = Region::start();
    let source = region.create_queue("in", &[]).await;
    let target = region.create_queue("out", &[]).await;
    let other = region.create_queue("other", &[]).await;
    let described =
        api::CreatePipeInput { description: Some("first".to_owned()), ..pipe("p", &source, &target) };
    region.create(described).await.unwrap();
    let input = api::UpdatePipeInput {
        name: "p".to_owned(),
        role_arn: ROLE.to_owned(),
        target: Some(other.clone()),
        target_parameters: Some(api::PipeTargetParameters {
            input_template: Some("got <$.body.n>".to_owned()),
            ..Default::default()
        }),
        ..Default::default()
    };
    region.region.call::<UpdatePipe>(input).await.unwrap();
    region.send("in", r#"{"n":3}"#).await;
    assert_eq!(region.bodies("other").await, ["got 3"]);
    let told = region.describe("p").await;
    assert_eq!((told.description.as_deref(), told.target.as_deref()), (Some("first"), Some(other.as_str())));
}
