"""The commands of the one who runs the region."""

import json
import re
import subprocess

import pytest

from brume_region import Region, binary, eventually


def test_env_prints_exports(region):
    printed = region.command("env", "--region", "eu-west-1").stdout
    assert f"export AWS_ENDPOINT_URL={region.endpoint}" in printed
    assert "AWS_REGION=eu-west-1" in printed and "AWS_ACCESS_KEY_ID=test" in printed
    shell = subprocess.run(["bash", "-c", f"{printed}\necho $AWS_ENDPOINT_URL $AWS_DEFAULT_REGION"],
                           capture_output=True, text=True)
    assert shell.stdout.split() == [region.endpoint, "eu-west-1"]


def test_status_tells_how_the_region_is(region):
    printed = dict(re.findall(r"^(\w+) +(\S.*)$", region.command("status").stdout, re.MULTILINE))
    assert printed["status"] == "running" and printed["endpoint"] == region.endpoint
    assert printed["region"] == "us-east-1" and printed["strict"] == "false"
    assert int(printed["pid"]) == region.process.pid and printed["data"] == str(region.data)
    assert printed["isolation"] and re.match(r"\d+ transactions in \d+ batches", printed["store"])


def test_status_of_nothing_says_what_to_do(tmp_path):
    done = subprocess.run([binary(), "status", "--endpoint", "http://127.0.0.1:9"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "no region answers" in done.stderr and "brume up" in done.stderr


def test_services_counts_operations(region):
    printed = region.command("services").stdout
    rows = re.findall(r"^(\S+)\s+(\d+) /\s+(\d+)$", printed, re.MULTILINE)
    rows = {name: (int(here), int(total)) for name, here, total in rows}
    for service in ("sqs", "sns", "dynamodb", "lambda", "logs", "iam", "sts", "apigateway"):
        here, total = rows[service]
        assert 0 < here <= total, service
    assert "SendMessage" in region.command("services", "--operations").stdout


def test_the_clock_is_shown_and_advanced(region):
    ahead = lambda text: int(re.search(r"\((\d+) s ahead\)", text)[1])
    before = ahead(region.command("clock").stdout)
    assert ahead(region.command("clock", "advance", "30d").stdout) == before + 30 * 86_400
    assert ahead(region.command("clock", "advance", "90s").stdout) == before + 30 * 86_400 + 90
    wrong = region.command("clock", "advance", "soon", check=False)
    assert wrong.returncode != 0 and "is no duration" in wrong.stderr


def test_jobs_shows_what_is_due(region, name):
    logs = region.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.delete_log_group(logGroupName=name)
    printed = region.command("jobs").stdout
    assert re.match(r"\d+ due or waiting, \d+ running", printed)


def test_mail_shows_what_was_not_sent(region, name):
    sns = region.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=f"{name}@example.com")
    printed = eventually(lambda: (text := region.command("mail").stdout) if f"{name}@example.com" in
                         region.command("mail").stdout else None)
    assert "ConfirmSubscription" in printed and topic in printed


def test_doctor_tells_what_the_machine_can_do(tmp_path):
    done = subprocess.run([binary(), "doctor", "--data", str(tmp_path / "data")], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    for part in ("Isolation of functions", "Runtimes", "python", "nodejs", "provided", "Disk"):
        assert part in done.stdout
    assert re.search(r"one small durable write takes \d+\.\d+ ms", done.stdout)


@pytest.fixture
def other(tmp_path):
    """A region whose process a test may end."""
    other = Region(tmp_path)
    other.start()
    yield other
    other.kill()


def test_reset_deletes_what_is_stored_but_not_under_a_running_region(other, name):
    other.client("sqs").create_queue(QueueName=name)
    refused = other.command("reset", "--yes", "--data", str(other.data), check=False)
    assert refused.returncode != 0 and refused.stderr
    assert other.client("sqs").list_queues()["QueueUrls"]
    assert other.stop() == 0
    kept = other.command("reset", "--data", str(other.data), input="no\n").stdout
    assert "Nothing was deleted" in kept
    other.start()
    assert other.client("sqs").list_queues()["QueueUrls"]
    other.stop()
    assert "is deleted" in other.command("reset", "--yes", "--data", str(other.data)).stdout
    other.start()
    assert "QueueUrls" not in other.client("sqs").list_queues()


def test_a_region_that_stops_delivers_access_logs_first(other, name):
    s3 = other.client("s3")
    for bucket in (name, f"{name}-logs"):
        s3.create_bucket(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
                 "Resource": f"arn:aws:s3:::{name}-logs/*"}
    s3.put_bucket_policy(Bucket=f"{name}-logs", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": f"{name}-logs", "TargetPrefix": ""}})
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert other.stop() == 0
    other.start()
    (log,) = other.client("s3").list_objects_v2(Bucket=f"{name}-logs")["Contents"]
    lines = other.client("s3").get_object(Bucket=f"{name}-logs", Key=log["Key"])["Body"].read().decode()
    assert "REST.PUT.OBJECT k" in lines


def test_a_region_stops_when_told_and_goes_on_where_it_was(other, name):
    sqs = other.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    other.advance(3600)
    assert other.stop() == 0
    other.start()
    assert other.api("/clock")["ahead_seconds"] == 3600
    assert other.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "kept"


def test_two_regions_do_not_share_a_data_directory(other, tmp_path):
    second = subprocess.run([binary(), "up", "--data", str(other.data), "--port", "0"], capture_output=True, text=True,
                            timeout=30)
    assert second.returncode != 0 and "panicked" not in second.stderr
    assert str(other.data) in second.stderr, second.stderr


def test_up_names_mistakes(other, tmp_path):
    for arguments, words in [
        (["--port", str(other.port)], "cannot listen"),
        (["--address", "0.0.0.0"], "--strict"),
        (["--region", "us-nowhere-9"], "no region of AWS"),
        (["--data", "/proc/nowhere"], "/proc/nowhere"),
        (["--tls-certificate", "/nowhere", "--tls-key", "/nowhere"], "/nowhere"),
    ]:
        data = [] if "--data" in arguments else ["--data", str(tmp_path / "second")]
        port = [] if "--port" in arguments else ["--port", "0"]
        done = subprocess.run([binary(), "up", *data, *port, *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and words in done.stderr and "panicked" not in done.stderr, (arguments, done)


def test_metrics_count_calls(region, name):
    region.client("sqs").create_queue(QueueName=name)
    metrics = region.http("GET", "/_brume/metrics").text
    (line,) = [line for line in metrics.splitlines() if line.startswith("brume_calls_total")
               and 'operation="CreateQueue"' in line and 'outcome="ok"' in line]
    assert int(float(line.split()[-1])) >= 1
    assert "brume_store_committed" in metrics


def test_the_console_is_served(region):
    page = region.http("GET", "/_brume/")
    assert page.status == 200 and page.headers["content-type"].startswith("text/html")
    for asset in re.findall(r'(?:src|href)="((?!https?:|data:)[^"]+)"', page.text):
        path = asset if asset.startswith("/") else f"/_brume/{asset.removeprefix('./')}"
        assert region.http("GET", path).status == 200, asset
    assert json.loads(region.http("GET", "/_brume/api/architecture").text)["region"] == "us-east-1"


def test_the_console_shows_what_waits_in_a_queue(region, name):
    sqs = region.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    for body in ("first", "<b>second</b>"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    sqs.receive_message(QueueUrl=queue)
    waiting = region.api(f"/node?arn=arn:aws:sqs:us-east-1:000000000000:{name}")["waiting"]
    assert [(message["text"], message["state"]) for message in waiting] == [
        ("first", "in flight"), ("<b>second</b>", "visible")]
    detail = json.loads(waiting[0]["detail"])
    assert (detail["Body"], detail["Receives"]) == ("first", 1) and waiting[0]["trace"].startswith("1-")
    assert "Messages" in sqs.receive_message(QueueUrl=queue), "a look receives nothing"
