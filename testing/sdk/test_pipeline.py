"""The order pipeline of the examples, from the HTTP request to the announcement."""

import json
import re
import secrets
import subprocess
import sys
import time

import pytest

from brume_region import REPOSITORY, eventually

ORDERS = REPOSITORY / "examples" / "orders"


@pytest.fixture(scope="module")
def run(region, tmp_path_factory):
    """Runs a script of the example with its outputs in a folder of ours."""
    outputs = tmp_path_factory.mktemp("orders") / "outputs.json"
    environment = {**region.environment(), "ORDERS_OUTPUTS": str(outputs)}

    def run(script, *arguments):
        done = subprocess.run([sys.executable, str(ORDERS / script), *arguments], env=environment, text=True,
                              capture_output=True, timeout=240)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout

    run("deploy.py")
    run.outputs = json.loads(outputs.read_text())
    return run


def test_no_order_is_lost(run):
    printed = run("send.py", "--orders", "200")
    figures = dict(re.findall(r"^  (\S.*?)  +(\S+)", printed, re.MULTILINE))
    assert figures["orders accepted"].startswith("200"), printed
    assert (figures["stored"], figures["announced"], figures["lost"]) == ("200", "200", "0"), printed


def test_deploying_again_finds_what_is_there(run):
    assert run("deploy.py").strip() == run.outputs["url"]


def test_the_command_line_deploys_the_same(region, tmp_path):
    # In another account, which has nothing of this yet.
    environment = {**region.environment(account="210987654321"),
                   "ORDERS_OUTPUTS": str(tmp_path / "outputs.json")}
    for command in ([ORDERS / "deploy.sh"], [sys.executable, ORDERS / "send.py", "--orders", "20"]):
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=240)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert re.search(r"lost +0$", done.stdout, re.MULTILINE), done.stdout


def test_a_trace_shows_every_hop_of_an_order(region, run):
    # The trace is the client's own, which every hop carries on.
    trace = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    path = run.outputs["url"].removeprefix(region.endpoint)
    answer = region.http("POST", path, b'{"orderId": "traced", "customer": "Ada", "total": 1}',
                         {"Content-Type": "application/json", "X-Amzn-Trace-Id": f"Root={trace}"})
    assert answer.status == 200, answer

    def hops():
        done = region.command("trace", trace, check=False)
        # A hop is told once it has ended.
        return done.stdout if "sns:Publish" in done.stdout and "function:announce-order" in done.stdout else None

    try:
        shown = eventually(hops, 30)
    except AssertionError:
        pytest.fail(region.command("trace", trace, check=False).stdout)
    lines = shown.splitlines()
    wanted = ["apigateway", "sqs:SendMessage", "lambda:", "dynamodb:PutItem", "sns:Publish"]
    places = [next((place for place, line in enumerate(lines) if hop in line), None) for hop in wanted]
    assert None not in places and places == sorted(places), f"{wanted} in\n{shown}"
    assert all(re.search(r"\d+\.\d\d ms", line) for line in lines), shown
    for resource in (":orders", "process-order", "table/Orders", "announce-order", "order-announcements"):
        assert resource in shown, f"{resource} in\n{shown}"


def test_the_live_picture_has_every_link(region, run):
    region.http("POST", run.outputs["url"].removeprefix(region.endpoint),
                b'{"orderId": "drawn", "customer": "Ada", "total": 1}', {"Content-Type": "application/json"})

    def kinds(end):
        return end.split(":")[2] if end.startswith("arn:") else end

    def drawn():
        edges = region.api("/architecture")["edges"]
        links = {(kinds(edge["from"]), kinds(edge["to"])) for edge in edges}
        wanted = {("execute-api", "sqs"), ("sqs", "lambda"), ("lambda", "dynamodb"), ("dynamodb", "lambda"),
                  ("lambda", "sns"), ("sns", "sqs")}
        drawn.missing = {link for link in wanted if link not in links and
                         (link[0].replace("execute-api", "apigateway"), link[1]) not in links}
        return not drawn.missing

    try:
        eventually(drawn, 30)
    except AssertionError:
        pytest.fail(f"not drawn: {drawn.missing}")


def test_a_poisoned_order_ends_in_the_dead_letter_queue_and_harms_no_other(region, run):
    path = run.outputs["url"].removeprefix(region.endpoint)
    answer = region.http("POST", path, b'{"no": "order id"}', {"Content-Type": "application/json"})
    assert answer.status == 200, answer
    sqs = region.client("sqs")
    dead = sqs.get_queue_url(QueueName="orders-dead")["QueueUrl"]

    def arrived():
        region.advance(61)
        return sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages")

    (message,) = eventually(arrived, 60)
    assert json.loads(message["Body"]) == {"no": "order id"}
    # send.py ends with an error when an order is lost.
    assert re.search(r"^  lost +0$", run("send.py", "--orders", "20"), re.MULTILINE)
