"""Deploys the order pipeline with plain boto3, here or on AWS:

    HTTP client -> API Gateway -> SQS -> Lambda -> DynamoDB -> DynamoDB Streams -> Lambda -> SNS -> SQS and e-mail

Running it again finds what is there. Prints the API's URL and writes outputs.json.
"""

import io
import json
import os
import pathlib
import sys
import zipfile

import boto3

HERE = pathlib.Path(__file__).parent
ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")


def main():
    account = boto3.client("sts").get_caller_identity()["Account"]
    region = boto3.session.Session().region_name
    queue_url, queue_arn = queues()
    table_arn, stream_arn = table()
    topic_arn, announced_url = topic(sys.argv[1] if len(sys.argv) > 1 else "sales@example.com")

    process = function("process-order", "process.handler", {"TABLE": "Orders"}, [
        allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes",
               "sqs:ChangeMessageVisibility"], queue_arn),
        allow(["dynamodb:PutItem"], table_arn),
    ])
    announce = function("announce-order", "announce.handler", {"TOPIC": topic_arn}, [
        allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
               "dynamodb:ListStreams"], stream_arn),
        allow(["sns:Publish"], topic_arn),
    ])
    event_source(process, queue_arn, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"])
    event_source(announce, stream_arn, BatchSize=100, StartingPosition="TRIM_HORIZON",
                 MaximumRetryAttempts=10, BisectBatchOnFunctionError=True)
    url = api(region, account, queue_arn)

    outputs = {"url": url, "queue_url": queue_url, "announced_url": announced_url, "topic_arn": topic_arn,
               "table": "Orders"}
    target = pathlib.Path(os.environ.get("ORDERS_OUTPUTS", "outputs.json"))
    target.write_text(json.dumps(outputs, indent=2) + "\n")
    print(url)


def queues():
    sqs = boto3.client("sqs")
    dead = sqs.create_queue(QueueName="orders-dead")["QueueUrl"]
    dead_arn = arn_of(sqs, dead)
    url = sqs.create_queue(QueueName="orders", Attributes={
        "VisibilityTimeout": "60",
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5}),
    })["QueueUrl"]
    return url, arn_of(sqs, url)


def arn_of(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def table():
    dynamodb = boto3.client("dynamodb")
    try:
        dynamodb.create_table(
            TableName="Orders",
            AttributeDefinitions=[{"AttributeName": "orderId", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "orderId", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        dynamodb.get_waiter("table_exists").wait(TableName="Orders", WaiterConfig={"Delay": 1})
    except dynamodb.exceptions.ResourceInUseException:
        pass
    described = dynamodb.describe_table(TableName="Orders")["Table"]
    return described["TableArn"], described["LatestStreamArn"]


def topic(mail_address):
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic_arn = sns.create_topic(Name="order-announcements")["TopicArn"]
    url = sqs.create_queue(QueueName="announced")["QueueUrl"]
    queue_arn = arn_of(sqs, url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
            "Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic_arn}},
        }],
    })})
    sns.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn,
                  Attributes={"RawMessageDelivery": "true"})
    sns.subscribe(TopicArn=topic_arn, Protocol="email", Endpoint=mail_address)
    return topic_arn, url


def allow(actions, resource):
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def role(name, service, statements):
    iam = boto3.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    try:
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    except iam.exceptions.EntityAlreadyExistsException:
        arn = iam.get_role(RoleName=name)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="work",
                        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    return arn


def function(name, handler, variables, statements):
    client = boto3.client("lambda")
    logs = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*")
    role_arn = role(f"{name}-role", "lambda.amazonaws.com", [*statements, logs])
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in sorted((HERE / "functions").glob("*.py")):
            bundle.write(file, file.name)
    try:
        client.create_function(FunctionName=name, Runtime="python3.12", Handler=handler, Role=role_arn,
                               Code={"ZipFile": archive.getvalue()}, Timeout=30, MemorySize=512,
                               Environment={"Variables": variables})
    except client.exceptions.ResourceConflictException:
        client.update_function_code(FunctionName=name, ZipFile=archive.getvalue())
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    return name


def event_source(function_name, source_arn, **settings):
    client = boto3.client("lambda")
    if not client.list_event_source_mappings(FunctionName=function_name, EventSourceArn=source_arn)[
            "EventSourceMappings"]:
        client.create_event_source_mapping(FunctionName=function_name, EventSourceArn=source_arn, **settings)


def api(region, account, queue_arn):
    """POST /orders puts the request's body on the queue, without a function in between."""
    client = boto3.client("apigateway")
    for existing in client.get_rest_apis(limit=500)["items"]:
        if existing["name"] == "orders":
            return invoke_url(existing["id"], region)
    role_arn = role("orders-api-role", "apigateway.amazonaws.com", [allow(["sqs:SendMessage"], queue_arn)])
    api_id = client.create_rest_api(name="orders")["id"]
    root = client.get_resources(restApiId=api_id)["items"][0]["id"]
    resource = client.create_resource(restApiId=api_id, parentId=root, pathPart="orders")["id"]
    method = {"restApiId": api_id, "resourceId": resource, "httpMethod": "POST"}
    client.put_method(**method, authorizationType="NONE")
    client.put_integration(
        **method, type="AWS", integrationHttpMethod="POST", credentials=role_arn,
        uri=f"arn:aws:apigateway:{region}:sqs:path/{account}/orders",
        requestParameters={"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        requestTemplates={"application/json": "Action=SendMessage&MessageBody=$input.body"},
        passthroughBehavior="NEVER",
    )
    client.put_method_response(**method, statusCode="200")
    client.put_integration_response(**method, statusCode="200",
                                    responseTemplates={"application/json": '{"status": "accepted"}'})
    client.create_deployment(restApiId=api_id, stageName="prod")
    return invoke_url(api_id, region)


def invoke_url(api_id, region):
    if ENDPOINT:
        return f"{ENDPOINT}/restapis/{api_id}/prod/_user_request_/orders"
    return f"https://{api_id}.execute-api.{region}.amazonaws.com/prod/orders"


if __name__ == "__main__":
    main()
