//! Groups and streams: making, describing, tagging, deleting.

use logs_api::op::{
    CreateLogGroup, DeleteLogGroup, DeleteLogStream, DescribeLogGroups, DescribeLogStreams,
    ListTagsForResource, TagResource, UntagResource,
};
use logs_api::{
    CreateLogGroupInput, DeleteLogGroupInput, DeleteLogStreamInput, DescribeLogGroupsInput,
    DescribeLogGroupsOutput, DescribeLogStreamsInput, DescribeLogStreamsOutput, ListTagsForResourceInput,
    TagResourceInput, UntagResourceInput,
};
use shapes::Map;

use crate::kit::{Logs, NOW};

const ARN: &str = "arn:aws:logs:us-east-1:000000000000:log-group:app";

fn group_names(output: &DescribeLogGroupsOutput) -> Vec<&str> {
    output.log_groups.iter().flatten().filter_map(|group| group.log_group_name.as_deref()).collect()
}

fn stream_names(output: &DescribeLogStreamsOutput) -> Vec<&str> {
    output.log_streams.iter().flatten().filter_map(|stream| stream.log_stream_name.as_deref()).collect()
}

#[tokio::test]
async fn groups_and_streams_are_made_once() {
    let logs = Logs::start().await;
    let error = logs.create_group("app").await.unwrap_err();
    assert_eq!(
        (error.name(), error.message()),
        ("ResourceAlreadyExistsException", "The specified log group already exists")
    );
    let error = logs.create_stream("app", "a").await.unwrap_err();
    assert_eq!(error.message(), "The specified log stream already exists");
    let error = logs.create_stream("other", "a").await.unwrap_err();
    assert_eq!(
        (error.name(), error.status(), error.message()),
        ("ResourceNotFoundException", 400, "The specified log group does not exist.")
    );
    for (group, stream) in [("a b", "a"), ("", "a"), ("app", "a:b"), ("app", "")] {
        let error = logs.create_stream(group, stream).await.unwrap_err();
        assert_eq!(error.name(), "InvalidParameterException", "{group}/{stream}");
    }
}

#[tokio::test]
async fn groups_are_listed_by_name_in_pages() {
    let logs = Logs::start().await;
    for name in ["/aws/lambda/one", "/aws/lambda/two", "zoo"] {
        logs.create_group(name).await.unwrap();
    }
    let describe = async |input| logs.region.call::<DescribeLogGroups>(input).await.unwrap();
    let first = describe(DescribeLogGroupsInput { limit: Some(3), ..Default::default() }).await;
    assert_eq!(group_names(&first), ["/aws/lambda/one", "/aws/lambda/two", "app"]);
    let rest = describe(DescribeLogGroupsInput { next_token: first.next_token, ..Default::default() }).await;
    assert_eq!((group_names(&rest), rest.next_token.as_deref()), (vec!["zoo"], None));
    let prefix = Some("/aws/lambda/t".to_owned());
    let found =
        describe(DescribeLogGroupsInput { log_group_name_prefix: prefix, ..Default::default() }).await;
    assert_eq!(group_names(&found), ["/aws/lambda/two"]);
    let pattern = Some("lambda".to_owned());
    let found =
        describe(DescribeLogGroupsInput { log_group_name_pattern: pattern, ..Default::default() }).await;
    assert_eq!(group_names(&found).len(), 2);
}

#[tokio::test]
async fn a_group_shows_its_arns_and_what_it_stores() {
    let logs = Logs::start().await;
    logs.put("a", &[(0, "1234")]).await.unwrap();
    logs.put("b", &[(0, "12")]).await.unwrap();
    let found = logs.region.call::<DescribeLogGroups>(DescribeLogGroupsInput::default()).await.unwrap();
    let group = &found.log_groups.as_ref().unwrap()[0];
    assert_eq!(group.arn, Some(format!("{ARN}:*")));
    assert_eq!(group.log_group_arn.as_deref(), Some(ARN));
    assert_eq!((group.stored_bytes, group.creation_time), (Some(26 * 2 + 6), Some(NOW)));
    assert_eq!(group.retention_in_days, None);
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_latest_event() {
    let logs = Logs::start().await;
    logs.create_stream("app", "c").await.unwrap();
    logs.put("a", &[(-5, "x"), (20, "x")]).await.unwrap();
    logs.put("b", &[(10, "x")]).await.unwrap();
    let describe = async |input: DescribeLogStreamsInput| {
        let input = DescribeLogStreamsInput { log_group_name: Some("app".to_owned()), ..input };
        logs.region.call::<DescribeLogStreams>(input).await
    };
    let by_name = describe(DescribeLogStreamsInput::default()).await.unwrap();
    assert_eq!(stream_names(&by_name), ["a", "b", "c"]);
    let stream = &by_name.log_streams.as_ref().unwrap()[0];
    assert_eq!((stream.first_event_timestamp, stream.last_event_timestamp), (Some(NOW - 5), Some(NOW + 20)));
    let descending = DescribeLogStreamsInput { descending: Some(true), limit: Some(2), ..Default::default() };
    let page = describe(descending.clone()).await.unwrap();
    assert_eq!(stream_names(&page), ["c", "b"]);
    let rest = describe(DescribeLogStreamsInput { next_token: page.next_token, ..descending }).await.unwrap();
    assert_eq!((stream_names(&rest), rest.next_token.as_deref()), (vec!["a"], None));

    let by_time = DescribeLogStreamsInput {
        order_by: Some("LastEventTime".to_owned()),
        descending: Some(true),
        limit: Some(1),
        ..Default::default()
    };
    let mut seen = Vec::new();
    let mut next_token = None;
    loop {
        let page = describe(DescribeLogStreamsInput { next_token, ..by_time.clone() }).await.unwrap();
        seen.extend(stream_names(&page).into_iter().map(str::to_owned));
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "c"]);
    let prefixed = DescribeLogStreamsInput { log_stream_name_prefix: Some("a".to_owned()), ..by_time };
    let error = describe(prefixed).await.unwrap_err();
    assert_eq!(error.message(), "Cannot order by LastEventTime with a logStreamNamePrefix.");
}

#[tokio::test]
async fn tags_are_added_listed_and_removed() {
    let logs = Logs::start().await;
    let tags = |pairs: &[(&str, &str)]| -> Map<String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let input = CreateLogGroupInput {
        log_group_name: "tagged".to_owned(),
        tags: Some(tags(&[("team", "a")])),
        ..Default::default()
    };
    logs.region.call::<CreateLogGroup>(input).await.unwrap();
    let resource_arn = ARN.replace("app", "tagged");
    let input = TagResourceInput { resource_arn: resource_arn.clone(), tags: tags(&[("stage", "prod")]) };
    logs.region.call::<TagResource>(input).await.unwrap();
    let input = UntagResourceInput { resource_arn: resource_arn.clone(), tag_keys: vec!["team".to_owned()] };
    logs.region.call::<UntagResource>(input).await.unwrap();
    let listed = logs.region.call::<ListTagsForResource>(ListTagsForResourceInput { resource_arn }).await;
    assert_eq!(listed.unwrap().tags, Some(tags(&[("stage", "prod")])));
    let input = ListTagsForResourceInput { resource_arn: ARN.replace("app", "none") };
    let error = logs.region.call::<ListTagsForResource>(input).await.unwrap_err();
    assert_eq!(error.name(), "ResourceNotFoundException");
}

#[tokio::test]
async fn what_is_deleted_comes_back_empty() {
    let logs = Logs::start().await;
    logs.put("a", &[(0, "old")]).await.unwrap();
    logs.put("b", &[(0, "kept")]).await.unwrap();
    let input = DeleteLogStreamInput { log_group_name: "app".to_owned(), log_stream_name: "a".to_owned() };
    logs.region.call::<DeleteLogStream>(input.clone()).await.unwrap();
    assert_eq!(
        logs.region.call::<DeleteLogStream>(input).await.unwrap_err().name(),
        "ResourceNotFoundException"
    );
    logs.create_stream("app", "a").await.unwrap();
    assert_eq!(logs.search("").await, ["kept"]);

    let input = DeleteLogGroupInput { log_group_name: "app".to_owned() };
    logs.region.call::<DeleteLogGroup>(input.clone()).await.unwrap();
    assert_eq!(
        logs.region.call::<DeleteLogGroup>(input).await.unwrap_err().name(),
        "ResourceNotFoundException"
    );
    logs.create_group("app").await.unwrap();
    assert!(logs.search("").await.is_empty());
    logs.region.settle().await;
    let jobs = clock::Jobs::new(logs.region.cloud.store().clone()).list(10).unwrap();
    assert!(jobs.is_empty(), "the rows are gone and so are the jobs: {jobs:?}");
}
