"""Secrets Manager and the Parameter Store, and what of both is under KMS keys."""

import json

import pytest
from botocore.exceptions import ClientError

from brume_region import allow, eventually

DAY = 86_400

# As AWS's templates of rotation functions are written.
ROTATION = """
import boto3

def handler(event, context):
    secrets = boto3.client("secretsmanager")
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    versions = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if "AWSPENDING" not in versions[token]:
        raise ValueError("the version is not pending")
    if step == "createSecret":
        secrets.get_secret_value(SecretId=arn, VersionStage="AWSCURRENT")
        try:
            secrets.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")
        except secrets.exceptions.ResourceNotFoundException:
            password = secrets.get_random_password(ExcludeCharacters="/@\\"'\\\\")["RandomPassword"]
            secrets.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=password,
                                     VersionStages=["AWSPENDING"])
    elif step == "finishSecret":
        for version, stages in versions.items():
            if "AWSCURRENT" in stages and version != token:
                secrets.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                                    RemoveFromVersionId=version)
"""


@pytest.fixture
def secrets(region):
    return region.client("secretsmanager")


@pytest.fixture
def ssm(region):
    return region.client("ssm")


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def user(region, service, name, *statements):
    iam = region.client("iam")
    iam.create_user(UserName=name)
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=document)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return region.client(service, keys=(made["AccessKeyId"], made["SecretAccessKey"], None))


def test_a_secret_has_versions_and_comes_back_within_its_window(region, secrets, name):
    made = secrets.create_secret(Name=name, SecretString="one", Tags=[{"Key": "team", "Value": "red"}])
    secrets.put_secret_value(SecretId=name, SecretString="two")
    assert secrets.get_secret_value(SecretId=made["ARN"])["SecretString"] == "two"
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    assert secrets.get_secret_value(SecretId=name, VersionId=made["VersionId"])["SecretString"] == "one"
    listed = secrets.list_secrets(Filters=[{"Key": "tag-value", "Values": ["red"]}, {"Key": "name", "Values": [name]}])
    assert [secret["Name"] for secret in listed["SecretList"]] == [name]
    secrets.delete_secret(SecretId=name, RecoveryWindowInDays=7)
    with pytest.raises(secrets.exceptions.InvalidRequestException):
        secrets.get_secret_value(SecretId=name)
    secrets.restore_secret(SecretId=name)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.describe_secret(SecretId=name)


def test_a_secret_needs_its_key(region, secrets, name):
    kms = region.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    secrets.create_secret(Name=name, SecretBinary=b"\x00\xff", KmsKeyId=key)
    assert secrets.get_secret_value(SecretId=name)["SecretBinary"] == b"\x00\xff"
    reader = user(region, "secretsmanager", name, allow("secretsmanager:GetSecretValue", "*"))
    with pytest.raises(ClientError) as refused:
        reader.get_secret_value(SecretId=name)
    assert code_of(refused) == "AccessDeniedException"
    kms.disable_key(KeyId=key)
    with pytest.raises(secrets.exceptions.DecryptionFailure):
        secrets.get_secret_value(SecretId=name)


def test_a_function_rotates_a_secret(region, secrets, name):
    function = region.function(name, ROTATION, statements=[allow("secretsmanager:*", "*"), allow("kms:*", "*")],
                               Timeout=30)
    arn = secrets.create_secret(Name=name, SecretString="one")["ARN"]
    with pytest.raises(ClientError) as refused:
        secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30})
    assert code_of(refused) == "AccessDeniedException"
    region.client("lambda").add_permission(FunctionName=name, StatementId="rotation", Action="lambda:InvokeFunction",
                                           Principal="secretsmanager.amazonaws.com", SourceArn=arn)
    secrets.rotate_secret(SecretId=name, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30})

    def rotated():
        return secrets.describe_secret(SecretId=name).get("LastRotatedDate")

    eventually(rotated, what="the secret is rotated")
    first = secrets.get_secret_value(SecretId=name)["SecretString"]
    assert first != "one" and len(first) == 32
    assert secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    region.advance(31 * DAY)
    eventually(lambda: secrets.get_secret_value(SecretId=name)["SecretString"] != first, what="the next rotation")


def test_parameters_have_a_hierarchy_and_versions(ssm, name):
    for leaf, kind, value in [("a", "String", "1"), ("b", "StringList", "1,2"), ("c", "SecureString", "hidden")]:
        ssm.put_parameter(Name=f"/{name}/{leaf}", Type=kind, Value=value)
    pages = ssm.get_paginator("get_parameters_by_path").paginate(
        Path=f"/{name}", WithDecryption=True, PaginationConfig={"PageSize": 2})
    assert [parameter["Value"] for page in pages for parameter in page["Parameters"]] == ["1", "1,2", "hidden"]
    assert ssm.get_parameter(Name=f"/{name}/c")["Parameter"]["Value"] != "hidden"
    with pytest.raises(ssm.exceptions.ParameterAlreadyExists):
        ssm.put_parameter(Name=f"/{name}/a", Type="String", Value="2")
    assert ssm.put_parameter(Name=f"/{name}/a", Value="2", Overwrite=True)["Version"] == 2
    ssm.label_parameter_version(Name=f"/{name}/a", ParameterVersion=1, Labels=["first"])
    found = ssm.get_parameters(Names=[f"/{name}/a", f"/{name}/a:first", f"/{name}/none"])
    assert sorted(parameter["Value"] for parameter in found["Parameters"]) == ["1", "2"]
    assert found["InvalidParameters"] == [f"/{name}/none"]
    ssm.delete_parameter(Name=f"/{name}/a")
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.get_parameter(Name=f"/{name}/a")


def test_the_services_own_key_lets_readers_of_parameters_read(region, ssm, name):
    ssm.put_parameter(Name=f"/{name}", Type="SecureString", Value="hidden")
    reader = user(region, "ssm", name, allow("ssm:GetParameter", "*"))
    assert reader.get_parameter(Name=f"/{name}", WithDecryption=True)["Parameter"]["Value"] == "hidden"
    kms = region.client("kms")
    aliases = [alias["AliasName"] for alias in kms.list_aliases()["Aliases"]]
    assert "alias/aws/ssm" in aliases


def test_policies_of_parameters_are_told(ssm, name):
    policies = [{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": "2099-01-01T00:00:00.000Z"}}]
    ssm.put_parameter(Name=f"/{name}", Type="String", Value="x", Tier="Advanced", Policies=json.dumps(policies))
    described = ssm.describe_parameters(ParameterFilters=[{"Key": "Name", "Values": [f"/{name}"]}])["Parameters"][0]
    assert described["Tier"] == "Advanced" and described["Policies"][0]["PolicyStatus"] == "Pending"


def test_objects_are_read_with_their_key(region, name):
    s3, kms = region.client("s3"), region.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"text" * 50_000, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    answer = s3.get_object(Bucket=name, Key="k")
    assert answer["Body"].read() == b"text" * 50_000 and answer["SSEKMSKeyId"] == key
    kms.disable_key(KeyId=key)
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=name, Key="k")
    assert code_of(refused) == "KMS.DisabledException"
    kms.enable_key(KeyId=key)
    s3.copy_object(Bucket=name, Key="copy", CopySource=f"{name}/k", ServerSideEncryption="AES256")
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert s3.get_object(Bucket=name, Key="copy")["Body"].read() == b"text" * 50_000


def test_a_table_closes_with_its_key(region, name):
    dynamodb, kms = region.client("dynamodb"), region.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    made = dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    assert made["TableDescription"]["SSEDescription"]["KMSMasterKeyArn"] == key
    dynamodb.put_item(TableName=name, Item={"pk": {"S": "a"}})
    kms.disable_key(KeyId=key)
    region.advance(301)
    status = "INACCESSIBLE_ENCRYPTION_CREDENTIALS"
    eventually(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == status, what="it closes")
    with pytest.raises(ClientError) as refused:
        dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}})
    assert code_of(refused) == "AccessDeniedException"
    kms.enable_key(KeyId=key)
    region.advance(301)
    eventually(lambda: dynamodb.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE", what="it opens")
    assert dynamodb.get_item(TableName=name, Key={"pk": {"S": "a"}})["Item"]
