"""Requests that no client would send: each gets an AWS error, and the region goes on."""

import datetime
import json
import shutil
import socket
import subprocess
import time

import botocore.auth
import pytest

from brume_region import policy

JSON = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PATIENCE = 20


@pytest.fixture(autouse=True)
def still_answers(region):
    """After every test the region must answer as before."""
    yield
    answer = region.signed("sqs", "POST", "/", b"{}", JSON)
    assert answer.status == 200, answer


@pytest.fixture(scope="module")
def keys(region):
    """The access key of a user who may use SQS."""
    iam = region.client("iam")
    iam.create_user(UserName="known")
    iam.put_user_policy(UserName="known", PolicyName="sqs", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}))
    key = iam.create_access_key(UserName="known")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"], None


def raw(region, data, half_close=False):
    """Sends bytes as they are and returns (status, whole answer); fails when there is no answer."""
    with socket.create_connection(("127.0.0.1", region.port), PATIENCE) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it may have answered before it has read everything
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while b"\r\n\r\n" not in answer:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
            head, _, body = answer.partition(b"\r\n\r\n")
            length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")]
            while length and len(body) < int(length[0]) and (part := connection.recv(65536)):
                body += part
                answer += part
        except TimeoutError:
            pytest.fail(f"no answer within {PATIENCE} s; so far {answer!r}")
    assert answer.startswith(b"HTTP/1."), f"closed without an answer: {answer!r}"
    return int(answer.split()[1]), answer.decode("utf-8", "replace")


def code_of(answer):
    """The error's code, in whichever protocol."""
    if answer.body.lstrip().startswith(b"{"):
        named = answer.headers.get("x-amzn-errortype") or answer.json.get("__type") or answer.json.get("code", "")
        return named.split(":")[0].rpartition("#")[2]
    assert "<Code>" in answer.text, answer
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


def assert_refused(answer, code, status=400):
    assert (code_of(answer), answer.status) == (code, status), answer
    assert answer.headers.get("x-amzn-requestid"), answer


@pytest.mark.parametrize("body", [
    b"{", b"[", b"[]", b"null", b"1", b'"text"', b'{"QueueNamePrefix": 1}', b'{"QueueNamePrefix": {}}',
    b'{"MaxResults": "many"}', b'{"QueueNamePrefix": "\xff\xfe"}', b"\x00\x01\x02", b"{'a': 1}", b'{"a": 1,}',
    b'{"a": 1} trailing', b'{"MaxResults": 1e400}', b'{"MaxResults": 99999999999999999999}',
    b'{"QueueNamePrefix": "\\x"}', b"[" * 100_000, b'{"a":' * 100_000,
])
def test_malformed_json(region, body):
    answer = region.signed("sqs", "POST", "/", body, JSON)
    assert answer.status == 400, answer
    assert code_of(answer) in ("SerializationException", "ValidationException", "InvalidParameterValue"), answer


def test_half_a_surrogate_pair_is_refused_or_replaced(region):
    answer = region.signed("sqs", "POST", "/", b'{"QueueNamePrefix": "\\ud800"}', JSON)
    assert answer.status == 200 or code_of(answer) == "SerializationException", answer


def test_deep_but_unknown_members_are_passed_over_or_refused(region):
    nested = b'{"unknown": ' + b"[" * 100 + b"]" * 100 + b"}"
    assert region.signed("sqs", "POST", "/", nested, JSON).status in (200, 400)


@pytest.mark.parametrize("body, code", [
    (b"", "MissingAction"), (b"Action=", "InvalidAction"), (b"Action=Nonsense&Version=2012-11-05", "InvalidAction"),
    (b"Version=2012-11-05", "MissingAction"), (b"%zz=%", "MissingAction"), (b"&&&==&", "MissingAction"),
    (b"Action=GetQueueUrl&Version=2012-11-05", "MissingParameter"),
    (b"Action=GetQueueUrl&Version=2012-11-05&QueueName=%ff%fe", None),
    (b"Action=GetQueueAttributes&Version=2012-11-05&QueueUrl=x&AttributeName.99999999999999=All", None),
    (b"Action=ReceiveMessage&Version=2012-11-05&QueueUrl=x&MaxNumberOfMessages=ten", None),
])
def test_malformed_forms(region, body, code):
    answer = region.signed("sqs", "POST", "/", body, FORM)
    assert answer.status in (400, 404), answer
    assert code_of(answer) == code if code else code_of(answer), answer


@pytest.mark.parametrize("content_type", [
    "text/plain", "application/xml", "", ";;;", "application/x-amz-json-9.9", "multipart/form-data; boundary=x",
    "application/json; charset=utf-16", "x" * 2000,
])
def test_wrong_content_types(region, content_type):
    headers = {**JSON, "Content-Type": content_type}
    answer = region.signed("sqs", "POST", "/", b"<xml/>", headers)
    assert 400 <= answer.status < 500 and code_of(answer), answer


@pytest.mark.parametrize("target, code", [
    ("AmazonSQS.Nonsense", "UnknownOperationException"), ("AmazonSQS.", "UnknownOperationException"),
    ("Nonsense.ListQueues", "UnknownOperationException"), ("." * 1000, "UnknownOperationException"),
])
def test_unknown_operations(region, target, code):
    answer = region.signed("sqs", "POST", "/", b"{}", {**JSON, "X-Amz-Target": target})
    assert code_of(answer) == code and answer.status in (400, 404), answer


def test_unknown_rest_paths(region):
    answer = region.signed("lambda", "GET", "/2015-03-31/nonsense")
    assert code_of(answer) == "UnknownOperationException" and answer.status in (403, 404), answer


def test_an_operation_that_is_not_implemented_says_its_name(region):
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.EnableKinesisStreamingDestination"}
    answer = region.signed("dynamodb", "POST", "/", b'{"TableName": "orders", "StreamArn": "arn"}', headers)
    assert answer.status == 501 and "EnableKinesisStreamingDestination" in answer.text, answer


def test_unknown_services(region):
    answer = region.signed("braket", "POST", "/", b"{}", {"Content-Type": "application/json"})
    assert_refused(answer, "NotImplemented", 501)
    assert "braket" in answer.text and answer.text.startswith("{"), "a client that sends JSON reads JSON"
    answer = region.signed("braket", "GET", "/", b"", {})
    assert answer.status == 501 and answer.text.startswith("<"), answer


@pytest.mark.parametrize("name", ["us-nowhere-1", "", "../../etc", "us-east-1%00", "x" * 500])
def test_unknown_regions(region, name):
    if not name:
        headers = region.sign("sqs", "POST", "/", b"{}", JSON)
        headers["Authorization"] = headers["Authorization"].replace("/us-east-1/", "//")
        answer = region.http("POST", "/", b"{}", headers)
    else:
        answer = region.signed("sqs", "POST", "/", b"{}", JSON, region=name)
    assert answer.status in (400, 403), answer
    assert code_of(answer) in ("InvalidSignatureException", "IncompleteSignatureException"), answer


@pytest.mark.parametrize("authorization", [
    "", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=a/b/c, Signature=d",
    "AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/sqs/aws4_request", "Bearer token", "Basic dGVzdDp0ZXN0",
    "AWS test:signature", "AWS4-HMAC-SHA256 " + "Credential=x," * 1000, "AWS4-HMAC-SHA256 Credential=\xe9/,",
])
def test_malformed_authorization(region, authorization):
    answer = region.http("POST", "/", b"{}", {**JSON, "Authorization": authorization.encode("latin-1")})
    assert answer.status in (400, 403), answer
    assert code_of(answer) in ("IncompleteSignatureException", "MissingAuthenticationTokenException",
                               "InvalidSignatureException"), answer


def test_no_signature_at_all(region):
    assert_refused(region.http("POST", "/", b"{}", JSON), "MissingAuthenticationTokenException")
    assert_refused(region.http("POST", "/", b"Action=ListTopics&Version=2010-03-31", FORM),
                   "MissingAuthenticationToken", 403)
    answer = region.http("GET", "/2015-03-31/functions")
    assert answer.status == 403 and code_of(answer).startswith("MissingAuthenticationToken"), answer


@pytest.mark.parametrize("path, status", [
    ("/", 403), ("/favicon.ico", 403), ("/../../../../etc/passwd", 403), ("/%2e%2e/%2e%2e/etc/passwd", 403),
    ("/_brume/../../../etc/passwd", 404), ("/_brume/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404), ("//", 403),
    ("/_brume/api/nonsense", 404), ("/restapis/nope/prod/_user_request_/x", 403), ("/%00", 403),
    ("/" + "a" * 30_000, 403),
])
def test_path_tricks(region, path, status):
    answered, text = raw(region, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    assert answered in (status, 400, 403, 404), text
    assert "root:" not in text


def test_path_tricks_with_a_signature(region):
    for path in ["/000000000000/..%2f..%2fsecret", "/000000000000/%00", "/111122223333/x/../y", "/" + "x/" * 5000]:
        answer = region.signed("sqs", "POST", path, b"Action=GetQueueAttributes&Version=2012-11-05", FORM)
        assert 400 <= answer.status < 500 and code_of(answer), (path, answer)


def test_many_headers(region):
    lines = "".join(f"X-Header-{number}: {'v' * 100}\r\n" for number in range(5000))
    status, text = raw(region, f"POST / HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: 0\r\n\r\n".encode())
    assert status in (400, 431), text


def test_one_long_header(region):
    status, text = raw(region, b"POST / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"v" * 1_000_000 + b"\r\n\r\n")
    assert status in (400, 431), text


@pytest.mark.parametrize("data", [
    b"NONSENSE\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x00\x05hello\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost x\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: nonsense\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nBad\x00Name: v\r\n\r\n",
])
def test_what_is_not_http(region, data):
    status, text = raw(region, data)
    assert status == 400 or status == 413, text


def test_a_body_over_the_limit(region):
    limit = 20 * 1024 * 1024
    answer = region.signed("sqs", "POST", "/", b"x" * (limit + 1), JSON)
    assert_refused(answer, "RequestEntityTooLargeException", 413)


def test_a_body_announced_too_large_is_refused_before_it_comes(region):
    head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
    began = time.monotonic()
    status, text = raw(region, head.encode())
    assert status == 413 and time.monotonic() - began < 5, text


def test_truncated_bodies(region):
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-amz-json-1.0\r\n"
    for rest in [
        b"Content-Length: 100\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    ]:
        status, text = raw(region, head + rest, half_close=True)
        assert status == 400 and "IncompleteBody" in text, (rest, text)


def test_chunked_bodies_that_are_whole_work(region):
    headers = region.sign("sqs", "POST", "/", b"{}", {**JSON, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD"})
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name.lower() != "content-length")
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{region.port}\r\n{lines}Transfer-Encoding: chunked\r\n\r\n"
    status, text = raw(region, head.encode() + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n")
    assert status == 200, text


def test_a_known_keys_signature_is_verified(region, keys):
    assert region.signed("sqs", "POST", "/", b"{}", JSON, keys=keys).status == 200
    wrong = (keys[0], "not the secret", None)
    assert_refused(region.signed("sqs", "POST", "/", b"{}", JSON, keys=wrong), "InvalidSignatureException")
    answer = region.signed("sns", "POST", "/", b"Action=ListTopics&Version=2010-03-31", FORM, keys=wrong)
    assert_refused(answer, "SignatureDoesNotMatch", 403)
    answer = region.signed("lambda", "GET", "/2015-03-31/functions", keys=wrong)
    assert_refused(answer, "InvalidSignatureException", 403)


def test_what_was_signed_cannot_be_changed(region, keys):
    headers = region.sign("sqs", "POST", "/", b'{"QueueNamePrefix": "a"}', JSON, keys=keys)
    assert_refused(region.http("POST", "/", b'{"QueueNamePrefix": "b"}', headers), "InvalidSignatureException")
    assert_refused(region.http("POST", "/?x=1", b'{"QueueNamePrefix": "a"}', headers), "InvalidSignatureException")
    other = {**headers, "X-Amz-Target": "AmazonSQS.CreateQueue"}
    assert_refused(region.http("POST", "/", b'{"QueueNamePrefix": "a"}', other), "InvalidSignatureException")
    assert region.http("POST", "/", b'{"QueueNamePrefix": "a"}', headers).status == 200


@pytest.mark.parametrize("minutes, word", [(-16, "expired"), (-60 * 24, "expired"), (16, "not yet current")])
def test_a_signature_of_another_time_is_refused(region, keys, monkeypatch, minutes, word):
    now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now)
    answer = region.signed("sqs", "POST", "/", b"{}", JSON, keys=keys)
    assert_refused(answer, "InvalidSignatureException")
    assert word in answer.text.lower(), answer
    monkeypatch.undo()
    assert region.signed("sqs", "POST", "/", b"{}", JSON, keys=keys).status == 200


def test_a_clock_that_is_off_by_less_is_fine(region, keys, monkeypatch):
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=14)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: now)
    assert region.signed("sqs", "POST", "/", b"{}", JSON, keys=keys).status == 200


def test_a_token_that_was_not_given_out_is_refused(region, keys):
    with_token = (keys[0], keys[1], "nonsense")
    assert_refused(region.signed("sqs", "POST", "/", b"{}", JSON, keys=with_token), "UnrecognizedClientException")
    session = region.client("sts", keys=keys).get_session_token()["Credentials"]
    good = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert region.signed("sqs", "POST", "/", b"{}", JSON, keys=good).status == 200
    for token in (None, good[2][:-1] + ("a" if good[2][-1] != "a" else "b"), ""):
        answer = region.signed("sqs", "POST", "/", b"{}", JSON, keys=(good[0], good[1], token))
        assert_refused(answer, "UnrecognizedClientException")


def test_a_page_of_another_site_may_not_use_unknown_keys(region, keys):
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        answer = region.signed("sqs", "POST", "/", b"{}", {**JSON, **headers})
        assert answer.status == 403 and code_of(answer).startswith("AccessDenied"), answer
    answer = region.signed("sqs", "POST", "/", b"{}", {**JSON, "Origin": "https://evil.example"}, keys=keys)
    assert answer.status == 200, answer
    answer = region.signed("sqs", "POST", "/", b"{}", {**JSON, "Origin": "http://localhost:3000"})
    assert answer.status == 200 and answer.headers["access-control-allow-origin"] == "http://localhost:3000", answer


def test_a_page_of_another_site_may_not_use_the_operators_pages(region):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        answer = region.http("POST", "/_brume/api/clock", b'{"advance_seconds": 1}', headers)
        assert answer.status == 403, answer


def test_the_operators_pages_name_mistakes(region):
    for body in (b"", b"{", b"[]", b'{"advance_seconds": -1}', b'{"advance_seconds": 1e99}'):
        answer = region.http("POST", "/_brume/api/clock", body)
        assert answer.status == 400 and answer.json["error"], answer
    assert region.http("GET", "/_brume/api/trace?id=nonsense").status == 400
    assert region.http("DELETE", "/_brume/api/clock").status == 405


def test_http2_with_prior_knowledge(region):
    curl = shutil.which("curl")
    version = subprocess.run([curl, "--version"], capture_output=True, text=True).stdout if curl else ""
    if "HTTP2" not in version:
        pytest.skip("there is no curl with HTTP/2 here")
    headers = region.sign("sqs", "POST", "/", b"{}", JSON)
    lines = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    ask = [curl, "-sS", "--http2-prior-knowledge", "--max-time", str(PATIENCE), "-w", "\n%{http_version} %{http_code}"]
    done = subprocess.run([*ask, *lines, "--data", "{}", f"{region.endpoint}/"], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "2 200", done
    done = subprocess.run([*ask, "--data", "{", f"{region.endpoint}/"], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "2 403" and "MissingAuthenticationToken" in done.stdout, done


def test_a_slow_client_does_not_hold_up_others(region):
    idle = [socket.create_connection(("127.0.0.1", region.port)) for _ in range(200)]
    for connection in idle:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le")
    began = time.monotonic()
    assert region.signed("sqs", "POST", "/", b"{}", JSON).status == 200
    assert time.monotonic() - began < 5
    for connection in idle:
        connection.close()


def test_requests_in_one_pipeline_are_answered_in_order(region):
    one = b"GET /_brume/api/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with socket.create_connection(("127.0.0.1", region.port), PATIENCE) as connection:
        connection.sendall(one * 20 + last)
        answers = b""
        while part := connection.recv(65536):
            answers += part
    assert answers.count(b"HTTP/1.1 200") == 21


def test_json_bodies_of_every_service(region):
    """Small wrecks of bodies, to every service and protocol."""
    wrecks = [b"", b"{", b"null", b"[[[", b"<a><b>", b"\xff" * 100, json.dumps({"a": [{}] * 50}).encode()]
    targets = [
        ("dynamodb", "/", "POST", {"X-Amz-Target": "DynamoDB_20120810.PutItem",
                                   "Content-Type": "application/x-amz-json-1.0"}),
        ("logs", "/", "POST", {"X-Amz-Target": "Logs_20140328.PutLogEvents",
                               "Content-Type": "application/x-amz-json-1.1"}),
        ("sns", "/", "POST", FORM), ("iam", "/", "POST", FORM), ("sts", "/", "POST", FORM),
        ("lambda", "/2015-03-31/functions", "POST", {"Content-Type": "application/json"}),
        ("lambda", "/2015-03-31/event-source-mappings", "POST", {"Content-Type": "application/json"}),
        ("apigateway", "/restapis", "POST", {"Content-Type": "application/json"}),
    ]
    for service, path, method, headers in targets:
        for wreck in wrecks:
            answer = region.signed(service, method, path, wreck, headers)
            assert 400 <= answer.status < 500, (service, wreck, answer)
            assert code_of(answer), (service, wreck, answer)
