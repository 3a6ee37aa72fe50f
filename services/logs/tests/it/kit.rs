//! A region with nothing but Logs, and short words for what tests do with it.

use std::time::Duration;

use ::kit::{START, TestRegion};
use logs_api::op::{CreateLogGroup, CreateLogStream, FilterLogEvents, PutLogEvents};
use logs_api::{
    CreateLogGroupInput, CreateLogStreamInput, FilterLogEventsInput, FilterLogEventsOutput, InputLogEvent,
    PutLogEventsInput, PutLogEventsOutput,
};
use shapes::ApiError;

pub(crate) struct Logs {
    pub region: TestRegion,
}

/// The start of every test, in milliseconds.
pub(crate) const NOW: i64 = START.millis();
pub(crate) const DAY: i64 = 86_400_000;

impl Logs {
    /// A region with the group `app` and the streams `a` and `b`.
    pub(crate) async fn start() -> Self {
        let region = TestRegion::with_jobs(|cloud| (vec![logs::service(cloud.clone())], logs::jobs(cloud)));
        let logs = Self { region };
        logs.create_group("app").await.expect("the group is new");
        for stream in ["a", "b"] {
            logs.create_stream("app", stream).await.expect("the stream is new");
        }
        logs
    }

    pub(crate) async fn create_group(&self, name: &str) -> Result<(), ApiError> {
        let input = CreateLogGroupInput { log_group_name: name.to_owned(), ..Default::default() };
        self.region.call::<CreateLogGroup>(input).await.map(|_| ())
    }

    pub(crate) async fn create_stream(&self, group: &str, stream: &str) -> Result<(), ApiError> {
        let input =
            CreateLogStreamInput { log_group_name: group.to_owned(), log_stream_name: stream.to_owned() };
        self.region.call::<CreateLogStream>(input).await.map(|_| ())
    }

    /// Puts events on a stream of `app`; their times are milliseconds from the start of the test.
    pub(crate) async fn put(
        &self,
        stream: &str,
        events: &[(i64, &str)],
    ) -> Result<PutLogEventsOutput, ApiError> {
        let log_events = events
            .iter()
            .map(|(time, message)| InputLogEvent { timestamp: NOW + time, message: (*message).to_owned() })
            .collect();
        let input = PutLogEventsInput {
            log_group_name: "app".to_owned(),
            log_stream_name: stream.to_owned(),
            log_events,
            ..Default::default()
        };
        self.region.call::<PutLogEvents>(input).await
    }

    pub(crate) async fn filter(
        &self,
        input: FilterLogEventsInput,
    ) -> Result<FilterLogEventsOutput, ApiError> {
        let input = FilterLogEventsInput { log_group_name: Some("app".to_owned()), ..input };
        self.region.call::<FilterLogEvents>(input).await
    }

    /// Messages of `app` that match a pattern.
    pub(crate) async fn search(&self, pattern: &str) -> Vec<String> {
        let input = FilterLogEventsInput { filter_pattern: Some(pattern.to_owned()), ..Default::default() };
        messages(self.filter(input).await.expect("the pattern is valid"))
    }

    pub(crate) async fn advance_days(&self, days: u64) {
        self.region.advance(Duration::from_secs(days * 86_400)).await;
    }
}

pub(crate) fn messages(output: FilterLogEventsOutput) -> Vec<String> {
    output.events.unwrap_or_default().into_iter().filter_map(|event| event.message).collect()
}
