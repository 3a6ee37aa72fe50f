"""The AWS CLI, as people type it."""

import json
import shutil
import subprocess

import pytest

from brume_region import DEFAULT_ACCOUNT, eventually, zip_of


@pytest.fixture
def aws(region, tmp_path):
    """Runs `aws ARGUMENTS` and returns what it printed: decoded, unless `output` is something else than json.
    With `fails`, the command must fail and what it complained is returned."""
    program = shutil.which("aws")
    if not program:
        pytest.skip("the AWS CLI is not installed")

    def run(*arguments, output="json", fails=False):
        command = [program, "--endpoint-url", region.endpoint, "--output", output, *arguments]
        done = subprocess.run(command, env=region.environment(), capture_output=True, text=True, timeout=60,
                              cwd=tmp_path)
        assert (done.returncode != 0) is fails, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        if fails:
            return done.stderr
        return json.loads(done.stdout) if output == "json" and done.stdout.strip() else done.stdout

    return run


def test_queues(aws, region, name):
    url = aws("sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    assert aws("sqs", "list-queues", "--queue-name-prefix", name) == {"QueueUrls": [url]}
    sent = aws("sqs", "send-message", "--queue-url", url, "--message-body", "from a shell")
    (message,) = aws("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "5")["Messages"]
    assert (message["MessageId"], message["Body"]) == (sent["MessageId"], "from a shell")
    aws("sqs", "delete-message", "--queue-url", url, "--receipt-handle", message["ReceiptHandle"])
    attributes = aws("sqs", "get-queue-attributes", "--queue-url", url, "--attribute-names", "All")["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "0"
    told = aws("sqs", "get-queue-url", "--queue-name", "nowhere", fails=True)
    assert "(AWS.SimpleQueueService.NonExistentQueue)" in told


def test_tables(aws, name):
    aws("dynamodb", "create-table", "--table-name", name, "--billing-mode", "PAY_PER_REQUEST",
        "--attribute-definitions", "AttributeName=id,AttributeType=S", "--key-schema", "AttributeName=id,KeyType=HASH")
    aws("dynamodb", "wait", "table-exists", "--table-name", name)
    aws("dynamodb", "put-item", "--table-name", name, "--item", '{"id": {"S": "1"}, "n": {"N": "5"}}')
    found = aws("dynamodb", "get-item", "--table-name", name, "--key", '{"id": {"S": "1"}}')
    assert found["Item"] == {"id": {"S": "1"}, "n": {"N": "5"}}
    assert aws("dynamodb", "scan", "--table-name", name, "--max-items", "3")["Count"] == 1
    assert name in aws("dynamodb", "list-tables")["TableNames"]


def test_topics(aws, name):
    topic = aws("sns", "create-topic", "--name", name)["TopicArn"]
    url = aws("sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    statement = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": queue}]}
    attributes = json.dumps({"Policy": json.dumps(statement)})
    aws("sqs", "set-queue-attributes", "--queue-url", url, "--attributes", attributes)
    aws("sns", "subscribe", "--topic-arn", topic, "--protocol", "sqs", "--notification-endpoint", queue,
        "--attributes", "RawMessageDelivery=true")
    aws("sns", "publish", "--topic-arn", topic, "--message", "to all")
    (message,) = aws("sqs", "receive-message", "--queue-url", url, "--wait-time-seconds", "10")["Messages"]
    assert message["Body"] == "to all"


def test_events(aws, name):
    aws("events", "create-event-bus", "--name", name)
    group = f"/aws/events/{name}"
    aws("logs", "create-log-group", "--log-group-name", group)
    aws("events", "put-rule", "--name", name, "--event-bus-name", name, "--event-pattern", '{"source": ["shop"]}')
    arn = f"arn:aws:logs:us-east-1:{DEFAULT_ACCOUNT}:log-group:{group}"
    told = aws("events", "put-targets", "--rule", name, "--event-bus-name", name, "--targets", f"Id=log,Arn={arn}")
    assert told["FailedEntryCount"] == 0
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{"n": 1}', "EventBusName": name}
    assert aws("events", "put-events", "--entries", json.dumps([entry]))["FailedEntryCount"] == 0
    found = eventually(lambda: aws("logs", "filter-log-events", "--log-group-name", group)["events"])
    assert json.loads(found[0]["message"])["detail"] == {"n": 1}
    event = json.dumps({"id": "1", "account": "1", "source": "shop", "time": "2026-01-01T00:00:00Z",
                        "region": "us-east-1", "resources": [], "detail-type": "order", "detail": {}})
    tested = aws("events", "test-event-pattern", "--event-pattern", '{"source": [{"prefix": "sh"}]}', "--event", event)
    assert tested == {"Result": True}


def test_schedules(aws, region, name):
    queue = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    url = aws("sqs", "create-queue", "--queue-name", name)["QueueUrl"]
    may = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue}]
    role = region.role(name, may, service="scheduler.amazonaws.com")
    aws("scheduler", "create-schedule-group", "--name", name)
    aws("scheduler", "create-schedule", "--name", name, "--group-name", name, "--schedule-expression", "rate(1 hour)",
        "--flexible-time-window", "Mode=OFF", "--target", json.dumps({"Arn": queue, "RoleArn": role, "Input": "tick"}))
    region.advance(3601)
    messages = eventually(lambda: aws("sqs", "receive-message", "--queue-url", url))["Messages"]
    assert messages[0]["Body"] == "tick"
    assert aws("scheduler", "list-schedules", "--group-name", name)["Schedules"][0]["State"] == "ENABLED"
    aws("scheduler", "delete-schedule-group", "--name", name)
    assert "ResourceNotFoundException" in aws(
        "scheduler", "get-schedule", "--name", name, "--group-name", name, fails=True)


def test_pipes(aws, region, name):
    urls = [aws("sqs", "create-queue", "--queue-name", f"{name}-{end}")["QueueUrl"] for end in ("in", "out")]
    arns = [f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}-{end}" for end in ("in", "out")]
    role = region.role(name, [{"Effect": "Allow", "Action": "sqs:*", "Resource": arns}], service="pipes.amazonaws.com")
    aws("pipes", "create-pipe", "--name", name, "--source", arns[0], "--target", arns[1], "--role-arn", role,
        "--target-parameters", '{"InputTemplate": "got <$.body>"}')
    aws("sqs", "send-message", "--queue-url", urls[0], "--message-body", "it")
    (message,) = aws("sqs", "receive-message", "--queue-url", urls[1], "--wait-time-seconds", "10")["Messages"]
    assert message["Body"] == 'got "it"'
    assert aws("pipes", "list-pipes", "--name-prefix", name)["Pipes"][0]["CurrentState"] == "RUNNING"


def test_functions_and_their_logs(aws, region, name, tmp_path):
    (tmp_path / "code.zip").write_bytes(zip_of({
        "index.py": "def handler(event, context):\n    print('seen', event['n'])\n    return event['n'] + 1\n"}))
    role = region.role(name, [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}])
    aws("lambda", "create-function", "--function-name", name, "--runtime", "python3.12", "--handler", "index.handler",
        "--role", role, "--zip-file", "fileb://code.zip")
    aws("lambda", "wait", "function-active-v2", "--function-name", name)
    (tmp_path / "event.json").write_text('{"n": 41}')
    answer = aws("lambda", "invoke", "--function-name", name, "--payload", "fileb://event.json", "out.json")
    assert answer["StatusCode"] == 200 and (tmp_path / "out.json").read_text() == "42"
    group = f"/aws/lambda/{name}"
    found = lambda: aws("logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "seen")["events"]
    assert [event["message"].strip() for event in eventually(found)] == ["seen 41"]
    if " aws-cli/1" not in f" {aws('--version', output='text')}":
        assert "seen 41" in aws("logs", "tail", group, "--since", "1h", output="text")
    assert aws("logs", "describe-log-groups", "--log-group-name-prefix", f"/aws/lambda/{name}")["logGroups"]


def test_identity(aws, name):
    assert aws("sts", "get-caller-identity")["Account"] == DEFAULT_ACCOUNT
    aws("iam", "create-user", "--user-name", name)
    assert name in [user["UserName"] for user in aws("iam", "list-users")["Users"]]
    told = aws("iam", "create-user", "--user-name", name, fails=True)
    assert "EntityAlreadyExists" in told


def test_apis(aws, name):
    api = aws("apigateway", "create-rest-api", "--name", name)["id"]
    assert api in [found["id"] for found in aws("apigateway", "get-rest-apis")["items"]]
    aws("apigateway", "delete-rest-api", "--rest-api-id", api)


def test_the_exports_of_env_are_enough(region, name, tmp_path):
    if not shutil.which("aws"):
        pytest.skip("the AWS CLI is not installed")
    region.client("sqs").create_queue(QueueName=name)
    exports = region.command("env", "--endpoint", region.endpoint).stdout
    clean = {key: value for key, value in region.environment().items()
             if key not in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
                            "AWS_SECRET_ACCESS_KEY")}
    done = subprocess.run(["bash", "-c", f"{exports}\naws sqs list-queues --output json"], env=clean, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert any(url.endswith(f"/{name}") for url in json.loads(done.stdout)["QueueUrls"])


def test_application_autoscaling(aws, name):
    aws("dynamodb", "create-table", "--table-name", name, "--attribute-definitions", "AttributeName=id,AttributeType=S",
        "--key-schema", "AttributeName=id,KeyType=HASH",
        "--provisioned-throughput", "ReadCapacityUnits=5,WriteCapacityUnits=5")
    place = ["--service-namespace", "dynamodb", "--resource-id", f"table/{name}",
             "--scalable-dimension", "dynamodb:table:WriteCapacityUnits"]
    target = aws("application-autoscaling", "register-scalable-target", *place, "--min-capacity", "8",
                 "--max-capacity", "9")
    assert ":scalable-target/" in target["ScalableTargetARN"]
    table = lambda: aws("dynamodb", "describe-table", "--table-name", name)["Table"]
    assert eventually(lambda: table()["ProvisionedThroughput"]["WriteCapacityUnits"] == 8)
    aws("application-autoscaling", "deregister-scalable-target", *place)
    complaint = aws("application-autoscaling", "deregister-scalable-target", *place, fails=True)
    assert "ObjectNotFoundException" in complaint
