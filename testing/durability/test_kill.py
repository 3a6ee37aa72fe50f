"""SIGKILL under load, again and again: what was acknowledged is there afterwards.

KILLS says how often (50 by default), SEED repeats the moments of an earlier run.
"""

import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

import botocore.exceptions
import pytest

from brume_region import REPOSITORY, Region, steady_port

KILLS = int(os.environ.get("KILLS", "50"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
ORDERS = REPOSITORY / "examples" / "orders"
# How clients notice that the region is away.
DOWN = (OSError, http.client.HTTPException, botocore.exceptions.HTTPClientError,
        botocore.exceptions.ConnectionError)
DRAIN_SECONDS = 180


@pytest.fixture
def region(tmp_path):
    region = Region(tmp_path, durability="durable", port=steady_port())
    region.start()
    yield region
    region.kill()
    assert "panicked" not in region.log_path.read_text("utf-8", "replace"), region.log()


class Load:
    """Threads that write without pause, over every restart, and remember what was acknowledged."""

    def __init__(self):
        self.done = threading.Event()
        self.refused = []
        self.threads = []

    def add(self, write, pause):
        """Calls `write(number)` for 0, 1, 2, ... until the end."""

        def work():
            number = 0
            while not self.done.is_set():
                try:
                    write(number)
                except DOWN:
                    pass
                except Exception as error:  # whatever it is, the test must see it
                    self.refused.append(repr(error))
                number += 1
                # Keeps the load at what functions can follow; nothing waits for this.
                time.sleep(pause)

        self.threads.append(threading.Thread(target=work, daemon=True))

    def run_through_kills(self, region, kills=KILLS):
        moments = random.Random(SEED)
        for thread in self.threads:
            thread.start()
        restarts = []
        for _ in range(kills):
            time.sleep(moments.uniform(0.2, 3.5))
            region.kill()
            began = time.monotonic()
            region.start()
            restarts.append(time.monotonic() - began)
        time.sleep(0.5)
        self.done.set()
        for thread in self.threads:
            thread.join(90)
            assert not thread.is_alive(), "a request hangs"
        assert self.refused == [], self.refused[:3]
        print(f"{kills} kills, seed {SEED}; restarts took {max(restarts) * 1000:.0f} ms at most")


def receive_all(sqs, url, is_enough, region, seconds=DRAIN_SECONDS):
    """Receives and deletes until `is_enough(bodies)`; moves the clock so that messages in flight come back."""
    bodies, deadline, empty = set(), time.monotonic() + seconds, 0
    while not is_enough(bodies) and time.monotonic() < deadline:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        bodies.update(message["Body"] for message in messages)
        if messages:
            sqs.delete_message_batch(QueueUrl=url, Entries=[
                {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                for index, message in enumerate(messages)])
        empty = 0 if messages else empty + 1
        if empty == 3:
            region.advance(61)
            empty = 0
    return bodies


def scan(dynamodb, table):
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def test_no_acknowledged_order_is_lost(region, tmp_path):
    outputs = tmp_path / "outputs.json"
    subprocess.run([sys.executable, str(ORDERS / "deploy.py")], check=True, stdout=subprocess.DEVNULL, timeout=120,
                   env={**region.environment(), "ORDERS_OUTPUTS": str(outputs)})
    outputs = json.loads(outputs.read_text())
    path = outputs["url"].removeprefix(region.endpoint)
    load, acknowledged = Load(), [set() for _ in range(4)]
    for client in range(4):
        def post(number, client=client):
            order = f"{client}-{number:06}"
            answer = region.http("POST", path, json.dumps({"orderId": order, "customer": "Ada", "total": 9.9}).encode(),
                                 {"Content-Type": "application/json"}, timeout=30)
            if answer.status == 200:
                acknowledged[client].add(order)
            else:
                load.refused.append(answer)

        load.add(post, pause=0.05)
    load.run_through_kills(region)
    orders = set().union(*acknowledged)
    assert len(orders) > 10 * KILLS, "there was no load to speak of"

    sqs, dynamodb = region.client("sqs"), region.client("dynamodb")
    order_of = lambda bodies: {json.loads(body)["orderId"] for body in bodies}
    announced = order_of(receive_all(sqs, outputs["announced_url"], lambda bodies: orders <= order_of(bodies), region))
    stored = {item["orderId"]["S"] for item in scan(dynamodb, outputs["table"])}
    assert orders - stored == set(), f"{len(orders - stored)} of {len(orders)} orders are not stored"
    assert orders - announced == set(), f"{len(orders - announced)} of {len(orders)} orders were not announced"
    dead = sqs.get_queue_url(QueueName="orders-dead")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=dead)
    print(f"{len(orders)} orders acknowledged, stored and announced")


def test_no_acknowledged_message_is_lost(region):
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName="plain", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    load, sent, received, deleted = Load(), set(), set(), set()

    def send(number):
        sqs.send_message(QueueUrl=url, MessageBody=f"m{number}")
        sent.add(f"m{number}")

    def send_batch(number):
        bodies = [f"b{number}-{part}" for part in range(10)]
        answer = sqs.send_message_batch(QueueUrl=url, Entries=[
            {"Id": str(part), "MessageBody": body} for part, body in enumerate(bodies)])
        sent.update(bodies[int(entry["Id"])] for entry in answer.get("Successful", []))

    def consume(_):
        for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            received.add(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            deleted.add(message["Body"])

    for write, pause in ((send, 0.01), (send_batch, 0.1), (consume, 0)):
        load.add(write, pause)
    load.run_through_kills(region, max(KILLS // 2, 1))
    assert len(sent) > 10 * KILLS and deleted, "there was no load to speak of"

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    is_empty = lambda _: set(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)[
        "Attributes"].values()) == {"0"}
    left = receive_all(sqs, url, is_empty, region)
    assert is_empty(None), "the queue could not be emptied"
    wanted = sent - received
    assert wanted - left == set(), f"{len(wanted - left)} of {len(sent)} messages"
    assert left & deleted == set(), f"{len(left & deleted)} of {len(deleted)} deleted messages came back"
    print(f"{len(sent)} messages and {len(deleted)} deletions acknowledged")


def test_no_acknowledged_item_is_lost(region):
    dynamodb = region.client("dynamodb")
    dynamodb.create_table(TableName="Plain", BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    dynamodb.get_waiter("table_exists").wait(TableName="Plain", WaiterConfig={"Delay": 1})
    load, put, counted = Load(), set(), {"tried": 0, "acknowledged": 0}

    def put_item(number):
        dynamodb.put_item(TableName="Plain", Item={"pk": {"S": f"i{number}"}, "n": {"N": str(number)}})
        put.add(number)

    def count(_):
        counted["tried"] += 1
        dynamodb.update_item(TableName="Plain", Key={"pk": {"S": "counter"}}, UpdateExpression="ADD n :one",
                             ExpressionAttributeValues={":one": {"N": "1"}})
        counted["acknowledged"] += 1

    for write in (put_item, count):
        load.add(write, pause=0.01)
    load.run_through_kills(region, max(KILLS // 2, 1))
    assert len(put) > 10 * KILLS, "there was no load to speak of"

    stored = {item["pk"]["S"]: item for item in scan(dynamodb, "Plain")}
    missing = [number for number in put if stored.get(f"i{number}", {}).get("n") != {"N": str(number)}]
    assert missing == [], f"{len(missing)} of {len(put)} items"
    assert counted["acknowledged"] <= int(stored["counter"]["n"]["N"]) <= counted["tried"]
    print(f"{len(put)} items and {counted['acknowledged']} counts acknowledged")
