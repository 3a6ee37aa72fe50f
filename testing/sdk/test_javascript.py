"""The JavaScript SDK, outside of the region and inside its functions."""

import pathlib
import shutil
import subprocess

import pytest

from brume_region import DEFAULT_ACCOUNT, allow, packages

MODULES = packages("BRUME_NODE_MODULES", ".brume/node/node_modules")
SCRIPT = pathlib.Path(__file__).with_name("clients.cjs")

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not MODULES or not (MODULES / "@aws-sdk").is_dir(),
    reason="node or the JavaScript SDK is not installed: ./test installs them, or set BRUME_NODE_MODULES")


def run(region, subject, name, **variables):
    environment = {**region.environment(), "NODE_PATH": str(MODULES), "NODE_NO_WARNINGS": "1", **variables}
    done = subprocess.run(["node", str(SCRIPT), subject, name], env=environment, capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0 and done.stdout.strip() == f"{subject} works", done.stdout + done.stderr


@pytest.mark.parametrize("subject", ["sqs", "sns", "fanout", "dynamodb", "eventbridge", "s3"])
def test_clients(region, name, subject):
    run(region, subject, name)


@pytest.mark.parametrize("subject", ["scheduler", "pipes"])
def test_clients_that_give_a_role(region, name, subject):
    may = [allow("sqs:*", f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:*")]
    run(region, subject, name, ROLE=region.role(name, may, service=f"{subject}.amazonaws.com"))


def test_invoking_functions(region, name):
    region.function(name, "export const handler = async ({ n }) => {\n"
                          "    console.log('seen', n);\n"
                          "    if (n === undefined) throw new Error('no n');\n"
                          "    return { n: n + 1 };\n"
                          "};\n", runtime="nodejs20.x", Timeout=10)
    run(region, "lambda", name)


def test_the_sdk_inside_a_function(region, name):
    url = region.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    region.function(name, 'const { SQSClient, SendMessageCommand } = require("@aws-sdk/client-sqs");\n'
                          "exports.handler = async () => {\n"
                          "    const message = { QueueUrl: process.env.QUEUE, MessageBody: 'from node' };\n"
                          "    await new SQSClient({}).send(new SendMessageCommand(message));\n"
                          "    return 'sent';\n"
                          "};\n", runtime="nodejs20.x", Timeout=20, code_name="index.js",
                    Environment={"Variables": {"QUEUE": url}},
                    statements=[allow("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}")])
    run(region, "inside", name)
    assert region.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "from node"
