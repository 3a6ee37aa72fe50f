"""Lambda: functions of every runtime, invoked in every way, with the rights of their roles."""

import base64
import json
import pathlib
import subprocess
import threading

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, deny, eventually, zip_of
from listener import Listener

PYTHON = """
import json, os, sys, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no such order: " + event["fail"])
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("exit"):
        sys.exit(3)
    print("got", json.dumps(event))
    return {
        "event": event, "variable": os.environ.get("VARIABLE"), "id": context.aws_request_id,
        "arn": context.invoked_function_arn, "left": context.get_remaining_time_in_millis(),
        "memory": context.memory_limit_in_mb, "name": context.function_name, "version": context.function_version,
    }
"""
NODE = """
export const handler = async (event, context) => {
    if (event.fail) throw new TypeError("no such order: " + event.fail);
    console.log("got", JSON.stringify(event));
    return { event, variable: process.env.VARIABLE, id: context.awsRequestId, name: context.functionName };
};
"""


@pytest.fixture
def functions(region):
    return region.client("lambda")


def invoke(functions, name, event, **more):
    """The invocation's answer and its payload, decoded."""
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **more)
    payload = answer["Payload"].read()
    return answer, json.loads(payload) if payload else None


def log_lines(region, name):
    logs = region.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{name}")
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


@pytest.fixture
def python(region, name):
    region.function(name, PYTHON, Timeout=10, MemorySize=256, Environment={"Variables": {"VARIABLE": "v ✓"}})
    return name


def test_a_python_function_knows_its_event_variables_and_context(region, functions, python):
    answer, payload = invoke(functions, python, {"order": 1})
    assert (answer["StatusCode"], answer.get("FunctionError"), answer["ExecutedVersion"]) == (200, None, "$LATEST")
    assert payload["event"] == {"order": 1} and payload["variable"] == "v ✓"
    assert payload["id"] == answer["ResponseMetadata"]["RequestId"]
    assert payload["arn"] == f"arn:aws:lambda:us-east-1:{DEFAULT_ACCOUNT}:function:{python}"
    assert 0 < payload["left"] <= 10_000 and int(payload["memory"]) == 256
    assert (payload["name"], payload["version"]) == (python, "$LATEST")


def test_a_node_function_runs(region, functions, name):
    region.function(name, NODE, runtime="nodejs20.x", Timeout=10, Environment={"Variables": {"VARIABLE": "v"}})
    answer, payload = invoke(functions, name, {"order": 1})
    assert answer.get("FunctionError") is None, payload
    assert (payload["event"], payload["variable"], payload["name"]) == ({"order": 1}, "v", name)
    assert payload["id"] == answer["ResponseMetadata"]["RequestId"]
    answer, payload = invoke(functions, name, {"fail": "7"})
    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("TypeError", "no such order: 7")
    assert payload["trace"][0] == "TypeError: no such order: 7"


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory):
    binary = tmp_path_factory.mktemp("provided") / "bootstrap"
    source = pathlib.Path(__file__).with_name("bootstrap.c")
    subprocess.run(["cc", "-D_GNU_SOURCE", "-O1", "-static", "-o", binary, source], check=True)
    return binary.read_bytes()


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_binary_speaks_the_runtime_api(region, functions, name, bootstrap, runtime):
    region.function(name, zip_of({"bootstrap": bootstrap}), runtime=runtime, handler="my.handler", Timeout=10)
    for number in range(3):
        answer, payload = invoke(functions, name, {"order": number})
        assert answer.get("FunctionError") is None, payload
        assert payload == {"echo": {"order": number}, "handler": "my.handler"}
    eventually(lambda: sum("event of" in line for line in log_lines(region, name)) == 3)


def test_an_error_has_type_message_and_trace(functions, python):
    answer, payload = invoke(functions, python, {"fail": "7"})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (payload["errorType"], payload["errorMessage"]) == ("ValueError", "no such order: 7")
    assert payload["requestId"] and any("in handler" in line for line in payload["stackTrace"])


def test_a_process_that_ends_is_an_error_and_the_next_call_works(functions, python):
    answer, payload = invoke(functions, python, {"exit": True})
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError", payload
    answer, payload = invoke(functions, python, {"order": 2})
    assert answer.get("FunctionError") is None and payload["event"] == {"order": 2}


def test_a_handler_that_is_missing_is_an_error(region, functions, name):
    region.function(name, PYTHON, handler="index.absent", Timeout=10)
    answer, payload = invoke(functions, name, {})
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.HandlerNotFound", payload
    assert "absent" in payload["errorMessage"]


def test_a_timeout_ends_the_invocation(region, functions, name):
    region.function(name, PYTHON, Timeout=1)
    answer, payload = invoke(functions, name, {"sleep": 30})
    assert answer["FunctionError"] == "Unhandled"
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]
    assert invoke(functions, name, {"order": 1})[1]["event"] == {"order": 1}


def test_the_log_tail_comes_with_the_answer(functions, python):
    answer, payload = invoke(functions, python, {"order": 1}, LogType="Tail")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert f"START RequestId: {payload['id']} Version: $LATEST" in tail
    assert 'got {"order": 1}' in tail
    assert f"END RequestId: {payload['id']}" in tail
    assert f"REPORT RequestId: {payload['id']}" in tail and "Billed Duration:" in tail


def test_output_is_in_cloudwatch_logs(region, functions, python):
    _, payload = invoke(functions, python, {"order": 42})
    lines = eventually(lambda: (lines := log_lines(region, python)) and any(
        line.startswith("REPORT") for line in lines) and lines)
    assert 'got {"order": 42}' in lines
    assert f"START RequestId: {payload['id']} Version: $LATEST" in lines


def test_a_role_without_logs_writes_no_logs(region, functions, name):
    region.function(name, PYTHON, statements=[deny("logs:*", "*")])
    invoke(functions, name, {})
    invoke(functions, name, {})
    assert log_lines(region, name) == []


def test_a_dry_run_and_a_call_of_nobody(functions, python):
    assert functions.invoke(FunctionName=python, InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(functions.exceptions.ResourceNotFoundException) as refused:
        functions.invoke(FunctionName="nowhere")
    assert "function:nowhere" in refused.value.response["Error"]["Message"]


def test_an_asynchronous_invocation_runs_after_the_answer(region, functions, python):
    answer = functions.invoke(FunctionName=python, InvocationType="Event", Payload=b'{"order": 5}')
    assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    eventually(lambda: 'got {"order": 5}' in log_lines(region, python))


def test_an_asynchronous_failure_is_tried_again_and_goes_to_its_destination(region, functions, name):
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    region.function(name, PYTHON, statements=[allow("sqs:SendMessage", arn)])
    functions.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": arn}})
    functions.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"fail": "async"}')

    def arrived():
        region.advance(60)
        return sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")

    (message,) = eventually(arrived)
    told = json.loads(message["Body"])
    assert told["requestPayload"] == {"fail": "async"}
    assert told["requestContext"]["condition"] == "RetriesExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 2
    assert told["responsePayload"]["errorType"] == "ValueError"


def test_reserved_concurrency_refuses_with_429(functions, python):
    functions.put_function_concurrency(FunctionName=python, ReservedConcurrentExecutions=0)
    with pytest.raises(functions.exceptions.TooManyRequestsException) as refused:
        invoke(functions, python, {})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    functions.put_function_concurrency(FunctionName=python, ReservedConcurrentExecutions=1)
    outcomes = []

    def call():
        try:
            invoke(functions, python, {"sleep": 2})
            outcomes.append("ran")
        except functions.exceptions.TooManyRequestsException:
            outcomes.append("refused")

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["ran", "refused", "refused", "refused"]
    functions.delete_function_concurrency(FunctionName=python)
    assert invoke(functions, python, {"order": 1})[1]["event"] == {"order": 1}


def test_many_calls_at_once_each_get_their_own_answer(functions, python):
    answers = {}

    def call(number):
        answers[number] = invoke(functions, python, {"order": number})[1]["event"]

    threads = [threading.Thread(target=call, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == {number: {"order": number} for number in range(12)}


SENDER = """
import boto3, os
from botocore.exceptions import ClientError
def handler(event, context):
    try:
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody="from a function")
        return {"sent": True}
    except ClientError as error:
        return {"sent": False, **error.response["Error"]}
"""


def test_a_function_has_the_rights_of_its_role_and_no_others(region, functions, name):
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    environment = {"Variables": {"QUEUE": url}}
    region.function(f"{name}-without", SENDER, Timeout=20, Environment=environment)
    _, refused = invoke(functions, f"{name}-without", {})
    assert (refused["sent"], refused["Code"]) == (False, "AccessDenied"), refused
    assert "sqs:sendmessage" in refused["Message"].lower() and arn in refused["Message"]
    assert f"{name}-without-role/{name}-without" in refused["Message"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    region.function(f"{name}-with", SENDER, statements=[allow("sqs:SendMessage", arn)], Timeout=20,
                    Environment=environment)
    assert invoke(functions, f"{name}-with", {})[1] == {"sent": True}
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "from a function"


def test_a_function_reaches_nothing_but_the_region(region, functions, name):
    listener = Listener()
    region.function(name, "import urllib.request\n"
                          "def handler(event, context):\n"
                          "    try:\n"
                          "        return urllib.request.urlopen(event['url'], b'x', timeout=5).status\n"
                          "    except OSError as error:\n"
                          "        return str(error)\n", Timeout=20)
    _, answer = invoke(functions, name, {"url": listener.url})
    listener.close()
    isolation = region.api("/status")["isolation"]
    if "network" in isolation.lower() or "namespace" in isolation.lower():
        assert listener.posts == [] and answer != 200, isolation
    else:
        pytest.skip(f"this host isolates functions by: {isolation}")


CONSUMER = """
import json
def handler(event, context):
    print("batch", json.dumps([record["body"] for record in event["Records"]]))
    first = event["Records"][0]
    assert first["eventSource"] == "aws:sqs" and first["eventSourceARN"] and first["receiptHandle"], first
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}
                                  for record in event["Records"] if "bad" in record["body"]]}
"""


def test_a_queue_feeds_a_function_and_only_failures_come_back(region, functions, name):
    sqs = region.client("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    dead_arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}-dead"
    url = sqs.create_queue(QueueName=name, Attributes={
        "VisibilityTimeout": "30",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 2})})["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    region.function(name, CONSUMER, Timeout=5, statements=[allow(
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], arn)])
    functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, BatchSize=10,
                                          FunctionResponseTypes=["ReportBatchItemFailures"])
    sqs.send_message_batch(QueueUrl=url, Entries=[
        {"Id": str(number), "MessageBody": f"{'bad' if number == 4 else 'good'} {number}"} for number in range(10)])

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts = lambda: [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"][key] for key in names]
    # The good ones are deleted; the bad one waits for its visibility timeout.
    eventually(lambda: counts() == ["0", "1"], what="only the failure is left")

    def received():
        region.advance(31)
        return sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages")

    (message,) = eventually(received, 60)
    assert message["Body"] == "bad 4"
    batches = [json.loads(line.removeprefix("batch ")) for line in log_lines(region, name)
               if line.startswith("batch ")]
    seen = [body for batch in batches for body in batch]
    assert seen.count("bad 4") == 2
    assert all(seen.count(f"good {number}") == 1 for number in range(10) if number != 4), batches
    assert counts() == ["0", "0"]


def test_an_event_source_needs_the_roles_permission(region, functions, name):
    region.client("sqs").create_queue(QueueName=name)
    region.function(name, CONSUMER)
    with pytest.raises(ClientError) as refused:
        functions.create_event_source_mapping(
            FunctionName=name, EventSourceArn=f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}")
    error = refused.value.response["Error"]
    assert error["Code"] == "InvalidParameterValueException" and "ReceiveMessage" in error["Message"]


def test_event_sources_are_listed_disabled_and_deleted(region, functions, name):
    arn = f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}"
    url = region.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    region.function(name, CONSUMER, statements=[allow("sqs:*", arn)])
    mapping = functions.create_event_source_mapping(FunctionName=name, EventSourceArn=arn, Enabled=False)["UUID"]
    (listed,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    assert (listed["UUID"], listed["EventSourceArn"]) == (mapping, arn)
    eventually(lambda: functions.get_event_source_mapping(UUID=mapping)["State"] == "Disabled")
    region.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    functions.update_event_source_mapping(UUID=mapping, Enabled=True)
    eventually(lambda: 'batch ["x"]' in log_lines(region, name))
    functions.delete_event_source_mapping(UUID=mapping)
    eventually(lambda: not functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"])


def test_code_configuration_versions_and_aliases_change(region, functions, python):
    first = functions.publish_version(FunctionName=python)["Version"]
    functions.create_alias(FunctionName=python, Name="live", FunctionVersion=first)
    functions.update_function_code(FunctionName=python, ZipFile=zip_of(
        {"index.py": "def handler(event, context):\n    return context.function_version + ' new'\n"}))
    functions.get_waiter("function_updated_v2").wait(FunctionName=python, WaiterConfig={"Delay": 1})
    functions.update_function_configuration(FunctionName=python, Environment={"Variables": {"VARIABLE": "2"}})
    functions.get_waiter("function_updated_v2").wait(FunctionName=python, WaiterConfig={"Delay": 1})
    assert invoke(functions, python, {})[1] == "$LATEST new"
    old = invoke(functions, python, {}, Qualifier="live")[1]
    assert (old["version"], old["variable"]) == (first, "v ✓")
    second = functions.publish_version(FunctionName=python)["Version"]
    functions.update_alias(FunctionName=python, Name="live", FunctionVersion=second)
    answer, payload = invoke(functions, python, {}, Qualifier="live")
    assert (answer["ExecutedVersion"], payload) == (second, f"{second} new")
    functions.delete_function(FunctionName=python)
    with pytest.raises(functions.exceptions.ResourceNotFoundException):
        functions.get_function(FunctionName=python)


def test_a_role_that_lambda_may_not_assume_is_refused(region, functions, name):
    role = region.role(name, [], service="ec2.amazonaws.com")
    with pytest.raises(functions.exceptions.InvalidParameterValueException) as refused:
        functions.create_function(FunctionName=name, Runtime="python3.12", Handler="index.handler", Role=role,
                                  Code={"ZipFile": zip_of({"index.py": PYTHON})})
    assert "cannot be assumed by Lambda" in refused.value.response["Error"]["Message"]


def test_mistakes_have_aws_codes(region, functions, python, name):
    role = region.role(name, [])
    make = {"FunctionName": f"{name}-x", "Runtime": "python3.12", "Handler": "index.handler", "Role": role,
            "Code": {"ZipFile": zip_of({"index.py": PYTHON})}}
    for change, code in [
        ({"FunctionName": python}, "ResourceConflictException"),
        ({"Code": {"ZipFile": b"no zip"}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException"),
        ({"Handler": "with space"}, "ValidationException"),
    ]:
        with pytest.raises(ClientError) as refused:
            functions.create_function(**{**make, **change})
        assert refused.value.response["Error"]["Code"] == code, change
    with pytest.raises(ClientError) as refused:
        functions.invoke(FunctionName=python, Payload=b"{no json")
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
