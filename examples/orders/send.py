"""Sends orders through the API, follows them to the announcement, and prints what became of them."""

import argparse
import http.client
import json
import os
import pathlib
import queue
import sys
import threading
import time
import urllib.parse
import uuid

import boto3


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--orders", type=int, default=1000)
    arguments.add_argument("--clients", type=int, default=16)
    arguments.add_argument("--patience", type=float, default=120, help="seconds to wait for the last announcement")
    options = arguments.parse_args()
    outputs = json.loads(pathlib.Path(os.environ.get("ORDERS_OUTPUTS", "outputs.json")).read_text())

    run = uuid.uuid4().hex[:8]
    sent, announced, lock = {}, {}, threading.Lock()
    duplicates = 0
    done = threading.Event()

    def listen():
        nonlocal duplicates
        sqs = boto3.client("sqs")
        while not done.is_set():
            answer = sqs.receive_message(QueueUrl=outputs["announced_url"], MaxNumberOfMessages=10, WaitTimeSeconds=1)
            messages = answer.get("Messages", [])
            now = time.perf_counter()
            with lock:
                for message in messages:
                    order_id = json.loads(message["Body"])["orderId"]
                    if order_id in announced:
                        duplicates += 1
                    elif order_id.startswith(run):
                        announced[order_id] = now
            if messages:
                sqs.delete_message_batch(QueueUrl=outputs["announced_url"], Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)])

    listeners = [threading.Thread(target=listen, daemon=True) for _ in range(2)]
    for listener in listeners:
        listener.start()

    work = queue.SimpleQueue()
    for number in range(options.orders):
        work.put(f"{run}-{number:06}")
    refused = []
    started = time.perf_counter()

    def send():
        url = urllib.parse.urlsplit(outputs["url"])
        connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        connection = connect(url.netloc)
        while True:
            try:
                order_id = work.get_nowait()
            except queue.Empty:
                return
            body = json.dumps({"orderId": order_id, "customer": "Ada", "total": 9.9})
            with lock:
                sent[order_id] = time.perf_counter()
            connection.request("POST", url.path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read()
            if response.status != 200:
                refused.append((order_id, response.status, text[:200]))

    clients = [threading.Thread(target=send) for _ in range(options.clients)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        progress(options.orders, len(sent), len(announced))
        time.sleep(0.1)
    accepted_in = time.perf_counter() - started
    accepted = options.orders - len(refused)
    limit = time.perf_counter() + options.patience
    while len(announced) < accepted and time.perf_counter() < limit:
        progress(options.orders, len(sent), len(announced))
        time.sleep(0.1)
    progress(options.orders, len(sent), len(announced), end=True)
    # One more look for announcements that come twice.
    time.sleep(1.5)
    done.set()

    stored = count_stored(outputs["table"], run)
    times = sorted((announced[order] - sent[order]) * 1000 for order in announced if order in sent)
    at = lambda part: f"{times[min(len(times) - 1, int(len(times) * part))]:.1f} ms" if times else "-"
    lost = accepted - min(stored, len(announced))
    rows = [
        ("orders accepted", f"{accepted} ({accepted / accepted_in:.0f}/s)"),
        ("stored", stored),
        ("announced", len(announced)),
        ("lost", lost),
        ("duplicates", duplicates),
        ("end to end, p50", at(0.50)),
        ("end to end, p99", at(0.99)),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")
    for order_id, status, text in refused[:3]:
        print(f"  refused: {order_id}: HTTP {status} {text}")
    return 0 if lost == 0 and not refused else 1


def count_stored(table, run):
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(
        TableName=table, Select="COUNT", FilterExpression="begins_with(orderId, :run)",
        ExpressionAttributeValues={":run": {"S": run}})
    return sum(page["Count"] for page in pages)


def progress(total, sent, announced, end=False):
    if not sys.stderr.isatty() and not end:
        return
    filled = 40 * announced // max(total, 1)
    bar = "█" * filled + "░" * (40 - filled)
    print(f"\r  {bar} {sent} sent, {announced} announced", end="\n" if end else "", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
