"""Glacier as boto3 uses it: the client, the resources, and the tree hashes that botocore computes."""

import hashlib
import io
import json
import time

import botocore.exceptions
import botocore.utils
import pytest

MEGABYTE = 1 << 20
HOUR = 3600


@pytest.fixture
def glacier(region):
    return region.client("glacier")


@pytest.fixture
def vault(glacier, name):
    glacier.create_vault(vaultName=name)
    return name


def data(length):
    block = bytes(range(251)) * 4200
    return (block * (length // len(block) + 1))[:length]


def tree_hash(content):
    return botocore.utils.calculate_tree_hash(io.BytesIO(content))


def wait(glacier, vault, job):
    for _ in range(100):
        described = glacier.describe_job(vaultName=vault, jobId=job)
        if described["Completed"]:
            return described
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def retrieve(region, glacier, vault, archive, **parameters):
    parameters = {"Type": "archive-retrieval", "ArchiveId": archive, **parameters}
    job = glacier.initiate_job(vaultName=vault, jobParameters=parameters)["jobId"]
    region.advance(5 * HOUR)
    wait(glacier, vault, job)
    return job


def code(error):
    return error.value.response["Error"]["Code"]


def test_vaults_are_made_described_and_listed(glacier, vault):
    described = glacier.describe_vault(vaultName=vault)
    assert described["VaultName"] == vault
    assert described["NumberOfArchives"] == 0
    listed = [found["VaultName"] for page in glacier.get_paginator("list_vaults").paginate() for found in page["VaultList"]]
    assert vault in listed
    glacier.delete_vault(vaultName=vault)
    with pytest.raises(glacier.exceptions.ResourceNotFoundException) as error:
        glacier.describe_vault(vaultName=vault)
    body = error.value.response
    assert body["code"] == "ResourceNotFoundException"
    assert body["type"] == "Client"
    assert vault in body["Error"]["Message"]


def test_an_archive_comes_back_after_its_hours(region, glacier, vault):
    content = data(3 * MEGABYTE + 17)
    created = glacier.upload_archive(vaultName=vault, archiveDescription="three and a bit", body=content)
    assert created["checksum"] == tree_hash(content)
    archive = created["archiveId"]
    job = glacier.initiate_job(vaultName=vault, jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})["jobId"]
    with pytest.raises(glacier.exceptions.InvalidParameterValueException):
        glacier.get_job_output(vaultName=vault, jobId=job)
    region.advance(5 * HOUR)
    described = wait(glacier, vault, job)
    assert described["SHA256TreeHash"] == tree_hash(content)
    output = glacier.get_job_output(vaultName=vault, jobId=job)
    assert output["status"] == 200
    assert output["checksum"] == tree_hash(content)
    assert output["archiveDescription"] == "three and a bit"
    assert output["body"].read() == content
    part = glacier.get_job_output(vaultName=vault, jobId=job, range=f"bytes={2 * MEGABYTE}-{3 * MEGABYTE - 1}")
    assert part["status"] == 206
    assert part["contentRange"] == f"bytes {2 * MEGABYTE}-{3 * MEGABYTE - 1}/{len(content)}"
    assert part["checksum"] == tree_hash(content[2 * MEGABYTE : 3 * MEGABYTE])
    assert part["body"].read() == content[2 * MEGABYTE : 3 * MEGABYTE]
    glacier.delete_archive(vaultName=vault, archiveId=archive)
    with pytest.raises(glacier.exceptions.ResourceNotFoundException):
        glacier.delete_archive(vaultName=vault, archiveId=archive)


def test_wrong_hashes_are_refused(glacier, vault):
    content = data(1000)
    with pytest.raises(glacier.exceptions.InvalidParameterValueException):
        glacier.upload_archive(vaultName=vault, checksum=tree_hash(b"other"), body=content)

    def lie(request, **_):
        request.headers["x-amz-content-sha256"] = hashlib.sha256(b"other").hexdigest()

    # The client is the whole module's.
    glacier.meta.events.register("before-sign.glacier.UploadArchive", lie)
    try:
        with pytest.raises(glacier.exceptions.InvalidParameterValueException):
            glacier.upload_archive(vaultName=vault, body=content)
    finally:
        glacier.meta.events.unregister("before-sign.glacier.UploadArchive", lie)


def test_large_bodies_do_not_fill_the_memory(region, glacier, vault):
    def resident():
        with open(f"/proc/{region.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    before = resident()
    content = data(96 * MEGABYTE)
    archive = glacier.upload_archive(vaultName=vault, body=content)["archiveId"]
    job = retrieve(region, glacier, vault, archive)
    body = glacier.get_job_output(vaultName=vault, jobId=job)["body"]
    assert hashlib.sha256(body.read()).digest() == hashlib.sha256(content).digest()
    assert resident() - before < 48 * 1024, "kilobytes more are resident"


def test_parts_make_an_archive(region, glacier, vault):
    content = data(4 * MEGABYTE + 5)
    size = 2 * MEGABYTE
    upload = glacier.initiate_multipart_upload(vaultName=vault, archiveDescription="parts", partSize=str(size))["uploadId"]
    for start in range(0, len(content), size):
        part = content[start : start + size]
        glacier.upload_multipart_part(
            vaultName=vault, uploadId=upload, range=f"bytes {start}-{start + len(part) - 1}/*", body=part
        )
    listed = glacier.list_parts(vaultName=vault, uploadId=upload)["Parts"]
    assert [part["RangeInBytes"] for part in listed] == ["0-2097151", "2097152-4194303", "4194304-4194308"]
    assert [found["MultipartUploadId"] for found in glacier.list_multipart_uploads(vaultName=vault)["UploadsList"]] == [upload]
    with pytest.raises(glacier.exceptions.InvalidParameterValueException):
        glacier.complete_multipart_upload(
            vaultName=vault, uploadId=upload, archiveSize=str(len(content)), checksum=tree_hash(b"other")
        )
    archive = glacier.complete_multipart_upload(
        vaultName=vault, uploadId=upload, archiveSize=str(len(content)), checksum=tree_hash(content)
    )["archiveId"]
    job = retrieve(region, glacier, vault, archive)
    assert glacier.get_job_output(vaultName=vault, jobId=job)["body"].read() == content


def test_the_resource_api_walks_vaults_archives_and_jobs(region, name):
    resource = region.session().resource("glacier", endpoint_url=region.endpoint)
    vault = resource.create_vault(accountId="-", vaultName=name)
    assert vault.name == name
    archive = vault.upload_archive(archiveDescription="by resource", body=b"data")
    region.advance(24 * HOUR)
    for _ in range(100):
        vault.load()
        if vault.last_inventory_date:
            break
        time.sleep(0.05)
    assert vault.number_of_archives == 1
    inventory = vault.initiate_inventory_retrieval()
    retrieval = archive.initiate_archive_retrieval()
    region.advance(5 * HOUR)
    for job in (inventory, retrieval):
        wait(resource.meta.client, name, job.id)
    listed = json.loads(inventory.get_output()["body"].read())
    assert [found["ArchiveId"] for found in listed["ArchiveList"]] == [archive.id]
    assert listed["ArchiveList"][0]["SHA256TreeHash"] == tree_hash(b"data")
    assert retrieval.get_output()["body"].read() == b"data"
    assert {job.id for job in vault.succeeded_jobs.all()} == {inventory.id, retrieval.id}
    archive.delete()


def test_a_locked_vault_keeps_its_archives(glacier, vault):
    archive = glacier.upload_archive(vaultName=vault, body=b"data")["archiveId"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "glacier:DeleteArchive",
                "Resource": glacier.describe_vault(vaultName=vault)["VaultARN"],
                "Condition": {"NumericLessThan": {"glacier:ArchiveAgeInDays": "1000"}},
            }
        ],
    }
    lock = glacier.initiate_vault_lock(vaultName=vault, policy={"Policy": json.dumps(policy)})["lockId"]
    glacier.complete_vault_lock(vaultName=vault, lockId=lock)
    assert glacier.get_vault_lock(vaultName=vault)["State"] == "Locked"
    with pytest.raises(botocore.exceptions.ClientError) as error:
        glacier.delete_archive(vaultName=vault, archiveId=archive)
    assert code(error) == "AccessDeniedException"


def test_tags_policies_and_capacity(glacier, vault):
    glacier.add_tags_to_vault(vaultName=vault, Tags={"team": "blue", "use": "tests"})
    glacier.remove_tags_from_vault(vaultName=vault, TagKeys=["use"])
    assert glacier.list_tags_for_vault(vaultName=vault)["Tags"] == {"team": "blue"}
    glacier.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "BytesPerHour", "BytesPerHour": 1}]})
    found = glacier.get_data_retrieval_policy()["Policy"]["Rules"]
    assert found == [{"Strategy": "BytesPerHour", "BytesPerHour": 1}]
    archive = glacier.upload_archive(vaultName=vault, body=b"some data")["archiveId"]
    with pytest.raises(glacier.exceptions.PolicyEnforcedException):
        glacier.initiate_job(vaultName=vault, jobParameters={"Type": "archive-retrieval", "ArchiveId": archive})
    glacier.set_data_retrieval_policy(Policy={"Rules": [{"Strategy": "None"}]})
    capacity = glacier.purchase_provisioned_capacity()["capacityId"]
    assert [unit["CapacityId"] for unit in glacier.list_provisioned_capacity()["ProvisionedCapacityList"]] == [capacity]


def test_what_is_stored_survives_a_kill(region, glacier, vault):
    content = data(MEGABYTE + 1)
    archive = glacier.upload_archive(vaultName=vault, body=content)["archiveId"]
    region.kill()
    region.start()
    glacier = region.client("glacier")
    job = retrieve(region, glacier, vault, archive)
    assert glacier.get_job_output(vaultName=vault, jobId=job)["body"].read() == content
