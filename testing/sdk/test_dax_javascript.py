"""DAX with the published JavaScript clients: amazon-dax-client of version 2 of the SDK, @amazon-dax-sdk of version 3."""

import pathlib
import shutil
import subprocess

import pytest

from brume_region import allow, eventually, packages

MODULES = packages("BRUME_DAX_MODULES", ".brume/dax/node_modules")
SCRIPT = pathlib.Path(__file__).with_name("dax.cjs")

pytestmark = pytest.mark.skipif(
    not shutil.which("node") or not MODULES or not (MODULES / "amazon-dax-client").is_dir(),
    reason="node or the JavaScript clients of DAX are not installed: ./test installs them, or set BRUME_DAX_MODULES")

SUBJECTS = ["items", "updates", "reads", "batches", "transactions", "capacities", "documents", "errors", "crowds"]


@pytest.fixture(scope="module")
def endpoint(region):
    dax = region.client("dax")
    role = region.role("dax-javascript", [allow("dynamodb:*", "*")], service="dax.amazonaws.com")
    dax.create_cluster(ClusterName="javascript", NodeType="dax.t3.small", ReplicationFactor=3, IamRoleArn=role)

    def available():
        [cluster] = dax.describe_clusters(ClusterNames=["javascript"])["Clusters"]
        return cluster["Status"] == "available" and cluster
    return eventually(available)["ClusterDiscoveryEndpoint"]["URL"]


@pytest.fixture
def table(region, name):
    keys = [("pk", "HASH", "S"), ("sk", "RANGE", "N")]
    dynamodb = region.client("dynamodb")
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role, _ in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}
                              for key, _, kind in [*keys, ("owner", "", "S")]],
        GlobalSecondaryIndexes=[{"IndexName": "by-owner", "Projection": {"ProjectionType": "ALL"},
                                 "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}]}])
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_clients(region, endpoint, table, version, subject):
    environment = {**region.environment(), "NODE_PATH": str(MODULES), "NODE_NO_WARNINGS": "1",
                   "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE": "1"}
    done = subprocess.run(["node", str(SCRIPT), version, subject, endpoint, table], env=environment,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and done.stdout.strip() == f"{subject} works", done.stdout + done.stderr
