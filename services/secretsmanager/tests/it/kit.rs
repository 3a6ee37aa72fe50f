//! A region with secrets, keys and a function that rotates, and short words for what tests do with it.

use std::sync::{Arc, Mutex};

use ::kit::TestRegion;
use cloud::{Cloud, Ctx, Guard, Handle, Operation, Service};
use identity::{AccountId, Principal};
use kms::KmsService;
use lambda_api::op::Invoke;
use lambda_api::{InvokeInput, InvokeOutput};
use secretsmanager::SecretsService;
use secretsmanager_api::op::{
    CreateSecret, DescribeSecret, GetSecretValue, PutSecretValue, UpdateSecretVersionStage,
};
use secretsmanager_api::{
    CreateSecretInput, CreateSecretOutput, DescribeSecretInput, DescribeSecretOutput, GetSecretValueInput,
    PutSecretValueInput, PutSecretValueOutput, UpdateSecretVersionStageInput,
};
use serde_json::Value;
use shapes::ApiError;

/// A rotation function as users write them, in place of Lambda.
#[derive(Default)]
pub(crate) struct Function {
    pub steps: Mutex<Vec<String>>,
    /// Step that fails.
    pub fails: Mutex<Option<&'static str>>,
}

static INVOKE: &[Operation<Function>] = &[Operation::of::<Invoke>()];

impl Handle<Invoke> for Function {
    fn guard(&self, _: &Ctx, _: &InvokeInput) -> Result<Guard, ApiError> {
        Ok(Guard::open())
    }

    async fn handle(self: &Arc<Self>, ctx: &Ctx, input: InvokeInput) -> Result<InvokeOutput, ApiError> {
        if input.function_name.ends_with(":forbidden") {
            return Err(ApiError::sender("AccessDeniedException", "no"));
        }
        if input.invocation_type.as_deref() == Some("DryRun") {
            return Ok(InvokeOutput::default());
        }
        let event: Value = serde_json::from_slice(&input.payload.unwrap_or_default()).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        let (secret_id, token, step) = (text("SecretId"), text("ClientRequestToken"), text("Step"));
        self.steps.lock().unwrap().push(step.clone());
        if *self.fails.lock().unwrap() == Some(step.as_str()) {
            return Ok(InvokeOutput { function_error: Some("Unhandled".to_owned()), ..Default::default() });
        }
        let account = AccountId::DEFAULT;
        let role = Principal::assumed_role(account, "/", "rotation", "AROATEST", "s");
        let caller = cloud::Caller::internal(cloud::Actor::of(role), "function", account);
        let tenant = (account, ctx.region());
        let own = Ctx::new(ctx.cloud().clone(), caller, tenant, ctx.trace(), "function".into(), "request");
        match step.as_str() {
            "createSecret" => {
                let made = GetSecretValueInput {
                    secret_id: secret_id.clone(),
                    version_id: Some(token.clone()),
                    version_stage: Some("AWSPENDING".to_owned()),
                };
                if own.call::<GetSecretValue>(made).await.is_ok() {
                    return Ok(InvokeOutput::default());
                }
                let input = PutSecretValueInput {
                    secret_id,
                    client_request_token: Some(token.clone()),
                    secret_string: Some(format!("rotated {}", self.steps.lock().unwrap().len())),
                    version_stages: Some(vec!["AWSPENDING".to_owned()]),
                    ..Default::default()
                };
                own.call::<PutSecretValue>(input).await?;
            }
            "finishSecret" => {
                let input = DescribeSecretInput { secret_id: secret_id.clone() };
                let stages = own.call::<DescribeSecret>(input).await?.version_ids_to_stages.unwrap();
                let current = stages.iter().find(|(_, stages)| stages.contains(&"AWSCURRENT".to_owned()));
                let input = UpdateSecretVersionStageInput {
                    secret_id,
                    version_stage: "AWSCURRENT".to_owned(),
                    remove_from_version_id: current.map(|(id, _)| id.clone()),
                    move_to_version_id: Some(token),
                };
                own.call::<UpdateSecretVersionStage>(input).await?;
            }
            _ => {}
        }
        Ok(InvokeOutput::default())
    }
}

pub(crate) struct Secrets {
    pub region: TestRegion,
    pub function: Arc<Function>,
}

impl Secrets {
    pub(crate) fn start() -> Self {
        let function = Arc::new(Function::default());
        let rotation = Arc::clone(&function);
        let region = TestRegion::with_jobs(|cloud: &Cloud| {
            let secrets = SecretsService::new(cloud.clone());
            let kms = KmsService::new(cloud.clone());
            let lambda = Service::new(&lambda_api::SERVICE, rotation, INVOKE);
            (vec![secrets.service(), kms.service(), lambda], secrets.jobs())
        });
        Self { region, function }
    }

    pub(crate) fn ctx(&self) -> Ctx {
        self.region.ctx()
    }

    pub(crate) async fn create(&self, name: &str, value: &str) -> CreateSecretOutput {
        let input = CreateSecretInput {
            name: name.to_owned(),
            secret_string: Some(value.to_owned()),
            ..Default::default()
        };
        self.ctx().call::<CreateSecret>(input).await.unwrap()
    }

    pub(crate) async fn put(
        &self,
        name: &str,
        value: &str,
        token: Option<&str>,
    ) -> Result<PutSecretValueOutput, ApiError> {
        let input = PutSecretValueInput {
            secret_id: name.to_owned(),
            secret_string: Some(value.to_owned()),
            client_request_token: token.map(str::to_owned),
            ..Default::default()
        };
        self.ctx().call::<PutSecretValue>(input).await
    }

    pub(crate) async fn describe(&self, name: &str) -> DescribeSecretOutput {
        let input = DescribeSecretInput { secret_id: name.to_owned() };
        self.ctx().call::<DescribeSecret>(input).await.unwrap()
    }

    pub(crate) async fn get(&self, name: &str) -> Result<String, ApiError> {
        self.get_at(&self.ctx(), name, None).await
    }

    pub(crate) async fn get_at(
        &self,
        ctx: &Ctx,
        name: &str,
        stage: Option<&str>,
    ) -> Result<String, ApiError> {
        let input = GetSecretValueInput {
            secret_id: name.to_owned(),
            version_stage: stage.map(str::to_owned),
            version_id: None,
        };
        Ok(ctx.call::<GetSecretValue>(input).await?.secret_string.unwrap_or_default())
    }

    pub(crate) async fn advance_days(&self, days: u32) {
        self.region.settle().await;
        self.region.advance(std::time::Duration::from_secs(86_400) * days).await;
        self.region.settle().await;
    }
}

/// The error's name, or what went well.
pub(crate) fn name<T>(outcome: Result<T, ApiError>) -> String {
    outcome.map_or_else(|error| error.name().to_owned(), |_| "fine".to_owned())
}
