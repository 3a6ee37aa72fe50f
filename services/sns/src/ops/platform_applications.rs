//! CreatePlatformApplication, GetPlatformApplicationAttributes, SetPlatformApplicationAttributes,
//! ListPlatformApplications and DeletePlatformApplication.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle, Transact};
use shapes::{ApiError, Map};
use sns_api::op::{
    CreatePlatformApplication, DeletePlatformApplication, GetPlatformApplicationAttributes,
    ListPlatformApplications, SetPlatformApplicationAttributes,
};
use sns_api::{
    CreatePlatformApplicationInput, CreatePlatformApplicationOutput, DeletePlatformApplicationInput,
    DeletePlatformApplicationOutput, GetPlatformApplicationAttributesInput,
    GetPlatformApplicationAttributesOutput, ListPlatformApplicationsInput, ListPlatformApplicationsOutput,
    PlatformApplication, SetPlatformApplicationAttributesInput, SetPlatformApplicationAttributesOutput,
};
use store::{Range, Tx};

use crate::gateways::Secrets;
use crate::push::{Application, ApplicationArn};
use crate::{Sns, errors, tables};

/// API Reference, ListPlatformApplications.
const PAGE: usize = 100;
/// Endpoints of one application that are taken away with it.
const MOST_ENDPOINTS: usize = 1_000_000;

/// API Reference, SetPlatformApplicationAttributes.
const ATTRIBUTES: [&str; 14] = [
    "PlatformPrincipal",
    "PlatformCredential",
    "EventEndpointCreated",
    "EventEndpointDeleted",
    "EventEndpointUpdated",
    "EventDeliveryFailure",
    "SuccessFeedbackRoleArn",
    "FailureFeedbackRoleArn",
    "SuccessFeedbackSampleRate",
    "ApplePlatformTeamID",
    "ApplePlatformBundleID",
    "Enabled",
    "AppleCertificateExpiryDate",
    "AppleCertificateExpirationDate",
];

fn change(application: &mut Application, given: &Map<String>) -> Result<(), ApiError> {
    for (name, value) in given {
        if !ATTRIBUTES.contains(&name.as_str()) {
            return Err(errors::invalid_because("Attributes", format!("unknown attribute {name}")));
        }
        // Secrets are kept elsewhere, and told to nobody.
        if !matches!(name.as_str(), "PlatformPrincipal" | "PlatformCredential") {
            application.attributes.insert(name.clone(), value.clone());
        }
    }
    Ok(())
}

impl Transact<CreatePlatformApplication> for Sns {
    type Draft = (ApplicationArn, Application, Map<String>);

    fn guard(&self, ctx: &Ctx, input: &CreatePlatformApplicationInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::here(ctx, &input.platform, &input.name)?.to_string()))
    }

    fn prepare(&self, ctx: &Ctx, input: CreatePlatformApplicationInput) -> Result<Self::Draft, ApiError> {
        let arn = ApplicationArn::here(ctx, &input.platform, &input.name)?;
        let mut application = Application::default();
        application.attributes.insert("Enabled".to_owned(), "true".to_owned());
        change(&mut application, &input.attributes)?;
        Ok((arn, application, input.attributes))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, application, given): &Self::Draft,
    ) -> Result<CreatePlatformApplicationOutput, ApiError> {
        match tables::APPLICATIONS.find(tx, &arn.path)? {
            Some(existing) if existing != *application => {
                return Err(errors::invalid_because(
                    "Attributes",
                    "A PlatformApplication already exists with different attributes",
                ));
            }
            _ => tables::APPLICATIONS.put(tx, &arn.path, application),
        }
        Secrets::change(ctx, tx, arn, given)?;
        Ok(CreatePlatformApplicationOutput { platform_application_arn: Some(arn.to_string()) })
    }
}

impl Handle<GetPlatformApplicationAttributes> for Sns {
    fn guard(&self, _: &Ctx, input: &GetPlatformApplicationAttributesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::parse(&input.platform_application_arn)?.to_string()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetPlatformApplicationAttributesInput,
    ) -> Result<GetPlatformApplicationAttributesOutput, ApiError> {
        let arn = ApplicationArn::parse(&input.platform_application_arn)?;
        let application = arn.find(&mut ctx.store().read(&arn.scope())?)?;
        Ok(GetPlatformApplicationAttributesOutput { attributes: Some(application.attributes) })
    }
}

impl Transact<SetPlatformApplicationAttributes> for Sns {
    type Draft = (ApplicationArn, Map<String>);

    fn guard(&self, _: &Ctx, input: &SetPlatformApplicationAttributesInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::parse(&input.platform_application_arn)?.to_string()))
    }

    fn prepare(
        &self,
        _: &Ctx,
        input: SetPlatformApplicationAttributesInput,
    ) -> Result<Self::Draft, ApiError> {
        Ok((ApplicationArn::parse(&input.platform_application_arn)?, input.attributes))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (arn, given): &Self::Draft,
    ) -> Result<SetPlatformApplicationAttributesOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            let mut application = arn.find(tx)?;
            change(&mut application, given)?;
            Secrets::change(ctx, tx, arn, given)?;
            tables::APPLICATIONS.put(tx, &arn.path, &application);
            Ok(SetPlatformApplicationAttributesOutput {})
        })
    }
}

impl Handle<ListPlatformApplications> for Sns {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListPlatformApplicationsInput,
    ) -> Result<ListPlatformApplicationsOutput, ApiError> {
        let range = match input.next_token.filter(|token| !token.is_empty()) {
            Some(last) => Range::all().after(&last),
            None => Range::all(),
        };
        let mut rows = tables::APPLICATIONS.list(&mut ctx.read()?, &range, PAGE + 1)?;
        let has_more = rows.len() > PAGE;
        rows.truncate(PAGE);
        let next_token = rows.last().filter(|_| has_more).map(|(path, _)| path.clone());
        let show = |(path, row): (String, Application)| {
            let arn = ApplicationArn { account: ctx.account(), region: ctx.region(), path };
            let attributes = Some(row.attributes);
            PlatformApplication { platform_application_arn: Some(arn.to_string()), attributes }
        };
        let platform_applications = Some(rows.into_iter().map(show).collect());
        Ok(ListPlatformApplicationsOutput { platform_applications, next_token })
    }
}

impl Transact<DeletePlatformApplication> for Sns {
    type Draft = ApplicationArn;

    fn guard(&self, _: &Ctx, input: &DeletePlatformApplicationInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(ApplicationArn::parse(&input.platform_application_arn)?.to_string()))
    }

    fn prepare(&self, _: &Ctx, input: DeletePlatformApplicationInput) -> Result<Self::Draft, ApiError> {
        ApplicationArn::parse(&input.platform_application_arn)
    }

    /// One that is gone is no error.
    fn apply(
        &self,
        _: &Ctx,
        tx: &mut Tx<'_>,
        arn: &ApplicationArn,
    ) -> Result<DeletePlatformApplicationOutput, ApiError> {
        tx.with_scope(&arn.scope(), |tx| {
            tables::APPLICATIONS.delete(tx, &arn.path);
            tables::APPLICATION_SECRETS.delete(tx, &arn.path);
            let range = Range::prefix(&arn.path);
            for (key, endpoint) in tables::PLATFORM_ENDPOINTS.list(tx, &range, MOST_ENDPOINTS)? {
                tables::ENDPOINT_TOKENS.delete(tx, &(key.0.clone(), endpoint.token()));
                tables::PLATFORM_ENDPOINTS.delete(tx, &key);
            }
            Ok(DeletePlatformApplicationOutput {})
        })
    }
}
