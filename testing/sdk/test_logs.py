"""CloudWatch Logs: groups, streams, events, filters and retention."""

import datetime

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, eventually


@pytest.fixture
def logs(region):
    return region.client("logs")


@pytest.fixture
def group(logs, name):
    logs.create_log_group(logGroupName=name)
    for stream in "ab":
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    return name


def now(region):
    """The region's time in milliseconds."""
    return int(datetime.datetime.fromisoformat(region.api("/clock")["now"].replace("Z", "+00:00")).timestamp() * 1000)


def put(region, logs, group, stream, *messages, at=None):
    at = at or now(region) - 1000
    return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[
        {"timestamp": at + index, "message": message} for index, message in enumerate(messages)])


def messages(answer):
    return [event["message"] for event in answer["events"]]


def test_events_are_read_forwards_and_backwards(region, logs, group):
    put(region, logs, group, "a", *[f"line {number}" for number in range(25)])
    ask = {"logGroupName": group, "logStreamName": "a", "limit": 10}
    page = logs.get_log_events(**ask, startFromHead=True)
    seen = messages(page)
    while (following := logs.get_log_events(**ask, nextToken=page["nextForwardToken"]))["events"]:
        seen += messages(following)
        page = following
    assert seen == [f"line {number}" for number in range(25)]
    assert following["nextForwardToken"] == page["nextForwardToken"]
    last = logs.get_log_events(**ask)
    assert messages(last) == [f"line {number}" for number in range(15, 25)]
    before = logs.get_log_events(**ask, nextToken=last["nextBackwardToken"])
    assert messages(before) == [f"line {number}" for number in range(5, 15)]


@pytest.mark.parametrize("pattern, expected", [
    ("", ["ERROR one", "WARN two", '{"level": "error", "ms": 12}', "ERROR two"]),
    ("ERROR", ["ERROR one", "ERROR two"]), ("ERROR -one", ["ERROR two"]), ("?WARN ?one", ["ERROR one", "WARN two"]),
    ('"ERROR two"', ["ERROR two"]), ("{ $.ms > 10 && $.level = error }", ['{"level": "error", "ms": 12}']),
    ("[level = WARN, word]", ["WARN two"]), ("%t.o$%", ["WARN two", "ERROR two"]),
])
def test_filters_choose_over_all_streams(region, logs, group, pattern, expected):
    at = now(region) - 5000
    put(region, logs, group, "a", "ERROR one", at=at)
    put(region, logs, group, "b", "WARN two", '{"level": "error", "ms": 12}', at=at + 10)
    put(region, logs, group, "a", "ERROR two", at=at + 100)
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern)
    assert [message for page in pages for message in messages(page)] == expected


def test_retention_ends_events_with_the_regions_clock(region, logs, group):
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    put(region, logs, group, "a", "old")
    region.advance(86_400 + 60)
    put(region, logs, group, "a", "new")
    assert messages(logs.get_log_events(logGroupName=group, logStreamName="a", startFromHead=True)) == ["new"]
    described = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]
    assert described["retentionInDays"] == 1
    logs.delete_retention_policy(logGroupName=group)


def test_events_out_of_bounds_are_reported(region, logs, group):
    answer = put(region, logs, group, "a", "too old", at=now(region) - 15 * 86_400_000)
    assert answer["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"] == 1
    answer = put(region, logs, group, "a", "too new", at=now(region) + 3 * 3_600_000)
    assert answer["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"] == 0
    assert messages(logs.get_log_events(logGroupName=group, logStreamName="a")) == []


def test_groups_and_streams_are_described_tagged_and_deleted(region, logs, group):
    put(region, logs, group, "b", "x")
    streams = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert [stream["logStreamName"] for stream in streams] == ["b", "a"]
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    assert arn == f"arn:aws:logs:us-east-1:{DEFAULT_ACCOUNT}:log-group:{group}:*"
    logs.tag_resource(resourceArn=arn.removesuffix(":*"), tags={"team": "x"})
    assert logs.list_tags_for_resource(resourceArn=arn.removesuffix(":*"))["tags"] == {"team": "x"}
    logs.delete_log_stream(logGroupName=group, logStreamName="a")
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_log_events(logGroupName=group, logStreamName="a")
    logs.delete_log_group(logGroupName=group)
    eventually(lambda: not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"])


def test_mistakes_have_aws_codes(region, logs, group):
    def code(call, **parameters):
        with pytest.raises(ClientError) as refused:
            call(**parameters)
        return refused.value.response["Error"]["Code"]

    assert code(logs.create_log_group, logGroupName=group) == "ResourceAlreadyExistsException"
    assert code(logs.create_log_stream, logGroupName="nowhere", logStreamName="s") == "ResourceNotFoundException"
    assert code(logs.put_retention_policy, logGroupName=group, retentionInDays=2) == "InvalidParameterException"
    assert code(logs.create_log_group, logGroupName="not allowed!") == "InvalidParameterException"
    at = now(region)
    backwards = [{"timestamp": at, "message": "b"}, {"timestamp": at - 1, "message": "a"}]
    assert code(logs.put_log_events, logGroupName=group, logStreamName="a", logEvents=backwards) \
        == "InvalidParameterException"
    assert code(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a = ") == "InvalidParameterException"
