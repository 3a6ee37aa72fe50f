//! CreateKey: makes a key with its first material, unless that is to be imported.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use kms_api::op::CreateKey;
use kms_api::{CreateKeyInput, CreateKeyOutput};
use shapes::ApiError;

use crate::key::{self, Key, Located, Manager, MultiRegion};
use crate::material::{Cause, Material, Secret};
use crate::spec::{Family, KeySpec, KeyUsage, Origin};
use crate::{Kms, errors, policy, tables, tags};

/// What kind of key a request wants.
#[derive(Clone, Copy, Debug)]
struct Kind {
    spec: KeySpec,
    usage: KeyUsage,
    origin: Origin,
    is_multi_region: bool,
}

impl Kind {
    fn parse(input: &CreateKeyInput) -> Result<Self, ApiError> {
        let name = input.key_spec.as_deref().or(input.customer_master_key_spec.as_deref());
        if input.key_spec.is_some() && input.customer_master_key_spec.is_some() {
            return Err(errors::validation(
                "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is \
                 deprecated.",
            ));
        }
        let name = name.unwrap_or(KeySpec::Symmetric.as_str());
        let spec = KeySpec::parse(name);
        let spec = spec.ok_or_else(|| errors::is_not_here_yet(&format!("The key spec {name}")))?;
        let usage = match input.key_usage.as_deref() {
            Some(name) => KeyUsage::parse(name)
                .ok_or_else(|| errors::validation(format!("Unknown key usage {name}")))?,
            None if spec.family() == Family::Symmetric => KeyUsage::EncryptDecrypt,
            None => {
                return Err(errors::validation(
                    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
                ));
            }
        };
        if !spec.allows(usage) {
            let message =
                format!("KeyUsage {} is not compatible with KeySpec {}", usage.as_str(), spec.as_str());
            return Err(errors::validation(message));
        }
        let origin = input.origin.as_deref().unwrap_or(Origin::Kms.as_str());
        let is_custom = input.custom_key_store_id.is_some() || input.xks_key_id.is_some();
        let origin = Origin::parse(origin).filter(|_| !is_custom);
        let origin = origin.ok_or_else(|| errors::is_not_here_yet("A key in a custom key store"))?;
        Ok(Self { spec, usage, origin, is_multi_region: input.multi_region == Some(true) })
    }
}

impl Handle<CreateKey> for Kms {
    fn guard(&self, _: &Ctx, input: &CreateKeyInput) -> Result<Guard, ApiError> {
        let kind = Kind::parse(input)?;
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let guard = Guard::any()
            .with("kms:keyspec", vec![kind.spec.as_str().to_owned()])
            .with("kms:keyusage", vec![kind.usage.as_str().to_owned()])
            .with("kms:keyorigin", vec![kind.origin.as_str().to_owned()])
            .with("kms:multiregion", vec![kind.is_multi_region.to_string()])
            .with("kms:bypasspolicylockoutsafetycheck", vec![bypass.to_string()]);
        let tags = input.tags.as_deref().unwrap_or_default();
        let guard = tags::asked(guard, tags);
        Ok(if tags.is_empty() {
            guard
        } else {
            guard.and(tags::asked(Guard::any().action("kms:TagResource"), tags))
        })
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: CreateKeyInput) -> Result<CreateKeyOutput, ApiError> {
        let kind = Kind::parse(&input)?;
        let id = key::new_id(ctx, kind.is_multi_region);
        let bypass = input.bypass_policy_lockout_safety_check == Some(true);
        let policy = input.policy.unwrap_or_else(|| policy::default(ctx.account()));
        self.check_policy(ctx, (ctx.account(), &id), &policy, bypass)?;
        let material = match kind.origin {
            Origin::Kms => Some(self.generate(ctx, &id, kind.spec).await?),
            Origin::External => None,
        };
        let region = ctx.region();
        let key = Key {
            id,
            created: ctx.now(),
            description: input.description.unwrap_or_default(),
            spec: kind.spec,
            usage: kind.usage,
            origin: kind.origin,
            manager: Manager::Customer,
            is_enabled: true,
            deletion: None,
            policy,
            tags: tags::parse(input.tags.unwrap_or_default())?,
            aliases: Vec::new(),
            material: material.as_ref().map(|(id, _)| id.clone()),
            rotation: None,
            rotations_on_demand: 0,
            expires: None,
            multi_region: kind
                .is_multi_region
                .then(|| MultiRegion { primary: region.to_string(), replicas: Vec::new() }),
        };
        let located = Located { account: ctx.account(), region, key: Arc::new(key) };
        let stored = Arc::clone(&located.key);
        ctx.write(move |tx| {
            if let Some((id, material)) = &material {
                tables::MATERIALS.put(tx, &(stored.id.clone(), id.clone()), material);
            }
            tables::KEYS.put(tx, &stored.id, &stored);
            Ok::<_, ApiError>(())
        })
        .await?;
        Ok(CreateKeyOutput { key_metadata: Some(located.metadata()) })
    }
}

impl Kms {
    /// Fresh material for a new key, sealed. Primes are looked for on a thread that may take its time.
    async fn generate(&self, ctx: &Ctx, id: &str, spec: KeySpec) -> Result<(String, Material), ApiError> {
        let root = self.cloud.root_key().await?;
        let secret = self.generate_secret(ctx, spec).await?;
        Material::seal(&root, ctx, id, &secret, (ctx.now(), Cause::Creation))
    }

    pub(crate) async fn generate_secret(&self, ctx: &Ctx, spec: KeySpec) -> Result<Secret, ApiError> {
        if spec.rsa_bits().is_none() {
            return Secret::generate(ctx.ids(), spec);
        }
        let owned = ctx.clone();
        let made = tokio::task::spawn_blocking(move || Secret::generate(owned.ids(), spec)).await;
        made.map_err(ApiError::internal)?
    }
}
