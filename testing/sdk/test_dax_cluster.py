"""DAX from outside: who may do what, TLS, ends of clusters and nodes, a restart of the region, how long hits take."""

import concurrent.futures
import datetime
import re
import socket

import boto3
import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, Region, allow, deny, eventually, policy

amazondax = pytest.importorskip("amazondax")


def open_cluster(region, name, role=None, nodes=1, **more):
    dax = region.client("dax")
    role = role or region.role(f"{name}-role", [allow("dynamodb:*", "*")], service="dax.amazonaws.com")
    dax.create_cluster(ClusterName=name, NodeType="dax.t3.small", ReplicationFactor=nodes, IamRoleArn=role, **more)
    return available(region, name)


def available(region, name):
    def check():
        [cluster] = region.client("dax").describe_clusters(ClusterNames=[name])["Clusters"]
        return cluster["Status"] == "available" and cluster
    return eventually(check)


def url(cluster):
    return cluster["ClusterDiscoveryEndpoint"]["URL"]


def connect(cluster, key="test", secret="test", **more):
    return amazondax.AmazonDaxClient(endpoint_url=url(cluster), region_name="us-east-1", aws_access_key_id=key,
                                     aws_secret_access_key=secret, **more)


def code(call, **input):
    with pytest.raises(ClientError) as refused:
        call(**input)
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def table(region, name):
    return make_table(region, name)


def make_table(region, name):
    dynamodb = region.client("dynamodb")
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST",
                          KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                          AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


KEY = {"pk": {"S": "a"}}


def test_callers_need_permissions_on_the_cluster(region, table):
    cluster = open_cluster(region, "guarded")
    arn = f"arn:aws:dax:us-east-1:{DEFAULT_ACCOUNT}:cache/guarded"
    iam = region.client("iam")
    iam.create_user(UserName="reader")
    iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy(
        allow(["dax:GetItem", "dax:Query"], arn), deny("dax:Query", arn)))
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    with connect(cluster) as root:
        root.put_item(TableName=table, Item={**KEY, "v": {"S": "one"}})
    with connect(cluster, key["AccessKeyId"], key["SecretAccessKey"]) as reader:
        # The user may do nothing in DynamoDB itself: the cluster's role is who reads.
        assert reader.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}
        assert code(reader.put_item, TableName=table, Item=KEY) == "AccessDeniedException"
        assert code(reader.scan, TableName=table) == "AccessDeniedException"
        query = {"KeyConditionExpression": "pk = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
        assert code(reader.query, TableName=table, **query) == "AccessDeniedException"
        # What is taken away is gone at once, in the cache as well.
        iam.delete_user_policy(UserName="reader", PolicyName="reads")
        assert code(reader.get_item, TableName=table, Key=KEY) == "AccessDeniedException"
    with pytest.raises(Exception, match="InvalidSignatureException"):
        connect(cluster, key["AccessKeyId"], "not the secret")


def test_what_the_clusters_role_lacks_is_refused(region, table):
    role = region.role("dax-weak", [allow(["dynamodb:DescribeTable", "dynamodb:GetItem"], "*")],
                       service="dax.amazonaws.com")
    cluster = open_cluster(region, "weak", role)
    region.client("dynamodb").put_item(TableName=table, Item={**KEY, "v": {"S": "one"}})
    with connect(cluster) as client:
        assert client.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}
        assert code(client.put_item, TableName=table, Item={**KEY, "v": {"S": "two"}}) == "AccessDeniedException"
        assert client.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}
        assert code(client.scan, TableName=table) == "AccessDeniedException"
    # A role that does not trust DAX.
    role = region.role("dax-stranger", [allow("dynamodb:*", "*")], service="lambda.amazonaws.com")
    cluster = open_cluster(region, "untrusted", role)
    with connect(cluster) as client:
        assert code(client.get_item, TableName=table, Key=KEY) == "AccessDeniedException"


def test_connections_end_with_their_cluster(region, table):
    cluster = open_cluster(region, "ending", nodes=2)
    endpoint = cluster["ClusterDiscoveryEndpoint"]
    with socket.create_connection((endpoint["Address"], endpoint["Port"])) as connection:
        with connect(cluster) as client:
            client.put_item(TableName=table, Item=KEY)
            region.client("dax").delete_cluster(ClusterName="ending")
            eventually(lambda: "ending" not in [c["ClusterName"] for c in
                                                region.client("dax").describe_clusters()["Clusters"]])
            with pytest.raises(Exception):
                client.get_item(TableName=table, Key=KEY)
        connection.settimeout(10)
        assert connection.recv(1) == b""
    with pytest.raises(OSError):
        socket.create_connection((endpoint["Address"], endpoint["Port"])).close()


def test_a_node_restarts_and_the_cluster_goes_on(region, table):
    cluster = open_cluster(region, "restarting", nodes=2)
    with connect(cluster) as client:
        client.put_item(TableName=table, Item={**KEY, "v": {"S": "one"}})
        rebooting = region.client("dax").reboot_node(ClusterName="restarting", NodeId="restarting-b")["Cluster"]
        assert [node["NodeStatus"] for node in rebooting["Nodes"]] == ["available", "rebooting"]
        available(region, "restarting")
        assert client.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}


def test_many_clients_at_once(region, table):
    cluster = open_cluster(region, "crowded", nodes=3)

    def work(number):
        with connect(cluster) as client:
            key = {"pk": {"S": str(number)}}
            for value in range(10):
                client.put_item(TableName=table, Item={**key, "v": {"N": str(value)}})
                assert client.get_item(TableName=table, Key=key)["Item"]["v"] == {"N": str(value)}
        return number

    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        assert sorted(threads.map(work, range(40))) == list(range(40))


def test_tls_without_a_certificate_is_refused_by_name(region):
    role = region.role("dax-tls", [allow("dynamodb:*", "*")], service="dax.amazonaws.com")
    with pytest.raises(ClientError) as refused:
        region.client("dax").create_cluster(ClusterName="tls", NodeType="dax.t3.small", ReplicationFactor=1,
                                            IamRoleArn=role, ClusterEndpointEncryptionType="TLS")
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombinationException"
    assert "--tls-certificate" in str(refused.value)


def test_hits_are_timed(region, table):
    cluster = open_cluster(region, "timed")
    with connect(cluster) as client:
        client.put_item(TableName=table, Item=KEY)
        for _ in range(100):
            client.get_item(TableName=table, Key=KEY)
    metrics = region.http("GET", "/_brume/metrics").text
    hits = re.search(r'brume_call_seconds_count\{service="dax",operation="ItemCacheHit"\} (\d+)', metrics)
    assert int(hits[1]) >= 100
    assert re.search(r'brume_call_seconds_bucket\{service="dax",operation="ItemCacheHit",le="0.00001"\} \d+', metrics)
    assert re.search(r'brume_calls_total\{service="dax",operation="PutItem",outcome="ok"\} \d+', metrics)


def certificate(folder):
    """A certificate for 127.0.0.1 that signs itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    import ipaddress
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "brume")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256()))
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return [str(path) for path in paths]


class Sealed(Region):
    """A region that speaks TLS with a certificate of its own making."""

    def __init__(self, folder):
        self.certificate, key = certificate(folder)
        super().__init__(folder, "--tls-certificate", self.certificate, "--tls-key", key)

    def _wait_until_up(self, began):
        def port():
            assert self.process.poll() is None, self.log()
            return re.search(r"Brume is up at https://127\.0\.0\.1:(\d+)", self.log())
        self.port = int(eventually(port)[1])

    def _client(self, service):
        return boto3.client(service, endpoint_url=f"https://127.0.0.1:{self.port}", verify=self.certificate,
                            region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def test_a_cluster_with_tls(tmp_path, monkeypatch):
    region = Sealed(tmp_path)
    try:
        region.start()
        table = make_table(region, "sealed")
        cluster = open_cluster(region, "sealed", ClusterEndpointEncryptionType="TLS",
                               SSESpecification={"Enabled": True})
        assert url(cluster).startswith("daxs://") and cluster["ClusterEndpointEncryptionType"] == "TLS"
        assert cluster["SSEDescription"] == {"Status": "ENABLED"}
        monkeypatch.setenv("SSL_CERT_FILE", region.certificate)
        with connect(cluster) as client:
            client.put_item(TableName=table, Item={**KEY, "v": {"S": "one"}})
            assert client.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}
        plain = open_cluster(region, "plain", region.role("plain-role", [], service="dax.amazonaws.com"))
        assert url(plain).startswith("dax://")
    finally:
        region.kill()


def test_clusters_are_there_after_a_restart_of_the_region(tmp_path):
    region = Region(tmp_path)
    region.start()
    try:
        table = make_table(region, "kept")
        cluster = open_cluster(region, "kept", nodes=2)
        with connect(cluster) as client:
            client.put_item(TableName=table, Item={**KEY, "v": {"S": "one"}})
        region.kill()
        region.start()
        again = available(region, "kept")
        assert url(again) == url(cluster)
        with connect(again) as client:
            # The list of attributes that the item travels by is known still.
            assert client.get_item(TableName=table, Key=KEY)["Item"]["v"] == {"S": "one"}
    finally:
        region.kill()
