//! Imported key material.

use std::time::Duration;

use ::kit::START;
use cloud::Ctx;
use kms_api::op::{DeleteImportedKeyMaterial, GetParametersForImport, ImportKeyMaterial, RotateKeyOnDemand};
use kms_api::{
    DeleteImportedKeyMaterialInput, GetParametersForImportInput, GetParametersForImportOutput,
    ImportKeyMaterialInput, RotateKeyOnDemandInput,
};
use rsa::pkcs8::DecodePublicKey;
use rsa::rand_core::OsRng;
use rsa::{Oaep, RsaPublicKey};
use shapes::{ApiError, Blob};

use crate::kit::{advance_days, create, decrypt, encrypt, name, region, root, state};

async fn external(ctx: &Ctx, spec: &str, usage: &str) -> String {
    let made = create(ctx, |input| {
        input.origin = Some("EXTERNAL".to_owned());
        input.key_spec = Some(spec.to_owned());
        input.key_usage = Some(usage.to_owned());
    });
    made.await.unwrap().key_id
}

async fn parameters(ctx: &Ctx, key: &str, wrapping: &str) -> Result<GetParametersForImportOutput, ApiError> {
    let input = GetParametersForImportInput {
        key_id: key.to_owned(),
        wrapping_algorithm: wrapping.to_owned(),
        wrapping_key_spec: "RSA_2048".to_owned(),
    };
    ctx.call::<GetParametersForImport>(input).await
}

fn wrap(parameters: &GetParametersForImportOutput, material: &[u8]) -> Blob {
    let key = RsaPublicKey::from_public_key_der(parameters.public_key.as_ref().unwrap()).unwrap();
    key.encrypt(&mut OsRng, Oaep::new::<rsa::sha2::Sha256>(), material).unwrap().into()
}

fn wrap_by_aes(parameters: &GetParametersForImportOutput, material: &[u8]) -> Blob {
    let wrapped = aes_kw::KekAes256::new(&[9; 32].into()).wrap_with_padding_vec(material).unwrap();
    [wrap(parameters, &[9; 32]).to_vec(), wrapped].concat().into()
}

async fn import(
    ctx: &Ctx,
    key: &str,
    material: &[u8],
    change: impl FnOnce(&mut ImportKeyMaterialInput),
) -> Result<String, ApiError> {
    let parameters = parameters(ctx, key, "RSAES_OAEP_SHA_256").await?;
    let mut input = ImportKeyMaterialInput {
        key_id: key.to_owned(),
        encrypted_key_material: wrap(&parameters, material),
        import_token: parameters.import_token.unwrap(),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
        ..ImportKeyMaterialInput::default()
    };
    change(&mut input);
    Ok(ctx.call::<ImportKeyMaterial>(input).await?.key_material_id.unwrap_or_default())
}

async fn delete(ctx: &Ctx, key: &str) {
    let input = DeleteImportedKeyMaterialInput { key_id: key.to_owned(), key_material_id: None };
    ctx.call::<DeleteImportedKeyMaterial>(input).await.unwrap();
}

#[tokio::test]
async fn a_key_works_with_imported_material_and_waits_for_the_same_once_it_is_deleted() {
    let region = region();
    let ctx = root(&region);
    let key = external(&ctx, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    assert_eq!(state(&ctx, &key).await, "PendingImport");
    let error = encrypt(&ctx, &key, "x", &[]).await.unwrap_err();
    assert_eq!(error.name(), "KMSInvalidStateException");
    assert!(error.message().ends_with("is pending import."), "{error}");
    let first = import(&ctx, &key, &[1; 32], |_| {}).await.unwrap();
    assert_eq!(state(&ctx, &key).await, "Enabled");
    let blob = encrypt(&ctx, &key, "text", &[]).await.unwrap();
    delete(&ctx, &key).await;
    assert_eq!(name(decrypt(&ctx, &blob, &[]).await), "KMSInvalidStateException");
    assert_eq!(name(import(&ctx, &key, &[2; 32], |_| {}).await), "IncorrectKeyMaterialException");
    assert_eq!(name(import(&ctx, &key, &[1; 31], |_| {}).await), "IncorrectKeyMaterialException");
    assert_eq!(import(&ctx, &key, &[1; 32], |_| {}).await.unwrap(), first);
    assert_eq!(decrypt(&ctx, &blob, &[]).await.unwrap(), "text");
}

#[tokio::test]
async fn material_expires() {
    let region = region();
    let ctx = root(&region);
    let key = external(&ctx, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    let until = |days: u64| {
        move |input: &mut ImportKeyMaterialInput| {
            input.expiration_model = None;
            input.valid_to = Some(START + Duration::from_secs(days * 86_400));
        }
    };
    assert_eq!(name(import(&ctx, &key, &[1; 32], until(366)).await), "ValidationException");
    assert_eq!(
        name(import(&ctx, &key, &[1; 32], |input| input.expiration_model = None).await),
        "ValidationException"
    );
    import(&ctx, &key, &[1; 32], until(10)).await.unwrap();
    let blob = encrypt(&ctx, &key, "text", &[]).await.unwrap();
    advance_days(&region, 11).await;
    assert_eq!(state(&ctx, &key).await, "PendingImport");
    import(&ctx, &key, &[1; 32], |_| {}).await.unwrap();
    advance_days(&region, 400).await;
    assert_eq!(decrypt(&ctx, &blob, &[]).await.unwrap(), "text");
}

#[tokio::test]
async fn tokens_belong_to_their_key_and_day() {
    let region = region();
    let ctx = root(&region);
    let key = external(&ctx, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    let other = external(&ctx, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    let good = parameters(&ctx, &key, "RSAES_OAEP_SHA_256").await.unwrap();
    let attempt = async |key: &str, token: Blob, material: Blob| {
        let input = ImportKeyMaterialInput {
            key_id: key.to_owned(),
            encrypted_key_material: material,
            import_token: token,
            expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
            ..ImportKeyMaterialInput::default()
        };
        name(ctx.call::<ImportKeyMaterial>(input).await)
    };
    let (token, material) = (good.import_token.clone().unwrap(), wrap(&good, &[1; 32]));
    assert_eq!(attempt(&other, token.clone(), material.clone()).await, "InvalidImportTokenException");
    let junk = Blob::from_static(b"junk");
    assert_eq!(attempt(&key, junk.clone(), material.clone()).await, "InvalidImportTokenException");
    assert_eq!(attempt(&key, token.clone(), junk).await, "InvalidCiphertextException");
    advance_days(&region, 2).await;
    assert_eq!(attempt(&key, token, material).await, "ExpiredImportTokenException");
    let own = create(&ctx, |_| {}).await.unwrap().key_id;
    assert_eq!(name(parameters(&ctx, &own, "RSAES_OAEP_SHA_256").await), "UnsupportedOperationException");
}

#[tokio::test]
async fn key_pairs_are_imported_under_an_aes_key() {
    use p256::pkcs8::EncodePrivateKey;
    let region = region();
    let ctx = root(&region);
    let pair = p256::SecretKey::random(&mut OsRng).to_pkcs8_der().unwrap();
    let key = external(&ctx, "ECC_NIST_P256", "SIGN_VERIFY").await;
    let parameters = parameters(&ctx, &key, "RSA_AES_KEY_WRAP_SHA_256").await.unwrap();
    let input = ImportKeyMaterialInput {
        key_id: key.clone(),
        encrypted_key_material: wrap_by_aes(&parameters, pair.as_bytes()),
        import_token: parameters.import_token.unwrap(),
        expiration_model: Some("KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned()),
        ..ImportKeyMaterialInput::default()
    };
    ctx.call::<ImportKeyMaterial>(input).await.unwrap();
    assert_eq!(state(&ctx, &key).await, "Enabled");
    let rsa = external(&ctx, "RSA_2048", "SIGN_VERIFY").await;
    assert_eq!(name(self::parameters(&ctx, &rsa, "RSAES_OAEP_SHA_256").await), "ValidationException");
}

#[tokio::test]
async fn new_material_is_rotated_to_on_demand() {
    let region = region();
    let ctx = root(&region);
    let key = external(&ctx, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT").await;
    import(&ctx, &key, &[1; 32], |_| {}).await.unwrap();
    let before = encrypt(&ctx, &key, "before", &[]).await.unwrap();
    let rotate =
        async || name(ctx.call::<RotateKeyOnDemand>(RotateKeyOnDemandInput { key_id: key.clone() }).await);
    assert_eq!(rotate().await, "KMSInvalidStateException");
    let second =
        import(&ctx, &key, &[2; 32], |input| input.import_type = Some("NEW_KEY_MATERIAL".to_owned()));
    let second = second.await.unwrap();
    region.advance(Duration::from_secs(1)).await;
    assert_eq!(rotate().await, "fine");
    let described = crate::kit::describe(&ctx, &key).await.unwrap();
    assert_eq!(described.current_key_material_id, Some(second));
    assert_eq!(decrypt(&ctx, &before, &[]).await.unwrap(), "before");
}
