//! The states that a pipe goes through.

use ::kit::TestRegion;
use pipes::PipesService;
use pipes_api as api;
use pipes_api::op::{CreatePipe, DeletePipe, DescribePipe, StartPipe, StopPipe, UpdatePipe};

use crate::kit::{ROLE, Region, pipe};

const TARGET: &str = "arn:aws:sqs:us-east-1:000000000000:out";

fn name() -> String {
    "p".to_owned()
}

async fn states(region: &Region) -> (String, String) {
    let told = region.describe("p").await;
    (told.desired_state.unwrap(), told.current_state.unwrap())
}

#[tokio::test]
async fn a_pipe_is_created_runs_stops_and_starts() {
    let region = Region::start();
    let source = region.create_queue("in", &[]).await;
    region.create_queue("out", &[]).await;
    let made = region.region.call::<CreatePipe>(pipe("p", &source, TARGET)).await.unwrap();
    assert_eq!(
        (made.desired_state.as_deref(), made.current_state.as_deref()),
        (Some("RUNNING"), Some("CREATING"))
    );
    region.region.settle().await;
    let running = ("RUNNING".to_owned(), "RUNNING".to_owned());
    assert_eq!(states(&region).await, running);
    region.region.call::<StopPipe>(api::StopPipeInput { name: name() }).await.unwrap();
    region.region.settle().await;
    assert_eq!(states(&region).await, ("STOPPED".to_owned(), "STOPPED".to_owned()));
    let input = api::UpdatePipeInput {
        name: name(),
        role_arn: ROLE.to_owned(),
        desired_state: Some("RUNNING".to_owned()),
        ..Default::default()
    };
    let updated = region.region.call::<UpdatePipe>(input).await.unwrap();
    assert_eq!(updated.current_state.as_deref(), Some("UPDATING"));
    region.region.settle().await;
    assert_eq!(states(&region).await, running);
    let started = region.region.call::<StartPipe>(api::StartPipeInput { name: name() }).await.unwrap();
    assert_eq!(started.current_state.as_deref(), Some("RUNNING"), "it runs already");
}

#[tokio::test]
async fn a_pipe_whose_source_cannot_be_read_fails_and_says_why_until_it_can() {
    let region = Region::start();
    region.create_queue("out", &[]).await;
    region.create(pipe("p", "arn:aws:sqs:us-east-1:000000000000:in", TARGET)).await.unwrap();
    assert_eq!(states(&region).await, ("RUNNING".to_owned(), "CREATE_FAILED".to_owned()));
    let reason = region.describe("p").await.state_reason.unwrap();
    let begin = "Input parameter is invalid from the request due to : The specified queue does not exist";
    assert!(reason.starts_with(begin), "{reason}");
    let start = || region.region.call::<StartPipe>(api::StartPipeInput { name: name() });
    assert_eq!(start().await.unwrap().current_state.as_deref(), Some("STARTING"));
    region.region.settle().await;
    assert_eq!(states(&region).await.1, "START_FAILED");
    region.create_queue("in", &[]).await;
    start().await.unwrap();
    region.region.settle().await;
    assert_eq!(states(&region).await.1, "RUNNING");
    region.send("in", "x").await;
    assert_eq!(region.bodies("out").await.len(), 1);
}

#[tokio::test]
async fn a_stream_that_is_not_there_is_named() {
    let region = Region::start();
    let stream = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000";
    let input = api::CreatePipeInput {
        source_parameters: Some(api::PipeSourceParameters {
            dynamo_db_stream_parameters: Some(api::PipeSourceDynamoDBStreamParameters {
                starting_position: "LATEST".to_owned(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..pipe("p", stream, TARGET)
    };
    region.create(input).await.unwrap();
    let told = region.describe("p").await;
    assert_eq!(told.current_state.as_deref(), Some("CREATE_FAILED"));
    let reason = format!(
        "Input parameter is invalid from the request due to : Cannot access stream {stream}. Please ensure the customer \
         role can perform actions on source stream"
    );
    assert_eq!(told.state_reason, Some(reason));
    region.region.call::<DeletePipe>(api::DeletePipeInput { name: name() }).await.unwrap();
    region.region.settle().await;
    let gone = region.region.call::<DescribePipe>(api::DescribePipeInput { name: name() }).await;
    assert_eq!(gone.unwrap_err().code(), "NotFoundException");
}

/// Nothing runs jobs here, so that the pipe stays as the request has left it.
#[tokio::test]
async fn a_pipe_that_is_being_created_cannot_be_changed() {
    let region = TestRegion::start(|cloud| {
        let bridge = events::EventBridge::new(cloud.clone());
        vec![PipesService::new(cloud.clone(), bridge.api_destinations()).service()]
    });
    let source = "arn:aws:sqs:us-east-1:000000000000:in";
    region.call::<CreatePipe>(pipe("p", source, TARGET)).await.unwrap();
    let update = api::UpdatePipeInput { name: name(), role_arn: ROLE.to_owned(), ..Default::default() };
    for error in [
        region.call::<StopPipe>(api::StopPipeInput { name: name() }).await.unwrap_err(),
        region.call::<StartPipe>(api::StartPipeInput { name: name() }).await.unwrap_err(),
        region.call::<UpdatePipe>(update).await.unwrap_err(),
        region.call::<DeletePipe>(api::DeletePipeInput { name: name() }).await.unwrap_err(),
    ] {
        assert_eq!(
            (error.code(), error.message()),
            ("ConflictException", "Pipe p is currently in state CREATING.")
        );
        let detail = error.detail().expect("the pipe is named");
        let detail = (detail as &dyn std::any::Any).downcast_ref::<api::ConflictException>().unwrap();
        assert_eq!((detail.resource_id.as_str(), detail.resource_type.as_str()), ("p", "pipe"));
    }
}
