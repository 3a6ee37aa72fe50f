"""S3 Control with boto3: jobs of Batch Operations under real roles."""

import json
import socket
import uuid

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, eventually


@pytest.fixture
def control(region, monkeypatch):
    # S3 Control puts the account before the host, and not every resolver knows names below localhost.
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **named: resolve(
        "127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **named))
    return region.session().client("s3control", endpoint_url=f"http://localhost:{region.port}")


@pytest.fixture
def s3(region):
    return region.client("s3")


@pytest.fixture
def bucket(s3, name):
    s3.create_bucket(Bucket=name)
    return name


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def batch_role(region, name, *statements):
    return region.role(name, statements, service="batchoperations.s3.amazonaws.com")


def tag_job(s3, bucket, role, keys, **more):
    """A job that tags `keys`, with its manifest and report in the same bucket."""
    lines = "".join(f"{bucket},{key}\n" for key in keys)
    etag = s3.put_object(Bucket=bucket, Key="manifest.csv", Body=lines.encode())["ETag"]
    return {
        "AccountId": DEFAULT_ACCOUNT, "RoleArn": role, "Priority": 1, "ClientRequestToken": str(uuid.uuid4()),
        "Operation": {"S3PutObjectTagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"arn:aws:s3:::{bucket}/manifest.csv", "ETag": etag},
        },
        "Report": {"Bucket": f"arn:aws:s3:::{bucket}", "Format": "Report_CSV_20180820", "Enabled": True,
                   "Prefix": "reports", "ReportScope": "AllTasks"},
        **more,
    }


def ended(control, job):
    def look():
        found = control.describe_job(AccountId=DEFAULT_ACCOUNT, JobId=job)["Job"]
        return found if found["Status"] in ("Complete", "Failed", "Cancelled") else None
    return eventually(look)


def report(s3, bucket, job):
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    manifest = json.loads(read(f"reports/job-{job}/manifest.json"))
    return sorted(line for each in manifest["Results"] for line in read(each["Key"]).splitlines())


def test_a_batch_job_tags_what_its_role_may_tag(region, s3, control, bucket):
    for key in ("open/a", "open/b", "closed/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    arn = f"arn:aws:s3:::{bucket}"
    role = batch_role(
        region, f"batch-{bucket[:40]}",
        allow(["s3:GetObject", "s3:GetObjectVersion"], f"{arn}/manifest.csv"), allow("s3:PutObject", f"{arn}/reports/*"),
        allow("s3:PutObjectTagging", f"{arn}/open/*"))
    job = control.create_job(**tag_job(s3, bucket, role, ["open/a", "open/b", "closed/c"]))["JobId"]
    found = ended(control, job)
    assert found["Status"] == "Complete", found
    assert found["ProgressSummary"]["TotalNumberOfTasks"] == 3
    assert found["ProgressSummary"]["NumberOfTasksFailed"] == 1
    lines = report(s3, bucket, job)
    assert [line.split(",")[1:6] for line in lines] == [
        ["closed/c", "", "failed", "403", "AccessDenied"],
        ["open/a", "", "succeeded", "200", ""],
        ["open/b", "", "succeeded", "200", ""],
    ]
    assert s3.get_object_tagging(Bucket=bucket, Key="open/a")["TagSet"] == [{"Key": "a", "Value": "b"}]
    assert job in [each["JobId"] for each in control.list_jobs(AccountId=DEFAULT_ACCOUNT)["Jobs"]]


def test_a_job_needs_a_role_that_trusts_batch_operations(region, s3, control, bucket):
    role = region.role(f"other-{bucket[:40]}", [allow("s3:*", "*")], service="lambda.amazonaws.com")
    job = control.create_job(**tag_job(s3, bucket, role, ["a"]))["JobId"]
    found = ended(control, job)
    assert (found["Status"], found["FailureReasons"][0]["FailureCode"]) == ("Failed", "AssumeRoleNotPermitted")


def test_jobs_are_confirmed_tagged_and_cancelled(region, s3, control, bucket):
    role = batch_role(region, f"batch-{bucket[:40]}", allow("s3:*", "*"))
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    first = tag_job(s3, bucket, role, ["a"], ConfirmationRequired=True, Tags=[{"Key": "k", "Value": "v"}])
    job = control.create_job(**first)["JobId"]
    assert control.create_job(**first)["JobId"] == job
    status = lambda: control.describe_job(AccountId=DEFAULT_ACCOUNT, JobId=job)["Job"]["Status"]
    eventually(lambda: status() == "Suspended")
    assert control.get_job_tagging(AccountId=DEFAULT_ACCOUNT, JobId=job)["Tags"] == [{"Key": "k", "Value": "v"}]
    control.update_job_priority(AccountId=DEFAULT_ACCOUNT, JobId=job, Priority=7)
    control.update_job_status(AccountId=DEFAULT_ACCOUNT, JobId=job, RequestedJobStatus="Ready")
    found = ended(control, job)
    assert (found["Status"], found["Priority"]) == ("Complete", 7)
    other = control.create_job(**tag_job(s3, bucket, role, ["a"], ConfirmationRequired=True))["JobId"]
    control.update_job_status(AccountId=DEFAULT_ACCOUNT, JobId=other, RequestedJobStatus="Cancelled")
    assert ended(control, other)["Status"] == "Cancelled"
    with pytest.raises(ClientError) as refused:
        control.describe_job(AccountId=DEFAULT_ACCOUNT, JobId="no-such-job")
    assert code_of(refused) == "NotFoundException"


def test_a_manifest_is_generated_and_survives_the_wire(region, s3, control, bucket):
    role = batch_role(region, f"batch-{bucket[:40]}", allow("s3:*", "*"))
    for key in ("in/a", "in/b", "out/c"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    asked = tag_job(s3, bucket, role, [])
    del asked["Manifest"]
    asked["ManifestGenerator"] = {"S3JobManifestGenerator": {
        "SourceBucket": f"arn:aws:s3:::{bucket}", "EnableManifestOutput": False,
        "Filter": {"KeyNameConstraint": {"MatchAnyPrefix": ["in/"]}, "MatchAnyObjectEncryption": [{"SSES3": {}}]}}}
    job = control.create_job(**asked)["JobId"]
    found = ended(control, job)
    assert (found["Status"], found["ProgressSummary"]["NumberOfTasksSucceeded"]) == ("Complete", 2), found
    generator = found["ManifestGenerator"]["S3JobManifestGenerator"]
    assert generator["Filter"]["MatchAnyObjectEncryption"] == [{"SSES3": {}}]


def test_requests_are_counted_for_each_filter_of_a_bucket(region, s3, bucket):
    configuration = {"Id": "in", "Filter": {"Prefix": "in/"}}
    s3.put_bucket_metrics_configuration(Bucket=bucket, Id="in", MetricsConfiguration=configuration)
    s3.put_object(Bucket=bucket, Key="in/a", Body=b"12345")
    s3.get_object(Bucket=bucket, Key="in/a")["Body"].read()
    s3.put_object(Bucket=bucket, Key="out/b", Body=b"x")
    with pytest.raises(ClientError):
        s3.get_object(Bucket=bucket, Key="in/missing")

    def sums():
        lines = region.http("GET", "/_brume/metrics").text.splitlines()
        return [line for line in lines if f"{bucket}/in" in line]
    found = eventually(sums)
    # The last minute alone is told, and one may have begun meanwhile.
    for name in ("AllRequests", "4xxErrors", "BytesUploaded", "PutRequests", "GetRequests", "TotalRequestLatency"):
        assert any(f'name="{name}"' in line for line in found), (name, found)
    assert not any("out" in line for line in found)


def test_storage_lens_keeps_its_configuration_and_exports_a_day(region, s3, control, bucket):
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "storage-lens.s3.amazonaws.com"}, "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*"}]}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"12345")
    control.create_storage_lens_group(
        AccountId=DEFAULT_ACCOUNT, StorageLensGroup={"Name": "some", "Filter": {"MatchAnySuffix": ["a"]}})
    (group,) = control.list_storage_lens_groups(AccountId=DEFAULT_ACCOUNT)["StorageLensGroupList"]
    configuration = {
        "Id": "daily", "IsEnabled": True, "Include": {"Buckets": [f"arn:aws:s3:::{bucket}"]},
        "AccountLevel": {"BucketLevel": {}, "StorageLensGroupLevel": {
            "SelectionCriteria": {"Include": [group["StorageLensGroupArn"]]}}},
        "DataExport": {"S3BucketDestination": {
            "Format": "CSV", "OutputSchemaVersion": "V_1", "AccountId": DEFAULT_ACCOUNT,
            "Arn": f"arn:aws:s3:::{bucket}"}},
    }
    control.put_storage_lens_configuration(
        AccountId=DEFAULT_ACCOUNT, ConfigId="daily", StorageLensConfiguration=configuration,
        Tags=[{"Key": "k", "Value": "v"}])
    found = control.get_storage_lens_configuration(AccountId=DEFAULT_ACCOUNT, ConfigId="daily")
    assert found["StorageLensConfiguration"]["Include"] == configuration["Include"]
    assert found["StorageLensConfiguration"]["AccountLevel"] == configuration["AccountLevel"]
    tags = control.get_storage_lens_configuration_tagging(AccountId=DEFAULT_ACCOUNT, ConfigId="daily")["Tags"]
    assert tags == [{"Key": "k", "Value": "v"}]
    region.advance(24 * 3600)
    folder = f"StorageLens/{DEFAULT_ACCOUNT}/daily/V_1"
    listed = eventually(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/manifests/").get("Contents"))
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    report = read(json.loads(read(listed[0]["Key"]))["reportFiles"][0]["key"])
    assert f"BUCKET,,{bucket},StorageBytes,5" in report
    assert f",{bucket},ObjectCount,1" in report and "STORAGE_LENS_GROUP_BUCKET" in report
    control.delete_storage_lens_configuration(AccountId=DEFAULT_ACCOUNT, ConfigId="daily")
    control.delete_storage_lens_group(AccountId=DEFAULT_ACCOUNT, Name="some")
