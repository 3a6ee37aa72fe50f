//! Encrypt, Decrypt, ReEncrypt and data keys.

use kms_api::op::{GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom, ReEncrypt};
use kms_api::{
    GenerateDataKeyInput, GenerateDataKeyWithoutPlaintextInput, GenerateRandomInput, ReEncryptInput,
};
use shapes::Blob;

use crate::kit::{context, create, decrypt, decrypt_with, encrypt, key, name, region, root};

#[tokio::test]
async fn what_was_encrypted_is_decrypted_with_the_same_context_alone() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    let blob = encrypt(&ctx, &key, "text", &[("tenant", "a")]).await.unwrap();
    assert!(!blob.windows(4).any(|window| window == b"text"));
    assert_eq!(decrypt(&ctx, &blob, &[("tenant", "a")]).await.unwrap(), "text");
    let error = decrypt(&ctx, &blob, &[("tenant", "b")]).await.unwrap_err();
    assert_eq!((error.name(), error.message()), ("InvalidCiphertextException", ""));
    assert_eq!(name(decrypt(&ctx, &blob, &[]).await), "InvalidCiphertextException");
    let mut changed = blob.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(name(decrypt(&ctx, &changed.into(), &[("tenant", "a")]).await), "InvalidCiphertextException");
    assert_eq!(name(decrypt(&ctx, &Blob::from_static(b"junk"), &[]).await), "InvalidCiphertextException");
    let again = encrypt(&ctx, &key, "text", &[("tenant", "a")]).await.unwrap();
    assert_ne!(blob, again, "no two ciphertexts are the same");
}

#[tokio::test]
async fn a_ciphertext_decrypts_with_its_own_key_alone() {
    let region = region();
    let ctx = root(&region);
    let (one, other) = (key(&ctx).await, key(&ctx).await);
    let blob = encrypt(&ctx, &one, "text", &[]).await.unwrap();
    let with =
        async |key: &str| name(decrypt_with(&ctx, &blob, |input| input.key_id = Some(key.to_owned())).await);
    assert_eq!(with(&one).await, "fine");
    assert_eq!(with(&other).await, "IncorrectKeyException");
}

#[tokio::test]
async fn reencrypting_changes_key_and_context() {
    let region = region();
    let ctx = root(&region);
    let (one, other) = (key(&ctx).await, key(&ctx).await);
    let blob = encrypt(&ctx, &one, "text", &[("a", "1")]).await.unwrap();
    let input = ReEncryptInput {
        ciphertext_blob: Some(blob),
        destination_key_id: other.clone(),
        source_encryption_context: Some(context(&[("a", "1")])),
        destination_encryption_context: Some(context(&[("b", "2")])),
        ..ReEncryptInput::default()
    };
    let output = ctx.call::<ReEncrypt>(input).await.unwrap();
    assert!(output.source_key_id.unwrap().ends_with(&one));
    assert!(output.key_id.unwrap().ends_with(&other));
    assert_eq!(decrypt(&ctx, &output.ciphertext_blob.unwrap(), &[("b", "2")]).await.unwrap(), "text");
}

#[tokio::test]
async fn data_keys_come_in_the_clear_and_encrypted() {
    let region = region();
    let ctx = root(&region);
    let key = key(&ctx).await;
    for (spec, bytes, length) in
        [(Some("AES_256"), None, 32), (Some("AES_128"), None, 16), (None, Some(100), 100)]
    {
        let input = GenerateDataKeyInput {
            key_id: key.clone(),
            key_spec: spec.map(str::to_owned),
            number_of_bytes: bytes,
            ..GenerateDataKeyInput::default()
        };
        let output = ctx.call::<GenerateDataKey>(input).await.unwrap();
        let plaintext = output.plaintext.unwrap();
        assert_eq!(plaintext.len(), length);
        let opened = decrypt_with(&ctx, &output.ciphertext_blob.unwrap(), |_| {}).await.unwrap();
        assert_eq!(opened.plaintext.unwrap(), plaintext);
    }
    let input = GenerateDataKeyInput { key_id: key.clone(), ..GenerateDataKeyInput::default() };
    let error = ctx.call::<GenerateDataKey>(input).await.unwrap_err();
    assert_eq!(error.message(), "Please specify either number of bytes or key spec.");
    let input = GenerateDataKeyWithoutPlaintextInput {
        key_id: key,
        key_spec: Some("AES_256".to_owned()),
        ..GenerateDataKeyWithoutPlaintextInput::default()
    };
    let blob = ctx.call::<GenerateDataKeyWithoutPlaintext>(input).await.unwrap().ciphertext_blob.unwrap();
    assert_eq!(decrypt_with(&ctx, &blob, |_| {}).await.unwrap().plaintext.unwrap().len(), 32);
}

#[tokio::test]
async fn random_bytes_are_as_many_as_asked_for() {
    let region = region();
    let input = GenerateRandomInput { number_of_bytes: Some(65), ..GenerateRandomInput::default() };
    let bytes = root(&region).call::<GenerateRandom>(input).await.unwrap().plaintext.unwrap();
    assert_eq!(bytes.len(), 65);
}

#[tokio::test]
async fn rsa_keys_encrypt_what_fits_them() {
    let region = region();
    let ctx = root(&region);
    let made = create(&ctx, |input| {
        input.key_spec = Some("RSA_2048".to_owned());
        input.key_usage = Some("ENCRYPT_DECRYPT".to_owned());
    });
    let key = made.await.unwrap().key_id;
    let encrypt = async |length: usize, algorithm: &str| {
        let input = kms_api::EncryptInput {
            key_id: key.clone(),
            plaintext: vec![7; length].into(),
            encryption_algorithm: Some(algorithm.to_owned()),
            ..Default::default()
        };
        ctx.call::<kms_api::op::Encrypt>(input).await
    };
    for (algorithm, most) in [("RSAES_OAEP_SHA_1", 214), ("RSAES_OAEP_SHA_256", 190)] {
        let blob = encrypt(most, algorithm).await.unwrap().ciphertext_blob.unwrap();
        assert_eq!(name(encrypt(most + 1, algorithm).await), "ValidationException");
        let with = async |algorithm: &str| {
            decrypt_with(&ctx, &blob, |input| {
                input.key_id = Some(key.clone());
                input.encryption_algorithm = Some(algorithm.to_owned());
            })
            .await
        };
        assert_eq!(with(algorithm).await.unwrap().plaintext.unwrap(), vec![7; most]);
        assert_eq!(name(with("SYMMETRIC_DEFAULT").await), "InvalidKeyUsageException");
    }
}
