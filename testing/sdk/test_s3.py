"""S3 with boto3 and the AWS CLI, and by requests that only other SDKs and browsers send."""

import base64
import datetime
import hashlib
import hmac
import json
import socket
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
import zlib

import boto3.s3.transfer
import botocore.config
import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, eventually

MEGABYTE = 1024 * 1024


@pytest.fixture
def s3(region):
    return region.client("s3")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    return name


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def sample(length):
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def http(request):
    """Status, headers and body of a request, also of one that is refused."""
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def open_to_public(s3, bucket):
    s3.delete_public_access_block(Bucket=bucket)
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


@pytest.mark.parametrize("length", [0, 1, 64 * 1024, 64 * 1024 + 1, 9 * MEGABYTE])
def test_an_object_reads_back_with_its_headers(s3, bucket, length):
    body = sample(length)
    put = s3.put_object(Bucket=bucket, Key="a/b c+d.txt", Body=body, ContentType="text/plain",
                        Metadata={"album": "summer"}, CacheControl="max-age=5")
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a/b c+d.txt")
    assert got["Body"].read() == body
    assert (got["ContentLength"], got["ContentType"], got["CacheControl"]) == (length, "text/plain", "max-age=5")
    assert got["Metadata"] == {"album": "summer"}
    assert got["ServerSideEncryption"] == "AES256"
    head = s3.head_object(Bucket=bucket, Key="a/b c+d.txt")
    assert (head["ContentLength"], head["ETag"]) == (length, put["ETag"])


def test_ranges_and_conditions(s3, bucket):
    body = sample(300_000)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=body)["ETag"]
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=65530-65545")
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"] == "bytes 65530-65545/300000"
    assert got["Body"].read() == body[65530:65546]
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="k", Range="bytes=300000-")
    assert code_of(refused) == "InvalidRange"
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag)
    assert code_of(refused) == "304"
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"new", IfNoneMatch="*")
    assert code_of(refused) == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="k", Body=b"new", IfMatch=etag)


def test_what_is_missing_is_told_by_name(s3, bucket):
    with pytest.raises(s3.exceptions.NoSuchKey):
        s3.get_object(Bucket=bucket, Key="nothing")
    with pytest.raises(s3.exceptions.NoSuchBucket):
        s3.list_objects_v2(Bucket="nowhere-at-all")
    with pytest.raises(ClientError) as refused:
        s3.head_object(Bucket=bucket, Key="nothing")
    assert code_of(refused) == "404"


def test_buckets_are_made_listed_and_deleted(s3, region, name):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == "eu-west-1"
    assert s3.head_bucket(Bucket=name)["BucketRegion"] == "eu-west-1"
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    with pytest.raises(ClientError) as refused:
        region.client("s3", region="eu-west-1").create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert code_of(refused) == "BucketAlreadyOwnedByYou"
    s3.delete_bucket(Bucket=name)
    with pytest.raises(ClientError) as refused:
        s3.head_bucket(Bucket=name)
    assert code_of(refused) == "404"
    s3.create_bucket(Bucket=name)
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None


def test_lists_have_pages_groups_and_odd_keys(s3, bucket):
    keys = sorted(["a", "a/1", "a/2", "b/ü ✓", "b/x&y<z>", "c\n", "d"], key=lambda key: key.encode())
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == keys
    listed = s3.list_objects(Bucket=bucket, Delimiter="/")
    assert [group["Prefix"] for group in listed["CommonPrefixes"]] == ["a/", "b/"]
    assert [entry["Key"] for entry in listed["Contents"]] == ["a", "c\n", "d"]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys]})
    assert len(deleted["Deleted"]) == len(keys)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_versions_and_delete_markers(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    two = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(s3.exceptions.NoSuchKey) as refused:
        s3.get_object(Bucket=bucket, Key="k")
    assert refused.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.get_object(Bucket=bucket, Key="k", VersionId=one)["Body"].read() == b"1"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [version["VersionId"] for version in listed["Versions"]] == [two, one]
    assert listed["DeleteMarkers"][0]["IsLatest"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"2"


def test_large_files_go_up_and_down_in_parts(s3, bucket, tmp_path):
    source = tmp_path / "source"
    source.write_bytes(sample(21 * MEGABYTE + 5))
    parts = boto3.s3.transfer.TransferConfig(multipart_threshold=8 * MEGABYTE, multipart_chunksize=8 * MEGABYTE)
    s3.upload_file(str(source), bucket, "film", Config=parts)
    assert s3.head_object(Bucket=bucket, Key="film")["ETag"].endswith('-3"')
    target = tmp_path / "target"
    s3.download_file(bucket, "film", str(target), Config=parts)
    assert target.read_bytes() == source.read_bytes()
    s3.copy({"Bucket": bucket, "Key": "film"}, bucket, "copy", Config=parts)
    assert hashlib.md5(s3.get_object(Bucket=bucket, Key="copy")["Body"].read()).digest() == \
        hashlib.md5(source.read_bytes()).digest()
    attributes = s3.get_object_attributes(Bucket=bucket, Key="film", ObjectAttributes=["ObjectParts", "ObjectSize"])
    assert (attributes["ObjectParts"]["TotalPartsCount"], attributes["ObjectSize"]) == (3, 21 * MEGABYTE + 5)


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_are_verified_and_kept(s3, bucket, algorithm):
    s3.put_object(Bucket=bucket, Key="k", Body=b"hello", ChecksumAlgorithm=algorithm)
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["Body"].read() == b"hello"
    assert got[f"Checksum{algorithm}"]
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", **{f"Checksum{algorithm}": got[f"Checksum{algorithm}"]})
    assert code_of(refused) == "BadDigest"


def test_tags_and_copies(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "b", "Value": "2"}]})
    s3.copy_object(Bucket=bucket, Key="copy of k", CopySource={"Bucket": bucket, "Key": "k"})
    assert s3.get_object_tagging(Bucket=bucket, Key="copy of k")["TagSet"] == [{"Key": "b", "Value": "2"}]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_configurations_survive_their_wire_format(s3, bucket):
    cors = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 9}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": cors})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == cors
    rule = {"ID": "old", "Status": "Enabled", "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
            "Expiration": {"Days": 3}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": "team", "Value": "blue"}]})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "team", "Value": "blue"}]
    assert s3.get_bucket_acl(Bucket=bucket)["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    with pytest.raises(ClientError) as refused:
        s3.get_bucket_website(Bucket=bucket)
    assert code_of(refused) == "NoSuchWebsiteConfiguration"


def test_presigned_urls_of_both_signatures_work_until_they_expire(region, s3, bucket):
    for version in ("s3", "s3v4"):
        client = region.session().client("s3", endpoint_url=region.endpoint,
                                         config=botocore.config.Config(signature_version=version))
        put = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
        assert http(urllib.request.Request(put, data=b"by url", method="PUT"))[0] == 200
        get = client.generate_presigned_url("get_object", Params={
            "Bucket": bucket, "Key": "k", "ResponseContentType": "text/x"})
        status, headers, body = http(get)
        assert (status, headers["Content-Type"], body) == (200, "text/x", b"by url")
        expired = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=-10)
        status, _, body = http(expired)
        assert (status in (400, 403)) and b"<Error>" in body


def test_everybody_reads_what_a_policy_opens(region, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = f"{region.endpoint}/{bucket}/k"
    status, _, body = http(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body
    open_to_public(s3, bucket)
    assert http(url)[2] == b"x"


def test_buckets_stand_in_host_names(region, s3, bucket):
    open_to_public(s3, bucket)
    s3.put_object(Bucket=bucket, Key="a/k", Body=b"x")
    for host in (f"{bucket}.s3.us-east-1.amazonaws.com", f"{bucket}.localhost", f"{bucket}.s3.localhost.localstack.cloud"):
        request = urllib.request.Request(f"{region.endpoint}/a/k", headers={"Host": host})
        assert http(request)[2] == b"x", host


def test_chunks_with_a_trailer_are_decoded_and_verified(region, s3, bucket):
    body = sample(200_000)
    checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()

    def send(trailer, length=len(body)):
        encoded = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in
                           (body[at:at + 65536] for at in range(0, len(body), 65536)))
        encoded += b"0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % trailer.encode()
        request = urllib.request.Request(f"{region.endpoint}/{bucket}/chunked", data=encoded, method="PUT", headers={
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
                             "SignedHeaders=host, Signature=0",
            "x-amz-date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
            "x-amz-decoded-content-length": str(length),
            "x-amz-trailer": "x-amz-checksum-crc32",
            "Content-Encoding": "aws-chunked",
        })
        return http(request)

    status, headers, _ = send(checksum)
    assert (status, headers["x-amz-checksum-crc32"]) == (200, checksum)
    got = s3.get_object(Bucket=bucket, Key="chunked")
    assert got["Body"].read() == body and "ContentEncoding" not in got
    assert b"BadDigest" in send("AAAAAA==")[2]
    assert b"IncompleteBody" in send(checksum, length=5)[2]


def session_of(region, name, statements):
    """Keys that the region has given out: of a session of a role with these statements."""
    role = region.role(name, statements, trust={"AWS": f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"})
    keys = region.client("sts").assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


def test_chunks_signed_with_a_known_key_are_verified(region, s3, bucket, name):
    key, secret, token = session_of(region, name, [allow("s3:*", "*")])
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    signing = b"AWS4" + secret.encode()
    for part in (now[:8], "us-east-1", "s3", "aws4_request"):
        signing = hmac.new(signing, part.encode(), hashlib.sha256).digest()

    def sign(text):
        return hmac.new(signing, text.encode(), hashlib.sha256).hexdigest()

    chunks = [sample(65536), sample(1024), b""]
    headers = {
        "host": urllib.parse.urlsplit(region.endpoint).netloc,
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "x-amz-date": now,
        "x-amz-decoded-content-length": str(65536 + 1024),
        "x-amz-security-token": token,
    }
    names = ";".join(sorted(headers))
    canonical = "\n".join(["PUT", f"/{bucket}/signed", "", *(f"{each}:{headers[each]}" for each in sorted(headers)), "",
                           names, headers["x-amz-content-sha256"]])
    seed = sign("\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()]))

    def send(spoil):
        previous, encoded = seed, b""
        for chunk in chunks:
            empty = hashlib.sha256(b"").hexdigest()
            digest = hashlib.sha256(chunk).hexdigest()
            previous = sign("\n".join(["AWS4-HMAC-SHA256-PAYLOAD", now, scope, previous, empty, digest]))
            sent = chunk.replace(b"\x05", b"\x06", 1) if spoil else chunk
            encoded += b"%x;chunk-signature=%s\r\n%s\r\n" % (len(chunk), previous.encode(), sent)
        authorization = (f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, "
                         f"Signature={seed}")
        return http(urllib.request.Request(f"{region.endpoint}/{bucket}/signed", data=encoded, method="PUT",
                                           headers={**headers, "Authorization": authorization}))

    assert send(spoil=False)[0] == 200
    assert s3.get_object(Bucket=bucket, Key="signed")["Body"].read() == b"".join(chunks)
    status, _, body = send(spoil=True)
    assert status == 403 and b"SignatureDoesNotMatch" in body


def test_known_keys_are_held_to_their_policies(region, s3, bucket, name):
    s3.put_object(Bucket=bucket, Key="mine/k", Body=b"x")
    keys = session_of(region, name, [allow(["s3:GetObject", "s3:PutObject"], f"arn:aws:s3:::{bucket}/mine/*")])
    own = region.client("s3", keys=keys)
    assert own.get_object(Bucket=bucket, Key="mine/k")["Body"].read() == b"x"
    own.put_object(Bucket=bucket, Key="mine/odd key+✓", Body=b"y")
    for refused_call in (lambda: own.get_object(Bucket=bucket, Key="other"),
                         lambda: own.get_object(Bucket=bucket, Key="mine/missing"),
                         lambda: own.list_objects_v2(Bucket=bucket),
                         lambda: own.delete_object(Bucket=bucket, Key="mine/k")):
        with pytest.raises(ClientError) as refused:
            refused_call()
        assert code_of(refused) == "AccessDenied"
    answer = own.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "mine/k"}]})
    assert answer["Errors"][0]["Code"] == "AccessDenied"
    wrong = region.client("s3", keys=(keys[0], "wrong", keys[2]))
    with pytest.raises(ClientError) as refused:
        wrong.get_object(Bucket=bucket, Key="mine/k")
    assert code_of(refused) == "SignatureDoesNotMatch"


def test_a_queue_hears_of_new_objects(region, s3, bucket, name):
    sqs = region.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]})
    s3.put_object(Bucket=bucket, Key="a b", Body=b"12345")
    heard = {}

    def hear():
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            body = json.loads(message["Body"])
            heard[body.get("Event") or body["Records"][0]["eventName"]] = body
        return len(heard) == 2

    eventually(hear)
    record = heard["ObjectCreated:Put"]["Records"][0]["s3"]
    assert (record["bucket"]["name"], record["object"]["key"], record["object"]["size"]) == (bucket, "a+b", 5)
    assert heard["s3:TestEvent"]["Bucket"] == bucket


def test_objects_outlive_a_kill(region, s3, bucket):
    stored = {}

    def put(worker):
        for n in range(8):
            length = 100 if n % 2 else 200_000
            body = sample(length + worker)
            s3.put_object(Bucket=bucket, Key=f"{worker}/{n}", Body=body)
            stored[f"{worker}/{n}"] = hashlib.md5(body).hexdigest()

    workers = [threading.Thread(target=put, args=(worker,)) for worker in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    region.kill()
    region.start()
    s3 = region.client("s3")
    for key, digest in stored.items():
        assert hashlib.md5(s3.get_object(Bucket=bucket, Key=key)["Body"].read()).hexdigest() == digest, key


@pytest.fixture
def aws(region):
    def run(*arguments):
        done = subprocess.run(["aws", *arguments], env=region.environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_the_cli_copies_and_synchronises_folders(aws, name, tmp_path):
    aws("s3", "mb", f"s3://{name}")
    source, target = tmp_path / "source", tmp_path / "target"
    for path, length in {"a.txt": 5, "sub/b.bin": 70_000, "sub/c d": 0, "large": 10 * MEGABYTE}.items():
        file = source / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(sample(length))
    aws("s3", "sync", str(source), f"s3://{name}/in")
    assert aws("s3", "sync", str(source), f"s3://{name}/in").strip() == ""
    aws("s3", "cp", f"s3://{name}/in", str(target), "--recursive")
    for file in source.rglob("*"):
        if file.is_file():
            assert (target / file.relative_to(source)).read_bytes() == file.read_bytes()
    assert "PRE sub/" in aws("s3", "ls", f"s3://{name}/in/")
    aws("s3", "mv", f"s3://{name}/in/a.txt", f"s3://{name}/moved.txt")
    aws("s3", "rm", f"s3://{name}", "--recursive")
    aws("s3", "rb", f"s3://{name}")


def test_a_page_of_another_site_does_what_the_bucket_lets_it(region, s3, bucket):
    open_to_public(s3, bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = f"{region.endpoint}/{bucket}/k"
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "x-own"}
    assert http(urllib.request.Request(url, method="OPTIONS", headers=asked))[0] == 403
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example.com"], "AllowedHeaders": ["x-*"],
            "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 60}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule]})
    status, headers, _ = http(urllib.request.Request(url, method="OPTIONS", headers=asked))
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://app.example.com")
    assert (headers["Access-Control-Allow-Headers"], headers["Access-Control-Max-Age"]) == ("x-own", "60")
    status, headers, _ = http(urllib.request.Request(url, headers={"Origin": "https://app.example.com"}))
    assert (status, headers["Access-Control-Expose-Headers"]) == (200, "ETag")
    _, headers, _ = http(urllib.request.Request(url, headers={"Origin": "https://evil.example.org"}))
    assert headers["Access-Control-Allow-Origin"] is None


def form_request(url, fields, file, name="photo.png"):
    parts = [f'--b0undary\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
             for key, value in fields.items()]
    head = (f'--b0undary\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: image/png\r\n\r\n")
    body = b"".join(parts) + head.encode() + file + b"\r\n--b0undary--\r\n"
    return urllib.request.Request(url, data=body, method="POST",
                                  headers={"Content-Type": "multipart/form-data; boundary=b0undary"})


def test_browsers_post_forms_that_their_policy_allows(region, s3, bucket, name):
    keys = session_of(region, name, [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")])
    for version in ("s3", "s3v4"):
        client = region.session(keys=keys).client("s3", endpoint_url=region.endpoint,
                                                  config=botocore.config.Config(signature_version=version))
        post = client.generate_presigned_post(bucket, "in/${filename}", Conditions=[["content-length-range", 1, 300_000]])
        file = sample(200_000)
        assert http(form_request(post["url"], {**post["fields"], "success_action_status": "201"}, file))[0] == 403
        status, headers, _ = http(form_request(post["url"], post["fields"], file))
        assert status == 204 and headers["Location"].endswith(f"/{bucket}/in/photo.png")
        got = s3.get_object(Bucket=bucket, Key="in/photo.png")
        assert (got["Body"].read(), got["ContentType"]) == (file, "image/png")
        assert b"EntityTooLarge" in http(form_request(post["url"], post["fields"], sample(300_001)))[2]
        assert b"EntityTooSmall" in http(form_request(post["url"], post["fields"], b""))[2]
        spoilt = {**post["fields"]}
        spoilt["signature" if version == "s3" else "x-amz-signature"] = "AAAA"
        assert b"SignatureDoesNotMatch" in http(form_request(post["url"], spoilt, b"x"))[2]
    assert http(form_request(f"{region.endpoint}/{bucket}", {"key": "k"}, b"x"))[0] == 403


def test_a_bucket_is_a_web_site(region, s3, bucket):
    open_to_public(s3, bucket)
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "lost.html"},
        "RoutingRules": [{"Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"}}]})
    for key in ("index.html", "sub/index.html", "lost.html"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/html")

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    opener = urllib.request.build_opener(Stay)

    def visit(path):
        request = urllib.request.Request(f"{region.endpoint}{path}", headers={"Host": f"{bucket}.s3-website.localhost"})
        try:
            answer = opener.open(request, timeout=30)
        except urllib.error.HTTPError as refused:
            answer = refused
        return answer.status, answer.headers.get("Location"), answer.read()

    assert visit("/") == (200, None, b"index.html")
    assert visit("/sub/") == (200, None, b"sub/index.html")
    assert visit("/sub")[:2] == (302, "/sub/")
    assert visit("/missing") == (403, None, b"lost.html")
    status, location, _ = visit("/old/page")
    assert status == 301 and location.endswith("/new/page")


def test_requests_are_logged_where_a_bucket_asks_for_it(region, s3, bucket, name):
    target = f"{name}-logs"
    s3.create_bucket(Bucket=target)
    statement = {"Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject",
                 "Resource": f"arn:aws:s3:::{target}/*"}
    s3.put_bucket_policy(Bucket=target, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": target, "TargetPrefix": "of/"}})
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with pytest.raises(ClientError):
        s3.get_object(Bucket=bucket, Key="missing")
    region.advance(600)
    listed = eventually(lambda: s3.list_objects_v2(Bucket=target, Prefix="of/").get("Contents"))
    lines = s3.get_object(Bucket=target, Key=listed[0]["Key"])["Body"].read().decode().splitlines()
    assert any("REST.PUT.OBJECT k" in line and " 200 " in line for line in lines)
    assert any("REST.GET.OBJECT missing" in line and " 404 NoSuchKey " in line for line in lines)


def test_an_access_point_leads_to_its_bucket(region, s3, bucket, monkeypatch):
    # S3 Control puts the account before the host, and not every resolver knows names below localhost.
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: resolve(
        "127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named))
    control = region.session().client("s3control", endpoint_url=f"http://localhost:{region.port}")
    made = control.create_access_point(AccountId=DEFAULT_ACCOUNT, Name=f"{bucket[:40]}-ap", Bucket=bucket)
    s3.put_object(Bucket=made["Alias"], Key="a", Body=b"x")
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=made["Alias"])["Contents"]] == ["a"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": f"{made['AccessPointArn']}/object/*"}]})
    control.put_access_point_policy(AccountId=DEFAULT_ACCOUNT, Name=f"{bucket[:40]}-ap", Policy=policy)
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=made["Alias"], Key="a")
    assert code_of(refused) == "AccessDenied"
    listed = control.list_access_points(AccountId=DEFAULT_ACCOUNT, Bucket=bucket)["AccessPointList"]
    assert [point["Alias"] for point in listed] == [made["Alias"]]
    with pytest.raises(ClientError) as refused:
        control.get_access_point(AccountId=DEFAULT_ACCOUNT, Name="nobody")
    assert code_of(refused) == "NoSuchAccessPoint"


def test_intelligent_tiering_is_configured_and_begins_where_objects_are_read(s3, bucket):
    archive = {"Id": "all", "Status": "Enabled", "Tierings": [{"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(
        Bucket=bucket, Id="all", IntelligentTieringConfiguration=archive)
    assert s3.get_bucket_intelligent_tiering_configuration(
        Bucket=bucket, Id="all")["IntelligentTieringConfiguration"] == archive
    s3.put_object(Bucket=bucket, Key="a", Body=sample(200_000), StorageClass="INTELLIGENT_TIERING")
    assert "ArchiveStatus" not in s3.head_object(Bucket=bucket, Key="a")
