"""SIGKILL while schedules fall due and pipes carry messages and records: each arrives at least once."""

import datetime
import json

import pytest

from brume_region import DEFAULT_ACCOUNT, Region, allow, eventually, steady_port
from test_deliveries import Queues, forwarder
from test_kill import KILLS, Load

HERE = f"us-east-1:{DEFAULT_ACCOUNT}"


@pytest.fixture
def region(tmp_path):
    region = Region(tmp_path, durability="durable", port=steady_port())
    region.start()
    yield region
    region.kill()
    assert "panicked" not in region.log_path.read_text("utf-8", "replace"), region.log()


def test_no_schedule_is_missed(region):
    scheduler, queues = region.client("scheduler"), Queues(region)
    queue = queues.make("direct")
    queues.make("by-function")
    function = forwarder(region, "forward", queues.urls["by-function"])
    role = region.role("scheduler", [allow("sqs:SendMessage", queue), allow("lambda:InvokeFunction", function)],
                       service="scheduler.amazonaws.com")
    load, direct, by_function = Load(), set(), set()

    def schedule(name, target, **more):
        # What is due while the region is away has to come once it is back.
        at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
        scheduler.create_schedule(Name=name, ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                                  FlexibleTimeWindow={"Mode": "OFF"}, ActionAfterCompletion="DELETE",
                                  Target={"Arn": target, "RoleArn": role, **more})

    def to_queue(number):
        schedule(f"s{number}", queue, Input=f"s{number}")
        direct.add(f"s{number}")

    def to_function(number):
        schedule(f"f{number}", function, Input=json.dumps({"detail": {"number": f"f{number}"}}))
        by_function.add(f"f{number}")

    load.add(to_queue, pause=0.05)
    load.add(to_function, pause=0.2)
    load.run_through_kills(region, max(KILLS // 6, 1))
    assert len(direct) > KILLS and by_function, "there was no load to speak of"
    queues.must_have("direct", direct)
    queues.must_have("by-function", by_function)
    eventually(lambda: not scheduler.list_schedules()["Schedules"], what="completed schedules to be deleted")
    print(f"{len(direct)} and {len(by_function)} schedules came")


def test_nothing_is_lost_in_a_pipe(region):
    pipes, dynamodb, sqs = (region.client(service) for service in ("pipes", "dynamodb", "sqs"))
    queues = Queues(region)
    source, target, changes = queues.make("in"), queues.make("out"), queues.make("changes")
    table = dynamodb.create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})["TableDescription"]
    dynamodb.get_waiter("table_exists").wait(TableName="Orders", WaiterConfig={"Delay": 1})
    stream = table["LatestStreamArn"]
    role = region.role("pipe", [
        allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], source),
        allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
              "*"),
        allow("sqs:SendMessage", target), allow("sqs:SendMessage", changes)], service="pipes.amazonaws.com")
    pipes.create_pipe(Name="messages", Source=source, Target=target, RoleArn=role)
    pipes.create_pipe(Name="records", Source=stream, Target=changes, RoleArn=role,
                      SourceParameters={"DynamoDBStreamParameters": {"StartingPosition": "TRIM_HORIZON"}},
                      TargetParameters={"InputTemplate": "<$.dynamodb.Keys.id.S>"})
    for name in ("messages", "records"):
        eventually(lambda: pipes.describe_pipe(Name=name)["CurrentState"] == "RUNNING", what=f"the pipe {name} to run")
    load, sent, put = Load(), set(), set()

    def send(number):
        sqs.send_message(QueueUrl=queues.urls["in"], MessageBody=f"m{number}")
        sent.add(f"m{number}")

    def put_item(number):
        dynamodb.put_item(TableName="Orders", Item={"id": {"S": f"i{number}"}})
        put.add(f"i{number}")

    load.add(send, pause=0.02)
    load.add(put_item, pause=0.02)
    load.run_through_kills(region, max(KILLS // 6, 1))
    assert len(sent) > KILLS and len(put) > KILLS, "there was no load to speak of"

    def text_of(body):
        """What was sent: a pipe passes on whole messages, and texts of templates."""
        document = json.loads(body) if body.startswith("{") else {"body": body.strip('"')}
        return document["body"]

    found = {"out": set(), "changes": set()}

    def drained(name, wanted):
        def look():
            messages = sqs.receive_message(QueueUrl=queues.urls[name], MaxNumberOfMessages=10).get("Messages", [])
            found[name].update(text_of(message["Body"]) for message in messages)
            if messages:
                sqs.delete_message_batch(QueueUrl=queues.urls[name], Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)])
            else:
                # What was in flight when the region was killed comes back.
                region.advance(31)
            return wanted <= found[name]
        return look

    eventually(drained("out", sent), 120, "every message to come through the pipe")
    eventually(drained("changes", put), 120, "every change to come through the pipe")
    print(f"{len(sent)} messages and {len(put)} changes came through")
