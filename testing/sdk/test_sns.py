"""SNS: topics that fan out to queues, web servers, mail and functions."""

import json
import re
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, eventually, policy
from listener import Listener


@pytest.fixture
def sns(region):
    return region.client("sns")


@pytest.fixture
def topic(sns, name):
    return sns.create_topic(Name=name)["TopicArn"]


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


def subscribed_queue(region, topic, name, **attributes):
    """A queue that the topic may send to, and its subscription's ARN."""
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy({
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}})})
    subscription = region.client("sns").subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes, ReturnSubscriptionArn=True)
    return url, subscription["SubscriptionArn"]


def receive(region, url, count=1):
    """`count` messages of a queue, as their bodies."""
    sqs, found = region.client("sqs"), []
    eventually(lambda: found.extend(sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])) or len(found) >= count,
        what=f"{count} messages")
    assert len(found) == count
    return [message["Body"] for message in found]


def is_empty(region, url):
    return "Messages" not in region.client("sqs").receive_message(QueueUrl=url)


def test_a_publish_fans_out_to_every_queue(region, sns, topic, name):
    urls = [subscribed_queue(region, topic, f"{name}-{number}")[0] for number in range(3)]
    published = sns.publish(TopicArn=topic, Subject="news", Message="to all",
                            MessageAttributes={"kind": {"DataType": "String", "StringValue": "order"}})
    for url in urls:
        envelope = json.loads(receive(region, url)[0])
        assert envelope["Type"] == "Notification"
        assert (envelope["Subject"], envelope["Message"], envelope["TopicArn"]) == ("news", "to all", topic)
        assert envelope["MessageId"] == published["MessageId"]
        assert envelope["MessageAttributes"] == {"kind": {"Type": "String", "Value": "order"}}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["Timestamp"])


def test_raw_delivery_sends_the_message_alone(region, sns, topic, name):
    url, _ = subscribed_queue(region, topic, name, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="bare",
                MessageAttributes={"kind": {"DataType": "String", "StringValue": "order"}})
    (message,) = region.client("sqs").receive_message(
        QueueUrl=url, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == "bare"
    assert message["MessageAttributes"]["kind"]["StringValue"] == "order"


def test_a_queue_without_a_policy_for_the_topic_gets_nothing(region, sns, topic, name):
    url, _ = subscribed_queue(region, topic, f"{name}-ok")
    sqs = region.client("sqs")
    closed = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="for those who may")
    receive(region, url)
    assert is_empty(region, closed)


@pytest.mark.parametrize("rule, attributes, is_wanted", [
    ({"kind": ["order"]}, {"kind": "order"}, True),
    ({"kind": ["order"]}, {"kind": "refund"}, False),
    ({"kind": ["order"]}, {}, False),
    ({"kind": [{"prefix": "ord"}]}, {"kind": "order"}, True),
    ({"kind": [{"anything-but": ["order"]}]}, {"kind": "order"}, False),
    ({"price": [{"numeric": [">", 5, "<=", 10]}]}, {"price": 10}, True),
    ({"price": [{"numeric": [">", 5, "<=", 10]}]}, {"price": 5}, False),
    ({"kind": [{"exists": False}]}, {"kind": "order"}, False),
    ({"kind": ["order"], "price": [10]}, {"kind": "order", "price": 11}, False),
])
def test_filter_policies_choose_by_attributes(region, sns, topic, name, rule, attributes, is_wanted):
    url, _ = subscribed_queue(region, topic, name, FilterPolicy=json.dumps(rule), RawMessageDelivery="true")
    everything, _ = subscribed_queue(region, topic, f"{name}-all", RawMessageDelivery="true")
    sns.publish(TopicArn=topic, Message="m", MessageAttributes={
        key: {"DataType": "String" if isinstance(value, str) else "Number", "StringValue": str(value)}
        for key, value in attributes.items()})
    # A publish reaches all its queues in one go, so once one has it the other has it or never will.
    receive(region, everything)
    assert is_empty(region, url) is not is_wanted


def test_filter_policies_choose_by_body(region, sns, topic, name):
    url, _ = subscribed_queue(region, topic, name, RawMessageDelivery="true", FilterPolicyScope="MessageBody",
                              FilterPolicy=json.dumps({"order": {"total": [{"numeric": [">=", 100]}]}}))
    for total in (99, 100):
        sns.publish(TopicArn=topic, Message=json.dumps({"order": {"total": total}}))
    assert receive(region, url) == ['{"order": {"total": 100}}']


def test_batches_publish_each_entry(region, sns, topic, name):
    url, _ = subscribed_queue(region, topic, name, RawMessageDelivery="true")
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=[
        {"Id": str(number), "Message": f"m{number}"} for number in range(10)])
    assert len(answer["Successful"]) == 10 and not answer.get("Failed")
    assert sorted(receive(region, url, 10)) == [f"m{number}" for number in range(10)]


def test_a_message_structure_has_a_text_per_protocol(region, sns, topic, name):
    url, _ = subscribed_queue(region, topic, name, RawMessageDelivery="true")
    sns.publish(TopicArn=topic, MessageStructure="json", Message=json.dumps({"default": "d", "sqs": "for queues"}))
    assert receive(region, url) == ["for queues"]


def test_a_web_server_confirms_and_then_gets_notifications(region, sns, topic, listener):
    answer = sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    (asked,) = eventually(lambda: listener.of_type("SubscriptionConfirmation"))
    asked = json.loads(asked)
    assert asked["Type"] == "SubscriptionConfirmation" and asked["TopicArn"] == topic
    assert asked["Token"] and asked["SubscribeURL"]
    headers, _ = listener.posts[0]
    assert headers["x-amz-sns-topic-arn"] == topic and headers["content-type"].startswith("text/plain")
    sns.publish(TopicArn=topic, Message="too early")
    confirmed = sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert confirmed.startswith(topic + ":")
    sns.publish(TopicArn=topic, Message="in time")
    (told,) = eventually(lambda: listener.of_type("Notification"))
    told = json.loads(told)
    assert (told["Type"], told["Message"]) == ("Notification", "in time")
    assert told["UnsubscribeURL"]


def test_visiting_the_link_confirms(region, sns, topic, listener):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    (asked,) = eventually(lambda: listener.of_type("SubscriptionConfirmation"))
    link = urllib.parse.urlsplit(json.loads(asked)["SubscribeURL"])
    answer = region.http("GET", f"{link.path}?{link.query}")
    assert answer.status == 200 and "ConfirmSubscriptionResponse" in answer.text, answer
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert subscription["SubscriptionArn"].startswith(topic + ":")


def test_a_failing_web_server_is_asked_again(region, sns, topic, listener):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    (asked,) = eventually(lambda: listener.of_type("SubscriptionConfirmation"))
    sns.confirm_subscription(TopicArn=topic, Token=json.loads(asked)["Token"])
    listener.status = 500
    sns.publish(TopicArn=topic, Message="again")
    eventually(lambda: listener.of_type("Notification"))
    listener.status = 200

    def is_delivered():
        region.advance(30)
        return len(listener.of_type("Notification")) > 1

    eventually(is_delivered, pause=0.2)
    first, second = listener.of_type("Notification")[:2]
    assert json.loads(first)["MessageId"] == json.loads(second)["MessageId"]


def test_mail_goes_to_the_inbox_after_confirmation(region, sns, topic, name):
    address = f"{name}@example.com"
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    to_address = lambda: [mail for mail in region.mails() if address in str(mail["to"])]
    (asked,) = eventually(to_address)
    (link,) = re.findall(r"http://\S*ConfirmSubscription\S*", asked["body"])
    sns.publish(TopicArn=topic, Subject="s", Message="too early")
    link = urllib.parse.urlsplit(link.rstrip(">)\"'."))
    assert region.http("GET", f"{link.path}?{link.query}").status == 200
    sns.publish(TopicArn=topic, Subject="Order stored", Message="order 1")
    mail = eventually(lambda: [mail for mail in to_address() if mail["subject"] == "Order stored"])[0]
    assert "order 1" in mail["body"] and topic in mail["body"]
    assert not any("too early" in mail["body"] for mail in to_address())


def test_a_function_is_invoked_with_the_message(region, sns, topic, name):
    url = region.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    queue_arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    function = region.function(
        name, "import boto3, json, os\n"
              "def handler(event, context):\n"
              "    boto3.client('sqs').send_message(QueueUrl=os.environ['QUEUE'], MessageBody=json.dumps(event))\n",
        statements=[{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue_arn}],
        Environment={"Variables": {"QUEUE": url}}, Timeout=30)
    region.client("lambda").add_permission(FunctionName=name, StatementId="sns", Action="lambda:InvokeFunction",
                                           Principal="sns.amazonaws.com", SourceArn=topic)
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)["SubscriptionArn"]
    published = sns.publish(TopicArn=topic, Subject="s", Message="for a function")["MessageId"]
    (record,) = json.loads(receive(region, url)[0])["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    assert (record["Sns"]["Message"], record["Sns"]["MessageId"]) == ("for a function", published)


def test_unsubscribing_ends_delivery(region, sns, topic, name):
    url, subscription = subscribed_queue(region, topic, name)
    other, _ = subscribed_queue(region, topic, f"{name}-stays")
    sns.unsubscribe(SubscriptionArn=subscription)
    sns.publish(TopicArn=topic, Message="m")
    receive(region, other)
    assert is_empty(region, url)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_subscription_attributes(SubscriptionArn=subscription)


def test_topics_and_subscriptions_are_described_listed_tagged_and_deleted(region, sns, topic, name):
    assert sns.create_topic(Name=name)["TopicArn"] == topic
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="News")
    _, subscription = subscribed_queue(region, topic, name)
    attributes = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (attributes["DisplayName"], attributes["SubscriptionsConfirmed"]) == ("News", "1")
    assert attributes["Owner"] == DEFAULT_ACCOUNT
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="RawMessageDelivery",
                                    AttributeValue="true")
    assert sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["RawMessageDelivery"] == "true"
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "team", "Value": "a"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "team", "Value": "a"}]
    listed = [found["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for found in page["Topics"]]
    assert topic in listed
    sns.delete_topic(TopicArn=topic)
    with pytest.raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=topic)


def test_an_archive_is_replayed_to_a_late_subscriber(region, sns, name):
    topic = sns.create_topic(Name=f"{name}.fifo", Attributes={
        "FifoTopic": "true", "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "7"})})["TopicArn"]
    beginning = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    for text in ("one", "two"):
        sns.publish(TopicArn=topic, Message=text, MessageGroupId="g", MessageDeduplicationId=text)
    url, subscription = subscribed_queue(region, topic, name)
    sns.set_subscription_attributes(
        SubscriptionArn=subscription, AttributeName="ReplayPolicy",
        AttributeValue=json.dumps({"PointType": "Timestamp", "StartingPoint": beginning}))
    replayed = [json.loads(body) for body in receive(region, url, 2)]
    assert sorted(message["Message"] for message in replayed) == ["one", "two"]
    assert all(message["Replayed"] == "true" for message in replayed)
    status = lambda: sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]["ReplayStatus"]
    eventually(lambda: status() == "Completed", what="the end of the replay")
    sns.publish(TopicArn=topic, Message="live", MessageGroupId="g", MessageDeduplicationId="live")
    (live,) = receive(region, url)
    assert json.loads(live)["Message"] == "live" and "Replayed" not in json.loads(live)
    with pytest.raises(sns.exceptions.InvalidStateException):
        sns.delete_topic(TopicArn=topic)
    sns.set_topic_attributes(TopicArn=topic, AttributeName="ArchivePolicy", AttributeValue="{}")
    sns.delete_topic(TopicArn=topic)


def test_a_web_server_is_told_of_its_end(region, sns, topic, listener):
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=listener.url)
    (asked,) = map(json.loads, eventually(lambda: listener.of_type("SubscriptionConfirmation")))
    subscription = sns.confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    sns.unsubscribe(SubscriptionArn=subscription)
    (told,) = map(json.loads, eventually(lambda: listener.of_type("UnsubscribeConfirmation")))
    assert told["Type"] == "UnsubscribeConfirmation" and subscription in told["Message"]
    assert sns.confirm_subscription(TopicArn=topic, Token=told["Token"])["SubscriptionArn"] == subscription


@pytest.mark.parametrize("operation, parameters, code", [
    ("publish", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:nowhere", "Message": "m"}, "NotFound"),
    ("publish", {"TopicArn": "nonsense", "Message": "m"}, "InvalidParameter"),
    ("create_topic", {"Name": "not allowed"}, "InvalidParameter"),
    ("subscribe", {"TopicArn": "arn:aws:sns:us-east-1:000000000000:nowhere", "Protocol": "sqs",
                   "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q"}, "NotFound"),
])
def test_mistakes_have_aws_codes(sns, operation, parameters, code):
    with pytest.raises(ClientError) as refused:
        getattr(sns, operation)(**parameters)
    assert refused.value.response["Error"]["Code"] == code


def test_mistakes_about_a_topic_have_aws_codes(sns, topic):
    for operation, parameters in [
        ("publish", {"Message": ""}),
        ("publish", {"Message": "x" * (256 * 1024 + 1)}),
        ("subscribe", {"Protocol": "pigeon", "Endpoint": "x"}),
        ("subscribe", {"Protocol": "http", "Endpoint": "https://not.http"}),
        ("confirm_subscription", {"Token": "junk"}),
    ]:
        with pytest.raises(ClientError) as refused:
            getattr(sns, operation)(TopicArn=topic, **parameters)
        assert refused.value.response["Error"]["Code"] in ("InvalidParameter", "InvalidParameterValue"), operation
