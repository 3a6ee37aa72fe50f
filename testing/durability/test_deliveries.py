"""SIGKILL while messages are on their way: what was published arrives at least once, by every way there is."""

import json

import pytest

from brume_region import DEFAULT_ACCOUNT, Region, allow, eventually, steady_port
from listener import Listener
from test_kill import KILLS, Load, receive_all

HERE = f"us-east-1:{DEFAULT_ACCOUNT}"
FORWARD = """
import boto3, os
sqs = boto3.client("sqs")
def handler(event, context):
    for record in event.get("Records", [event]):
        body = record["Sns"]["Message"] if "Sns" in record else record["detail"]["number"]
        sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=body)
"""


@pytest.fixture
def region(tmp_path):
    region = Region(tmp_path, durability="durable", port=steady_port())
    region.start()
    yield region
    region.kill()
    assert "panicked" not in region.log_path.read_text("utf-8", "replace"), region.log()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


class Queues:
    """Queues that topics, buses and functions may send to."""

    def __init__(self, region):
        self.region, self.sqs, self.urls = region, region.client("sqs"), {}

    def make(self, name, **attributes):
        arn = f"arn:aws:sqs:{HERE}:{name}"
        policy = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
        attributes = {"Policy": json.dumps(policy), **attributes}
        self.urls[name] = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return arn

    def must_have(self, name, wanted):
        found = receive_all(self.sqs, self.urls[name], lambda bodies: wanted <= bodies, self.region)
        missing = wanted - found
        assert missing == set(), f"{len(missing)} of {len(wanted)} never came to {name}: {sorted(missing)[:5]}"


def forwarder(region, name, url):
    """A function that passes what it gets on to a queue."""
    return region.function(name, FORWARD, Timeout=30, Environment={"Variables": {"QUEUE": url}},
                           statements=[allow("sqs:SendMessage", "*")])


def may_invoke(region, name, principal):
    region.client("lambda").add_permission(FunctionName=name, StatementId="own", Action="lambda:InvokeFunction",
                                           Principal=principal)


def test_no_published_message_is_lost(region, listener):
    sns, queues = region.client("sns"), Queues(region)
    topic = sns.create_topic(Name="news")["TopicArn"]
    ordered = sns.create_topic(Name="news.fifo", Attributes={
        "FifoTopic": "true", "ContentBasedDeduplication": "true"})["TopicArn"]
    raw = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.make("direct"), Attributes=raw)
    sns.subscribe(TopicArn=ordered, Protocol="sqs", Attributes=raw,
                  Endpoint=queues.make("ordered.fifo", FifoQueue="true", ContentBasedDeduplication="true"))
    queues.make("by-function")
    function = forwarder(region, "forward", queues.urls["by-function"])
    may_invoke(region, "forward", "sns.amazonaws.com")
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    (asked,) = eventually(lambda: listener.of_type("SubscriptionConfirmation"))
    sns.confirm_subscription(TopicArn=topic, Token=json.loads(asked)["Token"])
    load, published, in_order = Load(), set(), set()

    def publish(number):
        sns.publish(TopicArn=topic, Message=f"m{number}")
        published.add(f"m{number}")

    def publish_in_order(number):
        sns.publish(TopicArn=ordered, Message=f"m{number}", MessageGroupId=str(number % 3))
        in_order.add(f"m{number}")

    load.add(publish, pause=0.05)
    load.add(publish_in_order, pause=0.05)
    load.run_through_kills(region, max(KILLS // 4, 1))
    assert len(published) > KILLS and len(in_order) > KILLS, "there was no load to speak of"
    queues.must_have("direct", published)
    queues.must_have("ordered.fifo", in_order)
    queues.must_have("by-function", published)
    heard = lambda: {json.loads(body)["Message"] for body in listener.of_type("Notification")}
    eventually(lambda: published <= heard(), 120, "every notification over HTTP")
    print(f"{len(published)} and {len(in_order)} publishes acknowledged and delivered")


def test_no_event_is_lost(region):
    events, queues = region.client("events"), Queues(region)
    topic = region.client("sns").create_topic(Name="events")["TopicArn"]
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish",
        "Resource": topic}]}
    region.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))
    region.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queues.make("by-topic"),
                                   Attributes={"RawMessageDelivery": "true"})
    queues.make("by-function")
    function = forwarder(region, "forward", queues.urls["by-function"])
    may_invoke(region, "forward", "events.amazonaws.com")
    events.create_event_bus(Name="shop")
    events.put_rule(Name="all", EventBusName="shop", EventPattern=json.dumps({"source": ["shop"]}))
    number_alone = {"InputPathsMap": {"number": "$.detail.number"}, "InputTemplate": "<number>"}
    answer = events.put_targets(Rule="all", EventBusName="shop", Targets=[
        {"Id": "queue", "Arn": queues.make("direct"), "InputPath": "$.detail.number"},
        {"Id": "topic", "Arn": topic, "InputTransformer": number_alone},
        {"Id": "function", "Arn": function},
    ])
    assert answer["FailedEntryCount"] == 0, answer
    load, put = Load(), set()

    def put_event(number):
        entry = {"Source": "shop", "DetailType": "order", "EventBusName": "shop",
                 "Detail": json.dumps({"number": f"e{number}"})}
        answer = events.put_events(Entries=[entry])
        if answer["FailedEntryCount"] == 0:
            put.add(f"e{number}")

    load.add(put_event, pause=0.05)
    load.run_through_kills(region, max(KILLS // 4, 1))
    assert len(put) > KILLS, "there was no load to speak of"
    quoted = {json.dumps(number) for number in put}
    queues.must_have("direct", quoted)
    queues.must_have("by-topic", quoted)
    queues.must_have("by-function", put)
    print(f"{len(put)} events acknowledged and delivered")
