"""IAM and STS: who may do what, and for how long."""

import json
import urllib.parse

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, deny, policy

OTHER_ACCOUNT = "111122223333"


@pytest.fixture
def iam(region):
    return region.client("iam")


@pytest.fixture
def sts(region):
    return region.client("sts")


def keys_of(created):
    """Keys as `Region.client` takes them, of an answer of CreateAccessKey or of STS."""
    found = created.get("AccessKey") or created["Credentials"]
    return found["AccessKeyId"], found["SecretAccessKey"], found.get("SessionToken")


def user(iam, name, *statements):
    """A user with one inline policy; returns its keys."""
    iam.create_user(UserName=name)
    if statements:
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
    return keys_of(iam.create_access_key(UserName=name))


def queue_arn(name, account=DEFAULT_ACCOUNT):
    return f"arn:aws:sqs:us-east-1:{account}:{name}"


def refused(call, *codes, **parameters):
    """The message with which `call` is refused."""
    with pytest.raises(ClientError) as error:
        call(**parameters)
    told = error.value.response["Error"]
    assert told["Code"] in (codes or ("AccessDenied", "AccessDeniedException", "AuthorizationError")), told
    return told["Message"]


def test_who_am_i(region, iam, sts, name):
    root = sts.get_caller_identity()
    assert (root["Account"], root["Arn"]) == (DEFAULT_ACCOUNT, f"arn:aws:iam::{DEFAULT_ACCOUNT}:root")
    me = region.client("sts", keys=user(iam, name)).get_caller_identity()
    assert me["Arn"] == f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{name}"
    assert me["UserId"] == iam.get_user(UserName=name)["User"]["UserId"]


def test_a_user_may_do_what_its_policy_says_and_nothing_else(region, iam, name):
    sqs = region.client("sqs", keys=user(iam, name, allow(["sqs:CreateQueue", "sqs:SendMessage"], queue_arn(name))))
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    message = refused(sqs.receive_message, QueueUrl=url)
    assert f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{name} is not authorized to perform: sqs:ReceiveMessage" \
        in message.replace("receivemessage", "ReceiveMessage")
    assert queue_arn(name) in message and "no identity-based policy allows" in message
    refused(sqs.create_queue, QueueName=f"{name}-other")
    assert region.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == "m"


def test_a_denial_beats_every_permission(region, iam, name):
    sqs = region.client("sqs", keys=user(iam, name, allow("*", "*"), deny("sqs:DeleteQueue", "*")))
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert "explicit deny" in refused(sqs.delete_queue, QueueUrl=url)


@pytest.mark.parametrize("service, call, parameters", [
    ("dynamodb", "list_tables", {}), ("sns", "list_topics", {}), ("lambda", "list_functions", {}),
    ("logs", "describe_log_groups", {}), ("iam", "list_users", {}), ("apigateway", "get_rest_apis", {}),
    ("sts", "assume_role", {"RoleArn": f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/any", "RoleSessionName": "some"}),
])
def test_a_user_without_policies_may_do_nothing(region, iam, name, service, call, parameters):
    client = region.client(service, keys=user(iam, name))
    assert "not authorized to perform" in refused(getattr(client, call), **parameters)


def test_managed_policies_groups_and_their_changes_count_at_once(region, iam, name):
    sqs = region.client("sqs", keys=user(iam, name))
    refused(sqs.list_queues)
    arn = iam.create_policy(PolicyName=name, PolicyDocument=policy(allow("sqs:ListQueues", "*")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=arn)
    sqs.list_queues()
    attached = iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]
    assert attached == [{"PolicyName": name, "PolicyArn": arn}]
    iam.detach_user_policy(UserName=name, PolicyArn=arn)
    refused(sqs.list_queues)
    iam.create_group(GroupName=name)
    iam.attach_group_policy(GroupName=name, PolicyArn=arn)
    iam.add_user_to_group(GroupName=name, UserName=name)
    sqs.list_queues()
    version = iam.create_policy_version(PolicyArn=arn, SetAsDefault=True,
                                        PolicyDocument=policy(allow("sqs:CreateQueue", "*")))["PolicyVersion"]
    assert version["VersionId"] == "v2"
    refused(sqs.list_queues)


def test_conditions_count(region, iam, name):
    statement = allow("sqs:*", "*", Condition={"StringEquals": {"aws:RequestedRegion": "eu-west-1"},
                                               "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    keys = user(iam, name, statement)
    region.client("sqs", region="eu-west-1", keys=keys).list_queues()
    refused(region.client("sqs", keys=keys).list_queues)


def test_a_key_that_is_off_or_gone_opens_nothing(region, iam, name):
    keys = user(iam, name, allow("sqs:*", "*"))
    sqs = region.client("sqs", keys=keys)
    sqs.list_queues()
    iam.update_access_key(UserName=name, AccessKeyId=keys[0], Status="Inactive")
    refused(sqs.list_queues, "UnrecognizedClientException", "InvalidClientTokenId")
    iam.update_access_key(UserName=name, AccessKeyId=keys[0], Status="Active")
    sqs.list_queues()


def test_a_role_is_assumed_and_its_session_has_its_rights(region, iam, sts, name):
    arn = region.role(name, [allow("sqs:ListQueues", "*")], trust={"AWS": f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"})
    keys = user(iam, name, allow("sts:AssumeRole", arn))
    answer = region.client("sts", keys=keys).assume_role(RoleArn=arn, RoleSessionName="work")
    session_arn = f"arn:aws:sts::{DEFAULT_ACCOUNT}:assumed-role/{name}/work"
    assert answer["AssumedRoleUser"]["Arn"] == session_arn
    session = keys_of(answer)
    assert session[0].startswith("ASIA") and session[2]
    assert region.client("sts", keys=session).get_caller_identity()["Arn"] == session_arn
    region.client("sqs", keys=session).list_queues()
    assert session_arn in refused(region.client("sns", keys=session).list_topics)
    refused(region.client("sqs", keys=keys).list_queues)


def test_a_session_policy_only_narrows(region, iam, name):
    arn = region.role(name, [allow(["sqs:ListQueues", "sns:ListTopics"], "*")],
                      trust={"AWS": f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"})
    keys = user(iam, name, allow("sts:AssumeRole", arn))
    session = keys_of(region.client("sts", keys=keys).assume_role(
        RoleArn=arn, RoleSessionName="work", Policy=policy(allow(["sqs:*", "dynamodb:*"], "*"))))
    region.client("sqs", keys=session).list_queues()
    refused(region.client("sns", keys=session).list_topics)
    refused(region.client("dynamodb", keys=session).list_tables)


def test_a_role_that_trusts_others_is_not_assumed(region, iam, name):
    arn = region.role(name, [], service="lambda.amazonaws.com")
    keys = user(iam, name, allow("sts:*", "*"))
    message = refused(region.client("sts", keys=keys).assume_role, RoleArn=arn, RoleSessionName="work")
    assert "sts:AssumeRole" in message and arn in message


def test_a_session_ends_with_the_regions_clock(region, iam, name):
    arn = region.role(name, [allow("sqs:*", "*")], trust={"AWS": f"arn:aws:iam::{DEFAULT_ACCOUNT}:root"})
    keys = user(iam, name, allow("sts:AssumeRole", arn))
    session = keys_of(region.client("sts", keys=keys).assume_role(
        RoleArn=arn, RoleSessionName="work", DurationSeconds=900))
    sqs = region.client("sqs", keys=session)
    region.advance(800)
    sqs.list_queues()
    region.advance(101)
    message = refused(sqs.list_queues, "ExpiredTokenException", "ExpiredToken")
    assert "expired" in message
    refused(region.client("sts", keys=session).get_caller_identity, "ExpiredToken")


def test_session_tokens_are_the_users_own(region, iam, name):
    keys = user(iam, name, allow("sqs:ListQueues", "*"))
    session = keys_of(region.client("sts", keys=keys).get_session_token(DurationSeconds=900))
    assert region.client("sts", keys=session).get_caller_identity()["Arn"].endswith(f":user/{name}")
    region.client("sqs", keys=session).list_queues()
    refused(region.client("sns", keys=session).list_topics)
    refused(region.client("sqs", keys=(*session[:2], None)).list_queues,
            "UnrecognizedClientException", "InvalidClientTokenId")


def test_another_account_needs_both_sides_to_agree(region, iam, name):
    theirs = user(region.client("iam", account=OTHER_ACCOUNT), name, allow("sqs:SendMessage", "*"))
    url = region.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    sender = region.client("sqs", keys=theirs)
    refused(sender.send_message, QueueUrl=url, MessageBody="m")
    open_to = lambda principal: region.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={
        "Policy": policy(allow("sqs:SendMessage", queue_arn(name), Principal={"AWS": principal}))})
    open_to(f"arn:aws:iam::{OTHER_ACCOUNT}:root")
    sender.send_message(QueueUrl=url, MessageBody="m")
    refused(sender.receive_message, QueueUrl=url)
    without = user(region.client("iam", account=OTHER_ACCOUNT), f"{name}-2")
    refused(region.client("sqs", keys=without).send_message, QueueUrl=url, MessageBody="m")
    open_to("arn:aws:iam::999988887777:root")
    refused(sender.send_message, QueueUrl=url, MessageBody="m")


def test_a_role_of_another_account_is_assumed_when_it_trusts(region, iam, name):
    arn = region.role(name, [allow("sqs:ListQueues", "*")], trust={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"})
    theirs = user(region.client("iam", account=OTHER_ACCOUNT), name, allow("sts:AssumeRole", arn))
    session = keys_of(region.client("sts", keys=theirs).assume_role(RoleArn=arn, RoleSessionName="visit"))
    identity = region.client("sts", keys=session).get_caller_identity()
    assert identity["Account"] == DEFAULT_ACCOUNT
    region.client("sqs", keys=session).list_queues()


def test_simulation_tells_what_would_be_decided(iam, name):
    user(iam, name, allow("sqs:*", queue_arn("mine")), deny("sqs:DeleteQueue", "*"))
    answer = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{DEFAULT_ACCOUNT}:user/{name}",
        ActionNames=["sqs:SendMessage", "sqs:DeleteQueue", "sns:Publish"], ResourceArns=[queue_arn("mine")])
    decided = {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}
    assert decided == {"sqs:SendMessage": "allowed", "sqs:DeleteQueue": "explicitDeny", "sns:Publish": "implicitDeny"}
    answer = iam.simulate_custom_policy(PolicyInputList=[policy(allow("s3:Get*", "*"))],
                                        ActionNames=["s3:GetObject", "s3:PutObject"])
    assert [result["EvalDecision"] for result in answer["EvaluationResults"]] == ["allowed", "implicitDeny"]


def test_roles_are_described_changed_and_deleted(region, iam, name):
    arn = region.role(name, [allow("sqs:*", "*")])
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Arn"], arn) == (f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/{name}",) * 2
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "lambda.amazonaws.com"}
    document = iam.get_role_policy(RoleName=name, PolicyName="work")["PolicyDocument"]
    document = json.loads(urllib.parse.unquote(document)) if isinstance(document, str) else document
    assert document["Statement"][0]["Action"] == "sqs:*"
    refused(iam.delete_role, "DeleteConflict", RoleName=name)
    iam.delete_role_policy(RoleName=name, PolicyName="work")
    iam.delete_role(RoleName=name)
    refused(iam.get_role, "NoSuchEntity", RoleName=name)


def test_mistakes_have_aws_codes(iam, name):
    iam.create_user(UserName=name)
    refused(iam.create_user, "EntityAlreadyExists", UserName=name)
    refused(iam.get_user, "NoSuchEntity", UserName="nobody")
    refused(iam.put_user_policy, "MalformedPolicyDocument", UserName=name, PolicyName="p", PolicyDocument="{no json")
    refused(iam.put_user_policy, "MalformedPolicyDocument", UserName=name, PolicyName="p",
            PolicyDocument=policy({"Effect": "Perhaps", "Action": "*", "Resource": "*"}))
    refused(iam.create_user, "ValidationError", UserName="not allowed!")
    for _ in range(2):
        iam.create_access_key(UserName=name)
    refused(iam.create_access_key, "LimitExceeded", "LimitExceededException", UserName=name)
