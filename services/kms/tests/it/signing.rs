//! Sign, Verify, public keys, authentication codes, shared secrets, data key pairs.

use cloud::Ctx;
use kms_api::op::{
    DeriveSharedSecret, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext, GenerateMac, GetPublicKey,
    Sign, Verify, VerifyMac,
};
use kms_api::{
    DeriveSharedSecretInput, GenerateDataKeyPairInput, GenerateDataKeyPairWithoutPlaintextInput,
    GenerateMacInput, GetPublicKeyInput, SignInput, VerifyInput, VerifyMacInput,
};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use shapes::{ApiError, Blob};

use crate::kit::{create, decrypt_with, key, name, region, root};

async fn key_of(ctx: &Ctx, spec: &str, usage: &str) -> String {
    let made = create(ctx, |input| {
        input.key_spec = Some(spec.to_owned());
        input.key_usage = Some(usage.to_owned());
    });
    made.await.unwrap().key_id
}

async fn sign(ctx: &Ctx, key: &str, algorithm: &str, kind: &str, message: &[u8]) -> Result<Blob, ApiError> {
    let input = SignInput {
        key_id: key.to_owned(),
        message: Blob::copy_from_slice(message),
        message_type: Some(kind.to_owned()),
        signing_algorithm: algorithm.to_owned(),
        ..SignInput::default()
    };
    Ok(ctx.call::<Sign>(input).await?.signature.unwrap())
}

async fn verify(ctx: &Ctx, key: &str, algorithm: &str, message: &[u8], signature: &Blob) -> String {
    let input = VerifyInput {
        key_id: key.to_owned(),
        message: Blob::copy_from_slice(message),
        signature: signature.clone(),
        signing_algorithm: algorithm.to_owned(),
        ..VerifyInput::default()
    };
    name(ctx.call::<Verify>(input).await)
}

async fn public_key(ctx: &Ctx, key: &str) -> Blob {
    let input = GetPublicKeyInput { key_id: key.to_owned(), grant_tokens: None };
    ctx.call::<GetPublicKey>(input).await.unwrap().public_key.unwrap()
}

#[tokio::test]
async fn every_signing_algorithm_signs_messages_and_digests() {
    let region = region();
    let ctx = root(&region);
    for (spec, algorithms) in [
        ("ECC_NIST_P256", &["ECDSA_SHA_256"][..]),
        ("ECC_NIST_P384", &["ECDSA_SHA_384"]),
        ("ECC_NIST_P521", &["ECDSA_SHA_512"]),
        ("ECC_SECG_P256K1", &["ECDSA_SHA_256"]),
        (
            "RSA_2048",
            &[
                "RSASSA_PKCS1_V1_5_SHA_256",
                "RSASSA_PKCS1_V1_5_SHA_384",
                "RSASSA_PKCS1_V1_5_SHA_512",
                "RSASSA_PSS_SHA_256",
                "RSASSA_PSS_SHA_384",
                "RSASSA_PSS_SHA_512",
            ],
        ),
    ] {
        let key = key_of(&ctx, spec, "SIGN_VERIFY").await;
        for algorithm in algorithms {
            let signature = sign(&ctx, &key, algorithm, "RAW", b"message").await.unwrap();
            assert_eq!(
                verify(&ctx, &key, algorithm, b"message", &signature).await,
                "fine",
                "{spec} {algorithm}"
            );
            let other = verify(&ctx, &key, algorithm, b"messagf", &signature).await;
            assert_eq!(other, "KMSInvalidSignatureException");
            let digest = match algorithm.rsplit('_').next() {
                Some("384") => ring::digest::digest(&ring::digest::SHA384, b"message"),
                Some("512") => ring::digest::digest(&ring::digest::SHA512, b"message"),
                _ => ring::digest::digest(&ring::digest::SHA256, b"message"),
            };
            let of_digest = sign(&ctx, &key, algorithm, "DIGEST", digest.as_ref()).await.unwrap();
            assert_eq!(verify(&ctx, &key, algorithm, b"message", &of_digest).await, "fine");
            let short = sign(&ctx, &key, algorithm, "DIGEST", b"short").await;
            assert_eq!(name(short), "ValidationException");
        }
        let wrong = if spec.starts_with("RSA") { "ECDSA_SHA_256" } else { "RSASSA_PSS_SHA_256" };
        assert_eq!(name(sign(&ctx, &key, wrong, "RAW", b"x").await), "InvalidKeyUsageException");
    }
}

#[tokio::test]
async fn signatures_verify_elsewhere_with_the_public_key() {
    let region = region();
    let ctx = root(&region);
    let cases: [(&str, &str, &'static dyn VerificationAlgorithm, usize); 4] = [
        // What comes before the point or the key itself in SubjectPublicKeyInfo has a fixed length.
        ("ECC_NIST_P256", "ECDSA_SHA_256", &ECDSA_P256_SHA256_ASN1, 26),
        ("ECC_NIST_P384", "ECDSA_SHA_384", &ECDSA_P384_SHA384_ASN1, 23),
        ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256", &RSA_PKCS1_2048_8192_SHA256, 24),
        ("RSA_2048", "RSASSA_PSS_SHA_512", &RSA_PSS_2048_8192_SHA512, 24),
    ];
    for (spec, algorithm, verification, head) in cases {
        let key = key_of(&ctx, spec, "SIGN_VERIFY").await;
        let public = public_key(&ctx, &key).await;
        let signature = sign(&ctx, &key, algorithm, "RAW", b"message").await.unwrap();
        let public = UnparsedPublicKey::new(verification, &public[head..]);
        assert!(public.verify(b"message", &signature).is_ok(), "{spec} {algorithm}");
    }
}

#[tokio::test]
async fn keys_do_what_they_are_for_and_nothing_else() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let error = sign(&ctx, &key, "ECDSA_SHA_256", "RAW", b"x").await.unwrap_err();
    assert_eq!(error.name(), "InvalidKeyUsageException");
    assert!(
        error.message().ends_with("key usage is ENCRYPT_DECRYPT which is not valid for Sign."),
        "{error}"
    );
    let input = GetPublicKeyInput { key_id: key, grant_tokens: None };
    assert_eq!(name(ctx.call::<GetPublicKey>(input).await), "UnsupportedOperationException");
}

#[tokio::test]
async fn authentication_codes_are_verified() {
    let region = region();
    let ctx = root(&region);
    for (spec, algorithm, length) in [
        ("HMAC_224", "HMAC_SHA_224", 28),
        ("HMAC_256", "HMAC_SHA_256", 32),
        ("HMAC_384", "HMAC_SHA_384", 48),
        ("HMAC_512", "HMAC_SHA_512", 64),
    ] {
        let key_id = key_of(&ctx, spec, "GENERATE_VERIFY_MAC").await;
        let input = GenerateMacInput {
            key_id: key_id.clone(),
            message: Blob::from_static(b"message"),
            mac_algorithm: algorithm.to_owned(),
            ..GenerateMacInput::default()
        };
        let mac = ctx.call::<GenerateMac>(input).await.unwrap().mac.unwrap();
        assert_eq!(mac.len(), length);
        for (message, expected) in [(&b"message"[..], "fine"), (b"other", "KMSInvalidMacException")] {
            let input = VerifyMacInput {
                key_id: key_id.clone(),
                message: Blob::copy_from_slice(message),
                mac_algorithm: algorithm.to_owned(),
                mac: mac.clone(),
                ..VerifyMacInput::default()
            };
            assert_eq!(name(ctx.call::<VerifyMac>(input).await), expected);
        }
    }
}

#[tokio::test]
async fn two_keys_agree_on_a_secret() {
    let region = region();
    let ctx = root(&region);
    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"] {
        let (one, other) =
            (key_of(&ctx, spec, "KEY_AGREEMENT").await, key_of(&ctx, spec, "KEY_AGREEMENT").await);
        let derive = async |own: &str, public: Blob| {
            let input = DeriveSharedSecretInput {
                key_id: own.to_owned(),
                key_agreement_algorithm: "ECDH".to_owned(),
                public_key: public,
                ..DeriveSharedSecretInput::default()
            };
            ctx.call::<DeriveSharedSecret>(input).await
        };
        let mine = derive(&one, public_key(&ctx, &other).await).await.unwrap().shared_secret.unwrap();
        let theirs = derive(&other, public_key(&ctx, &one).await).await.unwrap().shared_secret.unwrap();
        assert_eq!(mine, theirs);
        assert_eq!(name(derive(&one, Blob::from_static(b"junk")).await), "ValidationException");
    }
}

#[tokio::test]
async fn data_key_pairs_come_with_their_private_half_encrypted() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    for spec in ["ECC_NIST_P256", "ECC_SECG_P256K1", "RSA_2048"] {
        let input = GenerateDataKeyPairInput {
            key_id: key.clone(),
            key_pair_spec: spec.to_owned(),
            ..GenerateDataKeyPairInput::default()
        };
        let pair = ctx.call::<GenerateDataKeyPair>(input).await.unwrap();
        let opened = decrypt_with(&ctx, &pair.private_key_ciphertext_blob.unwrap(), |_| {}).await.unwrap();
        assert_eq!(opened.plaintext, pair.private_key_plaintext);
        assert!(pair.public_key.is_some());
    }
    let input = GenerateDataKeyPairWithoutPlaintextInput {
        key_id: key,
        key_pair_spec: "ECC_NIST_P384".to_owned(),
        ..GenerateDataKeyPairWithoutPlaintextInput::default()
    };
    let pair = ctx.call::<GenerateDataKeyPairWithoutPlaintext>(input).await.unwrap();
    assert!(decrypt_with(&ctx, &pair.private_key_ciphertext_blob.unwrap(), |_| {}).await.is_ok());
}
