"""A region of its own for a test: the built binary on a free port with its own data, and clients that talk to it.

The binary is $BRUME, or else the newest that cargo has built.
"""

import datetime
import functools
import http.client
import io
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time
import urllib.parse
import zipfile

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DEFAULT_ACCOUNT = "000000000000"
# What the host's own configuration of AWS clients must not change.
CLEAN_ENVIRONMENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
}
START_SECONDS = 60


@functools.lru_cache(maxsize=1)
def binary():
    """The path of the built binary; fails with a sentence when there is none."""
    if given := os.environ.get("BRUME"):
        assert pathlib.Path(given).is_file(), f"$BRUME names {given}, which is no file"
        return given
    target = os.environ.get("CARGO_TARGET_DIR")
    if not target:
        target = subprocess.run([REPOSITORY / "scripts" / "target-dir"], capture_output=True, text=True, check=True,
                                cwd=REPOSITORY).stdout.strip()
    target = pathlib.Path(target)
    built = [target / profile / "brume" for profile in ("release", "debug")]
    built = [path for path in built if path.is_file()]
    assert built, f"no binary in {target}: set BRUME, or run cargo build --release --package brume"
    return str(max(built, key=lambda path: path.stat().st_mtime))


def packages(variable, default):
    """A folder that functions find installed: named by an environment variable, or what ./test installs."""
    path = pathlib.Path(os.environ.get(variable, REPOSITORY / default))
    return path if path.is_dir() else None


def eventually(check, seconds=30, what=None, pause=0.05):
    """Calls `check` until it returns something true, and returns that. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or check.__name__}; last: {found!r}"
        time.sleep(pause)


def zip_of(files):
    """A zip archive in memory of {name: text or bytes}; every file is executable."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            bundle.writestr(entry, content)
    return archive.getvalue()


def steady_port():
    """A free port that no outgoing connection is given while its server is away, not even one to the port itself."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Answer:
    """An HTTP answer that was read whole. Header names are in lower case."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"HTTP {self.status} {self.headers} {self.text[:500]}"


class Region:
    """A server process. `data` is kept over `kill` and `start`; the port stays the same."""

    def __init__(self, folder, *flags, durability="relaxed", data=None, port=0):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.log_path = self.folder / "region.log"
        self.flags = [*flags, "--durability", durability]
        self.port = port
        self.process = None
        self.client = functools.lru_cache(maxsize=None)(self._client)

    def start(self):
        command = [binary(), "up", "--data", str(self.data), "--port", str(self.port), *self.flags]
        for flag, folder in [
            ("--python-packages", packages("BRUME_PYTHON_PACKAGES", ".brume/python")),
            ("--node-modules", packages("BRUME_NODE_MODULES", ".brume/node/node_modules")),
        ]:
            if folder:
                command += [flag, str(folder)]
        began = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._wait_until_up(began)
        return self

    def _wait_until_up(self, began):
        deadline = time.monotonic() + START_SECONDS
        while True:
            assert self.process.poll() is None, f"the region ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"the region did not start in {START_SECONDS} s:\n{self.log()}"
            said = self.log_path.read_bytes()[began:].decode("utf-8", "replace")
            _, is_up, rest = said.partition("Brume is up at http://127.0.0.1:")
            if is_up and "\n" in rest:
                self.port = int(rest.split()[0])
                if self._answers():
                    return
            time.sleep(0.01)

    def _answers(self):
        try:
            return self.api("/status")["status"] == "running"
        except OSError:
            return False

    def kill(self):
        """SIGKILL: no chance to write anything down."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait(30)

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        finally:
            self.kill()

    def log(self):
        return self.log_path.read_text("utf-8", "replace")[-8000:] if self.log_path.exists() else ""

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def session(self, region="us-east-1", account=DEFAULT_ACCOUNT, keys=None):
        key, secret, token = keys or (account, "test", None)
        return boto3.session.Session(key, secret, token, region_name=region)

    def _client(self, service, region="us-east-1", account=DEFAULT_ACCOUNT, keys=None):
        """A boto3 client that does not retry. `keys` is (access key, secret, session token or None)."""
        config = botocore.config.Config(
            retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=70, max_pool_connections=64)
        return self.session(region, account, keys).client(service, endpoint_url=self.endpoint, config=config)

    def environment(self, region="us-east-1", account=DEFAULT_ACCOUNT):
        """Environment variables that point AWS clients of other processes here."""
        return {
            **os.environ, **CLEAN_ENVIRONMENT,
            "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": region, "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "test",
        }

    def command(self, *arguments, check=True, **options):
        """`brume ARGUMENTS` against this region."""
        done = subprocess.run([binary(), *arguments], env=self.environment(), capture_output=True, text=True,
                              timeout=60, **options)
        assert not check or done.returncode == 0, f"brume {arguments}: {done.stdout}{done.stderr}"
        return done

    def http(self, method, path, body=b"", headers=None, timeout=30):
        """One plain request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)

    def sign(self, service, method, path, body=b"", headers=None, region="us-east-1", keys=None):
        """The headers of a request with a signature by botocore. `keys` is as in `client`."""
        key, secret, token = keys or (DEFAULT_ACCOUNT, "test", None)
        request = botocore.awsrequest.AWSRequest(method, self.endpoint + path, headers or {}, body)
        credentials = botocore.credentials.Credentials(key, secret, token)
        botocore.auth.SigV4Auth(credentials, service, region).add_auth(request)
        return dict(request.headers.items())

    def signed(self, service, method, path, body=b"", headers=None, timeout=30, **signer):
        headers = self.sign(service, method, path, body, headers, **signer)
        return self.http(method, path, body, headers, timeout)

    def query(self, service, version, action, path="/", account=DEFAULT_ACCOUNT, **parameters):
        """One request of the query protocol, as old clients send it: a form, and no Accept header."""
        form = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return self.signed(service, "POST", path, form, headers, keys=(account, "test", None))

    def api(self, path, body=None):
        """What the region says of itself below /_brume/api."""
        content = b"" if body is None else json.dumps(body).encode()
        answer = self.http("GET" if body is None else "POST", f"/_brume/api{path}", content)
        assert answer.status == 200, answer
        return answer.json

    def now(self):
        """The region's time, as its answers tell it."""
        return datetime.datetime.fromisoformat(self.api("/clock")["now"])

    def advance(self, seconds):
        self.api("/clock", {"advance_seconds": seconds})

    def panics(self):
        """How many requests or jobs have panicked."""
        metrics = self.http("GET", "/_brume/metrics").text
        (line,) = [line for line in metrics.splitlines() if line.startswith("brume_panics_total ")]
        return int(line.split()[1])

    def mails(self):
        answer = self.http("GET", "/_brume/mail")
        assert answer.status == 200, answer
        return answer.json["mails"]

    def role(self, name, statements, service="lambda.amazonaws.com", trust=None):
        """Makes a role with one inline policy and returns its ARN."""
        iam = self.client("iam")
        trust = trust or {"Service": service}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"}],
        }))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="work", PolicyDocument=policy(*statements))
        return arn

    def function(self, name, code, runtime="python3.12", handler="index.handler", statements=(), code_name=None,
                 **settings):
        """Makes a function of `code` (a text, or a whole zip) with a role of its own, waits until it can be invoked."""
        logs = allow("logs:*", "*")
        if isinstance(code, str):
            code = zip_of({code_name or ("index.mjs" if runtime.startswith("nodejs") else "index.py"): code})
        client = self.client("lambda")
        created = client.create_function(
            FunctionName=name, Runtime=runtime, Handler=handler, Role=self.role(f"{name}-role", [logs, *statements]),
            Code={"ZipFile": code}, **settings)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
        return created["FunctionArn"]


def allow(actions, resource, **more):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def deny(actions, resource, **more):
    return {"Effect": "Deny", "Action": actions, "Resource": resource, **more}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
