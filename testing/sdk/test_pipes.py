"""EventBridge Pipes: from sources through filters and functions to targets, as roles allow."""

import json

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, deny, eventually

HERE = f"us-east-1:{DEFAULT_ACCOUNT}"
READS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]

PRICES = """
def handler(events, context):
    return [{"order": event["id"], "price": 7 * event["count"]} for event in events]
"""
WATCHED = """
def handler(events, context):
    bad = [event["messageId"] for event in events if event["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
"""


@pytest.fixture
def pipes(region):
    return region.client("pipes")


def reaches(pipes, name, state):
    """Waits for a pipe's state; its description."""
    def described():
        told = pipes.describe_pipe(Name=name)
        return told if told["CurrentState"] == state else None
    return eventually(described, what=f"the pipe to be {state}")


class Queue:
    def __init__(self, region, name, **attributes):
        self.sqs = region.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{HERE}:{name}"

    def send(self, *bodies):
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def bodies(self):
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def count(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        numbers = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(numbers[each]) for each in names)


@pytest.fixture
def queues(region, name):
    return Queue(region, f"{name}-in"), Queue(region, f"{name}-out")


def role(region, name, *statements):
    return region.role(f"{name}-pipe", list(statements), service="pipes.amazonaws.com")


def test_orders_are_filtered_enriched_and_transformed(region, pipes, queues, name):
    source, target = queues
    region.function(name, PRICES)
    function = f"arn:aws:lambda:{HERE}:function:{name}"
    arn = pipes.create_pipe(
        Name=name, Source=source.arn, Target=target.arn, Enrichment=function,
        RoleArn=role(region, name, allow(READS, source.arn), allow("sqs:SendMessage", target.arn),
                     allow("lambda:InvokeFunction", function)),
        SourceParameters={"FilterCriteria": {"Filters": [{"Pattern": '{"body": {"count": [{"numeric": [">", 1]}]}}'}]}},
        EnrichmentParameters={"InputTemplate": '{"id": <$.body.id>, "count": <$.body.count>}'},
        TargetParameters={"InputTemplate": '{"text": "<$.order> costs <$.price>", "by": <aws.pipes.pipe-name>}'},
    )["Arn"]
    assert arn == f"arn:aws:pipes:{HERE}:pipe/{name}"
    assert reaches(pipes, name, "RUNNING")["StateReason"] == "USER_INITIATED"
    source.send(*[json.dumps({"id": f"o-{n}", "count": n}) for n in range(4)])
    found = []
    eventually(lambda: found.extend(target.bodies()) or len(found) >= 2)
    assert sorted(json.loads(body)["text"] for body in found) == ["o-2 costs 14", "o-3 costs 21"]
    assert {json.loads(body)["by"] for body in found} == {name}
    eventually(lambda: source.count() == 0, what="the queue to be empty")


def test_changes_of_a_table_become_events_on_a_bus(region, pipes, queues, name):
    _, target = queues
    table = region.client("dynamodb")
    stream = table.create_table(
        TableName=name, KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]["LatestStreamArn"]
    events = region.client("events")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["shop"]}')
    target.sqs.set_queue_attributes(QueueUrl=target.url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                                                "Action": "sqs:SendMessage", "Resource": target.arn}]})})
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "q", "Arn": target.arn}])
    pipes.create_pipe(
        Name=name, Source=stream, Target=bus,
        RoleArn=role(region, name, allow(["dynamodb:DescribeStream", "dynamodb:GetRecords",
                                          "dynamodb:GetShardIterator", "dynamodb:ListStreams"], stream),
                     allow("events:PutEvents", bus)),
        SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}},
        TargetParameters={"EventBridgeEventBusParameters": {"Source": "shop", "DetailType": "$.eventName"},
                          "InputTemplate": '{"id": <$.dynamodb.Keys.id.S>}'},
    )
    for step in ("a", "b"):
        table.put_item(TableName=name, Item={"id": {"S": step}})
    table.delete_item(TableName=name, Key={"id": {"S": "a"}})
    found = []
    eventually(lambda: found.extend(json.loads(body) for body in target.bodies()) or len(found) >= 3)
    told = sorted((event["detail-type"], event["detail"]["id"]) for event in found)
    assert told == [("INSERT", "a"), ("INSERT", "b"), ("REMOVE", "a")]
    assert {event["source"] for event in found} == {"shop"}


def test_failed_items_stay_in_the_queue_until_its_dead_letters_take_them(region, pipes, name):
    dead = Queue(region, f"{name}-dead")
    source = Queue(region, f"{name}-in", VisibilityTimeout="300",
                   RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}))
    region.function(name, WATCHED)
    function = f"arn:aws:lambda:{HERE}:function:{name}"
    pipes.create_pipe(Name=name, Source=source.arn, Target=function,
                      RoleArn=role(region, name, allow(READS, source.arn), allow("lambda:InvokeFunction", function)))
    source.send("good", "bad")
    eventually(lambda: source.count() == 1, what="the good message to be deleted")
    found = []

    def buried():
        region.advance(301)
        found.extend(dead.bodies())
        return found

    assert eventually(buried, pause=0.5) == ["bad"]


def test_a_pipe_may_do_no_more_than_its_role(region, pipes, queues, name):
    source, target = queues
    pipe_role = role(region, name, allow(READS, source.arn), deny("sqs:SendMessage", target.arn))
    pipes.create_pipe(Name=name, Source=source.arn, Target=target.arn, RoleArn=pipe_role)
    source.send("secret")
    reason = eventually(lambda: next(
        (told for told in [pipes.describe_pipe(Name=name)["StateReason"]] if "not authorized" in told), None))
    assert "sqs:SendMessage" in reason or "SendMessage" in reason
    assert target.bodies() == [] and source.count() == 1


def test_pipes_are_stopped_started_listed_and_deleted(region, pipes, queues, name):
    source, target = queues
    pipe_role = role(region, name, allow(READS, source.arn), allow("sqs:SendMessage", target.arn))
    arn = pipes.create_pipe(Name=name, Source=source.arn, Target=target.arn, RoleArn=pipe_role,
                            DesiredState="STOPPED", Tags={"team": "a"})["Arn"]
    source.send("waits")
    reaches(pipes, name, "STOPPED")
    (listed,) = pipes.list_pipes(NamePrefix=name)["Pipes"]
    assert (listed["CurrentState"], listed["Source"], listed["Target"]) == ("STOPPED", source.arn, target.arn)
    assert source.count() == 1 and target.count() == 0
    assert pipes.start_pipe(Name=name)["CurrentState"] == "STARTING"
    (body,) = eventually(target.bodies)
    assert json.loads(body)["body"] == "waits"
    pipes.tag_resource(resourceArn=arn, tags={"stage": "test"})
    pipes.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert pipes.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}
    reaches(pipes, name, "RUNNING")
    assert pipes.stop_pipe(Name=name)["CurrentState"] == "STOPPING"
    reaches(pipes, name, "STOPPED")
    source.send("stays")
    with pytest.raises(pipes.exceptions.ConflictException) as taken:
        pipes.create_pipe(Name=name, Source=source.arn, Target=target.arn, RoleArn=pipe_role)
    assert taken.value.response["Error"]["Message"] == f"Pipe {name} already exists."
    assert taken.value.response["resourceId"] == name
    assert pipes.delete_pipe(Name=name)["CurrentState"] == "DELETING"

    def is_gone():
        try:
            pipes.describe_pipe(Name=name)
        except pipes.exceptions.NotFoundException as gone:
            return gone.response["Error"]["Message"] == f"Pipe {name} does not exist."

    eventually(is_gone)
    assert source.count() == 1 and target.count() == 0
    with pytest.raises(ClientError) as refused:
        pipes.create_pipe(Name=name, Source=f"arn:aws:kinesis:{HERE}:stream/s", Target=target.arn, RoleArn=pipe_role)
    assert refused.value.response["Error"]["Code"] == "NotImplemented"


def test_a_pipe_that_may_not_read_its_source_is_not_created(region, pipes, queues, name):
    source, target = queues
    pipe_role = role(region, name, allow("sqs:GetQueueAttributes", source.arn), allow("sqs:SendMessage", target.arn))
    pipes.create_pipe(Name=name, Source=source.arn, Target=target.arn, RoleArn=pipe_role)
    assert reaches(pipes, name, "CREATE_FAILED")["StateReason"] == (
        "Input parameter is invalid from the request due to : The provided customer role does not have permissions to "
        "call ReceiveMessage on SQS")
    region.client("iam").put_role_policy(RoleName=f"{name}-pipe", PolicyName="more", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [allow(READS, source.arn)]}))
    pipes.start_pipe(Name=name)
    reaches(pipes, name, "RUNNING")
    source.send("now")
    (body,) = eventually(target.bodies)
    assert json.loads(body)["body"] == "now"


def test_a_role_that_does_not_trust_pipes_is_of_no_use(region, pipes, queues, name):
    source, target = queues
    other = region.role(name, [allow(READS, source.arn)], service="lambda.amazonaws.com")
    pipes.create_pipe(Name=name, Source=source.arn, Target=target.arn, RoleArn=other)
    assert "cannot be assumed" in reaches(pipes, name, "CREATE_FAILED")["StateReason"]


def test_requests_that_do_not_fit_are_refused(pipes, queues, name):
    source, target = queues
    good = {"Name": name, "Source": source.arn, "Target": target.arn,
            "RoleArn": f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/pipe"}
    stream = f"arn:aws:dynamodb:{HERE}:table/t/stream/2026-01-01T00:00:00.000"
    for wrong in [
        {"Name": "not a name"},
        {"RoleArn": "nobody"},
        {"Source": "nothing"},
        {"DesiredState": "FLYING"},
        {"Source": stream},
        {"Target": target.arn + ".fifo"},
        {"SourceParameters": {"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}},
        {"SourceParameters": {"SqsQueueParameters": {"BatchSize": 10001}}},
        {"SourceParameters": {"SqsQueueParameters": {"BatchSize": 11, "MaximumBatchingWindowInSeconds": 1}}},
        {"TargetParameters": {"InputTemplate": "<aws.pipes.unknown>"}},
    ]:
        with pytest.raises(pipes.exceptions.ValidationException):
            pipes.create_pipe(**{**good, **wrong})
    for operation in (pipes.describe_pipe, pipes.start_pipe, pipes.stop_pipe, pipes.delete_pipe):
        with pytest.raises(pipes.exceptions.NotFoundException) as gone:
            operation(Name=name)
        assert gone.value.response["Error"]["Message"] == f"Pipe {name} does not exist."
