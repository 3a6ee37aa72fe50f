//! GetParametersForImport, ImportKeyMaterial and DeleteImportedKeyMaterial.

use std::sync::Arc;
use std::time::Duration;

use cloud::{Ctx, Guard, Handle, Transact};
use kms_api::op::{DeleteImportedKeyMaterial, GetParametersForImport, ImportKeyMaterial};
use kms_api::{
    DeleteImportedKeyMaterialInput, DeleteImportedKeyMaterialOutput, GetParametersForImportInput,
    GetParametersForImportOutput, ImportKeyMaterialInput, ImportKeyMaterialOutput,
};
use shapes::{ApiError, Timestamp};
use store::Tx;

use crate::import::{self, Token, Wrapping};
use crate::key::{Key, Located};
use crate::key_id::KeyId;
use crate::material::{Cause, Material};
use crate::spec::{KeySpec, Origin};
use crate::{Kms, asymmetric, errors, lookup, tables};

/// API Reference, ImportKeyMaterial: how far ahead material may expire.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl Handle<GetParametersForImport> for Kms {
    fn guard(&self, ctx: &Ctx, input: &GetParametersForImportInput) -> Result<Guard, ApiError> {
        let guard = self.id_guard(ctx, &input.key_id)?;
        Ok(guard
            .with("kms:wrappingalgorithm", vec![input.wrapping_algorithm.clone()])
            .with("kms:wrappingkeyspec", vec![input.wrapping_key_spec.clone()]))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetParametersForImportInput,
    ) -> Result<GetParametersForImportOutput, ApiError> {
        let located = self.locate_by_id(ctx, &input.key_id)?;
        check_external(&located)?;
        located.check_not_going()?;
        let unknown = |name: &str| errors::is_not_here_yet(&format!("Wrapping with {name}"));
        let wrapping = Wrapping::parse(&input.wrapping_algorithm);
        let wrapping = wrapping.ok_or_else(|| unknown(&input.wrapping_algorithm))?;
        let spec = KeySpec::parse(&input.wrapping_key_spec).filter(|spec| spec.rsa_bits().is_some());
        let spec = spec.ok_or_else(|| unknown(&input.wrapping_key_spec))?;
        import::check_wrapping(located.key.spec, wrapping)?;
        let private = self.generate_secret(ctx, spec).await?;
        let root = self.cloud.root_key().await?;
        let valid_to = ctx.now() + import::GOOD_FOR;
        let token = Token::new(&located.key.id, wrapping, valid_to, &private).seal(&root, ctx.ids())?;
        Ok(GetParametersForImportOutput {
            key_id: Some(located.arn()),
            import_token: Some(token.into()),
            public_key: Some(asymmetric::public_key(spec, &private)?.into()),
            parameters_valid_to: Some(valid_to),
        })
    }
}

/// Material that was unwrapped and is of the right kind.
struct Import {
    id: String,
    material: Material,
    is_new: bool,
}

impl Handle<ImportKeyMaterial> for Kms {
    fn guard(&self, ctx: &Ctx, input: &ImportKeyMaterialInput) -> Result<Guard, ApiError> {
        let mut guard = self.id_guard(ctx, &input.key_id)?;
        let model = input.expiration_model.as_deref().unwrap_or("KEY_MATERIAL_EXPIRES");
        guard = guard.with("kms:expirationmodel", vec![model.to_owned()]);
        Ok(match input.valid_to {
            Some(valid_to) => guard.with("kms:validto", vec![valid_to.iso8601()]),
            None => guard,
        })
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ImportKeyMaterialInput,
    ) -> Result<ImportKeyMaterialOutput, ApiError> {
        let id = KeyId::parse_id(ctx, &input.key_id)?;
        let located = self.locate(ctx, &id)?;
        check_external(&located)?;
        let expires = expiry(ctx, &input)?;
        let root = self.cloud.root_key().await?;
        let token = Token::open(&root, &input.import_token)?;
        if token.key_id != located.key.id {
            return Err(errors::invalid_import_token());
        }
        if token.valid_to < ctx.now() {
            return Err(errors::expired_import_token());
        }
        let secret = token.unwrap(ctx.ids(), &input.encrypted_key_material)?;
        import::check_material(&located.key, &secret)?;
        let sealed = Material::seal(&root, ctx, &located.key.id, &secret, (ctx.now(), Cause::Import))?;
        let (material_id, mut material) = sealed;
        if input.key_material_id.as_ref().is_some_and(|asked| *asked != material_id) {
            return Err(errors::incorrect_material());
        }
        material.valid_to = expires;
        material.description = input.key_material_description;
        let is_new = input.import_type.as_deref() == Some("NEW_KEY_MATERIAL");
        let brought = Import { id: material_id, material, is_new };
        let (owned, scope) = (ctx.clone(), id.scope(ctx));
        ctx.store()
            .write(&scope, move |tx| {
                lookup::change(&owned, tx, &id, |tx, located, key| {
                    located.check_not_going()?;
                    store_import(&owned, tx, located, key, &brought)?;
                    Ok(ImportKeyMaterialOutput {
                        key_id: Some(located.arn()),
                        key_material_id: Some(brought.id.clone()),
                    })
                })
            })
            .await
    }
}

fn store_import(
    ctx: &Ctx,
    tx: &mut Tx<'_>,
    located: &Located,
    key: &mut Key,
    brought: &Import,
) -> Result<(), ApiError> {
    let rows = import::materials(tx, &key.id)?;
    let place = (key.id.clone(), brought.id.clone());
    let mut material = brought.material.clone();
    match rows.iter().find(|(id, _)| *id == brought.id) {
        Some((_, before)) => {
            // What is imported again keeps its place among the key's materials.
            material.since = before.since;
            material.cause = before.cause;
            material.description = material.description.or_else(|| before.description.clone());
        }
        None if rows.is_empty() => {}
        None if brought.is_new && key.spec == KeySpec::Symmetric => {
            if key.material.is_none()
                || rows.iter().any(|(_, material)| material.cause == Cause::PendingImport)
            {
                return Err(errors::invalid_state(&located.arn(), key.state()));
            }
            if rows.len() >= import::MOST_MATERIALS {
                return Err(errors::limit_exceeded("The key has too many materials."));
            }
            material.cause = Cause::PendingImport;
        }
        None => return Err(errors::incorrect_material()),
    }
    tables::MATERIALS.put(tx, &place, &material);
    import::settle(ctx, tx, located, key)
}

impl Transact<DeleteImportedKeyMaterial> for Kms {
    type Draft = (KeyId, Option<String>);

    fn guard(&self, ctx: &Ctx, input: &DeleteImportedKeyMaterialInput) -> Result<Guard, ApiError> {
        self.id_guard(ctx, &input.key_id)
    }

    fn prepare(&self, ctx: &Ctx, input: DeleteImportedKeyMaterialInput) -> Result<Self::Draft, ApiError> {
        Ok((KeyId::parse_id(ctx, &input.key_id)?, input.key_material_id))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (id, material_id): &Self::Draft,
    ) -> Result<DeleteImportedKeyMaterialOutput, ApiError> {
        lookup::change(ctx, tx, id, |tx, located, key| {
            check_external(located)?;
            located.check_not_going()?;
            let asked = material_id.clone().or_else(|| key.material.clone());
            if let Some(id) = &asked {
                let place = (key.id.clone(), id.clone());
                match tables::MATERIALS.find(tx, &place)? {
                    Some(material) if material.cause == Cause::PendingImport => {
                        tables::MATERIALS.delete(tx, &place);
                    }
                    Some(mut material) => {
                        material.sealed = None;
                        material.valid_to = None;
                        tables::MATERIALS.put(tx, &place, &material);
                    }
                    None => return Err(errors::no_such_material(id)),
                }
                import::settle(ctx, tx, located, key)?;
            }
            Ok(DeleteImportedKeyMaterialOutput { key_id: Some(located.arn()), key_material_id: asked })
        })
    }
}

fn check_external(located: &Located) -> Result<(), ApiError> {
    if located.key.origin == Origin::External {
        return Ok(());
    }
    let origin = located.key.origin.as_str();
    Err(errors::unsupported(format!(
        "{} origin is {origin} which is not valid for this operation.",
        located.arn()
    )))
}

/// When the material is to go; `None` for never.
fn expiry(ctx: &Ctx, input: &ImportKeyMaterialInput) -> Result<Option<Timestamp>, ApiError> {
    match (input.expiration_model.as_deref(), input.valid_to) {
        (Some("KEY_MATERIAL_DOES_NOT_EXPIRE"), None) => Ok(None),
        (Some("KEY_MATERIAL_DOES_NOT_EXPIRE"), Some(_)) => Err(errors::validation(
            "A ValidTo date must not be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        )),
        (_, None) => Err(errors::validation(
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        )),
        (_, Some(date)) if date <= ctx.now() || date > ctx.now() + LONGEST => {
            Err(errors::validation("ValidTo must be in the future, and within 365 days"))
        }
        (_, Some(date)) => Ok(Some(date)),
    }
}
