//! CreatePlatformEndpoint, GetEndpointAttributes, SetEndpointAttributes, ListEndpointsByPlatformApplication and
//! DeleteEndpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::{ApiError, Map};
use sns_api::op::{
    CreatePlatformEndpoint, DeleteEndpoint, GetEndpointAttributes, ListEndpointsByPlatformApplication,
    SetEndpointAttributes,
};
use sns_api::{
    CreatePlatformEndpointInput, CreatePlatformEndpointOutput, DeleteEndpointInput, DeleteEndpointOutput,
    Endpoint as Answer, GetEndpointAttributesInput, GetEndpointAttributesOutput,
    ListEndpointsByPlatformApplicationInput, ListEndpointsByPlatformApplicationOutput,
    SetEndpointAttributesInput, SetEndpointAttributesOutput,
};
use store::{Range, Tx};

use crate::push::{ApplicationArn, Endpoint, EndpointArn, EndpointId};
use crate::{Sns, errors, tables};

/// API Reference, ListEndpointsByPlatformApplication.
const PAGE: usize = 100;
/// API Reference, CreatePlatformEndpoint.
const LONGEST_USER_DATA: usize = 2048;

fn check(name: &str, value: &str) -> Result<(), ApiError> {
    match name {
        "Enabled" if matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => Ok(()),
        "CustomUserData" if value.len() <= LONGEST_USER_DATA => Ok(()),
        "Token" if !value.is_empty() => Ok(()),
        "Enabled" | "CustomUserData" | "Token" => {
            Err(errors::invalid_because("Attributes", format!("Invalid value for attribute: {name}")))
        }
        _ => Err(errors::invalid_because("Attributes", format!("Invalid attribute name: {name}"))),
    }
}

impl Transact<CreatePlatformEndpoint> for Sns {
    type Draft = (EndpointArn, Endpoint);

    fn guard(&self, _: &Ctx, input: &CreatePlatformEndpointInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::parse(&input.platform_application_arn)?.to_string()))
    }

    fn prepare(&self, ctx: &Ctx, input: CreatePlatformEndpointInput) -> Result<Self::Draft, ApiError> {
        let application = ApplicationArn::parse(&input.platform_application_arn)?;
        let mut attributes = BTreeMap::from([("Enabled".to_owned(), "true".to_owned())]);
        attributes.extend(input.attributes.unwrap_or_default());
        attributes.extend(input.custom_user_data.map(|data| ("CustomUserData".to_owned(), data)));
        attributes.insert("Token".to_owned(), input.token);
        for (name, value) in &attributes {
            check(name, value)?;
        }
        Ok((application.endpoint(ctx.ids().uuid()), Endpoint { attributes }))
    }

    /// The same device again is the same endpoint.
    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, endpoint): &Self::Draft,
    ) -> Result<CreatePlatformEndpointOutput, ApiError> {
        tx.with_scope(&arn.application.scope(), |tx| {
            arn.application.find(tx)?;
            let token = (arn.application.path.clone(), endpoint.token());
            if let Some(EndpointId(id)) = tables::ENDPOINT_TOKENS.find(tx, &token)? {
                let present = arn.application.endpoint(id);
                if present.find(tx)? != *endpoint {
                    return Err(errors::invalid_because(
                        "Token",
                        format!(
                            "Endpoint {present} already exists with the same Token, but different attributes."
                        ),
                    ));
                }
                return Ok(CreatePlatformEndpointOutput { endpoint_arn: Some(present.to_string()) });
            }
            tables::PLATFORM_ENDPOINTS.put(tx, &arn.key(), endpoint);
            tables::ENDPOINT_TOKENS.put(tx, &token, &EndpointId(arn.id.clone()));
            Ok(CreatePlatformEndpointOutput { endpoint_arn: Some(arn.to_string()) })
        })
    }
}

impl Handle<GetEndpointAttributes> for Sns {
    fn guard(&self, _: &Ctx, input: &GetEndpointAttributesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(EndpointArn::parse("EndpointArn", &input.endpoint_arn)?.to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetEndpointAttributesInput,
    ) -> Result<GetEndpointAttributesOutput, ApiError> {
        let arn = EndpointArn::parse("EndpointArn", &input.endpoint_arn)?;
        let endpoint = arn.find(&mut ctx.store().read(&arn.application.scope())?)?;
        Ok(GetEndpointAttributesOutput { attributes: Some(endpoint.attributes) })
    }
}

impl Transact<SetEndpointAttributes> for Sns {
    type Draft = (EndpointArn, Map<String>);

    fn guard(&self, _: &Ctx, input: &SetEndpointAttributesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(EndpointArn::parse("EndpointArn", &input.endpoint_arn)?.to_string()))
    }

    fn prepare(&self, _: &Ctx, input: SetEndpointAttributesInput) -> Result<Self::Draft, ApiError> {
        for (name, value) in &input.attributes {
            check(name, value)?;
        }
        Ok((EndpointArn::parse("EndpointArn", &input.endpoint_arn)?, input.attributes))
    }

    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        (arn, given): &Self::Draft,
    ) -> Result<SetEndpointAttributesOutput, ApiError> {
        tx.with_scope(&arn.application.scope(), |tx| {
            let mut endpoint = arn.find(tx)?;
            let path = &arn.application.path;
            tables::ENDPOINT_TOKENS.delete(tx, &(path.clone(), endpoint.token()));
            endpoint.attributes.extend(given.clone());
            tables::ENDPOINT_TOKENS.put(tx, &(path.clone(), endpoint.token()), &EndpointId(arn.id.clone()));
            tables::PLATFORM_ENDPOINTS.put(tx, &arn.key(), &endpoint);
            Ok(SetEndpointAttributesOutput {})
        })
    }
}

impl Handle<ListEndpointsByPlatformApplication> for Sns {
    fn guard(&self, _: &Ctx, input: &ListEndpointsByPlatformApplicationInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::parse(&input.platform_application_arn)?.to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListEndpointsByPlatformApplicationInput,
    ) -> Result<ListEndpointsByPlatformApplicationOutput, ApiError> {
        let application = ApplicationArn::parse(&input.platform_application_arn)?;
        let mut snapshot = ctx.store().read(&application.scope())?;
        application.find(&mut snapshot)?;
        let mut range = Range::prefix(&application.path);
        if let Some(last) = input.next_token.filter(|token| !token.is_empty()) {
            range = range.after(&(application.path.clone(), last));
        }
        let mut rows = tables::PLATFORM_ENDPOINTS.list(&mut snapshot, &range, PAGE + 1)?;
        let has_more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next_token = rows.last().filter(|_| has_more).map(|((_, id), _)| id.clone());
        let show = |((_, id), row): ((String, String), Endpoint)| Answer {
            endpoint_arn: Some(application.endpoint(id).to_string()),
            attributes: Some(row.attributes),
        };
        let endpoints = Some(rows.into_iter().map(show).collect());
        Ok(ListEndpointsByPlatformApplicationOutput { endpoints, next_token })
    }
}

impl Transact<DeleteEndpoint> for Sns {
    type Draft = EndpointArn;

    fn guard(&self, _: &Ctx, input: &DeleteEndpointInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(EndpointArn::parse("EndpointArn", &input.endpoint_arn)?.to_string()))
    }

    fn prepare(&self, _: &Ctx, input: DeleteEndpointInput) -> Result<EndpointArn, ApiError> {
        EndpointArn::parse("EndpointArn", &input.endpoint_arn)
    }

    /// One that is gone is no error.
    fn apply(&self, _: &Ctx, tx: &mut Tx<'_>, arn: &EndpointArn) -> Result<DeleteEndpointOutput, ApiError> {
        tx.with_scope(&arn.application.scope(), |tx| {
            if let Some(endpoint) = tables::PLATFORM_ENDPOINTS.find(tx, &arn.key())? {
                tables::ENDPOINT_TOKENS.delete(tx, &(arn.application.path.clone(), endpoint.token()));
                tables::PLATFORM_ENDPOINTS.delete(tx, &arn.key());
            }
            Ok(DeleteEndpointOutput {})
        })
    }
}
