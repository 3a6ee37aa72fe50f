"""DynamoDB: items, conditions, paging, transactions, and streams."""

import base64
import datetime
import gzip
import hashlib
import json
import threading
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, Region, eventually


@pytest.fixture
def dynamodb(region):
    return region.client("dynamodb")


def create(dynamodb, name, sort=False, view=None, **more):
    """A table with the key `pk`, and `sk` (a number) when `sort`."""
    keys = [("pk", "S", "HASH")] + ([("sk", "N", "RANGE")] if sort else [])
    stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind, _ in keys]
        + more.pop("definitions", []),
        KeySchema=[{"AttributeName": key, "KeyType": role} for key, _, role in keys], **stream, **more)
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


@pytest.fixture
def table(dynamodb, name):
    return create(dynamodb, name)


@pytest.fixture
def sorted_table(dynamodb, name):
    return create(dynamodb, name, sort=True)


def item(pk, **attributes):
    return {"pk": {"S": pk}, **attributes}


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def test_every_type_comes_back_as_it_was(region, table):
    resource = region.session().resource("dynamodb", endpoint_url=region.endpoint).Table(table)
    stored = {
        "pk": "all", "text": "✓",
        "number": Decimal("3.1415926535897932384626433832795028841"), "negative": Decimal("-1E-100"),
        "truth": True, "nothing": None, "list": [1, "two", [3]], "map": {"a": {"b": "c"}},
        "texts": {"a", "b"}, "numbers": {Decimal(1), Decimal("2.5")}, "empty": "", "empty_list": [],
    }
    resource.put_item(Item=stored)
    assert resource.get_item(Key={"pk": "all"}, ConsistentRead=True)["Item"] == stored
    resource.put_item(Item={"pk": "raw", "bytes": b"\x00\xff"})
    assert resource.get_item(Key={"pk": "raw"})["Item"]["bytes"].value == b"\x00\xff"


def test_items_are_put_got_updated_and_deleted(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", n={"N": "1"}))
    old = dynamodb.put_item(TableName=table, Item=item("a", n={"N": "2"}), ReturnValues="ALL_OLD")["Attributes"]
    assert old == item("a", n={"N": "1"})
    new = dynamodb.update_item(
        TableName=table, Key=item("a"), ReturnValues="ALL_NEW",
        UpdateExpression="SET n = n + :one, #m = if_not_exists(#m, :list), l = list_append(:list, :list) ADD c :one",
        ExpressionAttributeNames={"#m": "more"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":list": {"L": [{"S": "x"}]}})["Attributes"]
    assert new == item("a", n={"N": "3"}, more={"L": [{"S": "x"}]}, l={"L": [{"S": "x"}, {"S": "x"}]}, c={"N": "1"})
    dynamodb.update_item(TableName=table, Key=item("a"), UpdateExpression="REMOVE more, l[0]")
    found = dynamodb.get_item(TableName=table, Key=item("a"), ProjectionExpression="n, l, more")["Item"]
    assert found == {"n": {"N": "3"}, "l": {"L": [{"S": "x"}]}}
    gone = dynamodb.delete_item(TableName=table, Key=item("a"), ReturnValues="ALL_OLD")["Attributes"]
    assert gone["n"] == {"N": "3"}
    assert "Item" not in dynamodb.get_item(TableName=table, Key=item("a"))


def test_a_failed_condition_changes_nothing_and_shows_the_item(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", n={"N": "1"}))
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        dynamodb.put_item(TableName=table, Item=item("a", n={"N": "9"}),
                          ConditionExpression="attribute_not_exists(pk)",
                          ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert refused.value.response["Item"] == item("a", n={"N": "1"})
    assert refused.value.response["Error"]["Message"] == "The conditional request failed"
    assert dynamodb.get_item(TableName=table, Key=item("a"))["Item"]["n"] == {"N": "1"}


@pytest.mark.parametrize("condition, is_met", [
    ("n = :one", True), ("n <> :one", False), ("n BETWEEN :one AND :two", True), ("n IN (:two, :one)", True),
    ("attribute_exists(s) AND NOT attribute_exists(absent)", True), ("begins_with(s, :h)", True),
    ("contains(s, :h) OR n > :two", True), ("size(s) = :two", False), ("attribute_type(n, :type)", True),
    ("(n > :two OR n < :two) AND s = :h", False), ("m.deep[0] = :one", True),
])
def test_conditions(dynamodb, table, condition, is_met):
    dynamodb.put_item(TableName=table, Item=item("a", n={"N": "1"}, s={"S": "hello"},
                                                 m={"M": {"deep": {"L": [{"N": "1.0"}]}}}))
    values = {":one": {"N": "1"}, ":two": {"N": "2"}, ":h": {"S": "he"}, ":type": {"S": "N"}}
    used = {key: value for key, value in values.items() if key in condition}
    given = {"ExpressionAttributeValues": used} if used else {}
    try:
        dynamodb.delete_item(TableName=table, Key=item("a"), ConditionExpression=condition, **given)
        was_met = True
    except dynamodb.exceptions.ConditionalCheckFailedException:
        was_met = False
    assert was_met is is_met


def fill(dynamodb, table, count, pk="p", **attributes):
    for start in range(0, count, 25):
        requests = [{"PutRequest": {"Item": {"pk": {"S": pk}, "sk": {"N": str(number)}, **attributes}}}
                    for number in range(start, min(start + 25, count))]
        answer = dynamodb.batch_write_item(RequestItems={table: requests})
        assert answer["UnprocessedItems"] == {}


def numbers(items):
    return [int(found["sk"]["N"]) for found in items]


def test_queries_walk_in_order_either_way(dynamodb, sorted_table):
    fill(dynamodb, sorted_table, 30)
    fill(dynamodb, sorted_table, 5, pk="q")
    ask = {"TableName": sorted_table, "KeyConditionExpression": "pk = :p AND sk BETWEEN :low AND :high",
           "ExpressionAttributeValues": {":p": {"S": "p"}, ":low": {"N": "3"}, ":high": {"N": "12"}}}
    assert numbers(dynamodb.query(**ask)["Items"]) == list(range(3, 13))
    assert numbers(dynamodb.query(**ask, ScanIndexForward=False)["Items"]) == list(range(12, 2, -1))
    filtered = dynamodb.query(**{**ask, "ExpressionAttributeValues": {
        **ask["ExpressionAttributeValues"], ":q": {"N": "10"}}}, FilterExpression="sk2 = :q OR attribute_exists(absent)")
    assert (filtered["Count"], filtered["ScannedCount"]) == (0, 10)


def test_queries_and_scans_page_without_gaps_or_repeats(dynamodb, sorted_table):
    fill(dynamodb, sorted_table, 60)
    fill(dynamodb, sorted_table, 20, pk="q")
    pages = list(dynamodb.get_paginator("query").paginate(
        TableName=sorted_table, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}},
        PaginationConfig={"PageSize": 7}))
    assert all(len(page["Items"]) <= 7 for page in pages)
    assert numbers(found for page in pages for found in page["Items"]) == list(range(60))
    for segments in (1, 3):
        seen = []
        for segment in range(segments):
            parallel = {"Segment": segment, "TotalSegments": segments} if segments > 1 else {}
            for page in dynamodb.get_paginator("scan").paginate(
                    TableName=sorted_table, PaginationConfig={"PageSize": 7}, **parallel):
                seen += [(found["pk"]["S"], int(found["sk"]["N"])) for found in page["Items"]]
        assert sorted(seen) == [("p", number) for number in range(60)] + [("q", number) for number in range(20)]


def test_a_page_ends_at_a_megabyte(dynamodb, sorted_table):
    big = {"S": "x" * 300_000}
    for number in range(6):
        dynamodb.put_item(TableName=sorted_table, Item=item("p", sk={"N": str(number)}, big=big))
    first = dynamodb.scan(TableName=sorted_table)
    # AWS's documentation leaves open whether the item that crosses the megabyte is still on the page.
    count = len(first["Items"])
    assert count in (3, 4) and first["LastEvaluatedKey"] == item("p", sk={"N": str(count - 1)})
    rest = dynamodb.scan(TableName=sorted_table, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert numbers(rest["Items"]) == list(range(count, 6)) and "LastEvaluatedKey" not in rest


def test_global_secondary_indexes_are_queried(dynamodb, name):
    create(dynamodb, name, definitions=[{"AttributeName": "color", "AttributeType": "S"}],
           GlobalSecondaryIndexes=[{"IndexName": "by-color", "Projection": {"ProjectionType": "ALL"},
                                    "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}]}])
    for number in range(9):
        color = {"color": {"S": "red" if number % 3 else "blue"}} if number else {}
        dynamodb.put_item(TableName=name, Item=item(str(number), **color))
    ask = {"TableName": name, "IndexName": "by-color", "KeyConditionExpression": "color = :c"}
    found = lambda color: sorted(entry["pk"]["S"] for entry in dynamodb.query(
        **ask, ExpressionAttributeValues={":c": {"S": color}})["Items"])
    eventually(lambda: found("blue") == ["3", "6"])
    assert found("red") == ["1", "2", "4", "5", "7", "8"]
    dynamodb.update_item(TableName=name, Key=item("3"), UpdateExpression="SET color = :c",
                         ExpressionAttributeValues={":c": {"S": "red"}})
    eventually(lambda: found("blue") == ["6"] and "3" in found("red"))


def test_batches_read_and_write(dynamodb, table):
    dynamodb.batch_write_item(RequestItems={table: [
        {"PutRequest": {"Item": item(str(number))}} for number in range(25)]})
    dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": item("0")}}]})
    answer = dynamodb.batch_get_item(RequestItems={table: {"Keys": [item(str(number)) for number in range(30)]}})
    assert sorted(int(found["pk"]["S"]) for found in answer["Responses"][table]) == list(range(1, 25))
    with pytest.raises(ClientError) as refused:
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item("x")}}] * 2})
    assert code_of(refused) == "ValidationException"


def test_a_transaction_is_all_or_nothing(dynamodb, table):
    def move(amount):
        take = {"Update": {"TableName": table, "Key": item("a"), "UpdateExpression": "SET n = n - :x",
                           "ConditionExpression": "n >= :x", "ExpressionAttributeValues": {":x": {"N": str(amount)}}}}
        give = {"Update": {"TableName": table, "Key": item("b"), "UpdateExpression": "SET n = n + :x",
                           "ExpressionAttributeValues": {":x": {"N": str(amount)}}}}
        return dynamodb.transact_write_items(TransactItems=[give, take])

    for pk in "ab":
        dynamodb.put_item(TableName=table, Item=item(pk, n={"N": "10"}))
    move(7)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as refused:
        move(7)
    reasons = [reason["Code"] for reason in refused.value.response["CancellationReasons"]]
    assert reasons == ["None", "ConditionalCheckFailed"]
    answer = dynamodb.transact_get_items(TransactItems=[
        {"Get": {"TableName": table, "Key": item(pk)}} for pk in "ab"])
    assert [response["Item"]["n"]["N"] for response in answer["Responses"]] == ["3", "17"]


def test_a_transaction_with_a_token_happens_once(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", n={"N": "0"}))
    add = [{"Update": {"TableName": table, "Key": item("a"), "UpdateExpression": "ADD n :one",
                       "ExpressionAttributeValues": {":one": {"N": "1"}}}}]
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=add, ClientRequestToken="same")
    assert dynamodb.get_item(TableName=table, Key=item("a"))["Item"]["n"] == {"N": "1"}
    add[0]["Update"]["ExpressionAttributeValues"] = {":one": {"N": "2"}}
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=add, ClientRequestToken="same")
    assert code_of(refused) == "IdempotentParameterMismatchException"


def test_counters_count_under_contention(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", n={"N": "0"}))

    def count():
        for _ in range(50):
            dynamodb.update_item(TableName=table, Key=item("a"), UpdateExpression="SET n = n + :one",
                                 ExpressionAttributeValues={":one": {"N": "1"}})

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert dynamodb.get_item(TableName=table, Key=item("a"), ConsistentRead=True)["Item"]["n"] == {"N": "400"}


@pytest.mark.parametrize("view, has_new, has_old", [
    ("KEYS_ONLY", False, False), ("NEW_IMAGE", True, False), ("OLD_IMAGE", False, True),
    ("NEW_AND_OLD_IMAGES", True, True),
])
def test_streams_show_changes_in_order(region, dynamodb, name, view, has_new, has_old):
    create(dynamodb, name, view=view)
    first, second = item("a", n={"N": "1"}), item("a", n={"N": "2"})
    dynamodb.put_item(TableName=name, Item=first)
    dynamodb.put_item(TableName=name, Item=first)  # changes nothing, so it leaves no record
    dynamodb.put_item(TableName=name, Item=second)
    dynamodb.delete_item(TableName=name, Key=item("a"))
    records = read_stream(region, dynamodb, name, 3)
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    images = [(None, first), (first, second), (second, None)]
    for record, (old, new) in zip(records, images):
        change = record["dynamodb"]
        assert change["Keys"] == item("a") and change["StreamViewType"] == view
        assert change.get("NewImage") == (new if has_new else None)
        assert change.get("OldImage") == (old if has_old else None)
    order = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert order == sorted(set(order))


def read_stream(region, dynamodb, table, count):
    """`count` records of a table's stream from its beginning."""
    streams = region.client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    assert arn in [stream["StreamArn"] for stream in streams.list_streams(TableName=table)["Streams"]]
    description = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert description["StreamStatus"] == "ENABLED"
    iterators = [streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for shard in description["Shards"]]
    records = []

    def read():
        for index, iterator in enumerate(iterators):
            answer = streams.get_records(ShardIterator=iterator)
            records.extend(answer["Records"])
            iterators[index] = answer.get("NextShardIterator", iterator)
        return len(records) >= count

    eventually(read, what=f"{count} records")
    assert len(records) == count
    return records


def test_a_transaction_is_on_the_stream(region, dynamodb, name):
    create(dynamodb, name, view="NEW_IMAGE")
    dynamodb.transact_write_items(TransactItems=[
        {"Put": {"TableName": name, "Item": item(pk)}} for pk in "abc"])
    keys = {record["dynamodb"]["Keys"]["pk"]["S"] for record in read_stream(region, dynamodb, name, 3)}
    assert keys == set("abc")


def test_items_end_with_their_time_to_live(region, dynamodb, name):
    create(dynamodb, name, view="OLD_IMAGE")
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["AttributeName"] == "end"
    now = datetime.datetime.fromisoformat(region.api("/clock")["now"].replace("Z", "+00:00")).timestamp()
    dynamodb.put_item(TableName=name, Item=item("ends", end={"N": str(int(now) + 3600)}))
    dynamodb.put_item(TableName=name, Item=item("stays", end={"N": str(int(now) + 365 * 86400)}))
    region.advance(2 * 3600)

    def is_gone():
        region.advance(3600)
        return "Item" not in dynamodb.get_item(TableName=name, Key=item("ends"))

    eventually(is_gone, pause=0.2)
    assert "Item" in dynamodb.get_item(TableName=name, Key=item("stays"))
    removed = read_stream(region, dynamodb, name, 3)[-1]
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


def test_tables_are_described_listed_and_deleted(dynamodb, table):
    described = dynamodb.describe_table(TableName=table)["Table"]
    assert (described["TableStatus"], described["TableName"]) == ("ACTIVE", table)
    assert table in dynamodb.list_tables()["TableNames"]
    with pytest.raises(dynamodb.exceptions.ResourceInUseException):
        create(dynamodb, table)
    dynamodb.delete_table(TableName=table)
    dynamodb.get_waiter("table_not_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
    with pytest.raises(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.put_item(TableName=table, Item=item("a"))


@pytest.mark.parametrize("operation, parameters, code", [
    ("get_item", {"Key": {"other": {"S": "x"}}}, "ValidationException"),
    ("get_item", {"Key": {"pk": {"N": "1"}}}, "ValidationException"),
    ("put_item", {"Item": {"n": {"N": "1"}}}, "ValidationException"),
    ("put_item", {"Item": {"pk": {"S": ""}}}, "ValidationException"),
    ("put_item", {"Item": {"pk": {"S": "a"}, "n": {"N": "no number"}}}, "ValidationException"),
    ("put_item", {"Item": {"pk": {"S": "a"}, "s": {"SS": []}}}, "ValidationException"),
    ("put_item", {"Item": {"pk": {"S": "a"}, "big": {"S": "x" * 400 * 1024}}}, "ValidationException"),
    ("update_item", {"Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET"}, "ValidationException"),
    ("update_item", {"Key": {"pk": {"S": "a"}}, "UpdateExpression": "SET pk = :x",
                     "ExpressionAttributeValues": {":x": {"S": "b"}}}, "ValidationException"),
    ("scan", {"FilterExpression": "size = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}},
     "ValidationException"),
    ("query", {"KeyConditionExpression": "n = :x", "ExpressionAttributeValues": {":x": {"N": "1"}}},
     "ValidationException"),
])
def test_mistakes_have_aws_codes(dynamodb, table, operation, parameters, code):
    with pytest.raises(ClientError) as refused:
        getattr(dynamodb, operation)(TableName=table, **parameters)
    assert code_of(refused) == code and refused.value.response["Error"]["Message"]


def recoverable(dynamodb, table):
    dynamodb.update_continuous_backups(
        TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    return dynamodb.describe_table(TableName=table)["Table"]["TableArn"]


def all_items(dynamodb, table):
    items = [item for page in dynamodb.get_paginator("scan").paginate(TableName=table) for item in page["Items"]]
    return sorted(items, key=lambda item: (item["pk"]["S"], Decimal(item["sk"]["N"])))


@pytest.mark.parametrize("output", ["DYNAMODB_JSON", "ION"])
def test_a_table_goes_to_s3_and_comes_back(region, dynamodb, name, output):
    s3 = region.client("s3")
    create(dynamodb, name, sort=True)
    arn = recoverable(dynamodb, name)
    with_all = {"B": b"\x00\xff", "N": "1.5", "S": "✓ \"quoted\"\nline", "BOOL": True, "NULL": True, "SS": ["a", "b"],
                "NS": ["1", "2"], "BS": [b"x"], "L": [{"M": {"a b": {"N": "-7"}}}]}
    for start in range(0, 300, 25):
        dynamodb.batch_write_item(RequestItems={name: [
            {"PutRequest": {"Item": item(f"p{number % 7}", sk={"N": str(number)},
                                         **{kind: {kind: value} for kind, value in with_all.items()})}}
            for number in range(start, start + 25)]})
    stored = all_items(dynamodb, name)
    bucket = name.lower()
    s3.create_bucket(Bucket=bucket)
    export = dynamodb.export_table_to_point_in_time(
        TableArn=arn, S3Bucket=bucket, S3Prefix="exports", ExportFormat=output)["ExportDescription"]
    dynamodb.delete_item(TableName=name, Key=item("p0", sk={"N": "0"}))

    def exported():
        now = dynamodb.describe_export(ExportArn=export["ExportArn"])["ExportDescription"]
        return now if now["ExportStatus"] != "IN_PROGRESS" else None

    ended = eventually(exported)
    assert (ended["ExportStatus"], ended["ItemCount"]) == ("COMPLETED", 300), ended
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    summary = read(ended["ExportManifest"])
    md5 = base64.b64encode(hashlib.md5(summary).digest())
    assert read(ended["ExportManifest"].replace(".json", ".md5")) == md5
    files = [json.loads(line) for line in read(json.loads(summary)["manifestFilesS3Key"]).splitlines()]
    lines = [line for file in files for line in gzip.decompress(read(file["dataFileS3Key"])).splitlines()]
    assert sum(file["itemCount"] for file in files) == len(lines) == 300
    if output == "DYNAMODB_JSON":
        assert {json.loads(line)["Item"]["pk"]["S"] for line in lines} == {f"p{number}" for number in range(7)}
    else:
        assert all(line.startswith(b"$ion_1_0 {Item:{") for line in lines)
    folder = files[0]["dataFileS3Key"].rpartition("/")[0] + "/"
    begun = dynamodb.import_table(
        S3BucketSource={"S3Bucket": bucket, "S3KeyPrefix": folder}, InputFormat=output, InputCompressionType="GZIP",
        TableCreationParameters={
            "TableName": f"{name}-copy", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
                                     {"AttributeName": "sk", "AttributeType": "N"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        })["ImportTableDescription"]

    def imported():
        now = dynamodb.describe_import(ImportArn=begun["ImportArn"])["ImportTableDescription"]
        return now if now["ImportStatus"] != "IN_PROGRESS" else None

    ended = eventually(imported)
    assert (ended["ImportStatus"], ended["ImportedItemCount"], ended["ErrorCount"]) == ("COMPLETED", 300, 0), ended
    assert all_items(dynamodb, f"{name}-copy") == stored
    assert begun["ImportArn"] in [found["ImportArn"] for found in dynamodb.list_imports()["ImportSummaryList"]]


def test_a_global_table_is_written_to_in_two_regions(region, dynamodb, name):
    europe = region.client("dynamodb", region="eu-west-1")
    create(dynamodb, name)
    dynamodb.put_item(TableName=name, Item=item("before"))
    dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])

    def ready():
        replicas = dynamodb.describe_table(TableName=name)["Table"]["Replicas"]
        return [(found["RegionName"], found["ReplicaStatus"]) for found in replicas] == [("eu-west-1", "ACTIVE")]

    eventually(ready)
    get = lambda client, pk: client.get_item(TableName=name, Key=item(pk)).get("Item")
    assert get(europe, "before") == item("before")
    europe.put_item(TableName=name, Item=item("europe", v={"S": "1"}))
    eventually(lambda: get(dynamodb, "europe") == item("europe", v={"S": "1"}))
    dynamodb.delete_item(TableName=name, Key=item("europe"))
    eventually(lambda: get(europe, "europe") is None)

    def write(client, word):
        for number in range(100):
            client.put_item(TableName=name, Item=item(f"k{number % 5}", v={"S": f"{word}{number}"}))

    writers = [threading.Thread(target=write, args=(client, word)) for client, word in ((dynamodb, "us"), (europe, "eu"))]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    scan = lambda client: sorted(client.scan(TableName=name)["Items"], key=lambda found: found["pk"]["S"])
    eventually(lambda: scan(dynamodb) == scan(europe))
    assert len(scan(europe)) == 6
    europe.delete_table(TableName=name)
    assert "Replicas" not in dynamodb.describe_table(TableName=name)["Table"]


def test_replication_and_exports_go_on_after_a_kill(region, dynamodb, name):
    europe = region.client("dynamodb", region="eu-west-1")
    s3 = region.client("s3")
    create(dynamodb, name)
    dynamodb.update_table(TableName=name, ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    eventually(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    arn = recoverable(dynamodb, name)
    s3.create_bucket(Bucket=name)
    written = set()
    for number in range(60):
        client = (dynamodb, europe)[number % 2]
        client.put_item(TableName=name, Item=item(f"k{number}"))
        written.add(f"k{number}")
    export = dynamodb.export_table_to_point_in_time(TableArn=arn, S3Bucket=name)["ExportDescription"]
    region.kill()
    region.start()
    keys = lambda client: {found["pk"]["S"] for found in client.scan(TableName=name)["Items"]}
    for client in (dynamodb, europe):
        eventually(lambda client=client: keys(client) == written)

    def ended():
        now = dynamodb.describe_export(ExportArn=export["ExportArn"])["ExportDescription"]
        return now if now["ExportStatus"] != "IN_PROGRESS" else None

    assert eventually(ended)["ExportStatus"] == "COMPLETED"


def test_items_are_sealed_on_disk_under_their_tables_key(region, dynamodb, name):
    kms, events = region.client("kms"), region.client("events")
    # Somebody listens to the calls of KMS: those that DynamoDB makes on the way to an item must not trip over it.
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.kms"]}),
                    State="ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    create(dynamodb, name, view="NEW_AND_OLD_IMAGES", definitions=[{"AttributeName": "city", "AttributeType": "S"}],
           SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
           GlobalSecondaryIndexes=[{"IndexName": "by-city", "Projection": {"ProjectionType": "ALL"},
                                    "KeySchema": [{"AttributeName": "city", "KeyType": "HASH"}]}])
    recoverable(dynamodb, name)
    hidden, shown = f"hidden-{name}", f"shown-{name}"
    for number in range(10):
        dynamodb.put_item(TableName=name, Item={
            "pk": {"S": f"{shown}-{number}"}, "city": {"S": "paris"}, "note": {"S": f"{hidden}-{number}"}})
    dynamodb.update_item(TableName=name, Key={"pk": {"S": f"{shown}-1"}}, UpdateExpression="SET more = :m",
                         ExpressionAttributeValues={":m": {"L": [{"S": hidden}]}})
    dynamodb.delete_item(TableName=name, Key={"pk": {"S": f"{shown}-2"}})

    def found(text):
        files = [path for path in region.data.rglob("*") if path.is_file()]
        return [path.name for path in files if text.encode() in path.read_bytes()]

    eventually(lambda: found(shown))
    assert not found(hidden)
    get = lambda: dynamodb.get_item(TableName=name, Key={"pk": {"S": f"{shown}-1"}})["Item"]
    assert get()["note"]["S"] == f"{hidden}-1"
    kms.disable_key(KeyId=key)
    # A region that starts has to ask KMS for the table's data key.
    region.kill()
    region.start()
    assert not found(hidden)
    for attempt in (get, lambda: dynamodb.put_item(TableName=name, Item={"pk": {"S": "x"}})):
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
        assert refused.value.response["Error"]["Message"] == "KMS key access denied"
    kms.enable_key(KeyId=key)
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "x"}})
    assert get()["more"]["L"] == [{"S": hidden}]
    events.delete_rule(Name=name)


@pytest.fixture(scope="module")
def throttling(tmp_path_factory):
    """A region in which throughput runs out."""
    region = Region(tmp_path_factory.mktemp("throttling"), "--dynamodb-throttling")
    region.start()
    yield region
    region.stop()


def test_provisioned_throughput_runs_out_where_the_region_says_so(throttling, name):
    dynamodb = throttling.client("dynamodb")
    dynamodb.create_table(
        TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    answer = dynamodb.update_contributor_insights(TableName=name, ContributorInsightsAction="ENABLE")
    assert answer["ContributorInsightsStatus"] == "ENABLING"
    with pytest.raises(dynamodb.exceptions.ProvisionedThroughputExceededException) as refused:
        for _ in range(1000):
            dynamodb.put_item(TableName=name, Item=item("hot"))
    assert "increasing your provisioning level" in refused.value.response["Error"]["Message"]
    reason = refused.value.response["ThrottlingReasons"][0]
    assert reason["reason"] == "TableWriteProvisionedThroughputExceeded" and reason["resource"].endswith(name)
    described = dynamodb.describe_contributor_insights(TableName=name)
    assert described["ContributorInsightsStatus"] == "ENABLED"
    assert [rule.split("-")[1] for rule in described["ContributorInsightsRuleList"]] == ["PKC", "PKT"]
    listed = dynamodb.list_contributor_insights(TableName=name)["ContributorInsightsSummaries"]
    assert [summary["ContributorInsightsStatus"] for summary in listed] == ["ENABLED"]
    # The operator sees which key it was.
    arn = f"arn:aws:dynamodb:us-east-1:{DEFAULT_ACCOUNT}:table/{name}"
    found = throttling.api(f"/node?arn={arn}")
    (contributors,) = [section for section in found["sections"] if section["id"] == "contributors"]
    cells = [row["cells"][:3] for row in contributors["rows"]]
    assert cells == [["units of a partition key", "the table", "hot"], ["throttled, of a partition key", "the table", "hot"]]


def test_a_batch_that_is_throttled_is_finished_by_the_client(throttling, name):
    dynamodb = throttling.client("dynamodb")
    dynamodb.create_table(
        TableName=name, ProvisionedThroughput={"ReadCapacityUnits": 2, "WriteCapacityUnits": 4},
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])
    left = {name: [{"PutRequest": {"Item": item(f"k{number}")}} for number in range(10)]}
    rounds = 0
    while left:
        left = dynamodb.batch_write_item(RequestItems=left)["UnprocessedItems"]
        rounds += 1
        throttling.advance(1)
    assert rounds > 1
    assert dynamodb.scan(TableName=name)["Count"] == 10
