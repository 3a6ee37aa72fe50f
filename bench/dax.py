"""GetItem through a DAX cluster beside GetItem over HTTP, with the same client language, and how long a hit takes inside
the region. Wants a running region (AWS_ENDPOINT_URL and keys, as `brume env` prints them), boto3 and
amazon-dax-client."""

import json
import os
import re
import sys
import time
import urllib.request

import amazondax
import boto3

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
NAME = f"brume-bench-{int(time.time())}"


def rate(get):
    """Calls a second, one after the other."""
    for _ in range(100):
        get()
    calls, began = 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        get()
        calls += 1
    return calls / (time.perf_counter() - began)


def hits_inside():
    """Hits so far by the region's own histogram: their seconds, and how many took no longer than each bound."""
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_brume/metrics") as answer:
        text = answer.read().decode()
    name = r'brume_call_seconds_%s\{service="dax",operation="ItemCacheHit"'
    seconds = re.search(name % "sum" + r"\} (\S+)", text)
    buckets = dict(re.findall(name % "bucket" + r',le="([^"]+)"\} (\d+)', text))
    return float(seconds[1]) if seconds else 0.0, {bound: int(count) for bound, count in buckets.items()}


def main():
    iam, dax, tables = boto3.client("iam"), boto3.client("dax"), boto3.client("dynamodb")
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "dax.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName="tables", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}]}))
    tables.create_table(TableName=NAME, BillingMode="PAY_PER_REQUEST",
                        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
    tables.get_waiter("table_exists").wait(TableName=NAME, WaiterConfig={"Delay": 1})
    key = {"id": {"S": "1"}}
    tables.put_item(TableName=NAME, Item={**key, "payload": {"S": "x" * 300}})
    dax.create_cluster(ClusterName=NAME[:20], NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=role)
    try:
        while (cluster := dax.describe_clusters(ClusterNames=[NAME[:20]])["Clusters"][0])["Status"] != "available":
            time.sleep(0.1)
        plain = rate(lambda: tables.get_item(TableName=NAME, Key=key))
        with amazondax.AmazonDaxClient(endpoint_url=cluster["ClusterDiscoveryEndpoint"]["URL"]) as client:
            client.get_item(TableName=NAME, Key=key)
            seconds, buckets = hits_inside()
            hits = rate(lambda: client.get_item(TableName=NAME, Key=key))
            seconds, buckets = hits_inside()[0] - seconds, {
                bound: count - buckets.get(bound, 0) for bound, count in hits_inside()[1].items()}
        print(f"GetItem over HTTP {plain:.0f}/s, from a DAX cluster's cache {hits:.0f}/s: {hits / plain:.1f} times as many")
        count = buckets["+Inf"]
        shares = ", ".join(f"{100 * buckets[bound] / count:.2f} % within {float(bound) * 1e6:.0f} us"
                           for bound in ("0.000002", "0.000005", "0.00001", "0.000025") if bound in buckets)
        print(f"A hit inside the region: {1e6 * seconds / count:.2f} us on average of {count}; {shares}")
    finally:
        dax.delete_cluster(ClusterName=NAME[:20])
        tables.delete_table(TableName=NAME)


main()
