//! CreateOpenIDConnectProvider, GetOpenIDConnectProvider, ListOpenIDConnectProviders, DeleteOpenIDConnectProvider,
//! AddClientIDToOpenIDConnectProvider, RemoveClientIDFromOpenIDConnectProvider, UpdateOpenIDConnectProviderThumbprint.

use cloud::Guard;
use iam_api::{
    CreateOpenIDConnectProviderOutput, GetOpenIDConnectProviderOutput, ListOpenIDConnectProvidersOutput,
    OpenIDConnectProviderListEntry,
};
use shapes::ApiError;
use store::{Range, Reader};

use super::form::{change, look};
use crate::errors;
use crate::provider::{OidcProvider, arn, host_of, parse_arn};
use crate::tables::OIDC_PROVIDERS;
use crate::tags::{self, tags_of, tags_to_api};

fn find(rows: &mut dyn Reader, provider_arn: &str) -> Result<OidcProvider, ApiError> {
    let not_found =
        || errors::no_such_entity(format!("OpenIDConnect Provider not found for arn {provider_arn}"));
    let host = parse_arn(provider_arn).ok_or_else(not_found)?;
    OIDC_PROVIDERS.find(rows, &host.to_owned())?.ok_or_else(not_found)
}

change! { CreateOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(arn(ctx.account(), host_of(&input.url))));
    check match input.url.split_once("://") {
        Some(("https" | "http", host)) if !host.is_empty() => Ok(()),
        _ => Err(errors::invalid_input("Invalid Open ID Connect Provider URL")),
    };
    {
        let host = host_of(&input.url).to_owned();
        if OIDC_PROVIDERS.contains(rows, &host)? {
            let message = format!("Provider with url {} already exists.", input.url);
            return Err(ApiError::with_status(409, "EntityAlreadyExists", message));
        }
        let provider = OidcProvider {
            url: input.url.trim_end_matches('/').to_owned(),
            client_ids: input.client_id_list.clone().unwrap_or_default(),
            thumbprints: input.thumbprint_list.clone().unwrap_or_default(),
            created: ctx.now(),
            tags: tags_of(input.tags.clone()),
        };
        tags::check(&provider.tags)?;
        OIDC_PROVIDERS.put(rows, &host, &provider);
        Ok(CreateOpenIDConnectProviderOutput {
            open_id_connect_provider_arn: Some(arn(ctx.account(), &host)),
            tags: tags_to_api(&provider.tags),
        })
    }
}

look! { GetOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let provider = find(rows, &input.open_id_connect_provider_arn)?;
        Ok(GetOpenIDConnectProviderOutput {
            url: Some(host_of(&provider.url).to_owned()),
            tags: tags_to_api(&provider.tags),
            client_id_list: Some(provider.client_ids),
            thumbprint_list: Some(provider.thumbprints),
            create_date: Some(provider.created),
        })
    }
}

look! { ListOpenIDConnectProviders(ctx, rows, _input)
    guard Ok(Guard::any());
    {
        let providers = OIDC_PROVIDERS.list(rows, &Range::all(), usize::MAX)?;
        let entries = providers.into_iter().map(|(host, _)| OpenIDConnectProviderListEntry {
            arn: Some(arn(ctx.account(), &host)),
        });
        Ok(ListOpenIDConnectProvidersOutput { open_id_connect_provider_list: Some(entries.collect()) })
    }
}

change! { DeleteOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let provider = find(rows, &input.open_id_connect_provider_arn)?;
        OIDC_PROVIDERS.delete(rows, &host_of(&provider.url).to_owned());
        Ok(Default::default())
    }
}

change! { AddClientIDToOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let mut provider = find(rows, &input.open_id_connect_provider_arn)?;
        if !provider.client_ids.contains(&input.client_id) {
            provider.client_ids.push(input.client_id.clone());
        }
        OIDC_PROVIDERS.put(rows, &host_of(&provider.url).to_owned(), &provider);
        Ok(Default::default())
    }
}

change! { RemoveClientIDFromOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let mut provider = find(rows, &input.open_id_connect_provider_arn)?;
        provider.client_ids.retain(|id| *id != input.client_id);
        OIDC_PROVIDERS.put(rows, &host_of(&provider.url).to_owned(), &provider);
        Ok(Default::default())
    }
}

change! { UpdateOpenIDConnectProviderThumbprint(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let mut provider = find(rows, &input.open_id_connect_provider_arn)?;
        provider.thumbprints.clone_from(&input.thumbprint_list);
        OIDC_PROVIDERS.put(rows, &host_of(&provider.url).to_owned(), &provider);
        Ok(Default::default())
    }
}
