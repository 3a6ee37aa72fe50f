//! CreateOpenIDConnectProvider, GetOpenIDConnectProvider, ListOpenIDConnectProviders, DeleteOpenIDConnectProvider,
//! AddClientIDToOpenIDConnectProvider, RemoveClientIDFromOpenIDConnectProvider, UpdateOpenIDConnectProviderThumbprint.

use cloud::{Ctx, Guard};
use iam_api::{
    CreateOpenIDConnectProviderOutput, GetOpenIDConnectProviderOutput, ListOpenIDConnectProviderTagsOutput,
    ListOpenIDConnectProvidersOutput, OpenIDConnectProviderListEntry,
};
use shapes::ApiError;
use store::{Range, Reader, Tx};

use super::form::{change, look, page, tagging};
use crate::errors;
use crate::provider::{OidcProvider, arn, host_of, parse_arn};
use crate::tables::OIDC_PROVIDERS;
use crate::tags::{asked, tags_of, tags_to_api};

fn find(rows: &mut dyn Reader, provider_arn: &str) -> Result<OidcProvider, ApiError> {
    let not_found =
        || errors::no_such_entity(format!("OpenIDConnect Provider not found for arn {provider_arn}"));
    let host = parse_arn(provider_arn).ok_or_else(not_found)?;
    OIDC_PROVIDERS.find(rows, &host.to_owned())?.ok_or_else(not_found)
}

/// Providers, and audiences and thumbprints of each, at most ("IAM and AWS STS quotas").
const MOST_PROVIDERS: usize = 100;
const MOST_CLIENT_IDS: usize = 100;
const MOST_THUMBPRINTS: usize = 5;

fn check_client_ids(ids: &[String]) -> Result<(), ApiError> {
    if ids.len() > MOST_CLIENT_IDS {
        let message = format!("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {MOST_CLIENT_IDS}");
        return Err(errors::limit_exceeded(message));
    }
    Ok(())
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), ApiError> {
    if thumbprints.len() > MOST_THUMBPRINTS {
        return Err(errors::invalid_input("Thumbprint list must contain fewer than 5 entries."));
    }
    let is_thumbprint = |text: &String| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match thumbprints.iter().find(|text| !is_thumbprint(text)) {
        Some(_) => Err(errors::invalid_input("Thumbprints must be 40 hexadecimal digits.")),
        None => Ok(()),
    }
}

fn guard(_: &Ctx, provider_arn: &str) -> Result<Guard, ApiError> {
    Ok(Guard::resource(provider_arn))
}

fn tagged(_: &Ctx, rows: &mut dyn Reader, provider_arn: &str) -> Result<OidcProvider, ApiError> {
    find(rows, provider_arn)
}

fn put(rows: &mut Tx<'_>, provider: &OidcProvider) {
    OIDC_PROVIDERS.put(rows, &host_of(&provider.url).to_owned(), provider);
}

tagging!(
    TagOpenIDConnectProvider, UntagOpenIDConnectProvider,
    ListOpenIDConnectProviderTags -> ListOpenIDConnectProviderTagsOutput,
    open_id_connect_provider_arn, guard guard, find tagged, put put
);

change! { CreateOpenIDConnectProvider(ctx, rows, input)
    guard Ok(asked(Guard::resource(arn(ctx.account(), host_of(&input.url))), input.tags.as_ref()));
    check match input.url.split_once("://") {
        Some(("https" | "http", host)) if !host.is_empty() => Ok(()),
        _ => Err(errors::invalid_input("Invalid Open ID Connect Provider URL")),
    };
    {
        let host = host_of(&input.url).to_owned();
        if OIDC_PROVIDERS.contains(rows, &host)? {
            return Err(errors::already_there(format!("Provider with url {} already exists.", input.url)));
        }
        check_client_ids(input.client_id_list.as_deref().unwrap_or_default())?;
        check_thumbprints(input.thumbprint_list.as_deref().unwrap_or_default())?;
        if OIDC_PROVIDERS.list(rows, &Range::all(), MOST_PROVIDERS)?.len() >= MOST_PROVIDERS {
            let message = format!("Cannot exceed quota for OpenIdConnectProvidersPerAccount: {MOST_PROVIDERS}");
            return Err(errors::limit_exceeded(message));
        }
        let provider = OidcProvider {
            url: input.url.trim_end_matches('/').to_owned(),
            client_ids: input.client_id_list.clone().unwrap_or_default(),
            thumbprints: input.thumbprint_list.clone().unwrap_or_default(),
            created: ctx.now(),
            tags: tags_of(input.tags.as_ref())?,
        };
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
        check_client_ids(&provider.client_ids)?;
        put(rows, &provider);
        Ok(Default::default())
    }
}

change! { RemoveClientIDFromOpenIDConnectProvider(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let mut provider = find(rows, &input.open_id_connect_provider_arn)?;
        provider.client_ids.retain(|id| *id != input.client_id);
        put(rows, &provider);
        Ok(Default::default())
    }
}

change! { UpdateOpenIDConnectProviderThumbprint(ctx, rows, input)
    guard Ok(Guard::resource(input.open_id_connect_provider_arn.clone()));
    {
        let mut provider = find(rows, &input.open_id_connect_provider_arn)?;
        check_thumbprints(&input.thumbprint_list)?;
        provider.thumbprints.clone_from(&input.thumbprint_list);
        put(rows, &provider);
        Ok(Default::default())
    }
}
