//! What of an API may be stored: what is checked here need not be checked when it is called.

use serde_json::Value;
use shapes::ApiError;
use vtl::Template;

use crate::execution::group_of;
use crate::execution::integration::Target;
use crate::execution::parameters::{self, RequestTarget, ResponseTarget, Source};
use crate::execution::responses::selection;
use crate::gateway_response::Cause;
use crate::json_schema::Schema;
use crate::rows::{
    AccessLogSettings, Account, Authorizer, Definition, GatewayResponse, Integration, IntegrationResponse,
    Method, MethodResponse, Model, RestApi, Stage,
};
use crate::{errors, policy};

const VERBS: [&str; 8] = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "HEAD", "ANY"];

pub(crate) fn check_api(api: &RestApi) -> Result<(), ApiError> {
    for kind in &api.endpoint_configuration.types {
        check_one_of("endpoint type", kind, &["REGIONAL", "EDGE", "PRIVATE"])?;
    }
    if let Some(source) = &api.definition.api_key_source {
        check_one_of("apiKeySource", source, &["HEADER", "AUTHORIZER"])?;
    }
    if let Some(policy) = api.definition.policy.as_deref().filter(|policy| !policy.is_empty()) {
        policy::parse(policy, "")?;
    }
    if let Some(size) = api.definition.minimum_compression_size
        && !(0..=10 << 20).contains(&size)
    {
        return Err(errors::bad_request("Invalid minimum compression size, must be between 0 and 10485760"));
    }
    if api.name.is_empty() {
        return Err(errors::bad_request("API Name cannot be empty"));
    }
    Ok(())
}

fn check_one_of(name: &str, value: &str, allowed: &[&str]) -> Result<(), ApiError> {
    if allowed.contains(&value) { Ok(()) } else { Err(errors::invalid_enum(name, value, allowed)) }
}

pub(crate) fn check_verb(verb: &str) -> Result<(), ApiError> {
    if VERBS.contains(&verb) {
        return Ok(());
    }
    let valid = "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY";
    Err(errors::bad_request(format!("Invalid HttpMethod specified. Valid options are {valid}")))
}

pub(crate) fn check_method(method: &Method, definition: &Definition) -> Result<(), ApiError> {
    match method.authorization_type.as_str() {
        "NONE" | "AWS_IAM" => {}
        "CUSTOM" => {
            let known =
                method.authorizer_id.as_ref().is_some_and(|id| definition.authorizers.contains_key(id));
            if !known {
                return Err(errors::bad_request(
                    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS \
                     requires a valid authorizer.",
                ));
            }
        }
        "COGNITO_USER_POOLS" => {
            return Err(errors::not_here_yet("The authorization type COGNITO_USER_POOLS"));
        }
        _ => {
            return Err(errors::bad_request(
                "Invalid authorization type specified. Valid options are NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS",
            ));
        }
    }
    for name in method.request_parameters.keys() {
        if parameters::RequestParameter::parse(name).is_none() {
            return Err(invalid_mapping(name));
        }
    }
    for model in method.request_models.values() {
        check_known_model(model, definition)?;
    }
    if let Some(id) = &method.request_validator_id
        && !id.is_empty()
        && !definition.request_validators.contains_key(id)
    {
        return Err(errors::bad_request("Invalid Request Validator identifier specified"));
    }
    Ok(())
}

fn check_known_model(name: &str, definition: &Definition) -> Result<(), ApiError> {
    // Stores of earlier releases lack the models that every API has.
    if matches!(name, "Empty" | "Error") || definition.models.contains_key(name) {
        return Ok(());
    }
    Err(errors::bad_request(format!("Invalid model identifier specified: {name}")))
}

fn invalid_mapping(text: &str) -> ApiError {
    errors::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         specified: {text}]"
    ))
}

fn undeclared(text: &str) -> ApiError {
    errors::bad_request(format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         parameter specified: {text}]"
    ))
}

pub(crate) fn check_method_response(
    response: &MethodResponse,
    definition: &Definition,
) -> Result<(), ApiError> {
    for name in response.response_parameters.keys() {
        ResponseTarget::parse(name).ok_or_else(|| invalid_mapping(name))?;
    }
    response.response_models.values().try_for_each(|model| check_known_model(model, definition))
}

pub(crate) fn check_integration(integration: &Integration) -> Result<(), ApiError> {
    let kind = integration.r#type.as_str();
    check_one_of("integration type", kind, &["HTTP", "AWS", "MOCK", "HTTP_PROXY", "AWS_PROXY"])?;
    if integration.connection_type.as_deref() == Some("VPC_LINK") {
        return Err(errors::not_here_yet("The connection type VPC_LINK"));
    }
    let passthrough = &["WHEN_NO_MATCH", "WHEN_NO_TEMPLATES", "NEVER"];
    check_one_of("passthroughBehavior", &integration.passthrough_behavior, passthrough)?;
    check_content_handling(integration.content_handling.as_deref())?;
    if !integration.timeout_in_millis.is_none_or(|millis| (50..=29_000).contains(&millis)) {
        return Err(errors::bad_request("Timeout should be between 50 ms and 29000 ms"));
    }
    let credentials = integration.credentials.as_deref().unwrap_or_default();
    if !credentials.is_empty() && !credentials.starts_with("arn:") {
        return Err(errors::bad_request("Invalid ARN specified in the request"));
    }
    if kind != "MOCK" {
        let verb = integration.http_method.as_deref().unwrap_or_default();
        if verb.is_empty() {
            return Err(errors::bad_request("Enumeration value for HttpMethod must be non-empty"));
        }
        check_verb(verb)?;
        let uri = integration.uri.as_deref().unwrap_or_default();
        match Target::parse(kind, uri)? {
            Target::Function(_) => {}
            _ if kind == "AWS_PROXY" => {
                return Err(errors::bad_request(
                    "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream \
                     invocations.",
                ));
            }
            _ => {}
        }
    }
    for (to, from) in &integration.request_parameters {
        RequestTarget::parse(to).ok_or_else(|| invalid_mapping(to))?;
        Source::of_request(from).ok_or_else(|| invalid_mapping(from))?;
    }
    integration.request_templates.values().try_for_each(|text| check_template(text))
}

fn check_content_handling(handling: Option<&str>) -> Result<(), ApiError> {
    match handling {
        None | Some("" | "CONVERT_TO_TEXT" | "CONVERT_TO_BINARY") => Ok(()),
        Some(other) => {
            Err(errors::invalid_enum("contentHandling", other, &["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"]))
        }
    }
}

fn check_template(text: &str) -> Result<(), ApiError> {
    let parsed = Template::parse(text);
    let invalid = |error| errors::bad_request(format!("Invalid mapping template specified: {error}"));
    parsed.map(|_| ()).map_err(invalid)
}

pub(crate) fn check_integration_response(
    response: &IntegrationResponse,
    method: &Method,
) -> Result<(), ApiError> {
    if let Some(pattern) = &response.selection_pattern {
        selection(pattern)?;
    }
    check_content_handling(response.content_handling.as_deref())?;
    let declared = method.method_responses.get(&response.status_code);
    for (to, from) in &response.response_parameters {
        ResponseTarget::parse(to).ok_or_else(|| invalid_mapping(to))?;
        Source::of_response(from).ok_or_else(|| invalid_mapping(from))?;
        if !declared.is_some_and(|declared| declared.response_parameters.contains_key(to)) {
            return Err(undeclared(to));
        }
    }
    response.response_templates.values().try_for_each(|text| check_template(text))
}

pub(crate) fn check_stage(stage: &Stage) -> Result<(), ApiError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if stage.stage_name.is_empty() || !stage.stage_name.chars().all(|c| is_name(c) || c == '$') {
        return Err(errors::bad_request("Stage name only allows a-zA-Z0-9_-"));
    }
    for (name, value) in &stage.variables {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(errors::bad_request(format!(
                "Invalid stage variable name: {name}. Please use only alphanumeric characters and underscores."
            )));
        }
        if !value.chars().all(|c| c.is_ascii_alphanumeric() || " -._~:/?#&=,@".contains(c)) {
            return Err(errors::bad_request(format!(
                "Invalid stage variable value: {value}. Please use values with alphanumeric characters and the symbols ' \
                 ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
            )));
        }
    }
    for setting in stage.method_settings.values() {
        check_one_of("loggingLevel", &setting.logging_level, &["OFF", "ERROR", "INFO"])?;
        if setting.caching_enabled {
            return Err(errors::not_here_yet("Caching of responses"));
        }
    }
    if stage.cache_cluster_enabled {
        return Err(errors::not_here_yet("Caching of responses"));
    }
    stage.access_log_settings.as_ref().map_or(Ok(()), check_access_log)
}

fn check_access_log(settings: &AccessLogSettings) -> Result<(), ApiError> {
    if let Some(destination) = settings.destination_arn.as_deref().filter(|arn| !arn.is_empty()) {
        if destination.starts_with("arn:aws:firehose:") {
            return Err(errors::not_here_yet("Access logging to Amazon Data Firehose"));
        }
        if group_of(destination).is_none() {
            return Err(errors::bad_request(format!(
                "Invalid ARN specified in the request. ARNs must start with 'arn:': {destination}"
            )));
        }
    }
    let format = settings.format.as_deref().unwrap_or_default();
    if format.trim_end_matches('\n').contains('\n') {
        return Err(errors::bad_request(
            "Access Log format must be single line, new line character is allowed only at end of the format",
        ));
    }
    let has_id = ["$context.requestId", "$context.extendedRequestId"].iter().any(|id| format.contains(id));
    if !format.is_empty() && !has_id {
        return Err(errors::bad_request(
            "Access Log format must contain at least one of $context.requestId, $context.extendedRequestId",
        ));
    }
    Ok(())
}

/// Nothing is logged without a role to do it with.
pub(crate) fn check_logging(stage: &Stage, account: &Account) -> Result<(), ApiError> {
    let has_destination =
        |logs: &AccessLogSettings| logs.destination_arn.as_ref().is_some_and(|arn| !arn.is_empty());
    let logs = stage.method_settings.values().any(|setting| setting.logging_level != "OFF")
        || stage.access_log_settings.as_ref().is_some_and(has_destination);
    if logs && account.cloudwatch_role_arn.is_none() {
        return Err(errors::no_logging_role());
    }
    Ok(())
}

pub(crate) fn check_model(model: &Model) -> Result<(), ApiError> {
    if model.name.is_empty() || !model.name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(errors::bad_request(format!("Model name must be alphanumeric: {}", model.name)));
    }
    let Some(schema) = model.schema.as_deref().filter(|schema| !schema.is_empty()) else {
        return Err(errors::bad_request("Model schema must have at least 1 property or array items defined"));
    };
    let invalid = |reason: &str| {
        errors::bad_request(format!(
            "Invalid model specified: Validation Result: warnings : [], errors : [{reason}]"
        ))
    };
    if model.content_type.starts_with("application/json") {
        let parsed: Value = serde_json::from_str(schema)
            .map_err(|_| invalid("Invalid model schema specified. Unable to parse it as JSON"))?;
        Schema::parse(&parsed)
            .map_err(|error| invalid(&format!("Invalid model schema specified. {error}")))?;
    }
    Ok(())
}

pub(crate) fn check_authorizer(authorizer: &Authorizer) -> Result<(), ApiError> {
    if authorizer.name.is_empty() {
        return Err(errors::bad_request("Authorizer name cannot be empty"));
    }
    let sources = authorizer.identity_source.as_deref().unwrap_or_default();
    let ttl = authorizer.authorizer_result_ttl_in_seconds.unwrap_or(300);
    if !(0..=3600).contains(&ttl) {
        return Err(errors::bad_request(
            "Invalid authorizerResultTtlInSeconds value, must be between 0 and 3600",
        ));
    }
    match authorizer.r#type.as_str() {
        "TOKEN" => {
            if !sources.starts_with("method.request.header.") {
                return Err(errors::bad_request(
                    "Invalid identity source specified for the TOKEN authorizer. It must be a header, such as method.request.header.Authorization",
                ));
            }
        }
        "REQUEST" => {
            let parsed =
                sources.split(',').map(str::trim).filter(|source| !source.is_empty()).map(Source::of_request);
            if parsed.into_iter().any(|source| source.is_none()) {
                return Err(invalid_mapping(sources));
            }
            if sources.is_empty() && ttl > 0 {
                return Err(errors::bad_request(
                    "Identity source is required for a REQUEST authorizer whose results are cached",
                ));
            }
        }
        "COGNITO_USER_POOLS" => return Err(errors::not_here_yet("The authorizer type COGNITO_USER_POOLS")),
        other => {
            return Err(errors::invalid_enum(
                "authorizer type",
                other,
                &["TOKEN", "REQUEST", "COGNITO_USER_POOLS"],
            ));
        }
    }
    if let Some(pattern) = authorizer.identity_validation_expression.as_deref() {
        selection(pattern)?;
    }
    let uri = authorizer.authorizer_uri.as_deref().unwrap_or_default();
    match Target::parse("AWS", uri) {
        Ok(Target::Function(_)) => Ok(()),
        _ => Err(errors::bad_request(format!(
            "Invalid Authorizer URI: {uri}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda function invocation."
        ))),
    }
}

pub(crate) fn check_gateway_response(response: &GatewayResponse) -> Result<(), ApiError> {
    Cause::named(&response.response_type).ok_or_else(errors::no_such_gateway_response)?;
    let status = response.status_code.as_deref();
    if status.is_some_and(|status| status.parse::<u16>().is_ok_and(|code| !(100..600).contains(&code))) {
        return Err(errors::bad_request("Invalid status code specified"));
    }
    for (to, from) in &response.response_parameters {
        if !to.starts_with("gatewayresponse.header.") {
            return Err(invalid_mapping(to));
        }
        Source::of_request(from).ok_or_else(|| invalid_mapping(from))?;
    }
    Ok(())
}
