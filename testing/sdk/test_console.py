"""What the console is told: everything that the region holds, in pages, without secrets, and to nobody else."""

import json
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest

from brume_region import DEFAULT_ACCOUNT, REPOSITORY, allow, eventually

HOSTILE = "<script>document.title='taken'</script>\u202egnp.exe\u0007\u0000"
SECRET = "correct-horse-battery-staple"
ECHO = "def handler(event, context):\n    print('saw', event)\n    return event\n"


@pytest.fixture(scope="module")
def stock(region):
    """One of each kind, by the ids of kinds: the ARN, and a list of its own with what must stand in it."""
    here = f"us-east-1:{DEFAULT_ACCOUNT}"
    arns = {}
    client = region.client

    sqs = client("sqs")
    queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
    dead = sqs.create_queue(QueueName="orders-dead", Attributes={"VisibilityTimeout": "5"})["QueueUrl"]
    arns["sqs"] = f"arn:aws:sqs:{here}:orders"
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": f"{arns['sqs']}-dead", "maxReceiveCount": "3"})})
    sqs.send_message(QueueUrl=queue, MessageBody=HOSTILE.replace("\x00", "").replace("\x07", ""))
    sqs.send_message(QueueUrl=dead, MessageBody="x" * 250_000)

    sns = client("sns")
    arns["sns"] = sns.create_topic(Name="announcements")["TopicArn"]
    sns.subscribe(TopicArn=arns["sns"], Protocol="sqs", Endpoint=arns["sqs"])

    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="Orders", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "who", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-who", "KeySchema": [{"AttributeName": "who", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "ALL"}}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    arns["dynamodb"] = f"arn:aws:dynamodb:{here}:table/Orders"
    for number in range(60):
        dynamodb.put_item(TableName="Orders", Item={"id": {"S": f"o-{number:03}"}, "who": {"S": "Ada"}})
    dynamodb.put_item(TableName="Orders", Item={"id": {"S": HOSTILE}, "text": {"S": "y" * 390_000}})

    function = region.function("process", ECHO, Environment={"Variables": {"TOKEN": SECRET}}, statements=[allow("sqs:*", "*")])
    arns["lambda"] = function
    client("lambda").create_event_source_mapping(FunctionName="process", EventSourceArn=f"{arns['sqs']}-dead", Enabled=False)
    client("lambda").invoke(FunctionName="process", Payload=b'{"hello": 1}')

    s3 = client("s3")
    s3.create_bucket(Bucket="pictures")
    arns["s3"] = "arn:aws:s3:::pictures"
    for key in ("2024/a.txt", "2024/b.txt", "top.txt", f"odd {HOSTILE[:30]} ü.txt"):
        s3.put_object(Bucket="pictures", Key=key, Body=b"0123456789", ContentType="text/plain")

    gateway = client("apigateway")
    api = gateway.create_rest_api(name="shop")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="prod")
    arns["apigateway"] = f"arn:aws:apigateway:us-east-1::/restapis/{api}"

    events = client("events")
    arns["events"] = events.create_event_bus(Name="shop-events")["EventBusArn"]
    arns["rule"] = events.put_rule(Name="on-order", EventBusName="shop-events", EventPattern='{"source": ["shop"]}')["RuleArn"]
    events.put_targets(Rule="on-order", EventBusName="shop-events", Targets=[{"Id": "queue", "Arn": arns["sqs"]}])

    role = region.role("runner", [allow("*", "*")], service="scheduler.amazonaws.com")
    arns["iam-roles"] = role
    arns["scheduler"] = client("scheduler").create_schedule(
        Name="nightly", ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arns["sqs"], "RoleArn": role, "Input": '{"run": true}'})["ScheduleArn"]
    piper = region.role("piper", [allow("*", "*")], service="pipes.amazonaws.com")
    arns["pipes"] = client("pipes").create_pipe(
        Name="move", Source=f"{arns['sqs']}-dead", Target=arns["sns"], RoleArn=piper, DesiredState="STOPPED")["Arn"]

    daxer = region.role("daxer", [allow("dynamodb:*", "*")], service="dax.amazonaws.com")
    arns["dax"] = client("dax").create_cluster(
        ClusterName="fast", NodeType="dax.t3.small", ReplicationFactor=1, IamRoleArn=daxer)["Cluster"]["ClusterArn"]

    scaling = client("application-autoscaling")
    client("dynamodb").create_table(
        TableName="Steady", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    steady = {"ServiceNamespace": "dynamodb", "ResourceId": "table/Steady",
              "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    arns["application-autoscaling"] = scaling.register_scalable_target(
        **steady, MinCapacity=7, MaxCapacity=9)["ScalableTargetARN"]
    scaling.put_scheduled_action(**steady, ScheduledActionName="busy", Schedule="rate(1 day)",
                                 ScalableTargetAction={"MinCapacity": 8})

    kms = client("kms")
    key = kms.create_key(Description="for orders")["KeyMetadata"]
    kms.create_alias(AliasName="alias/orders", TargetKeyId=key["KeyId"])
    arns["kms"] = key["Arn"]
    arns["secretsmanager"] = client("secretsmanager").create_secret(Name="shop/password", SecretString=SECRET)["ARN"]
    ssm = client("ssm")
    ssm.put_parameter(Name="/shop/token", Value=SECRET, Type="SecureString")
    ssm.put_parameter(Name="plain", Value=SECRET, Type="String")
    arns["ssm"] = f"arn:aws:ssm:{here}:parameter/shop/token"

    iam = client("iam")
    arns["iam-users"] = iam.create_user(UserName="ada")["User"]["Arn"]
    arns["access-key-secret"] = iam.create_access_key(UserName="ada")["AccessKey"]["SecretAccessKey"]
    arns["iam-groups"] = iam.create_group(GroupName="staff")["Group"]["Arn"]
    iam.add_user_to_group(GroupName="staff", UserName="ada")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow("sqs:*", "*")]})
    arns["iam-policies"] = iam.create_policy(PolicyName="queues", PolicyDocument=document)["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ada", PolicyArn=arns["iam-policies"])

    client("glacier").create_vault(vaultName="attic")
    arns["glacier"] = f"arn:aws:glacier:{here}:vaults/attic"
    logs = client("logs")
    logs.create_log_group(logGroupName="/shop/app")
    logs.create_log_stream(logGroupName="/shop/app", logStreamName="one")
    at = int(region.now().timestamp() * 1000)
    logs.put_log_events(logGroupName="/shop/app", logStreamName="one", logEvents=[{"timestamp": at, "message": HOSTILE}])
    arns["logs"] = f"arn:aws:logs:{here}:log-group:/shop/app"
    return arns


def get(at, path, **query):
    return at.api(f"{path}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}")


def node(region, arn):
    found = get(region, "/node", arn=arn)
    assert found["error"] is None, found
    return found


def rows(region, arn, section):
    (found,) = [found for found in node(region, arn)["sections"] if found["id"] == section]
    assert found["error"] is None, found
    return found["rows"]


KINDS = ["apigateway", "application-autoscaling", "dax", "dynamodb", "events", "glacier", "iam-groups", "iam-policies",
         "iam-roles", "iam-users", "kms", "lambda", "logs", "pipes", "s3", "scheduler", "secretsmanager", "sns", "sqs",
         "ssm"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_and_each_can_be_opened(region, stock, kind):
    listed = get(region, "/resources", kind=kind)
    assert listed["error"] is None and stock[kind] in [row["arn"] for row in listed["rows"]], listed
    assert all(len(row["cells"]) <= len(listed["columns"]) for row in listed["rows"])
    found = node(region, stock[kind])
    assert found["title"] and all(section["error"] is None for section in found["sections"]), found
    assert found["facts"] or found["sections"], found


def test_counts_are_those_of_all_kinds(region, stock):
    def counted():
        kinds = {kind["id"]: kind for kind in get(region, "/resources")["kinds"]}
        return kinds if kinds.get("sqs", {}).get("count") == 2 and kinds["glacier"]["count"] else None
    # What was counted a moment ago may be told again.
    region.advance(10)
    kinds = eventually(counted)
    assert sorted(kinds) == KINDS and all(kind["error"] is None and not kind["is_cut"] for kind in kinds.values())
    assert all(kinds[kind]["count"] >= 1 for kind in KINDS), kinds


def test_lists_of_a_resource(region, stock):
    cells = lambda kind, section: [row["cells"] for row in rows(region, stock[kind], section)]
    assert cells("sns", "subscriptions")[0][:2] == [stock["sqs"], "sqs"]
    assert rows(region, f"{stock['sqs']}-dead", "sources")[0]["arn"] == stock["sqs"]
    assert cells("dynamodb", "indexes")[0][:3] == ["by-who", "global", "who"]
    assert cells("application-autoscaling", "actions") == [["busy", "rate(1 day)", "8", ""]]
    assert eventually(lambda: cells("application-autoscaling", "activities"))[0][1] == "Setting read capacity units to 7."
    (mapping,) = rows(region, stock["lambda"], "mappings")
    assert mapping["arn"] == f"{stock['sqs']}-dead" and json.loads(mapping["detail"])["State"]
    client = region.client("dynamodb")
    client.create_backup(TableName="Orders", BackupName="before-the-sale")
    assert cells("dynamodb", "backups")[0][0] == "before-the-sale"
    short = [row["cells"] for row in rows(region, stock["dynamodb"], "items") if row["cells"][0].startswith("o-")]
    assert short and all(cells[1] == "who=Ada" for cells in short), "keys stand before the other attributes"
    assert cells("apigateway", "resources") == [["/", "GET"]]
    (stage,) = rows(region, stock["apigateway"], "stages")
    url = stage["cells"][1]
    assert stage["cells"][0] == "prod" and url.startswith(region.endpoint)
    assert region.http("GET", url.removeprefix(region.endpoint)).status != 404, "the URL leads to the stage"
    assert "prod" in node(region, stage["arn"])["title"]
    (rule,) = rows(region, stock["events"], "rules")
    assert rule["arn"] == stock["rule"] and rows(region, rule["arn"], "targets")[0]["arn"] == stock["sqs"]
    assert cells("iam-users", "attached")[0][0] == "queues" and cells("iam-users", "groups") == [["staff"]]
    assert cells("iam-groups", "members") == [["ada"]] and ["ada", "user"] in cells("iam-policies", "entities")
    assert cells("iam-roles", "inline") == [["work"]]
    assert cells("kms", "aliases")[0][0] == "alias/orders"
    assert len(cells("ssm", "versions")) == 1 and cells("secretsmanager", "versions")[0][1] == "AWSCURRENT"
    facts = dict(node(region, stock["scheduler"])["facts"])
    assert facts["Expression"] == "rate(1 day)" and facts["Target"] == stock["sqs"]
    assert dict(node(region, stock["pipes"])["facts"])["Target"] == stock["sns"]
    assert '"Service": "scheduler.amazonaws.com"' in node(region, stock["iam-roles"])["documents"][0]["text"]
    assert [line for line in node(region, stock["lambda"])["recent"] if "saw" in line["text"]], "a function's log"
    assert [line["text"] for line in node(region, stock["logs"])["recent"]] == [HOSTILE]
    (stream,) = rows(region, stock["logs"], "streams")
    assert node(region, stream["arn"])["recent"][0]["text"] == HOSTILE


def test_keys_are_listed_by_prefix_and_heads_are_shown(region, stock):
    keys = rows(region, stock["s3"], "keys")
    assert [row["folder"] for row in keys if row["folder"]] == ["2024/"]
    assert "top.txt" in [row["cells"][0] for row in keys]
    inside = get(region, "/node", arn=stock["s3"], section="keys", prefix="2024/")["rows"]
    assert [row["cells"][:3] for row in inside] == [["2024/a.txt", "10 B", "STANDARD"], ["2024/b.txt", "10 B", "STANDARD"]]
    for row in [*inside, *[row for row in keys if not row["folder"]]]:
        facts = dict(node(region, row["arn"])["facts"])
        assert (facts["Size"], facts["Storage class"], facts["Type"]) == ("10 B", "STANDARD", "text/plain")


def test_items_come_in_pages(region, stock):
    seen, after, pages = [], "", 0
    while pages == 0 or after:
        page = get(region, "/node", arn=stock["dynamodb"], section="items", after=after)
        seen += [json.loads(row["detail"])["id"]["S"] for row in page["rows"] if "… (" not in row["detail"]]
        after, pages = page["next"], pages + 1
        assert len(page["rows"]) <= 25 and len(json.dumps(page)) < 200_000
    assert pages >= 3 and len(set(seen)) == len(seen) >= 60


def test_lists_come_in_pages(region, stock):
    sqs = region.client("sqs", "eu-west-1")
    for number in range(60):
        sqs.create_queue(QueueName=f"many-{number:02}")
    first = get(region, "/resources", kind="sqs", region="eu-west-1")
    second = get(region, "/resources", kind="sqs", region="eu-west-1", after=first["next"])
    names = [row["cells"][0] for row in [*first["rows"], *second["rows"]]]
    assert len(first["rows"]) == 50 and second["next"] is None
    assert sorted(names) == [f"many-{number:02}" for number in range(60)]
    some = get(region, "/resources", kind="sqs", region="eu-west-1", prefix="many-1")["rows"]
    assert len(some) == 10


def test_no_secret_is_told(region, stock):
    told = [json.dumps(get(region, "/resources", kind=kind)) for kind in KINDS]
    told += [json.dumps(node(region, stock[kind])) for kind in KINDS]
    told.append(json.dumps(node(region, f"arn:aws:ssm:us-east-1:{DEFAULT_ACCOUNT}:parameter/plain")))
    assert not [text for text in told if SECRET in text or stock["access-key-secret"] in text]
    assert "TOKEN" in json.dumps(node(region, stock["lambda"])), "names of variables are no secret"


def test_long_messages_are_cut(region, stock):
    (message,) = node(region, f"{stock['sqs']}-dead")["waiting"]
    assert len(message["text"]) == 300 and "250000 bytes in all" in message["detail"]
    assert len(json.dumps(message)) < 50_000


def test_the_search_finds_everything_by_its_name(region, stock):
    region.advance(10)
    hits = lambda text: {(hit["kind"], hit["name"]) for hit in get(region, "/search", text=text)["hits"]}
    assert {("sqs", "orders"), ("sqs", "orders-dead"), ("dynamodb", "Orders"), ("kms", "alias/orders")} <= hits("ORDERS")
    assert hits("attic") == {("glacier", "attic")} and ("ssm", "/shop/token") in hits("shop token")
    assert hits("nothing-is-called-this") == set()


def test_looking_leaves_no_trace(region, stock):
    edges = lambda: {(edge["from"], edge["to"]): edge["calls"] for edge in region.api("/architecture")["edges"]}
    calls = lambda: [line for line in region.http("GET", "/_brume/metrics").text.splitlines()
                     if line.startswith("brume_calls_total")]
    before = edges(), calls()
    for kind in KINDS:
        node(region, stock[kind])
    assert (edges(), calls()) == before
    assert not [end for pair in edges() for end in pair if end in ("console", "")]


def test_what_is_not_there_says_so(region):
    gone = get(region, "/node", arn=f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:nowhere")
    assert "NonExistentQueue" in gone["error"] or "does not exist" in gone["error"]
    for path, words in [("/resources?kind=moons", "moons"), ("/resources?kind=sqs&region=mars", "mars"),
                        ("/node?arn=arn:aws:sqs:us-east-1:000000000000:q&section=moons", "moons"),
                        ("/resources?kind=sqs&account=1", "account"), ("/search", "text")]:
        answer = region.http("GET", f"/_brume/api{path}")
        assert answer.status == 400 and words in answer.json["error"], (path, answer)


@pytest.mark.parametrize("path", ["/_brume/api/architecture", "/_brume/api/node?arn=a", "/_brume/api/resources",
                                  "/_brume/api/search?text=a", "/_brume/metrics", "/_brume/mail", "/_brume/"])
def test_pages_of_others_are_told_nothing(region, path):
    host = f"127.0.0.1:{region.port}"
    for headers in [{"Host": "rebound.example.com"}, {"Host": host, "Origin": "https://example.com"},
                    {"Host": host, "Origin": "http://localhost:3000"}, {"Host": host, "Sec-Fetch-Site": "cross-site"},
                    {"Host": host, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}]:
        answer = region.http("GET", path, headers=headers)
        assert answer.status == 403, (headers, answer)
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert region.http("GET", path, headers=own).status != 403


def test_pages_of_others_do_not_turn_the_clock(region):
    before = region.api("/clock")["ahead_seconds"]
    for headers in [{"Origin": "http://localhost:3000"}, {"Origin": "null"}, {"Sec-Fetch-Site": "same-site"}]:
        assert region.http("POST", "/_brume/api/clock", b'{"advance_seconds": 60}', headers).status == 403
    assert region.api("/clock")["ahead_seconds"] == before


LOOKING = """
import os, urllib.error, urllib.request

def ask(path, body=None):
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path, body).status
    except urllib.error.HTTPError as error:
        return error.code

def handler(event, context):
    return {path: ask(path, body and body.encode()) for path, body in event.items()}
"""


def test_functions_are_not_this_machines_users(region):
    if not re.search(r"network namespace +yes", region.api("/status")["isolation"]):
        pytest.skip("functions share the machine's network here")
    region.function("looking", LOOKING)
    asked = {"/_brume/api/status": None, "/_brume/api/architecture": None, "/_brume/": None, "/_brume/metrics": None,
             "/_brume/api/accounts": '{"account": "111122223333"}', "/_brume/api/clock": '{"advance_seconds": 60}'}
    answer = region.client("lambda").invoke(FunctionName="looking", Payload=json.dumps(asked))
    found = json.loads(answer["Payload"].read())
    assert sorted(found) == sorted(asked) and all(400 <= status < 500 for status in found.values()), found


def test_the_page_runs_nothing_but_its_own(region):
    headers = region.http("GET", "/_brume/").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'" and policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'" and "unsafe" not in str(policy)
    assert region.http("GET", "/_brume/api/status").headers["x-content-type-options"] == "nosniff"


def test_a_browser_shows_it(region, stock, tmp_path):
    """Runs the page's own tests of a real region; see console/tests/region.test.mjs."""
    browser = os.environ.get("CHROMIUM") or shutil.which("chromium")
    packages = REPOSITORY / "console" / "node_modules" / "playwright-core"
    if not browser or not packages.is_dir() or not shutil.which("node"):
        pytest.skip("needs a Chromium, and npm ci in console/")
    arns = tmp_path / "arns.json"
    arns.write_text(json.dumps({kind: stock[kind] for kind in [*KINDS, "rule"]}))
    done = subprocess.run(["node", "--test", "tests/region.test.mjs"], cwd=REPOSITORY / "console",
                          env={**os.environ, "CHROMIUM": browser, "BRUME_ENDPOINT": region.endpoint, "BRUME_ARNS": str(arns)},
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
