"""Application Auto Scaling over DynamoDB: capacity follows what is consumed, and set times."""

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, eventually

WRITES = "dynamodb:table:WriteCapacityUnits"


@pytest.fixture
def scaling(region):
    return region.client("application-autoscaling")


class Table:
    """A table of 5 units of each, and where Application Auto Scaling finds its writes."""

    def __init__(self, region, name):
        self.name, self.dynamodb = name, region.client("dynamodb")
        self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
        )
        self.place = {"ServiceNamespace": "dynamodb", "ResourceId": f"table/{name}", "ScalableDimension": WRITES}

    def writes(self):
        table = self.dynamodb.describe_table(TableName=self.name)["Table"]
        return table["ProvisionedThroughput"]["WriteCapacityUnits"]

    def has(self, units):
        return eventually(lambda: self.writes() == units)

    def consume(self, units):
        payload = "x" * (units * 1024 - 100)
        self.dynamodb.put_item(TableName=self.name, Item={"id": {"S": "order"}, "payload": {"S": payload}})


@pytest.fixture
def table(region, name):
    return Table(region, name)


def test_capacity_follows_what_is_consumed(region, scaling, table):
    answer = scaling.register_scalable_target(**table.place, MinCapacity=5, MaxCapacity=40)
    assert f":{DEFAULT_ACCOUNT}:scalable-target/" in answer["ScalableTargetARN"]
    role = scaling.describe_scalable_targets(ServiceNamespace="dynamodb", ResourceIds=[f"table/{table.name}"])
    role = role["ScalableTargets"][0]["RoleARN"]
    found = region.client("iam").get_role(RoleName=role.rsplit("/", 1)[1])["Role"]
    assert found["Arn"] == role
    policy = scaling.put_scaling_policy(
        **table.place, PolicyName="steady", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBWriteCapacityUtilization"},
        })
    assert len(policy["Alarms"]) == 2
    # The clock goes on by itself as well: some minutes of consumption hold two whole ones.
    for _ in range(4):
        table.consume(350)
        region.advance(60)
    assert eventually(lambda: table.writes() > 5)
    (activity, *_) = scaling.describe_scaling_activities(
        ServiceNamespace="dynamodb", ResourceId=f"table/{table.name}")["ScalingActivities"]
    assert activity["StatusCode"] == "Successful"
    assert activity["Cause"].endswith("in state ALARM triggered policy steady")


def test_a_schedule_moves_the_bounds(region, scaling, table):
    scaling.register_scalable_target(**table.place, MinCapacity=1, MaxCapacity=10)
    scaling.put_scheduled_action(**table.place, ScheduledActionName="busy", Schedule="rate(1 day)",
                                 Timezone="Asia/Tokyo",
                                 ScalableTargetAction={"MinCapacity": 30, "MaxCapacity": 50})
    region.advance(86_400)
    assert table.has(30)
    scaling.deregister_scalable_target(**table.place)
    with pytest.raises(ClientError) as error:
        scaling.put_scheduled_action(**table.place, ScheduledActionName="busy", Schedule="rate(1 day)",
                                     ScalableTargetAction={"MinCapacity": 1})
    assert error.value.response["Error"]["Code"] == "ObjectNotFoundException"
    table.dynamodb.delete_table(TableName=table.name)
