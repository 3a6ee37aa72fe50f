"""SQS over both of its protocols."""

import base64
import hashlib
import json
import threading
import time
import xml.etree.ElementTree

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, Region, eventually

VERSION = "2012-11-05"
NAMESPACE = {"sqs": "http://queue.amazonaws.com/doc/2012-11-05/"}


@pytest.fixture
def sqs(region):
    return region.client("sqs")


@pytest.fixture
def queue(sqs, name):
    return sqs.create_queue(QueueName=name)["QueueUrl"]


def bodies(answer):
    return sorted(message["Body"] for message in answer.get("Messages", []))


def counts(sqs, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
             "ApproximateNumberOfMessagesDelayed"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return tuple(int(found[name]) for name in names)


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_a_message_goes_in_comes_out_and_is_gone(sqs, queue):
    sent = sqs.send_message(QueueUrl=queue, MessageBody="hello ✓")
    assert sent["MD5OfMessageBody"] == hashlib.md5("hello ✓".encode()).hexdigest()
    received = sqs.receive_message(QueueUrl=queue, AttributeNames=["All"])
    (message,) = received["Messages"]
    assert (message["Body"], message["MessageId"]) == ("hello ✓", sent["MessageId"])
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "SentTimestamp" in message["Attributes"] and "ApproximateFirstReceiveTimestamp" in message["Attributes"]
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == (0, 0, 0)


def test_message_attributes_come_back_with_their_digest(sqs, queue):
    attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "price": {"DataType": "Number.euro", "StringValue": "9.90"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    # boto3 itself compares the digest of the body; that of the attributes is computed here.
    sent = sqs.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes)
    digest = hashlib.md5()
    for name, attribute in sorted(attributes.items()):
        value = attribute.get("BinaryValue") or attribute["StringValue"].encode()
        for part in (name.encode(), attribute["DataType"].encode()):
            digest.update(len(part).to_bytes(4, "big") + part)
        digest.update(b"\x02" if "BinaryValue" in attribute else b"\x01")
        digest.update(len(value).to_bytes(4, "big") + value)
    assert sent["MD5OfMessageAttributes"] == digest.hexdigest()
    (message,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["All"])["Messages"]
    assert message["MessageAttributes"] == attributes
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (message,) = sqs.receive_message(QueueUrl=queue, MessageAttributeNames=["pri.*"])["Messages"]
    assert list(message["MessageAttributes"]) == ["price"]


def test_batches_answer_for_each_entry(sqs, queue):
    entries = [{"Id": f"e{number}", "MessageBody": f"m{number}"} for number in range(10)]
    entries[3]["DelaySeconds"] = 901
    sent = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert len(sent["Successful"]) == 9
    (failed,) = sent["Failed"]
    assert (failed["Id"], failed["SenderFault"], failed["Code"]) == ("e3", True, "InvalidParameterValue")
    received = []
    eventually(lambda: received.extend(
        sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])) or len(received) == 9)
    changed = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=[
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 100}
        for index, message in enumerate(received)])
    assert len(changed["Successful"]) == 9
    deleted = sqs.delete_message_batch(QueueUrl=queue, Entries=[
        {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(received)])
    assert len(deleted["Successful"]) == 9 and counts(sqs, queue) == (0, 0, 0)


def test_batches_that_are_wrong_as_a_whole_are_refused(sqs, queue):
    def send(entries):
        with pytest.raises(ClientError) as refused:
            sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        return code_of(refused)

    prefix = "AWS.SimpleQueueService."
    assert send([]) == prefix + "EmptyBatchRequest"
    assert send([{"Id": str(n), "MessageBody": "m"} for n in range(11)]) == prefix + "TooManyEntriesInBatchRequest"
    assert send([{"Id": "a", "MessageBody": "m"}] * 2) == prefix + "BatchEntryIdsNotDistinct"
    assert send([{"Id": "not/allowed", "MessageBody": "m"}]) == prefix + "InvalidBatchEntryId"
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_message_comes_back_when_its_visibility_timeout_ends(region, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="again")
    (first,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=60)["Messages"]
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []
    region.advance(61)
    (second,) = sqs.receive_message(QueueUrl=queue, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert second["Attributes"]["ApproximateReceiveCount"] == "2"
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_visibility_can_be_prolonged_and_given_up(region, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    (message,) = sqs.receive_message(QueueUrl=queue, VisibilityTimeout=30)["Messages"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=300)
    region.advance(60)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == ["m"]


def test_delays_of_queues_and_of_messages(region, sqs, name):
    queue = sqs.create_queue(QueueName=name, Attributes={"DelaySeconds": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="queue's")
    sqs.send_message(QueueUrl=queue, MessageBody="own", DelaySeconds=0)
    assert bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)) == ["own"]
    assert counts(sqs, queue)[2] == 1
    region.advance(61)
    assert "queue's" in bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10))


def test_messages_end_with_the_retention_period(region, sqs, name):
    queue = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": "60"})["QueueUrl"]
    sqs.send_message(QueueUrl=queue, MessageBody="old")
    region.advance(61)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_poison_message_ends_in_the_dead_letter_queue(region, sqs, name):
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    dead_arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    queue = sqs.create_queue(QueueName=name, Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})})["QueueUrl"]
    sent = sqs.send_message(QueueUrl=queue, MessageBody="poison")["MessageId"]
    for _ in range(2):
        assert bodies(sqs.receive_message(QueueUrl=queue)) == ["poison"]
        region.advance(31)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == []
    (message,) = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent, "poison")
    assert message["Attributes"]["DeadLetterQueueSourceArn"].endswith(f":{name}")
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"] == [queue]


def test_a_long_poll_wakes_up_when_a_message_arrives(sqs, queue):
    answer = {}

    def wait():
        began = time.monotonic()
        answer["bodies"] = bodies(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20))
        answer["seconds"] = time.monotonic() - began

    waiting = threading.Thread(target=wait)
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive(), f"the poll did not wait: {answer}"
    sqs.send_message(QueueUrl=queue, MessageBody="wake")
    waiting.join(30)
    assert answer["bodies"] == ["wake"]
    assert answer["seconds"] < 5, answer


def test_a_long_poll_wakes_up_when_a_delayed_message_is_due(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    began = time.monotonic()
    assert bodies(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)) == ["later"]
    assert time.monotonic() - began < 10


def test_every_message_goes_to_one_of_several_consumers(sqs, queue):
    expected = {f"m{number}" for number in range(200)}
    for start in range(0, 200, 10):
        sqs.send_message_batch(QueueUrl=queue, Entries=[
            {"Id": str(number), "MessageBody": f"m{start + number}"} for number in range(10)])
    seen, lock = [], threading.Lock()

    def consume():
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10,
                                              WaitTimeSeconds=1).get("Messages"):
            with lock:
                seen.extend(message["Body"] for message in messages)
            sqs.delete_message_batch(QueueUrl=queue, Entries=[
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(messages)])

    consumers = [threading.Thread(target=consume) for _ in range(8)]
    for consumer in consumers:
        consumer.start()
    for consumer in consumers:
        consumer.join(60)
    assert sorted(seen) == sorted(expected)
    assert counts(sqs, queue) == (0, 0, 0)


def test_queues_are_found_listed_described_changed_and_deleted(region, sqs, name):
    queue = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "45"}, tags={"team": "a"})["QueueUrl"]
    assert queue == f"{region.endpoint}/{DEFAULT_ACCOUNT}/{name}"
    assert sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "45"})["QueueUrl"] == queue
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == queue
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [queue]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "46", "MaximumMessageSize": "1024"})
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "46" and attributes["MaximumMessageSize"] == "1024"
    assert attributes["QueueArn"] == f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    assert attributes["MessageRetentionPeriod"] == "345600" and attributes["DelaySeconds"] == "0"
    sqs.tag_queue(QueueUrl=queue, Tags={"stage": "x"})
    sqs.untag_queue(QueueUrl=queue, TagKeys=["team"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"stage": "x"}
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name)


def test_purging_empties_a_queue_once_a_minute(region, sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0, 0)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress) as refused:
        sqs.purge_queue(QueueUrl=queue)
    assert code_of(refused) == "AWS.SimpleQueueService.PurgeQueueInProgress"
    region.advance(61)
    sqs.purge_queue(QueueUrl=queue)


@pytest.mark.parametrize("operation, parameters, code", [
    ("get_queue_url", {"QueueName": "nowhere"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("create_queue", {"QueueName": "not allowed"}, "InvalidParameterValue"),
    ("create_queue", {"QueueName": "x", "Attributes": {"VisibilityTimeout": "43201"}}, "InvalidAttributeValue"),
    ("create_queue", {"QueueName": "x", "Attributes": {"Nonsense": "1"}}, "InvalidAttributeName"),
    ("send_message", {"MessageBody": "m", "DelaySeconds": 901}, "InvalidParameterValue"),
    ("send_message", {"MessageBody": "\x01"}, "InvalidMessageContents"),
    ("send_message", {"MessageBody": ""}, "MissingParameter"),
    ("send_message", {"MessageBody": "x" * (1024 * 1024 + 1)}, "InvalidParameterValue"),
    ("receive_message", {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
    ("receive_message", {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
    ("delete_message", {"ReceiptHandle": "junk"}, "ReceiptHandleIsInvalid"),
])
def test_mistakes_have_aws_codes(sqs, queue, operation, parameters, code):
    if operation not in ("get_queue_url", "create_queue"):
        parameters = {"QueueUrl": queue, **parameters}
    with pytest.raises(ClientError) as refused:
        getattr(sqs, operation)(**parameters)
    assert code_of(refused) == code
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["Error"]["Message"]


def test_the_same_name_with_other_attributes_is_refused(sqs, queue, name):
    with pytest.raises(sqs.exceptions.QueueNameExists) as refused:
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "99"})
    assert "VisibilityTimeout" in refused.value.response["Error"]["Message"]


def test_the_query_protocol_sends_and_receives(region, sqs, queue, name):
    answer = region.query("sqs", VERSION, "SendMessage", QueueUrl=queue, MessageBody="a & <b>")
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/xml"), answer
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert root.tag == "{%s}SendMessageResponse" % NAMESPACE["sqs"]
    digest = root.findtext("sqs:SendMessageResult/sqs:MD5OfMessageBody", namespaces=NAMESPACE)
    assert digest == hashlib.md5(b"a & <b>").hexdigest()
    assert root.findtext("sqs:ResponseMetadata/sqs:RequestId", namespaces=NAMESPACE)
    answer = region.query("sqs", VERSION, "ReceiveMessage", QueueUrl=queue, **{"AttributeName.1": "All"})
    root = xml.etree.ElementTree.fromstring(answer.body)
    (message,) = root.findall("sqs:ReceiveMessageResult/sqs:Message", NAMESPACE)
    assert message.findtext("sqs:Body", namespaces=NAMESPACE) == "a & <b>"
    received = {attribute.findtext("sqs:Name", namespaces=NAMESPACE):
                attribute.findtext("sqs:Value", namespaces=NAMESPACE)
                for attribute in message.findall("sqs:Attribute", NAMESPACE)}
    assert received["ApproximateReceiveCount"] == "1"
    handle = message.findtext("sqs:ReceiptHandle", namespaces=NAMESPACE)
    answer = region.query("sqs", VERSION, "DeleteMessage", QueueUrl=queue, ReceiptHandle=handle)
    assert answer.status == 200 and counts(sqs, queue) == (0, 0, 0)


def test_the_query_protocol_takes_lists_and_attributes(region, sqs, queue):
    answer = region.query("sqs", VERSION, "SendMessageBatch", QueueUrl=queue, **{
        "SendMessageBatchRequestEntry.1.Id": "one",
        "SendMessageBatchRequestEntry.1.MessageBody": "1",
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Name": "raw",
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType": "Binary",
        "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.BinaryValue": base64.b64encode(b"\x01").decode(),
        "SendMessageBatchRequestEntry.2.Id": "two",
        "SendMessageBatchRequestEntry.2.MessageBody": "2",
    })
    root = xml.etree.ElementTree.fromstring(answer.body)
    ids = [entry.findtext("sqs:Id", namespaces=NAMESPACE) for entry in root.findall(
        "sqs:SendMessageBatchResult/sqs:SendMessageBatchResultEntry", NAMESPACE)]
    assert sorted(ids) == ["one", "two"], answer
    messages = []
    eventually(lambda: messages.extend(sqs.receive_message(
        QueueUrl=queue, MessageAttributeNames=["All"]).get("Messages", [])) or len(messages) == 2)
    (first,) = [message for message in messages if message["Body"] == "1"]
    assert first["MessageAttributes"]["raw"]["BinaryValue"] == b"\x01"


def test_the_query_protocol_names_errors(region):
    answer = region.query("sqs", VERSION, "GetQueueUrl", QueueName="nowhere")
    root = xml.etree.ElementTree.fromstring(answer.body)
    assert answer.status == 400
    assert root.findtext("sqs:Error/sqs:Code", namespaces=NAMESPACE) == "AWS.SimpleQueueService.NonExistentQueue"
    assert root.findtext("sqs:Error/sqs:Type", namespaces=NAMESPACE) == "Sender"
    assert root.findtext("sqs:RequestId", namespaces=NAMESPACE)


def test_a_request_may_be_posted_to_the_queues_own_path(region, sqs, queue, name):
    answer = region.query("sqs", VERSION, "SendMessage", path=f"/{DEFAULT_ACCOUNT}/{name}", MessageBody="by path")
    assert answer.status == 200, answer
    assert bodies(sqs.receive_message(QueueUrl=queue)) == ["by path"]


def test_what_an_error_was_called_before_json(region):
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.GetQueueUrl"}
    answer = region.signed("sqs", "POST", "/", b'{"QueueName": "nowhere"}', headers)
    assert answer.status == 400
    assert answer.headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert answer.json["__type"].rpartition("#")[2] == "QueueDoesNotExist"


@pytest.fixture
def fifo(sqs, name):
    return sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


def send_to(sqs, queue, group, body, **parameters):
    return sqs.send_message(QueueUrl=queue, MessageBody=body, MessageGroupId=group,
                            **{"MessageDeduplicationId": body, **parameters})


def arn_of(sqs, queue):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def test_a_fifo_queue_keeps_the_order_of_each_group(sqs, fifo):
    sent = [send_to(sqs, fifo, group, f"{group}{number}") for number in range(3) for group in "ab"]
    numbers = [int(answer["SequenceNumber"]) for answer in sent]
    assert numbers == sorted(numbers) and all(len(answer["SequenceNumber"]) == 20 for answer in sent)
    (head,) = sqs.receive_message(QueueUrl=fifo, AttributeNames=["All"])["Messages"]
    assert head["Body"] == "a0" and head["Attributes"]["MessageGroupId"] == "a"
    assert head["Attributes"]["SequenceNumber"] == sent[0]["SequenceNumber"]
    others = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in others] == ["b0", "b1", "b2"]
    sqs.delete_message(QueueUrl=fifo, ReceiptHandle=head["ReceiptHandle"])
    rest = sqs.receive_message(QueueUrl=fifo, MaxNumberOfMessages=10)["Messages"]
    assert [message["Body"] for message in rest] == ["a1", "a2"]


def test_a_fifo_queue_takes_a_message_once_in_five_minutes(region, sqs, fifo):
    first = send_to(sqs, fifo, "g", "same")
    again = send_to(sqs, fifo, "g", "same")
    assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
    assert counts(sqs, fifo) == (1, 0, 0)
    region.advance(301)
    assert send_to(sqs, fifo, "g", "same")["MessageId"] != first["MessageId"]
    sqs.set_queue_attributes(QueueUrl=fifo, Attributes={"ContentBasedDeduplication": "true"})
    for _ in range(2):
        sqs.send_message(QueueUrl=fifo, MessageBody="by content", MessageGroupId="g")
    assert counts(sqs, fifo) == (3, 0, 0)


def test_a_fifo_queue_repeats_an_attempt(sqs, fifo):
    send_to(sqs, fifo, "g", "m")
    handles = {sqs.receive_message(QueueUrl=fifo, ReceiveRequestAttemptId="x")["Messages"][0]["ReceiptHandle"]
               for _ in range(2)}
    assert len(handles) == 1


@pytest.mark.parametrize("parameters, code", [
    ({}, "MissingParameter"),
    ({"MessageGroupId": "g"}, "InvalidParameterValue"),
    ({"MessageGroupId": "not allowed", "MessageDeduplicationId": "1"}, "InvalidParameterValue"),
    ({"MessageGroupId": "g", "MessageDeduplicationId": "1", "DelaySeconds": 1}, "InvalidParameterValue"),
])
def test_mistakes_with_fifo_queues_have_aws_codes(sqs, fifo, parameters, code):
    with pytest.raises(ClientError) as refused:
        sqs.send_message(QueueUrl=fifo, MessageBody="m", **parameters)
    assert code_of(refused) == code


def test_dead_letters_are_moved_back(region, sqs, name):
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    queue = sqs.create_queue(QueueName=name, Attributes={
        "VisibilityTimeout": "0",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": arn_of(sqs, dead), "maxReceiveCount": 1})})["QueueUrl"]
    for number in range(5):
        sqs.send_message(QueueUrl=queue, MessageBody=f"m{number}")
    while sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        pass
    assert counts(sqs, dead) == (5, 0, 0)
    handle = sqs.start_message_move_task(SourceArn=arn_of(sqs, dead))["TaskHandle"]
    eventually(lambda: counts(sqs, queue) == (5, 0, 0), what="the messages are back")

    def finished():
        (task,) = sqs.list_message_move_tasks(SourceArn=arn_of(sqs, dead))["Results"]
        return task if task["Status"] == "COMPLETED" else None

    task = eventually(finished)
    assert task["ApproximateNumberOfMessagesMoved"] == 5 and task["ApproximateNumberOfMessagesToMove"] == 5
    with pytest.raises(ClientError) as refused:
        sqs.cancel_message_move_task(TaskHandle=handle)
    assert code_of(refused) == "AWS.SimpleQueueService.UnsupportedOperation"
    with pytest.raises(sqs.exceptions.ResourceNotFoundException):
        sqs.start_message_move_task(SourceArn=arn_of(sqs, dead) + "-nowhere")


def test_permissions_are_statements_of_the_policy(region, sqs, queue):
    sqs.add_permission(QueueUrl=queue, Label="friends", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    policy = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])["Attributes"]["Policy"]
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Sid"], statement["Action"]) == ("friends", "SQS:SendMessage")
    assert statement["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    with pytest.raises(ClientError) as refused:
        sqs.add_permission(QueueUrl=queue, Label="friends", AWSAccountIds=["123456789012"], Actions=["SendMessage"])
    assert code_of(refused) == "InvalidParameterValue"
    answer = region.query("sqs", VERSION, "AddPermission", QueueUrl=queue, Label="more", **{
        "AWSAccountId.1": "123456789012", "ActionName.1": "ReceiveMessage", "ActionName.2": "DeleteMessage"})
    assert answer.status == 200, answer
    for label in ("friends", "more"):
        sqs.remove_permission(QueueUrl=queue, Label=label)
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy"])


def test_the_name_of_a_deleted_queue_rests_for_a_minute(region, sqs, queue, name):
    sqs.delete_queue(QueueUrl=queue)
    with pytest.raises(sqs.exceptions.QueueDeletedRecently) as refused:
        sqs.create_queue(QueueName=name)
    assert code_of(refused) == "AWS.SimpleQueueService.QueueDeletedRecently"
    region.advance(61)
    sqs.create_queue(QueueName=name)


def test_a_queue_with_a_kms_key_needs_the_key(region, sqs, name):
    kms = region.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    attributes = {"KmsMasterKeyId": key, "KmsDataKeyReusePeriodSeconds": "60"}
    queue = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert found["KmsMasterKeyId"] == key and found["SqsManagedSseEnabled"] == "false"
    sqs.send_message(QueueUrl=queue, MessageBody="sealed")
    kms.disable_key(KeyId=key)
    region.advance(61)
    for refuse in (lambda: sqs.send_message(QueueUrl=queue, MessageBody="more"),
                   lambda: sqs.receive_message(QueueUrl=queue)):
        with pytest.raises(sqs.exceptions.KmsDisabled) as refused:
            refuse()
        assert code_of(refused) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    assert bodies(sqs.receive_message(QueueUrl=queue)) == ["sealed"]


def test_the_accounts_own_key_seals_a_queue(region, sqs, name):
    queue = sqs.create_queue(QueueName=name, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})["QueueUrl"]
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": body, "MessageBody": body} for body in "ab"])
    assert bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)) == ["a", "b"]


def test_what_was_acknowledged_survives_the_region(tmp_path):
    region = Region(tmp_path, durability="durable")
    region.start()
    try:
        sqs = region.client("sqs")
        queue = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
        for body in ("a", "b", "c"):
            sqs.send_message(QueueUrl=queue, MessageBody=body)
        (held,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        (gone,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=gone["ReceiptHandle"])
        # A moment for the receipt of what is held.
        time.sleep(1)
        region.kill()
        region.start()
        sqs = region.client("sqs")
        assert counts(sqs, queue) == (1, 1, 0)
        assert bodies(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)) == ["c"]
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=held["ReceiptHandle"])
        assert counts(sqs, queue) == (0, 1, 0)
    finally:
        region.kill()
