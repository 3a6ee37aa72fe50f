"""Announces every order that was stored."""

import json
import os

import boto3

topic = boto3.resource("sns").Topic(os.environ["TOPIC"])


def handler(event, context):
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            order = record["dynamodb"]["NewImage"]
            topic.publish(
                Subject="Order stored",
                Message=json.dumps({"orderId": order["orderId"]["S"], "total": order["total"]["S"]}),
            )
