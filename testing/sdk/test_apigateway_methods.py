"""API Gateway: what guards a method, and endpoints outside behind it."""

import http.server
import json
import threading

import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, allow, eventually, policy
from test_apigateway import Api

MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
MIRROR = {"responseTemplates": {"application/json": "$input.body"}}


@pytest.fixture
def gateway(region):
    return region.client("apigateway")


@pytest.fixture
def outside():
    """An HTTP server that tells what it was asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            told = json.dumps({"verb": self.command, "path": self.path, "body": body,
                               "headers": {name.lower(): value for name, value in self.headers.items()}}).encode()
            self.send_response(404 if "/missing" in self.path else 201)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Outside", "yes")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def patch(*operations):
    return [{"op": op, "path": path, **({"value": value} if value is not None else {})}
            for op, path, value in operations]


def test_an_endpoint_outside_behind_a_proxy(region, gateway, name, outside):
    api = Api(region, gateway, name, part="{proxy+}")
    api.method("ANY", {"type": "HTTP_PROXY", "integrationHttpMethod": "ANY", "uri": f"{outside}/shop/{{proxy}}"})
    api.deploy()
    answer = api.call("PUT", "/orders/7?q=a%20b&q=c", b'{"n": 1}', {"X-Own": "mine"})
    assert answer.status == 201 and answer.headers["x-outside"] == "yes"
    asked = answer.json
    assert (asked["verb"], asked["body"]) == ("PUT", '{"n": 1}')
    assert asked["path"] == "/shop/orders/7?q=a%20b&q=c"
    assert asked["headers"]["x-own"] == "mine"
    assert api.call("GET", "/missing").status == 404


def test_an_endpoint_outside_with_mappings(region, gateway, name, outside):
    api = Api(region, gateway, name, part="{id}")
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "POST"}
    gateway.put_method(**place, authorizationType="NONE", requestParameters={
        "method.request.path.id": True, "method.request.header.X-Who": False})
    gateway.put_integration(
        **place, type="HTTP", integrationHttpMethod="POST", uri="${stageVariables.where}/items/{item}",
        requestParameters={"integration.request.path.item": "method.request.path.id",
                           "integration.request.header.X-Caller": "method.request.header.X-Who",
                           "integration.request.querystring.stage": "context.stage"},
        requestTemplates={"application/json": '{"wrapped": $input.json("$.n")}'})
    gateway.put_method_response(**place, statusCode="200", responseParameters={
        "method.response.header.X-From": True, "method.response.header.X-Fixed": True})
    gateway.put_integration_response(**place, statusCode="200", responseParameters={
        "method.response.header.X-From": "integration.response.header.X-Outside",
        "method.response.header.X-Fixed": "'always'"})
    with pytest.raises(ClientError, match="Invalid mapping expression"):
        gateway.put_integration_response(**place, statusCode="200", responseParameters={
            "method.response.header.Undeclared": "'x'"})
    api.deploy(variables={"where": outside})
    answer = api.call("POST", "/a%2Fb", b'{"n": 5}', {"X-Who": "Ada"})
    assert answer.status == 200, answer
    assert (answer.headers["x-from"], answer.headers["x-fixed"]) == ("yes", "always")
    asked = answer.json
    assert asked["path"] == "/items/a%2Fb?stage=prod"
    assert (asked["headers"]["x-caller"], asked["body"]) == ("Ada", '{"wrapped": 5}')


def test_an_endpoint_that_is_not_there(region, gateway, name):
    api = Api(region, gateway, name)
    api.method("GET", {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "http://127.0.0.1:1/"})
    api.deploy()
    answer = api.call("GET", "/orders")
    assert (answer.status, answer.json) == (504, {"message": "Network error communicating with endpoint"})


def test_requests_are_validated(region, gateway, name):
    api = Api(region, gateway, name)
    schema = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "required": ["item"],
              "properties": {"item": {"type": "string"}, "count": {"type": "integer", "minimum": 1}}}
    gateway.create_model(restApiId=api.id, name="Order", contentType="application/json", schema=json.dumps(schema))
    validator = gateway.create_request_validator(
        restApiId=api.id, name="all", validateRequestBody=True, validateRequestParameters=True)["id"]
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "POST"}
    gateway.put_method(**place, authorizationType="NONE", requestValidatorId=validator,
                       requestModels={"application/json": "Order"},
                       requestParameters={"method.request.querystring.shop": True, "method.request.header.X-Id": True})
    gateway.put_integration(**place, **MOCK)
    gateway.put_method_response(**place, statusCode="200")
    gateway.put_integration_response(**place, statusCode="200")
    api.deploy()
    ids = {"X-Id": "1"}
    answer = api.call("POST", "/orders", b'{"item": "gloves"}')
    assert answer.status == 400
    assert answer.json == {"message": "Missing required request parameters: [X-Id, shop]"}
    for body in (b'{"count": 1}', b'{"item": "gloves", "count": 0}', b"[]", b"no json"):
        answer = api.call("POST", "/orders?shop=1", body, ids)
        assert (answer.status, answer.json) == (400, {"message": "Invalid request body"}), body
    assert api.call("POST", "/orders?shop=1", b'{"item": "gloves", "count": 2}', ids).status == 200

    template = '{"error": $context.error.messageString, "found": "$context.error.validationErrorString"}'
    gateway.put_gateway_response(
        restApiId=api.id, responseType="BAD_REQUEST_BODY", statusCode="422",
        responseParameters={"gatewayresponse.header.X-Hint": "'see the model'"},
        responseTemplates={"application/json": template})
    api.deploy()
    answer = api.call("POST", "/orders?shop=1", b"{}", ids)
    assert (answer.status, answer.headers["x-hint"]) == (422, "see the model")
    assert "object has missing required properties" in answer.text and "Invalid request body" in answer.text
    sample = gateway.get_model_template(restApiId=api.id, modelName="Order")["value"]
    assert "$inputRoot.item" in sample
    with pytest.raises(ClientError, match="is referenced in method request"):
        gateway.delete_model(restApiId=api.id, modelName="Order")


def test_updates_by_patch(region, gateway, name):
    api = Api(region, gateway, name)
    api.method("GET", MOCK, status_200={"responseTemplates": {"application/json": "one"}})
    api.deploy()
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "GET"}
    gateway.update_integration_response(**place, statusCode="200", patchOperations=patch(
        ("replace", "/responseTemplates/application~1json", "two $stageVariables.who")))
    assert api.call("GET", "/orders").text == "one", "a change counts once it is deployed"
    api.deploy()
    gateway.update_stage(restApiId=api.id, stageName="prod", patchOperations=patch(
        ("replace", "/variables/who", "Ada"), ("replace", "/description", "the live one")))
    assert api.call("GET", "/orders").text == "two Ada"
    assert gateway.get_stage(restApiId=api.id, stageName="prod")["description"] == "the live one"
    gateway.update_rest_api(restApiId=api.id, patchOperations=patch(("replace", "/name", f"{name}-2")))
    assert gateway.get_rest_api(restApiId=api.id)["name"] == f"{name}-2"
    gateway.update_resource(restApiId=api.id, resourceId=api.resource, patchOperations=patch(
        ("replace", "/pathPart", "moved")))
    assert gateway.get_resource(restApiId=api.id, resourceId=api.resource)["path"] == "/moved"
    with pytest.raises(ClientError, match="Invalid patch path"):
        gateway.update_rest_api(restApiId=api.id, patchOperations=patch(("replace", "/nothing", "x")))


def test_keys_and_what_their_plans_allow(region, gateway, name):
    api = Api(region, gateway, name)
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="NONE", apiKeyRequired=True)
    gateway.put_integration(**place, **MOCK)
    gateway.put_method_response(**place, statusCode="200")
    gateway.put_integration_response(**place, statusCode="200")
    api.deploy()
    key = gateway.create_api_key(name=name, enabled=True)
    plan = gateway.create_usage_plan(name=name, apiStages=[{"apiId": api.id, "stage": "prod"}],
                                     quota={"limit": 3, "period": "DAY"})["id"]
    call = lambda value: api.call("GET", "/orders", headers={"X-Api-Key": value} if value else {})
    for value in (None, "x" * 40, key["value"]):
        answer = call(value)
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"}), "a key without a plan opens nothing"
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    assert [call(key["value"]).status for _ in range(3)] == [200, 200, 200]
    over = call(key["value"])
    assert (over.status, over.json) == (429, {"message": "Limit Exceeded"})
    region.advance(86_400)
    assert call(key["value"]).status == 200, "another day, another quota"
    gateway.update_api_key(apiKey=key["id"], patchOperations=patch(("replace", "/enabled", "false")))
    assert call(key["value"]).status == 403


def test_a_stage_is_throttled(region, gateway, name):
    api = Api(region, gateway, name)
    api.method("GET", MOCK, status_200={})
    api.deploy()
    gateway.update_stage(restApiId=api.id, stageName="prod", patchOperations=patch(
        ("replace", "/*/*/throttling/rateLimit", "0.001"), ("replace", "/*/*/throttling/burstLimit", "2")))
    answers = [api.call("GET", "/orders") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].json == {"message": "Too Many Requests"}


AUTHORIZER = """
def handler(event, context):
    token = event["authorizationToken"]
    print("asked", token)
    if token == "nobody":
        raise Exception("Unauthorized")
    effect = "Allow" if token.startswith("good") else "Deny"
    return {"principalId": "user-" + token, "context": {"shop": "7"}, "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": event["methodArn"]}]}}
"""


def test_a_function_authorizes(region, gateway, name):
    function = region.function(name, AUTHORIZER, Timeout=10)
    api = Api(region, gateway, name)
    region.client("lambda").add_permission(
        FunctionName=name, StatementId="api", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{DEFAULT_ACCOUNT}:{api.id}/authorizers/*")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    authorizer = gateway.create_authorizer(
        restApiId=api.id, name="own", type="TOKEN", authorizerUri=uri, identitySource="method.request.header.Authorization",
        identityValidationExpression="[a-z0-9]+", authorizerResultTtlInSeconds=300)["id"]
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "GET"}
    gateway.put_method(**place, authorizationType="CUSTOM", authorizerId=authorizer)
    gateway.put_integration(**place, **MOCK)
    gateway.put_method_response(**place, statusCode="200")
    gateway.put_integration_response(**place, statusCode="200", responseTemplates={
        "application/json": "$context.authorizer.principalId in $context.authorizer.shop"})
    api.deploy()
    call = lambda token: api.call("GET", "/orders", headers={"Authorization": token} if token else {})
    for token in (None, "NOT LIKE THAT", "nobody"):
        answer = call(token)
        assert (answer.status, answer.json) == (401, {"message": "Unauthorized"}), token
    answer = call("bad")
    assert answer.status == 403 and "explicit deny" in answer.json["message"]
    assert [call("good1").text for _ in range(3)] == ["user-good1 in 7"] * 3
    logs = region.client("logs")
    asked = lambda: [event["message"].strip() for event in logs.filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern='"asked good1"')["events"]]
    eventually(asked)
    assert asked() == ["asked good1"], "what the function said is remembered"
    region.advance(301)
    assert call("good1").status == 200
    eventually(lambda: len(asked()) == 2)


def test_an_apis_own_policy(region, gateway, name):
    api = Api(region, gateway, name)
    api.method("GET", MOCK, status_200={})
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/GET/orders",
         "Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}
    gateway.update_rest_api(restApiId=api.id, patchOperations=patch(("replace", "/policy", json.dumps(policy))))
    api.deploy()
    api.deploy(stage="test")
    answer = api.call("GET", "/orders")
    assert answer.status == 403 and "is not authorized to perform: execute-api:Invoke" in answer.json["message"]
    assert api.call("GET", "/orders", stage="test").status == 200


def test_what_is_not_there_yet_says_so(region, gateway, name):
    api = Api(region, gateway, name)
    place = {"restApiId": api.id, "resourceId": api.resource, "httpMethod": "GET"}
    with pytest.raises(ClientError, match="COGNITO_USER_POOLS is not implemented in Brume yet"):
        gateway.put_method(**place, authorizationType="COGNITO_USER_POOLS")
    with pytest.raises(ClientError, match="not implemented in Brume yet"):
        gateway.get_domain_names()


def test_a_user_invokes_what_its_policies_name_and_nothing_else(region, gateway, name):
    api = Api(region, gateway, name)
    for verb in ("GET", "DELETE"):
        api.method(verb, {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
                   status_200={"responseTemplates": {"application/json": '{"who": "$context.identity.userArn"}'}})
        gateway.update_method(restApiId=api.id, resourceId=api.resource, httpMethod=verb, patchOperations=[
            {"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"}])
    api.deploy()
    iam = region.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.put_user_policy(UserName=name, PolicyName="get", PolicyDocument=policy(
        allow("execute-api:Invoke", f"arn:aws:execute-api:us-east-1:{DEFAULT_ACCOUNT}:{api.id}/prod/GET/*")))
    made = iam.create_access_key(UserName=name)["AccessKey"]
    keys = (made["AccessKeyId"], made["SecretAccessKey"], None)
    path = f"/restapis/{api.id}/prod/_user_request_/orders"

    def call(verb, keys):
        return region.http(verb, path, b"", region.sign("execute-api", verb, path, keys=keys))

    answer = call("GET", keys)
    assert (answer.status, answer.json) == (200, {"who": arn}), answer
    answer = call("DELETE", keys)
    assert answer.status == 403, answer
    assert answer.json["message"].startswith(f"User: {arn} is not authorized to perform: execute-api:Invoke"), answer
    answer = call("GET", (keys[0], "wrong", None))
    assert answer.status == 403 and "signature we calculated does not match" in answer.json["message"], answer
    assert answer.headers["x-amzn-errortype"] == "InvalidSignatureException"
    answer = api.call("GET", "/orders")
    assert (answer.status, answer.json["message"]) == (403, "Missing Authentication Token"), answer


def test_a_stage_logs_its_requests(region, gateway, name):
    role = region.role(name, [allow("logs:*", "*")], service="apigateway.amazonaws.com")
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    api = Api(region, gateway, name)
    api.method("GET", MOCK, status_200={})
    api.deploy()
    group = f"arn:aws:logs:us-east-1:{DEFAULT_ACCOUNT}:log-group:{name}"
    gateway.update_stage(restApiId=api.id, stageName="prod", patchOperations=[
        {"op": "replace", "path": path, "value": value} for path, value in [
            ("/accessLogSettings/destinationArn", group),
            ("/accessLogSettings/format", "$context.requestId $context.httpMethod $context.status"),
            ("/*/*/logging/loglevel", "INFO")]])
    assert api.call("GET", "/orders").status == 200
    logs = region.client("logs")

    def lines(group):
        try:
            return [event["message"] for event in logs.filter_log_events(logGroupName=group)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    (line,) = eventually(lambda: lines(name))
    assert line.endswith(" GET 200"), line
    told = eventually(lambda: lines(f"API-Gateway-Execution-Logs_{api.id}/prod"))
    assert told[-1].endswith("Method completed with status: 200"), told
