"""Accounts and regions share nothing."""

import json

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, Region, eventually, zip_of

PLACES = [(account, place) for account in ("111111111111", "222222222222") for place in ("us-east-1", "eu-west-1")]


WHO = """
import boto3, os
def handler(event, context):
    return [boto3.client("sts").get_caller_identity()["Arn"], os.environ["AWS_REGION"]]
"""


def clients(region, service):
    """A client per account and region, by (account, region)."""
    return {(account, place): region.client(service, region=place, account=account) for account, place in PLACES}


def test_queues_of_the_same_name_are_four(region, name):
    sqs = clients(region, "sqs")
    urls = {at: client.create_queue(QueueName=name)["QueueUrl"] for at, client in sqs.items()}
    for at, client in sqs.items():
        client.send_message(QueueUrl=urls[at], MessageBody=f"{at}")
    for (account, place), client in sqs.items():
        assert urls[account, place].endswith(f"/{account}/{name}")
        arn = client.get_queue_attributes(QueueUrl=urls[account, place], AttributeNames=["QueueArn"])
        assert arn["Attributes"]["QueueArn"] == f"arn:aws:sqs:{place}:{account}:{name}"
        (message,) = client.receive_message(QueueUrl=urls[account, place], MaxNumberOfMessages=10)["Messages"]
        assert message["Body"] == f"{(account, place)}"
    first, *others = PLACES
    sqs[first].delete_queue(QueueUrl=urls[first])
    assert all(sqs[at].list_queues(QueueNamePrefix=name)["QueueUrls"] == [urls[at]] for at in others)
    assert "QueueUrls" not in sqs[first].list_queues(QueueNamePrefix=name)


def test_another_accounts_queue_is_closed(region, name):
    sqs = clients(region, "sqs")
    url = sqs["111111111111", "us-east-1"].create_queue(QueueName=name)["QueueUrl"]
    other = sqs["222222222222", "us-east-1"]
    for call in (lambda: other.send_message(QueueUrl=url, MessageBody="m"), lambda: other.receive_message(QueueUrl=url),
                 lambda: other.delete_queue(QueueUrl=url)):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")


def test_tables_topics_groups_functions_and_apis_are_apart(region, name):
    for at, client in clients(region, "dynamodb").items():
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        client.put_item(TableName=name, Item={"id": {"S": f"{at}"}})
    for at, client in clients(region, "dynamodb").items():
        assert client.scan(TableName=name)["Items"] == [{"id": {"S": f"{at}"}}]
    for (account, place), client in clients(region, "sns").items():
        assert client.create_topic(Name=name)["TopicArn"] == f"arn:aws:sns:{place}:{account}:{name}"
        assert len(client.list_topics()["Topics"]) == 1
    for client in clients(region, "logs").values():
        client.create_log_group(logGroupName=name)
        assert len(client.describe_log_groups()["logGroups"]) == 1
    for client in clients(region, "apigateway").values():
        client.create_rest_api(name=name)
        assert len(client.get_rest_apis()["items"]) == 1


def test_buses_schedules_and_pipes_are_apart(region, name):
    for (account, place), client in clients(region, "events").items():
        client.create_event_bus(Name=name)
        client.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": [account + place]}))
        (rule,) = client.list_rules(EventBusName=name)["Rules"]
        assert rule["Arn"] == f"arn:aws:events:{place}:{account}:rule/{name}/{name}"
        assert account + place in rule["EventPattern"]
    for (account, place), client in clients(region, "scheduler").items():
        client.create_schedule_group(Name=name)
        assert client.get_schedule_group(Name=name)["Arn"] == f"arn:aws:scheduler:{place}:{account}:schedule-group/{name}"
    for (account, place), client in clients(region, "pipes").items():
        queue = f"arn:aws:sqs:{place}:{account}:{name}"
        role = f"arn:aws:iam::{account}:role/none"
        client.create_pipe(Name=name, Source=queue, Target=queue, RoleArn=role, DesiredState="STOPPED")
        assert [pipe["Source"] for pipe in client.list_pipes()["Pipes"] if pipe["Name"] == name] == [queue]


def test_an_event_crosses_accounts_and_regions_where_policies_let_it(region, name):
    """From a bus in one account and region to one in another, to a topic there, and to a queue of a third place."""
    here, there = ("111111111111", "us-east-1"), ("222222222222", "eu-west-1")
    events, topics = clients(region, "events"), clients(region, "sns")
    queues = {at: region.client("sqs", region=at[1], account=at[0]) for at in (here, there)}
    target_bus = events[there].create_event_bus(Name=name)["EventBusArn"]
    events[here].put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events[here].put_targets(Rule=name, Targets=[{
        "Id": "bus", "Arn": target_bus, "RoleArn": sender(region, here, name, target_bus)}])
    topic = topics[there].create_topic(Name=name)["TopicArn"]
    events[there].put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"account": [here[0]]}))
    events[there].put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "topic", "Arn": topic}])
    topics[there].set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish",
            "Resource": topic}, {
            "Effect": "Allow", "Principal": {"AWS": here[0]}, "Action": ["sns:Subscribe"], "Resource": topic}]}))
    url = queues[here].create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:{here[1]}:{here[0]}:{name}"
    queues[here].set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": queue, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]})})
    region.client("sns", region=there[1], account=here[0]).subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})

    def put():
        entry = {"Source": name, "DetailType": "order", "Detail": '{"n": 1}'}
        assert events[here].put_events(Entries=[entry])["FailedEntryCount"] == 0
        received = queues[here].receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return [json.loads(message["Body"]) for message in received]

    assert put() == [], "the other account's bus lets nobody in yet"
    events[there].put_permission(EventBusName=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Sid": "in", "Effect": "Allow", "Principal": {"AWS": here[0]}, "Action": "events:PutEvents",
        "Resource": target_bus}]}))
    (event, *_) = eventually(put)
    assert (event["account"], event["region"], event["detail"]) == (*here, {"n": 1})


def sender(region, at, name, bus):
    """A role of the account that puts events on the bus."""
    iam = region.client("iam", account=at[0])
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="put", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}]}))
    return arn


def test_identities_belong_to_an_account_and_to_every_region(region, name):
    iam = clients(region, "iam")
    iam["111111111111", "us-east-1"].create_user(UserName=name)
    found = iam["111111111111", "eu-west-1"].get_user(UserName=name)["User"]["Arn"]
    assert found == f"arn:aws:iam::111111111111:user/{name}"
    with pytest.raises(ClientError) as refused:
        iam["222222222222", "us-east-1"].get_user(UserName=name)
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"


def test_a_function_runs_as_its_own_account_and_region(region, name):
    account, place = "222222222222", "eu-west-1"
    client = region.client("lambda", region=place, account=account)
    role = region.client("iam", account=account).create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
                                                "Principal": {"Service": "lambda.amazonaws.com"}}]}))["Role"]["Arn"]
    client.create_function(FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=role, Timeout=20,
                           Code={"ZipFile": zip_of({"index.py": WHO})})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    found = json.loads(client.invoke(FunctionName=name)["Payload"].read())
    assert found == [f"arn:aws:sts::{account}:assumed-role/{name}/{name}", place]
    with pytest.raises(ClientError):
        region.client("lambda", region="us-east-1", account=account).get_function(FunctionName=name)


def test_declared_accounts_have_keys_of_their_own(region):
    printed = region.command("account", "add", "333333333333").stdout
    lines = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
    keys = (lines["AWS_ACCESS_KEY_ID"], lines["AWS_SECRET_ACCESS_KEY"], None)
    assert region.client("sts", keys=keys).get_caller_identity()["Arn"] == "arn:aws:iam::333333333333:root"
    with pytest.raises(ClientError) as refused:
        region.client("sqs", keys=(keys[0], "wrong", None)).list_queues()
    assert refused.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_a_strict_region_refuses_unknown_keys(tmp_path):
    strict = Region(tmp_path, "--strict")
    strict.start()
    try:
        for account in (DEFAULT_ACCOUNT, "test"):
            with pytest.raises(ClientError) as refused:
                strict.client("sqs", account=account).list_queues()
            assert refused.value.response["Error"]["Code"] in ("UnrecognizedClientException", "InvalidClientTokenId")
        printed = strict.command("account", "add", "444444444444").stdout
        lines = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
        keys = (lines["AWS_ACCESS_KEY_ID"], lines["AWS_SECRET_ACCESS_KEY"], None)
        assert strict.client("sqs", keys=keys).list_queues()["ResponseMetadata"]["HTTPStatusCode"] == 200
    finally:
        strict.kill()
