"""KMS: what its ciphertexts, signatures and wrapped keys are to others' cryptography, and who may use a key."""

import datetime
import json

import botocore.session
import pytest
from botocore.exceptions import ClientError

from brume_region import DEFAULT_ACCOUNT, Region, allow

cryptography = pytest.importorskip("cryptography")
from cryptography.exceptions import InvalidSignature  # noqa: E402
from cryptography.hazmat.primitives import hashes, hmac, keywrap, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: E402

DAY = 86_400
HASHES = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}


@pytest.fixture
def kms(region):
    return region.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["KeyId"]


def code_of(refused):
    return refused.value.response["Error"]["Code"]


def public_key(kms, key):
    return serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])


def user(region, name, *statements):
    """A client of a user with these statements, and the user's ARN."""
    iam = region.client("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="work", PolicyDocument=document)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    return region.client("kms", keys=(made["AccessKeyId"], made["SecretAccessKey"], None)), arn


def test_a_key_encrypts_and_decrypts_with_its_context(kms, key):
    blob = kms.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext={"a": "1"})["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "1"})
    assert opened["Plaintext"] == b"text" and opened["KeyId"].endswith(key)
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=blob)


def test_the_model_checks_what_requests_bring(kms, key):
    with pytest.raises(ClientError) as refused:
        kms.encrypt(KeyId=key, Plaintext=b"x" * 4097)
    assert code_of(refused) == "ValidationException"


@pytest.mark.parametrize("spec, algorithms", [
    ("RSA_2048", ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_512", "RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384"]),
    ("ECC_NIST_P256", ["ECDSA_SHA_256"]),
    ("ECC_NIST_P384", ["ECDSA_SHA_384"]),
    ("ECC_NIST_P521", ["ECDSA_SHA_512"]),
    ("ECC_SECG_P256K1", ["ECDSA_SHA_256"]),
])
def test_signatures_verify_with_another_library(kms, spec, algorithms):
    key = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    public = public_key(kms, key)
    for algorithm in algorithms:
        kind = HASHES[algorithm[-3:]]()
        digest = hashes.Hash(kind)
        digest.update(b"message")
        signed = [
            kms.sign(KeyId=key, Message=b"message", SigningAlgorithm=algorithm)["Signature"],
            kms.sign(KeyId=key, Message=digest.finalize(), MessageType="DIGEST", SigningAlgorithm=algorithm)["Signature"],
        ]
        for signature in signed:
            if spec.startswith("ECC"):
                arguments = [ec.ECDSA(kind)]
            elif "PSS" in algorithm:
                arguments = [padding.PSS(padding.MGF1(kind), kind.digest_size), kind]
            else:
                arguments = [padding.PKCS1v15(), kind]
            public.verify(signature, b"message", *arguments)
            with pytest.raises(InvalidSignature):
                public.verify(signature, b"another", *arguments)
            assert kms.verify(KeyId=key, Message=b"message", Signature=signature,
                              SigningAlgorithm=algorithm)["SignatureValid"]


def test_signatures_of_another_library_verify_here(kms):
    """An elliptic-curve key is imported, so that both have it; half of such signatures have a high s."""
    private = ec.generate_private_key(ec.SECP256K1())
    key = kms.create_key(KeySpec="ECC_SECG_P256K1", KeyUsage="SIGN_VERIFY", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    material = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
    load(kms, key, material)
    for _ in range(8):
        signature = private.sign(b"message", ec.ECDSA(hashes.SHA256()))
        kms.verify(KeyId=key, Message=b"message", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")
    r, s = utils.decode_dss_signature(signature)
    wrong = utils.encode_dss_signature(r, s ^ 1)
    with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
        kms.verify(KeyId=key, Message=b"message", Signature=wrong, SigningAlgorithm="ECDSA_SHA_256")


@pytest.mark.parametrize("algorithm, kind", [("RSAES_OAEP_SHA_1", hashes.SHA1), ("RSAES_OAEP_SHA_256", hashes.SHA256)])
def test_what_another_library_encrypts_with_the_public_key_is_decrypted(kms, algorithm, kind):
    key = kms.create_key(KeySpec="RSA_3072", KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["KeyId"]
    oaep = padding.OAEP(padding.MGF1(kind()), kind(), None)
    blob = public_key(kms, key).encrypt(b"text", oaep)
    assert kms.decrypt(KeyId=key, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)["Plaintext"] == b"text"
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(KeyId=key, CiphertextBlob=blob[:-1] + b"\0", EncryptionAlgorithm=algorithm)


def load(kms, key, material, wrapping="RSA_AES_KEY_WRAP_SHA_256", **more):
    """Imports material that is wrapped by another library."""
    parameters = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=wrapping, WrappingKeySpec="RSA_2048")
    public = serialization.load_der_public_key(parameters["PublicKey"])
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    if wrapping == "RSAES_OAEP_SHA_256":
        wrapped = public.encrypt(material, oaep)
    else:
        wrapped = public.encrypt(b"k" * 32, oaep) + keywrap.aes_key_wrap_with_padding(b"k" * 32, material)
    more = more or {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return kms.import_key_material(KeyId=key, ImportToken=parameters["ImportToken"], EncryptedKeyMaterial=wrapped, **more)


def test_imported_secrets_authenticate_as_elsewhere_until_they_expire(region, kms):
    key = kms.create_key(KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC", Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    now = datetime.datetime.now(datetime.timezone.utc)
    load(kms, key, b"m" * 48, "RSAES_OAEP_SHA_256", ValidTo=now + datetime.timedelta(days=20))
    code = kms.generate_mac(KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_384")["Mac"]
    expected = hmac.HMAC(b"m" * 48, hashes.SHA384())
    expected.update(b"message")
    assert code == expected.finalize()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    kms.delete_imported_key_material(KeyId=key)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.generate_mac(KeyId=key, Message=b"message", MacAlgorithm="HMAC_SHA_384")


def test_data_key_pairs_are_pairs(kms, key):
    for spec in ("RSA_2048", "ECC_NIST_P384"):
        pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec=spec)
        private = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
        public = private.public_key().public_bytes(serialization.Encoding.DER,
                                                   serialization.PublicFormat.SubjectPublicKeyInfo)
        assert public == pair["PublicKey"]
        assert kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"] == pair["PrivateKeyPlaintext"]


def test_two_parties_agree_on_a_secret(kms):
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["KeyId"]
    own = ec.generate_private_key(ec.SECP256R1())
    public = own.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    derived = kms.derive_shared_secret(KeyId=key, KeyAgreementAlgorithm="ECDH", PublicKey=public)["SharedSecret"]
    assert derived == own.exchange(ec.ECDH(), public_key(kms, key))


def test_rsa_keys_have_their_length(kms):
    key = kms.create_key(KeySpec="RSA_4096", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    assert isinstance(public_key(kms, key), rsa.RSAPublicKey) and public_key(kms, key).key_size == 4096


def test_policies_and_grants_decide_together(region, kms, key, name):
    ann, ann_arn = user(region, f"{name}-ann")
    bob, bob_arn = user(region, f"{name}-bob", allow("kms:Encrypt", "*"))
    with pytest.raises(ClientError) as refused:
        ann.encrypt(KeyId=key, Plaintext=b"x")
    assert code_of(refused) == "AccessDeniedException"
    bob.encrypt(KeyId=key, Plaintext=b"x")
    policy = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    policy["Statement"].append(allow("kms:Encrypt", "*", Principal={"AWS": ann_arn},
                                     Condition={"StringEquals": {"kms:EncryptionContext:for": "ann"}}))
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    blob = ann.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"for": "ann"})["CiphertextBlob"]
    with pytest.raises(ClientError):
        ann.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"for": "bob"})
    grant = kms.create_grant(KeyId=key, GranteePrincipal=bob_arn, RetiringPrincipal=ann_arn, Operations=["Decrypt"],
                             Constraints={"EncryptionContextSubset": {"for": "ann"}})
    assert bob.decrypt(CiphertextBlob=blob, EncryptionContext={"for": "ann"})["Plaintext"] == b"x"
    ann.retire_grant(GrantToken=grant["GrantToken"])
    with pytest.raises(ClientError) as refused:
        bob.decrypt(CiphertextBlob=blob, EncryptionContext={"for": "ann"})
    assert code_of(refused) == "AccessDeniedException"


def test_a_policy_that_locks_its_author_out_is_refused(region, kms, key, name):
    _, arn = user(region, name)
    policy = {"Version": "2012-10-17", "Statement": [allow("kms:*", "*", Principal={"AWS": arn})]}
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))


def test_aliases_lead_to_keys(kms, key, name):
    kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    assert kms.describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["KeyId"] == key
    pages = kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1})
    assert f"alias/{name}" in [alias["AliasName"] for page in pages for alias in page["Aliases"]]
    kms.delete_alias(AliasName=f"alias/{name}")
    with pytest.raises(kms.exceptions.NotFoundException):
        kms.describe_key(KeyId=f"alias/{name}")


def test_keys_outlive_a_crash_and_die_on_their_day(tmp_path):
    region = Region(tmp_path)
    region.start()
    try:
        kms = region.client("kms")
        key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
        blob = kms.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
        kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
        region.kill()
        region.start()
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
        there = region.client("kms", region="eu-west-1")
        assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
        there.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        region.advance(8 * DAY)
        with pytest.raises(ClientError) as refused:
            for _ in range(200):
                there.describe_key(KeyId=key)
        assert code_of(refused) == "NotFoundException"
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"text"
    finally:
        region.kill()


def test_the_aws_encryption_sdk_works_with_it(region, kms, key, monkeypatch):
    sdk = pytest.importorskip("aws_encryption_sdk")
    arn = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", region.endpoint)
    session = botocore.session.get_session()
    session.set_credentials(DEFAULT_ACCOUNT, "test")
    session.set_config_variable("region", "us-east-1")
    provider = sdk.StrictAwsKmsMasterKeyProvider(key_ids=[arn], botocore_session=session)
    client = sdk.EncryptionSDKClient()
    text = b"a long text " * 10_000
    sealed, _ = client.encrypt(source=text, key_provider=provider, encryption_context={"a": "1"})
    opened, header = client.decrypt(source=sealed, key_provider=provider)
    assert opened == text and header.encryption_context["a"] == "1"
    kms.disable_key(KeyId=key)
    with pytest.raises(sdk.exceptions.DecryptKeyError):
        client.decrypt(source=sealed, key_provider=provider)
