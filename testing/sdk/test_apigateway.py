"""API Gateway: REST APIs that put requests on queues, invoke functions, or answer by themselves."""

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, eventually


@pytest.fixture
def gateway(region):
    return region.client("apigateway")


class Api:
    """A REST API with one resource, whose methods are added by a test."""

    def __init__(self, region, gateway, name, part="orders"):
        self.region, self.gateway = region, gateway
        self.id = gateway.create_rest_api(name=name, endpointConfiguration={"types": ["REGIONAL"]})["id"]
        self.root = gateway.get_resources(restApiId=self.id)["items"][0]["id"]
        self.resource = gateway.create_resource(restApiId=self.id, parentId=self.root, pathPart=part)["id"]

    def method(self, verb, integration, **answers):
        """`answers` are the integration responses: status_200={...}."""
        place = {"restApiId": self.id, "resourceId": self.resource, "httpMethod": verb}
        self.gateway.put_method(**place, authorizationType="NONE")
        self.gateway.put_integration(**place, **integration)
        for status, settings in answers.items():
            status = status.removeprefix("status_")
            self.gateway.put_method_response(**place, statusCode=status)
            self.gateway.put_integration_response(**place, statusCode=status, **settings)

    def deploy(self, stage="prod", **settings):
        self.gateway.create_deployment(restApiId=self.id, stageName=stage, **settings)

    def call(self, verb, path, body=b"", headers=None, stage="prod"):
        where = f"/restapis/{self.id}/{stage}/_user_request_{path}"
        return self.region.http(verb, where, body, {"Content-Type": "application/json", **(headers or {})})


def course_api(region, gateway, name):
    """As the course builds it in the console: POST on the root resource puts the body on a queue."""
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    role = region.role(f"{name}-api", [allow("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{DEFAULT_ACCOUNT}:{name}")],
                       service="apigateway.amazonaws.com")
    api = Api(region, gateway, name)
    api.method(
        "POST",
        {"type": "AWS", "integrationHttpMethod": "POST", "credentials": role, "passthroughBehavior": "NEVER",
         "uri": f"arn:aws:apigateway:us-east-1:sqs:path/{DEFAULT_ACCOUNT}/{name}",
         "requestParameters": {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
         "requestTemplates": {"application/json": "Action=SendMessage&MessageBody=$input.body"}},
        status_200={})
    api.deploy()
    return api, url


def test_a_post_goes_to_the_queue_without_code_in_between(region, gateway, name):
    api, url = course_api(region, gateway, name)
    order = '{"item": "latex gloves", "customerID": "12345"}'
    answer = api.call("POST", "/orders", order.encode())
    assert answer.status == 200, answer
    # Without a template the service's own answer goes back; API Gateway asks SQS for JSON.
    assert answer.headers["content-type"].startswith("application/json")
    sent = answer.json["SendMessageResponse"]["SendMessageResult"]
    (message,) = region.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == order
    assert message["MessageId"] == sent["MessageId"]


def test_the_test_button_calls_the_method_without_a_deployment(region, gateway, name):
    api, url = course_api(region, gateway, name)
    answer = gateway.test_invoke_method(restApiId=api.id, resourceId=api.resource, httpMethod="POST",
                                        pathWithQueryString="/orders", body='{"item": "gloves"}',
                                        headers={"Content-Type": "application/json"})
    assert answer["status"] == 200 and "SendMessage" in answer["log"] and answer["latency"] >= 0, answer
    assert region.client("sqs").receive_message(QueueUrl=url)["Messages"][0]["Body"] == '{"item": "gloves"}'


def test_a_content_type_without_a_template_is_refused(region, gateway, name):
    api, url = course_api(region, gateway, name)
    answer = api.call("POST", "/orders", b"<order/>", {"Content-Type": "application/xml"})
    assert answer.status == 415, answer
    assert answer.json["message"] == "Unsupported Media Type"
    assert "Messages" not in region.client("sqs").receive_message(QueueUrl=url)


def test_a_role_without_the_permission_gets_nowhere(region, gateway, name):
    url = region.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    role = region.role(name, [allow("sqs:ListQueues", "*")], service="apigateway.amazonaws.com")
    api = Api(region, gateway, name)
    api.method("POST", {
        "type": "AWS", "integrationHttpMethod": "POST", "credentials": role,
        "uri": f"arn:aws:apigateway:us-east-1:sqs:path/{DEFAULT_ACCOUNT}/{name}",
        "requestParameters": {"integration.request.header.Content-Type": "'application/x-www-form-urlencoded'"},
        "requestTemplates": {"application/json": "Action=SendMessage&MessageBody=$input.body"}},
        status_200={}, status_403={"selectionPattern": "4\\d{2}", "responseTemplates": {
            "application/json": '{"refused": true}'}})
    api.deploy()
    answer = api.call("POST", "/orders", b"{}")
    assert (answer.status, answer.json) == (403, {"refused": True}), answer
    assert "Messages" not in region.client("sqs").receive_message(QueueUrl=url)


def test_what_is_not_deployed_is_not_there(region, gateway, name):
    api, _ = course_api(region, gateway, name)
    for verb, path, stage in [("GET", "/orders", "prod"), ("POST", "/other", "prod"), ("POST", "/orders", "test")]:
        answer = api.call(verb, path, b"{}", stage=stage)
        assert answer.status in (403, 404), answer
        assert answer.json["message"] in ("Missing Authentication Token", "Forbidden", "Not Found"), answer
    gateway.delete_rest_api(restApiId=api.id)
    answer = api.call("POST", "/orders", b"{}")
    assert answer.status in (403, 404), answer


def test_a_mock_answers_by_its_templates(region, gateway, name):
    api = Api(region, gateway, name, part="{id}")
    api.method("GET", {"type": "MOCK", "requestTemplates": {
        "application/json": '{"statusCode": #if($input.params("bad") == "yes")404#{else}200#end}'}},
        status_200={"responseTemplates": {"application/json":
            '{"id": "$input.params("id")", "stage": "$context.stage", "q": "$input.params().querystring.q"}'}},
        status_404={"selectionPattern": "404", "responseTemplates": {"application/json": '{"none": true}'}})
    api.deploy("test")
    answer = api.call("GET", "/42?q=x", stage="test")
    assert (answer.status, answer.json) == (200, {"id": "42", "stage": "test", "q": "x"}), answer
    assert answer.headers["content-type"].startswith("application/json")
    answer = api.call("GET", "/42?bad=yes", stage="test")
    assert (answer.status, answer.json) == (404, {"none": True}), answer


PROXY = """
import json
def handler(event, context):
    if event["queryStringParameters"] and "raw" in event["queryStringParameters"]:
        return "not what a proxy answers"
    return {"statusCode": 201, "headers": {"X-Own": "yes"}, "body": json.dumps({
        "path": event["path"], "verb": event["httpMethod"], "body": event["body"],
        "parts": event["pathParameters"], "query": event["queryStringParameters"],
        "many": event["multiValueQueryStringParameters"], "resource": event["resource"],
        "stage": event["requestContext"]["stage"], "header": event["headers"].get("X-Sent"),
        "base64": event["isBase64Encoded"]})}
"""


def proxy_api(region, gateway, name, allowed=True):
    function = region.function(name, PROXY, Timeout=10)
    api = Api(region, gateway, name, part="{proxy+}")
    api.method("ANY", {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri":
        f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"})
    if allowed:
        region.client("lambda").add_permission(
            FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:{DEFAULT_ACCOUNT}:{api.id}/*/*/*")
    api.deploy()
    return api


def test_a_function_gets_the_whole_request(region, gateway, name):
    api = proxy_api(region, gateway, name)
    answer = api.call("PUT", "/a/b?x=1&x=2&y=z", b'{"n": 1}', {"X-Sent": "s"})
    assert answer.status == 201 and answer.headers["x-own"] == "yes", answer
    assert answer.json == {
        "path": "/a/b", "verb": "PUT", "body": '{"n": 1}', "parts": {"proxy": "a/b"},
        "query": {"x": "2", "y": "z"}, "many": {"x": ["1", "2"], "y": ["z"]}, "resource": "/{proxy+}",
        "stage": "prod", "header": "s", "base64": False}
    bare = api.call("GET", "/a").json
    assert (bare["query"], bare["body"]) == (None, None)


def test_a_functions_wrong_answer_is_a_bad_gateway(region, gateway, name):
    answer = proxy_api(region, gateway, name).call("GET", "/a?raw=1")
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"}), answer


def test_a_function_that_the_api_may_not_invoke_is_not_invoked(region, gateway, name):
    answer = proxy_api(region, gateway, name, allowed=False).call("GET", "/a")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"}), answer


def test_an_api_is_reached_by_its_other_addresses(region, gateway, name):
    api, url = course_api(region, gateway, name)
    answer = region.http("POST", f"/_aws/execute-api/{api.id}/prod/orders", b'{"n": 1}',
                         {"Content-Type": "application/json"})
    assert answer.status == 200, answer
    host = f"{api.id}.execute-api.us-east-1.localhost.localstack.cloud:{region.port}"
    answer = region.http("POST", "/prod/orders", b'{"n": 2}', {"Content-Type": "application/json", "Host": host})
    assert answer.status == 200, answer
    found = []
    eventually(lambda: found.extend(region.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])) or len(found) == 2)
    assert sorted(message["Body"] for message in found) == ['{"n": 1}', '{"n": 2}']


def test_apis_are_described_listed_and_mistakes_named(gateway, region, name):
    api, _ = course_api(region, gateway, name)
    assert gateway.get_rest_api(restApiId=api.id)["name"] == name
    assert api.id in [found["id"] for found in gateway.get_rest_apis(limit=500)["items"]]
    paths = {found["path"]: found for found in gateway.get_resources(restApiId=api.id)["items"]}
    assert set(paths) == {"/", "/orders"} and paths["/orders"]["parentId"] == api.root
    integration = gateway.get_integration(restApiId=api.id, resourceId=api.resource, httpMethod="POST")
    assert (integration["type"], integration["passthroughBehavior"]) == ("AWS", "NEVER")
    assert [stage["stageName"] for stage in gateway.get_stages(restApiId=api.id)["item"]] == ["prod"]
    with pytest.raises(gateway.exceptions.NotFoundException):
        gateway.get_rest_api(restApiId="nowhere")
    with pytest.raises(gateway.exceptions.ConflictException):
        gateway.create_resource(restApiId=api.id, parentId=api.root, pathPart="orders")
    with pytest.raises(ClientError) as refused:
        gateway.put_integration(restApiId=api.id, resourceId=api.resource, httpMethod="POST", type="AWS",
                                integrationHttpMethod="POST", uri="nonsense")
    assert refused.value.response["Error"]["Code"] == "BadRequestException"
