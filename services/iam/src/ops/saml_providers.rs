//! CreateSAMLProvider, GetSAMLProvider, ListSAMLProviders, UpdateSAMLProvider, DeleteSAMLProvider and their tags.

use cloud::{Ctx, Guard};
use iam_api::{
    CreateSAMLProviderOutput, GetSAMLProviderOutput, ListSAMLProviderTagsOutput, ListSAMLProvidersOutput,
    SAMLPrivateKey, SAMLProviderListEntry, UpdateSAMLProviderOutput,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, tagging};
use crate::errors;
use crate::provider::{LETTERS, MOST_PRIVATE_KEYS, SamlProvider, check_metadata, saml_arn, saml_name};
use crate::tables::SAML_PROVIDERS;
use crate::tags::{asked, tags_of, tags_to_api};

/// Providers of an account at most ("IAM and AWS STS quotas").
const MOST: usize = 100;

fn find(ctx: &Ctx, rows: &mut dyn Reader, arn: &str) -> Result<SamlProvider, ApiError> {
    let name = saml_name(ctx.account(), arn)
        .ok_or_else(|| errors::invalid_input(format!("Invalid ARN {arn}: it has to be a SAML provider's")))?;
    let not_found = || errors::no_such_entity(format!("Manifest not found for arn {arn}"));
    SAML_PROVIDERS.find(rows, &name)?.ok_or_else(not_found)
}

fn put(rows: &mut Tx<'_>, provider: &SamlProvider) {
    SAML_PROVIDERS.put(rows, &provider.name, provider);
}

fn guard(_: &Ctx, arn: &str) -> Result<Guard, ApiError> {
    Ok(Guard::resource(arn))
}

fn add_key(ctx: &Ctx, provider: &mut SamlProvider, key: Option<&String>) -> Result<(), ApiError> {
    let Some(key) = key else { return Ok(()) };
    if !key.contains("-----BEGIN") || !key.contains("PRIVATE KEY-----") {
        return Err(errors::invalid_input("The private key has to be in PEM format."));
    }
    if provider.private_keys.len() >= MOST_PRIVATE_KEYS {
        let message = format!("Cannot exceed quota for PrivateKeysPerSAMLProvider: {MOST_PRIVATE_KEYS}");
        return Err(errors::limit_exceeded(message));
    }
    let id = ctx.ids().text(LETTERS, 22);
    provider.private_keys.push((id, ctx.now(), key.clone()));
    Ok(())
}

change! { CreateSAMLProvider(ctx, rows, input)
    guard Ok(asked(Guard::resource(saml_arn(ctx.account(), &input.name)), input.tags.as_ref()));
    {
        check_metadata(&input.saml_metadata_document)?;
        if SAML_PROVIDERS.contains(rows, &input.name)? {
            return Err(errors::already_there(format!("SAMLProvider {} already exists.", input.name)));
        }
        if SAML_PROVIDERS.list(rows, &Range::all(), MOST)?.len() >= MOST {
            return Err(errors::limit_exceeded(format!("Cannot exceed quota for SAMLProvidersPerAccount: {MOST}")));
        }
        let mut provider = SamlProvider {
            name: input.name.clone(),
            id: ctx.ids().text(LETTERS, 22),
            metadata: input.saml_metadata_document.clone(),
            created: ctx.now(),
            encryption: input.assertion_encryption_mode.clone(),
            private_keys: Vec::new(),
            tags: tags_of(input.tags.as_ref())?,
        };
        add_key(ctx, &mut provider, input.add_private_key.as_ref())?;
        put(rows, &provider);
        Ok(CreateSAMLProviderOutput {
            saml_provider_arn: Some(saml_arn(ctx.account(), &provider.name)),
            tags: tags_to_api(&provider.tags),
        })
    }
}

look! { GetSAMLProvider(ctx, rows, input)
    guard guard(ctx, &input.saml_provider_arn);
    {
        let provider = find(ctx, rows, &input.saml_provider_arn)?;
        let keys = provider.private_keys.iter().map(|(id, added, _)| SAMLPrivateKey {
            key_id: Some(id.clone()),
            timestamp: Some(*added),
        });
        Ok(GetSAMLProviderOutput {
            saml_provider_uuid: Some(provider.id.clone()),
            create_date: Some(provider.created),
            valid_until: Some(provider.valid_until()),
            tags: tags_to_api(&provider.tags),
            assertion_encryption_mode: provider.encryption.clone(),
            private_key_list: Some(keys.collect()),
            saml_metadata_document: Some(provider.metadata),
        })
    }
}

look! { ListSAMLProviders(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        let providers = SAML_PROVIDERS.list(rows, &Range::all(), usize::MAX)?;
        let entries = providers.into_iter().map(|(name, provider)| SAMLProviderListEntry {
            arn: Some(saml_arn(ctx.account(), &name)),
            valid_until: Some(provider.valid_until()),
            create_date: Some(provider.created),
        });
        Ok(ListSAMLProvidersOutput { saml_provider_list: Some(entries.collect()) })
    }
}

change! { UpdateSAMLProvider(ctx, rows, input)
    guard guard(ctx, &input.saml_provider_arn);
    {
        let mut provider = find(ctx, rows, &input.saml_provider_arn)?;
        if let Some(metadata) = &input.saml_metadata_document {
            check_metadata(metadata)?;
            provider.metadata.clone_from(metadata);
        }
        if input.assertion_encryption_mode.is_some() {
            provider.encryption.clone_from(&input.assertion_encryption_mode);
        }
        if let Some(id) = &input.remove_private_key {
            let before = provider.private_keys.len();
            provider.private_keys.retain(|(own, ..)| own != id);
            if provider.private_keys.len() == before {
                return Err(errors::no_such_entity(format!("Private key {id} cannot be found.")));
            }
        }
        add_key(ctx, &mut provider, input.add_private_key.as_ref())?;
        put(rows, &provider);
        Ok(UpdateSAMLProviderOutput { saml_provider_arn: Some(input.saml_provider_arn.clone()) })
    }
}

change! { DeleteSAMLProvider(ctx, rows, input)
    guard guard(ctx, &input.saml_provider_arn);
    {
        let provider = find(ctx, rows, &input.saml_provider_arn)?;
        SAML_PROVIDERS.delete(rows, &provider.name);
        Ok(Default::default())
    }
}

tagging!(
    TagSAMLProvider, UntagSAMLProvider, ListSAMLProviderTags -> ListSAMLProviderTagsOutput,
    saml_provider_arn, guard guard, find find, put put
);
