"""EventBridge: events, rules and what they reach."""

import base64
import http.server
import json
import threading
import urllib.parse

import pytest

from brume_region import DEFAULT_ACCOUNT, allow, eventually

HERE = f"us-east-1:{DEFAULT_ACCOUNT}"


@pytest.fixture
def events(region):
    return region.client("events")


@pytest.fixture
def outside():
    """An HTTP server that remembers what it was asked, and gives out tokens."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            asked = {"path": self.path, "body": body,
                     "headers": {name.lower(): value for name, value in self.headers.items()}}
            self.server.asked.append(asked)
            answer = b"{}"
            if self.path.startswith("/token"):
                answer = json.dumps({"access_token": f"token-{len(self.server.asked)}", "expires_in": 3600}).encode()
            status = self.server.answers.pop(0) if self.server.answers and "/token" not in self.path else 200
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    class Server(http.server.ThreadingHTTPServer):
        # A hundred calls may come at once.
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    server.asked, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def queue(region, name):
    sqs = region.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{HERE}:{name}"
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return url, arn


def bodies(region, url):
    return [message["Body"] for message in region.client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]


def put(events, name, detail, source="shop"):
    answer = events.put_events(Entries=[{
        "Source": source, "DetailType": "order", "EventBusName": name, "Detail": json.dumps(detail)}])
    assert answer["FailedEntryCount"] == 0, answer


def test_events_reach_the_targets_of_rules_that_match(region, events, name):
    url, arn = queue(region, name)
    events.create_event_bus(Name=name)
    pattern = {"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}], "city": [{"prefix": "Be"}]}}
    events.put_rule(Name="large", EventBusName=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="large", EventBusName=name, Targets=[{
        "Id": "queue", "Arn": arn, "InputTransformer": {
            "InputPathsMap": {"total": "$.detail.total"}, "InputTemplate": '{"large": <total>}'}}])
    for detail in ({"total": 99, "city": "Berlin"}, {"total": 101, "city": "Bern"}, {"total": 500, "city": "Rome"}):
        put(events, name, detail)
    put(events, name, {"total": 101, "city": "Bern"}, source="other")
    assert bodies(region, url) == ['{"large": 101}']
    assert events.test_event_pattern(EventPattern=json.dumps({"source": ["a"]}), Event=json.dumps({
        "id": "1", "source": "a", "detail-type": "t", "account": "1", "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1", "resources": [], "detail": {}}))["Result"] is True


def destination(events, region, name, outside, kind, auth, path="/hook", **settings):
    connection = events.create_connection(Name=name, AuthorizationType=kind, AuthParameters=auth)
    arn = events.create_api_destination(
        Name=name, ConnectionArn=connection["ConnectionArn"], InvocationEndpoint=f"{outside.url}{path}",
        HttpMethod="POST", **settings)["ApiDestinationArn"]
    role = region.role(name, [allow("events:InvokeApiDestination", "*")], service="events.amazonaws.com")
    events.create_event_bus(Name=name)
    events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps({"source": ["shop"]}))
    return {"Id": "outside", "Arn": arn, "RoleArn": role, "InputPath": "$.detail"}


def test_an_endpoint_outside_with_a_password(region, events, name, outside):
    auth = {"BasicAuthParameters": {"Username": "ada", "Password": "s3cret"}, "InvocationHttpParameters": {
        "HeaderParameters": [{"Key": "X-Shop", "Value": "7", "IsValueSecret": True}],
        "BodyParameters": [{"Key": "from", "Value": "brume", "IsValueSecret": False}]}}
    target = destination(events, region, name, outside, "BASIC", auth, path="/orders/*/items")
    events.put_targets(Rule="all", EventBusName=name, Targets=[{**target, "HttpParameters": {
        "PathParameterValues": ["a b"], "QueryStringParameters": {"q": "1&2"}}}])
    outside.answers = [503]
    put(events, name, {"n": 1})
    eventually(lambda: len(outside.asked) == 1)
    region.advance(2)
    eventually(lambda: len(outside.asked) == 2, what="a second attempt after the 503")
    asked = outside.asked[1]
    assert asked["path"] == "/orders/a%20b/items?q=1%262"
    assert json.loads(asked["body"]) == {"n": 1, "from": "brume"}
    assert asked["headers"]["authorization"] == "Basic " + base64.b64encode(b"ada:s3cret").decode()
    assert asked["headers"]["x-shop"] == "7"
    told = events.describe_connection(Name=name)
    assert told["ConnectionState"] == "AUTHORIZED" and "s3cret" not in str(told)
    assert told["AuthParameters"]["InvocationHttpParameters"]["HeaderParameters"] == [
        {"Key": "X-Shop", "IsValueSecret": True}]

    events.update_connection(Name=name, AuthorizationType="API_KEY", AuthParameters={
        "ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k1"}})
    put(events, name, {"n": 2})
    eventually(lambda: len(outside.asked) == 3)
    assert outside.asked[2]["headers"]["x-key"] == "k1"
    events.deauthorize_connection(Name=name)
    assert events.describe_api_destination(Name=name)["ApiDestinationState"] == "INACTIVE"


def test_an_endpoint_outside_with_tokens(region, events, name, outside):
    auth = {"OAuthParameters": {
        "ClientParameters": {"ClientID": "me", "ClientSecret": "hush"}, "HttpMethod": "POST",
        "AuthorizationEndpoint": f"{outside.url}/token",
        "OAuthHttpParameters": {"BodyParameters": [{"Key": "scope", "Value": "orders"}]}}}
    target = destination(events, region, name, outside, "OAUTH_CLIENT_CREDENTIALS", auth)
    (asked,) = outside.asked
    assert dict(urllib.parse.parse_qsl(asked["body"])) == {
        "grant_type": "client_credentials", "client_id": "me", "client_secret": "hush", "scope": "orders"}
    events.put_targets(Rule="all", EventBusName=name, Targets=[target])
    for number in range(2):
        put(events, name, {"n": number})
    eventually(lambda: len(outside.asked) == 3)
    assert {call["headers"]["authorization"] for call in outside.asked[1:]} == {"Bearer token-1"}
    region.advance(3600)
    put(events, name, {"n": 2})
    eventually(lambda: len(outside.asked) == 5)
    assert outside.asked[4]["headers"]["authorization"] == "Bearer token-4", "an old token is asked for anew"


def test_calls_of_an_endpoint_keep_their_rate(region, events, name, outside):
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "k"}}
    target = destination(events, region, name, outside, "API_KEY", auth, InvocationRateLimitPerSecond=1)
    events.put_targets(Rule="all", EventBusName=name, Targets=[target])
    for number in range(100):
        put(events, name, {"n": number})
    eventually(lambda: outside.asked)
    assert len(outside.asked) < 50, "one a second, and not all at once"
    region.advance(100)
    # What a busy machine answers too late comes again.
    eventually(lambda: len({asked["body"] for asked in outside.asked}) == 100)


def test_what_connections_and_destinations_must_have(events, name):
    with pytest.raises(events.exceptions.ClientError, match="BasicAuthParameters"):
        events.create_connection(Name=name, AuthorizationType="BASIC", AuthParameters={})
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.create_api_destination(
            Name=name, ConnectionArn=f"arn:aws:events:{HERE}:connection/none/1", HttpMethod="GET",
            InvocationEndpoint="https://example.com")
    with pytest.raises(events.exceptions.ResourceNotFoundException):
        events.describe_connection(Name=name)
    events.create_connection(Name=name, AuthorizationType="API_KEY", AuthParameters={
        "ApiKeyAuthParameters": {"ApiKeyName": "a", "ApiKeyValue": "b"}})
    assert [found["Name"] for found in events.list_connections(NamePrefix=name)["Connections"]] == [name]
    assert events.delete_connection(Name=name)["ConnectionState"] == "DELETING"


def test_buckets_tell_what_happens_in_them(region, events, name):
    s3, (url, arn) = region.client("s3"), queue(region, name)
    s3.create_bucket(Bucket=name)
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}, "object": {"key": [{"prefix": "in/"}]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    s3.put_object(Bucket=name, Key="out/1", Body=b"x")
    s3.put_object(Bucket=name, Key="in/a b", Body=b"hello")
    s3.delete_object(Bucket=name, Key="in/a b")
    told = [json.loads(body) for body in bodies(region, url)]
    assert sorted(event["detail-type"] for event in told) == ["Object Created", "Object Deleted"]
    (created,) = [event for event in told if event["detail-type"] == "Object Created"]
    assert created["resources"] == [f"arn:aws:s3:::{name}"]
    assert (created["detail"]["reason"], created["detail"]["object"]["size"]) == ("PutObject", 5)
    assert created["detail"]["object"]["key"] == "in/a b"


def test_calls_of_apis_are_told(region, events, name):
    url, arn = queue(region, name)
    pattern = {"source": ["aws.iam"], "detail-type": ["AWS API Call via CloudTrail"],
               "detail": {"eventName": ["CreateRole", "DeleteRole"], "requestParameters": {"roleName": [name]}}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "q", "Arn": arn}])
    iam = region.client("iam")
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.get_role(RoleName=name)
    iam.delete_role(RoleName=name)
    told = []
    eventually(lambda: told.extend(bodies(region, url)) or len(told) == 2)
    details = {event["detail"]["eventName"]: event["detail"] for event in map(json.loads, told)}
    made = details["CreateRole"]
    assert made["responseElements"]["role"]["roleName"] == name
    assert made["userIdentity"]["accountId"] == DEFAULT_ACCOUNT
    assert made["sourceIPAddress"] == "127.0.0.1" and "Boto3" in made["userAgent"]
    assert details["DeleteRole"]["readOnly"] is False
    events.remove_targets(Rule=name, Ids=["q"])
    events.delete_rule(Name=name)


def test_a_partner_fills_the_buses_of_its_customers(region, name):
    partner, customer = region.client("events", account="333333333333"), region.client("events", account="444444444444")
    source = f"aws.partner/shop.example/{name}"
    partner.create_partner_event_source(Name=source, Account="444444444444")
    assert customer.describe_event_source(Name=source)["State"] == "PENDING"
    customer.create_event_bus(Name=source, EventSourceName=source)
    assert customer.describe_event_source(Name=source)["State"] == "ACTIVE"
    sqs = region.client("sqs", account="444444444444")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:444444444444:{name}"
    policy = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    customer.put_rule(Name="all", EventBusName=source, EventPattern=json.dumps({"source": [{"prefix": "aws.partner"}]}))
    customer.put_targets(Rule="all", EventBusName=source, Targets=[{"Id": "queue", "Arn": arn, "InputPath": "$.detail"}])

    def put(number):
        return partner.put_partner_events(Entries=[
            {"Source": source, "DetailType": "order", "Detail": json.dumps({"n": number})}])

    received = lambda: [message["Body"] for message in sqs.receive_message(QueueUrl=url).get("Messages", [])]
    assert put(1)["FailedEntryCount"] == 0 and received() == ['{"n":1}']
    customer.deactivate_event_source(Name=source)
    assert put(2)["FailedEntryCount"] == 0 and received() == []
    customer.activate_event_source(Name=source)
    (account,) = partner.list_partner_event_source_accounts(EventSourceName=source)["PartnerEventSourceAccounts"]
    assert (account["Account"], account["State"]) == ("444444444444", "ACTIVE")
    partner.delete_partner_event_source(Name=source, Account="444444444444")
    assert customer.describe_event_source(Name=source)["State"] == "DELETED"
    assert put(3)["Entries"][0]["ErrorCode"] == "ResourceNotFoundException"
    with pytest.raises(customer.exceptions.ResourceNotFoundException):
        customer.create_event_bus(Name=f"{source}/other", EventSourceName=f"{source}/other")
