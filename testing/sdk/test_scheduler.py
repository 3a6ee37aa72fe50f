"""EventBridge Scheduler: schedules on the region's clock."""

import datetime
import json

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, eventually

HERE = f"us-east-1:{DEFAULT_ACCOUNT}"


@pytest.fixture
def scheduler(region):
    return region.client("scheduler")


class Queue:
    """A queue, and a role that may send to it."""

    def __init__(self, region, name):
        self.region, self.sqs = region, region.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{HERE}:{name}"
        self.role = region.role(name, [allow("sqs:SendMessage", self.arn)], service="scheduler.amazonaws.com")

    def bodies(self):
        messages = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def target(self, **more):
        return {"Arn": self.arn, "RoleArn": self.role, **more}


@pytest.fixture
def queue(region, name):
    return Queue(region, name)


OFF = {"Mode": "OFF"}


def test_a_rate_comes_again_and_again(region, scheduler, queue, name):
    context = '{"at": "<aws.scheduler.scheduled-time>", "by": "<aws.scheduler.schedule-arn>"}'
    arn = scheduler.create_schedule(Name=name, ScheduleExpression="rate(5 minutes)", FlexibleTimeWindow=OFF,
                                    Target=queue.target(Input=context))["ScheduleArn"]
    assert arn == f"arn:aws:scheduler:{HERE}:schedule/default/{name}"
    times = []
    for _ in range(3):
        region.advance(300)
        (body,) = eventually(queue.bodies)
        assert json.loads(body)["by"] == arn
        times.append(datetime.datetime.fromisoformat(json.loads(body)["at"]))
    assert {later - earlier for earlier, later in zip(times, times[1:])} == {datetime.timedelta(minutes=5)}
    scheduler.update_schedule(Name=name, ScheduleExpression="rate(5 minutes)", FlexibleTimeWindow=OFF,
                              Target=queue.target(), State="DISABLED")
    region.advance(3600)
    assert queue.bodies() == []
    scheduler.delete_schedule(Name=name)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


def test_once_and_then_gone(region, scheduler, queue, name):
    soon = (region.now() + datetime.timedelta(hours=2)).astimezone(datetime.timezone(datetime.timedelta(hours=9)))
    scheduler.create_schedule(
        Name=name, ScheduleExpression=f"at({soon:%Y-%m-%dT%H:%M:%S})", ScheduleExpressionTimezone="Asia/Tokyo",
        FlexibleTimeWindow=OFF, ActionAfterCompletion="DELETE", Target=queue.target(Input="now"))
    region.advance(3600)
    assert queue.bodies() == []
    region.advance(3601)
    assert eventually(queue.bodies) == ["now"]
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name=name)


def test_without_input_an_event_tells_of_the_schedule(region, scheduler, queue, name):
    scheduler.create_schedule(Name=name, ScheduleExpression="cron(0 12 * * ? *)", FlexibleTimeWindow=OFF,
                              ScheduleExpressionTimezone="Europe/Berlin", Target=queue.target())
    region.advance(86_400)
    (body,) = eventually(queue.bodies)
    event = json.loads(body)
    assert (event["source"], event["detail-type"]) == ("aws.scheduler", "Scheduled Event")
    assert event["resources"] == [f"arn:aws:scheduler:{HERE}:schedule/default/{name}"]
    assert event["time"].endswith((":00:00Z",)) and event["time"][11:13] in ("10", "11")
    scheduler.delete_schedule(Name=name)


def test_any_operation_can_be_a_target(region, scheduler, name):
    role = region.role(name, [allow("dynamodb:PutItem", "*")], service="scheduler.amazonaws.com")
    dynamodb = region.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    target = {"Arn": "arn:aws:scheduler:::aws-sdk:dynamodb:putItem", "RoleArn": role,
              "Input": json.dumps({"TableName": name, "Item": {"id": {"S": "<aws.scheduler.scheduled-time>"}}})}
    scheduler.create_schedule(Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF, Target=target)
    region.advance(3600)
    (item,) = eventually(lambda: dynamodb.scan(TableName=name)["Items"])
    assert item["id"]["S"].endswith("Z")
    scheduler.delete_schedule(Name=name)
    for wrong in ("dynamodb:getItem", "dynamodb:noSuch", "nowhere:putItem"):
        with pytest.raises(scheduler.exceptions.ValidationException):
            scheduler.create_schedule(Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF,
                                      Target={**target, "Arn": f"arn:aws:scheduler:::aws-sdk:{wrong}"})


def test_operations_of_rest_services_are_targets_as_well(region, scheduler, queue, name):
    s3 = region.client("s3")
    s3.create_bucket(Bucket=name)
    function = region.function(name, f"""
import boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl="{queue.url}", MessageBody=event["at"])
""", statements=[allow("sqs:SendMessage", queue.arn)])
    role = region.role(f"{name}-caller", [allow("lambda:InvokeFunction", function), allow("s3:PutObject", "*")],
                       service="scheduler.amazonaws.com")
    wanted = {
        "lambda:invoke": {"FunctionName": name, "InvocationType": "Event", "Payload": '{"at": "once"}'},
        "s3:putObject": {"Bucket": name, "Key": "reports/one", "ContentType": "text/plain", "Body": "hello"},
    }
    for number, (operation, parameters) in enumerate(wanted.items()):
        target = {"Arn": f"arn:aws:scheduler:::aws-sdk:{operation}", "RoleArn": role, "Input": json.dumps(parameters)}
        scheduler.create_schedule(Name=f"{name}-{number}", ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF,
                                  Target=target)
    region.advance(3600)
    assert eventually(queue.bodies) == ["once"]

    def written():
        found = s3.list_objects_v2(Bucket=name).get("Contents")
        return found and s3.get_object(Bucket=name, Key="reports/one")

    answer = eventually(written)
    assert (answer["Body"].read(), answer["ContentType"]) == (b"hello", "text/plain")
    for number in range(2):
        scheduler.delete_schedule(Name=f"{name}-{number}")


def test_what_nobody_takes_is_buried(region, scheduler, queue, name):
    dead = Queue(region, f"{name}-dead")
    role = region.role(f"{name}-both", [allow("sqs:SendMessage", dead.arn)], service="scheduler.amazonaws.com")
    scheduler.create_schedule(
        Name=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF,
        Target={"Arn": queue.arn, "RoleArn": role, "Input": "lost", "DeadLetterConfig": {"Arn": dead.arn}})
    region.advance(3600)

    def buried():
        return dead.sqs.receive_message(QueueUrl=dead.url, MessageAttributeNames=["All"]).get("Messages")

    (letter,) = eventually(buried)
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert letter["Body"] == "lost" and told["TARGET_ARN"] == queue.arn
    assert told["ERROR_CODE"] in ("AccessDenied", "AccessDeniedException"), told
    scheduler.delete_schedule(Name=name)


def test_groups(region, scheduler, queue, name):
    arn = scheduler.create_schedule_group(Name=name, Tags=[{"Key": "team", "Value": "a"}])["ScheduleGroupArn"]
    scheduler.create_schedule(Name="one", GroupName=name, ScheduleExpression="rate(1 hour)", FlexibleTimeWindow=OFF,
                              Target=queue.target())
    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "env", "Value": "b"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "env", "Value": "b"}]
    assert [found["Name"] for found in scheduler.list_schedules(GroupName=name)["Schedules"]] == ["one"]
    names = [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]]
    assert "default" in names and name in names
    scheduler.delete_schedule_group(Name=name)
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="one", GroupName=name)
    with pytest.raises(scheduler.exceptions.ValidationException):
        scheduler.delete_schedule_group(Name="default")


def test_what_is_wrong_is_refused(region, scheduler, queue, name):
    good = {"Name": name, "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": OFF, "Target": queue.target()}
    stranger = region.role(f"{name}-other", [], service="lambda.amazonaws.com")
    for change, said in [
        ({"ScheduleExpression": "every day"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Moon/Base"}, "Timezone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "FlexibleTimeWindow"),
        ({"Target": {**queue.target(), "RoleArn": stranger}}, "must allow AWS EventBridge Scheduler to assume the role"),
        ({"Target": {**queue.target(), "Arn": "nothing"}}, "not in correct format"),
    ]:
        with pytest.raises(scheduler.exceptions.ValidationException, match=said):
            scheduler.create_schedule(**{**good, **change})
    scheduler.create_schedule(**good)
    with pytest.raises(scheduler.exceptions.ConflictException):
        scheduler.create_schedule(**good)
    with pytest.raises(ClientError, match="not implemented in Brume yet"):
        scheduler.create_schedule(**{**good, "Name": "other", "Target": {
            **queue.target(), "Arn": f"arn:aws:states:{HERE}:stateMachine:x"}})
