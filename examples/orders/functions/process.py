"""Takes orders from the queue and stores each one once."""

import json
import os

import boto3

table = boto3.resource("dynamodb").Table(os.environ["TABLE"])


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            store(json.loads(record["body"]))
        except Exception as error:
            # Only this message comes back; the others of the batch are done.
            print(f"order in message {record['messageId']} was not stored: {error}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def store(order):
    # A message may come twice, and storing the same order again changes nothing: the order's id is the key.
    table.put_item(Item={
        "orderId": order["orderId"],
        "customer": order["customer"],
        "total": str(order["total"]),
    })
