"""DAX with the published Python client: clusters, items through the caches, expressions, errors."""

import time
import uuid
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

amazondax = pytest.importorskip("amazondax")

ROLE_TRUST = """{"Version":"2012-10-17","Statement":{"Effect":"Allow",
"Principal":{"Service":"dax.amazonaws.com"},"Action":"sts:AssumeRole"}}"""
ROLE_POLICY = """{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}}"""


@pytest.fixture(scope="module")
def cluster(region):
    iam, dax = region.client("iam"), region.client("dax")
    role = iam.create_role(RoleName="dax-access", AssumeRolePolicyDocument=ROLE_TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName="dax-access", PolicyName="tables", PolicyDocument=ROLE_POLICY)
    created = dax.create_cluster(
        ClusterName="accelerator", NodeType="dax.t3.small", ReplicationFactor=2, IamRoleArn=role
    )["Cluster"]
    assert created["Status"] == "creating"
    for _ in range(100):
        cluster = dax.describe_clusters(ClusterNames=["accelerator"])["Clusters"][0]
        if cluster["Status"] == "available":
            return cluster
        time.sleep(0.1)
    raise AssertionError("the cluster never became available")


@pytest.fixture(scope="module")
def client(region, cluster):
    with connect(cluster) as client:
        yield client


def connect(cluster):
    return amazondax.AmazonDaxClient(
        endpoint_url=cluster["ClusterDiscoveryEndpoint"]["URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture
def table(region, name):
    keys = [("pk", "HASH", "S"), ("sk", "RANGE", "N")]
    region.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, role, _ in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, _, kind in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    region.client("dynamodb").get_waiter("table_exists").wait(TableName=name)
    return name


def key(number):
    return {"pk": {"S": "a"}, "sk": {"N": str(number)}}


EVERYTHING = {
    "text": {"S": "häuser"},
    "number": {"N": "-12.5"},
    "large": {"N": "123456789012345678901234567890"},
    "bytes": {"B": b"\x00\xff"},
    "yes": {"BOOL": True},
    "nothing": {"NULL": True},
    "list": {"L": [{"S": "x"}, {"N": "1"}, {"M": {"deep": {"S": "y"}}}]},
    "map": {"M": {"inner": {"L": [{"N": "2"}]}}},
    "texts": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "blobs": {"BS": [b"a", b"b"]},
}


def test_an_item_comes_back_as_it_was_put(region, client, table):
    item = {**key(1), **EVERYTHING}
    client.put_item(TableName=table, Item=item)
    assert client.get_item(TableName=table, Key=key(1))["Item"] == item
    assert client.get_item(TableName=table, Key=key(1), ConsistentRead=True)["Item"] == item
    direct = region.client("dynamodb").get_item(TableName=table, Key=key(1))["Item"]
    assert direct == item
    assert "Item" not in client.get_item(TableName=table, Key=key(2))


def test_a_write_past_the_cluster_is_seen_at_once(region, client, table):
    dynamodb = region.client("dynamodb")
    assert "Item" not in client.get_item(TableName=table, Key=key(1))
    for value in ["one", "two"]:
        dynamodb.put_item(TableName=table, Item={**key(1), "v": {"S": value}})
        assert client.get_item(TableName=table, Key=key(1))["Item"]["v"] == {"S": value}
    dynamodb.delete_item(TableName=table, Key=key(1))
    assert "Item" not in client.get_item(TableName=table, Key=key(1))


def test_updates_and_conditions(client, table):
    client.put_item(TableName=table, Item={**key(1), "count": {"N": "1"}, "list": {"L": [{"S": "a"}]}})
    updated = client.update_item(
        TableName=table,
        Key=key(1),
        UpdateExpression="SET #c = #c + :one, other = if_not_exists(other, :one), #l = list_append(#l, :more) "
        "REMOVE gone ADD tags :tags",
        ConditionExpression="attribute_exists(pk) AND (#c = :one OR #c > :ten) AND NOT begins_with(pk, :z)",
        ExpressionAttributeNames={"#c": "count", "#l": "list"},
        ExpressionAttributeValues={
            ":one": {"N": "1"},
            ":ten": {"N": "10"},
            ":z": {"S": "z"},
            ":more": {"L": [{"S": "b"}]},
            ":tags": {"SS": ["t"]},
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    expected = {
        **key(1),
        "count": {"N": "2"},
        "other": {"N": "1"},
        "list": {"L": [{"S": "a"}, {"S": "b"}]},
        "tags": {"SS": ["t"]},
    }
    assert updated == expected
    assert client.get_item(TableName=table, Key=key(1))["Item"] == expected
    only = client.update_item(
        TableName=table,
        Key=key(1),
        UpdateExpression="SET other = :two",
        ExpressionAttributeValues={":two": {"N": "2"}},
        ReturnValues="UPDATED_NEW",
    )["Attributes"]
    assert only == {"other": {"N": "2"}}
    with pytest.raises(ClientError) as refused:
        client.put_item(TableName=table, Item=key(1), ConditionExpression="attribute_not_exists(pk)")
    assert refused.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    old = client.delete_item(TableName=table, Key=key(1), ReturnValues="ALL_OLD")["Attributes"]
    assert old["other"] == {"N": "2"} and old["pk"] == {"S": "a"}
    assert "Item" not in client.get_item(TableName=table, Key=key(1))


def test_queries_scans_and_projections(client, table):
    for number in range(5):
        inner = {"L": [{"S": "zero"}, {"N": str(number)}]}
        client.put_item(TableName=table, Item={**key(number), "odd": {"BOOL": number % 2 == 1}, "inner": inner})
    first = client.query(
        TableName=table,
        KeyConditionExpression="pk = :a AND sk BETWEEN :one AND :four",
        ExpressionAttributeValues={":a": {"S": "a"}, ":one": {"N": "1"}, ":four": {"N": "4"}},
        Limit=3,
    )
    assert [item["sk"]["N"] for item in first["Items"]] == ["1", "2", "3"]
    assert first["Items"][0]["odd"] == {"BOOL": True}
    rest = client.query(
        TableName=table,
        KeyConditionExpression="pk = :a AND sk BETWEEN :one AND :four",
        ExpressionAttributeValues={":a": {"S": "a"}, ":one": {"N": "1"}, ":four": {"N": "4"}},
        ExclusiveStartKey=first["LastEvaluatedKey"],
    )
    assert [item["sk"]["N"] for item in rest["Items"]] == ["4"]
    projected = client.query(
        TableName=table,
        KeyConditionExpression="pk = :a",
        FilterExpression="odd = :yes AND inner[1] IN (:one, :two)",
        ProjectionExpression="sk, #i[1]",
        ExpressionAttributeNames={"#i": "inner"},
        ExpressionAttributeValues={
            ":a": {"S": "a"}, ":yes": {"BOOL": True}, ":one": {"N": "1"}, ":two": {"N": "2"}
        },
        ScanIndexForward=False,
    )["Items"]
    assert projected == [{"sk": {"N": "1"}, "inner": {"L": [{"N": "1"}]}}]
    assert client.get_item(TableName=table, Key=key(3), ProjectionExpression="odd, missing")["Item"] == {
        "odd": {"BOOL": True}
    }
    assert client.scan(TableName=table, Select="COUNT")["Count"] == 5
    client.put_item(TableName=table, Item=key(9))
    assert client.scan(TableName=table, Select="COUNT")["Count"] == 6
    assert len(client.scan(TableName=table)["Items"]) == 6


def test_batches(client, table):
    writes = [{"PutRequest": {"Item": {**key(number), "v": {"S": str(number)}}}} for number in range(10)]
    assert client.batch_write_item(RequestItems={table: writes})["UnprocessedItems"] == {}
    client.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": key(0)}}]})
    for _ in range(2):
        read = client.batch_get_item(RequestItems={table: {"Keys": [key(number) for number in range(12)]}})
        values = sorted(int(item["v"]["S"]) for item in read["Responses"][table])
        assert values == list(range(1, 10))
    read = client.batch_get_item(RequestItems={table: {"Keys": [key(1), key(2)], "ProjectionExpression": "v"}})
    assert sorted(item["v"]["S"] for item in read["Responses"][table]) == ["1", "2"]


def test_transactions(client, table):
    client.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": table, "Item": {**key(1), "v": {"N": "1"}}}},
            {"Put": {"TableName": table, "Item": {**key(2), "v": {"N": "2"}}}},
        ]
    )
    client.transact_write_items(
        TransactItems=[
            {
                "Update": {
                    "TableName": table,
                    "Key": key(1),
                    "UpdateExpression": "SET v = v + :ten",
                    "ExpressionAttributeValues": {":ten": {"N": "10"}},
                }
            },
            {"Delete": {"TableName": table, "Key": key(2)}},
        ]
    )
    read = client.transact_get_items(
        TransactItems=[{"Get": {"TableName": table, "Key": key(1)}}, {"Get": {"TableName": table, "Key": key(2)}}]
    )
    assert read["Responses"] == [{"Item": {**key(1), "v": {"N": "11"}}}, {}]
    with pytest.raises(ClientError) as refused:
        client.transact_write_items(
            TransactItems=[
                {
                    "ConditionCheck": {
                        "TableName": table,
                        "Key": key(2),
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
                {"Delete": {"TableName": table, "Key": key(1)}},
            ]
        )
    assert refused.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert refused.value.cancellation_reasons[0] == "ConditionalCheckFailed"


def test_the_resource_of_boto3_works(cluster, table):
    with amazondax.AmazonDaxClient.resource(
        endpoint_url=cluster["ClusterDiscoveryEndpoint"]["URL"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    ) as dax:
        items = dax.Table(table)
        items.put_item(Item={"pk": "a", "sk": 1, "price": Decimal("1.5")})
        assert items.get_item(Key={"pk": "a", "sk": 1})["Item"] == {"pk": "a", "sk": 1, "price": Decimal("1.5")}


def test_errors_have_their_names(client):
    with pytest.raises(ClientError) as refused:
        client.get_item(TableName=f"none-{uuid.uuid4().hex[:6]}", Key=key(1))
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_the_life_of_a_cluster(region, cluster):
    dax = region.client("dax")
    assert cluster["TotalNodes"] == 2 and cluster["ActiveNodes"] == 2
    assert cluster["ClusterDiscoveryEndpoint"]["URL"].startswith("dax://127.0.0.1:")
    assert [node["NodeId"] for node in cluster["Nodes"]] == ["accelerator-a", "accelerator-b"]
    dax.create_parameter_group(ParameterGroupName="short")
    dax.update_parameter_group(
        ParameterGroupName="short",
        ParameterNameValues=[{"ParameterName": "record-ttl-millis", "ParameterValue": "1000"}],
    )
    parameters = dax.describe_parameters(ParameterGroupName="short")["Parameters"]
    values = {parameter["ParameterName"]: parameter["ParameterValue"] for parameter in parameters}
    assert values == {"query-ttl-millis": "300000", "record-ttl-millis": "1000"}
    dax.create_subnet_group(SubnetGroupName="inside", SubnetIds=["subnet-1"])
    arn = dax.create_cluster(
        ClusterName="Second",
        NodeType="dax.r5.large",
        ReplicationFactor=1,
        IamRoleArn=cluster["IamRoleArn"],
        ParameterGroupName="short",
        SubnetGroupName="inside",
        Tags=[{"Key": "team", "Value": "blue"}],
    )["Cluster"]["ClusterArn"]
    with pytest.raises(dax.exceptions.ClusterAlreadyExistsFault):
        dax.create_cluster(
            ClusterName="second", NodeType="dax.r5.large", ReplicationFactor=1, IamRoleArn=cluster["IamRoleArn"]
        )
    second = available(dax, "second")
    with connect(second) as client:
        with pytest.raises(ClientError):
            client.get_item(TableName="none", Key=key(1))
    dax.increase_replication_factor(ClusterName="second", NewReplicationFactor=3)
    assert available(dax, "second")["ActiveNodes"] == 3
    dax.decrease_replication_factor(ClusterName="second", NewReplicationFactor=1, NodeIdsToRemove=["second-a", "second-c"])
    assert [node["NodeId"] for node in available(dax, "second")["Nodes"]] == ["second-b"]
    dax.reboot_node(ClusterName="second", NodeId="second-b")
    available(dax, "second")
    dax.tag_resource(ResourceName=arn, Tags=[{"Key": "cost", "Value": "1"}])
    dax.untag_resource(ResourceName=arn, TagKeys=["team"])
    assert dax.list_tags(ResourceName=arn)["Tags"] == [{"Key": "cost", "Value": "1"}]
    with pytest.raises(dax.exceptions.InvalidParameterGroupStateFault):
        dax.delete_parameter_group(ParameterGroupName="short")
    dax.delete_cluster(ClusterName="second")
    for _ in range(100):
        if len(dax.describe_clusters()["Clusters"]) == 1:
            break
        time.sleep(0.1)
    with pytest.raises(dax.exceptions.ClusterNotFoundFault):
        dax.describe_clusters(ClusterNames=["second"])
    dax.delete_parameter_group(ParameterGroupName="short")
    dax.delete_subnet_group(SubnetGroupName="inside")
    messages = [event["Message"] for event in dax.describe_events(SourceName="second")["Events"]]
    assert "Cluster created." in messages and "Cluster deleted." in messages


def available(dax, name):
    for _ in range(100):
        cluster = dax.describe_clusters(ClusterNames=[name])["Clusters"][0]
        if cluster["Status"] == "available":
            return cluster
        time.sleep(0.1)
    raise AssertionError("the cluster never became available")
