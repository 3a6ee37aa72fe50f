"""SIGKILL while S3 puts, copies, completes uploads, replicates and expires: an object is the old one or the new one,
whole, and once the sweeper has run every file on disk belongs to an object.

KILLS says how often (10 by default), SEED repeats the moments of an earlier run.
"""

import hashlib
import os
import random
import time

import pytest
from botocore.exceptions import ClientError

from brume_region import Region, allow, eventually, steady_port
from test_kill import Load, SEED

KILLS = int(os.environ.get("KILLS", "10"))
DAY = 24 * 3600
PART = 5 * 1024 * 1024


@pytest.fixture
def region(tmp_path):
    region = Region(tmp_path, durability="durable", port=steady_port())
    region.start()
    yield region
    region.kill()
    assert "panicked" not in region.log_path.read_text("utf-8", "replace"), region.log()


def content(seed, length):
    """Bytes that say which ones they are: a digest stands before what it is of."""
    rest = random.Random(seed).randbytes(length - 32)
    return hashlib.sha256(rest).digest() + rest


def is_whole(body):
    return hashlib.sha256(body[32:]).digest() == body[:32]


def files(region):
    """The files of contents, wherever below the data they are."""
    return [path for path in region.data.rglob("*") if path.is_file() and "blobs" in path.parts]


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def check_whole(s3, bucket):
    found = keys(s3, bucket)
    for key in found:
        assert is_whole(s3.get_object(Bucket=bucket, Key=key)["Body"].read()), f"{bucket}/{key} is torn"
    return found


def delete_all(s3, bucket):
    """Every version, marker and upload."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for each in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for each in page.get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=each["Key"], UploadId=each["UploadId"])


def test_objects_are_old_or_new_and_no_orphan_stays(region):
    s3 = region.client("s3")
    for bucket in ("source", "mirror", "expiring"):
        s3.create_bucket(Bucket=bucket)
    for bucket in ("source", "mirror"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    role = region.role("replicator", [allow("s3:*", "*")], service="s3.amazonaws.com")
    s3.put_bucket_replication(Bucket="source", ReplicationConfiguration={"Role": role, "Rules": [{
        "ID": "all", "Status": "Enabled", "Priority": 1, "Filter": {"Prefix": "put/"},
        "DeleteMarkerReplication": {"Status": "Disabled"}, "Destination": {"Bucket": "arn:aws:s3:::mirror"}}]})
    s3.put_bucket_lifecycle_configuration(Bucket="expiring", LifecycleConfiguration={"Rules": [{
        "ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
    s3.put_object(Bucket="expiring", Key="base", Body=content(0, 300_000))
    load, acknowledged = Load(), {}

    def put(number):
        key, body = f"put/{number % 5}", content(number, 200_000)
        s3.put_object(Bucket="source", Key=key, Body=body)
        acknowledged[key] = number

    def copy(number):
        try:
            s3.copy_object(Bucket="source", Key=f"copy/{number % 3}", CopySource=f"source/put/{number % 5}")
        except ClientError as refused:
            assert refused.response["Error"]["Code"] == "NoSuchKey", refused

    def upload(number):
        body = content(number, PART + 100_000)
        made = s3.create_multipart_upload(Bucket="source", Key=f"parts/{number % 2}")
        ids = {"Bucket": "source", "Key": made["Key"], "UploadId": made["UploadId"]}
        tags = [s3.upload_part(**ids, PartNumber=index + 1, Body=piece)["ETag"]
                for index, piece in enumerate((body[:PART], body[PART:]))]
        s3.complete_multipart_upload(**ids, MultipartUpload={"Parts": [
            {"PartNumber": index + 1, "ETag": tag} for index, tag in enumerate(tags)]})

    def expire(number):
        s3.put_object(Bucket="expiring", Key=f"k{number}", Body=content(number, 100_000))
        if number % 10 == 9:
            region.advance(DAY)

    for write, pause in ((put, 0.02), (copy, 0.02), (upload, 0.05), (expire, 0.05)):
        load.add(write, pause)
    load.run_through_kills(region, KILLS)
    assert len(acknowledged) == 5, "there was no load to speak of"

    assert len(files(region)) > 10, "the files are elsewhere"

    # What was acknowledged is there, or what was put after it.
    found = check_whole(s3, "source")
    assert set(acknowledged) <= set(found)
    check_whole(s3, "expiring")

    def is_replicated():
        return all(s3.head_object(Bucket="source", Key=key)["ReplicationStatus"] == "COMPLETED" for key in acknowledged)
    eventually(is_replicated, seconds=60)
    for key in check_whole(s3, "mirror"):
        own, other = (s3.head_object(Bucket=bucket, Key=key) for bucket in ("source", "mirror"))
        assert (own["VersionId"], own["ETag"]) == (other["VersionId"], other["ETag"]), key

    # Everything expires or is deleted; what is left on disk after a sweep would be an orphan.
    region.advance(3 * DAY)
    eventually(lambda: keys(s3, "expiring") == [], seconds=60)
    for bucket in ("source", "mirror"):
        delete_all(s3, bucket)
    print(f"{len(files(region))} files before the sweeps, seed {SEED}")
    deadline = time.monotonic() + 60
    while files(region) and time.monotonic() < deadline:
        region.advance(DAY)
        time.sleep(0.5)
    assert files(region) == [], f"{len(files(region))} files that nothing names, seed {SEED}"
