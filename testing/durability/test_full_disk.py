"""A disk without room: writes are refused clearly, reads go on, and writes come back when there is room again."""

import os
import subprocess

import pytest
from botocore.exceptions import ClientError

from brume_region import Region, eventually

# The engine refuses writes before the last 256 MiB, so the disk is not much larger.
DISK_MIB = 448
RESERVED_MIB = 256


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "brume-test", str(folder)],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"a small disk needs root: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def region(tmp_path, disk):
    region = Region(tmp_path, durability="durable", data=disk / "data")
    region.start()
    yield region
    region.kill()
    assert "panicked" not in region.log_path.read_text("utf-8", "replace"), region.log()


def free_mib(disk):
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize >> 20


def fill(disk, leave_mib):
    """A file that leaves `leave_mib` free."""
    path = disk / "filler"
    with open(path, "wb") as file:
        block = b"\xa5" * (1 << 20)
        try:
            while free_mib(disk) > leave_mib:
                file.write(block)
                file.flush()
        except OSError:
            assert leave_mib == 0
    return path


@pytest.mark.parametrize("leave_mib", [RESERVED_MIB // 2, 0])
def test_writes_are_refused_and_come_back(region, disk, leave_mib):
    assert free_mib(disk) > RESERVED_MIB, "the region's own files leave too little of the test's disk"
    sqs, dynamodb, sns = region.client("sqs"), region.client("dynamodb"), region.client("sns")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    topic = sns.create_topic(Name="t")["TopicArn"]
    dynamodb.create_table(TableName="Full", BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    dynamodb.get_waiter("table_exists").wait(TableName="Full", WaiterConfig={"Delay": 1})
    item = lambda pk: {"pk": {"S": pk}}
    dynamodb.put_item(TableName="Full", Item=item("before"))
    sqs.send_message(QueueUrl=url, MessageBody="before")

    def refusal(call, **parameters):
        try:
            call(**parameters)
        except ClientError as error:
            return error.response
        return None

    filler = fill(disk, leave_mib)
    writes = {
        "sqs": lambda: refusal(sqs.send_message, QueueUrl=url, MessageBody="x" * 1000),
        "dynamodb": lambda: refusal(dynamodb.put_item, TableName="Full", Item=item("during")),
        "sns": lambda: refusal(sns.create_topic, Name="during"),
    }
    for service, write in writes.items():
        told = eventually(write, 30, what=f"{service} refuses a write")
        assert told["ResponseMetadata"]["HTTPStatusCode"] == 503, (service, told)
        assert told["Error"]["Code"].startswith("ServiceUnavailable"), (service, told)
        assert told["Error"]["Message"], (service, told)
    assert dynamodb.get_item(TableName="Full", Key=item("before"), ConsistentRead=True)["Item"] == item("before")
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert int(counted["ApproximateNumberOfMessages"]) >= 1
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["TopicArn"] == topic
    assert region.api("/status")["status"] == "running"

    filler.unlink()
    eventually(lambda: refusal(dynamodb.put_item, TableName="Full", Item=item("after")) is None, 30,
               "writes work again")
    sqs.send_message(QueueUrl=url, MessageBody="after")
    region.kill()
    region.start()
    dynamodb, sqs = region.client("dynamodb"), region.client("sqs")
    for pk in ("before", "after"):
        assert dynamodb.get_item(TableName="Full", Key=item(pk))["Item"] == item(pk)
    bodies = set()
    eventually(lambda: bodies.update(
        message["Body"] for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []))
        or {"before", "after"} <= bodies)


def test_a_region_starts_on_a_full_disk_and_reads(region, disk):
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    fill(disk, RESERVED_MIB // 2)
    region.kill()
    region.start()
    assert region.client("sqs").list_queues()["QueueUrls"] == [url]
