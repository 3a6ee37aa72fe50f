//! CreateFunction: keeps a deployment package and makes a function of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use lambda_api::op::CreateFunction;
use lambda_api::{CreateFunctionInput, CreateFunctionOutput};
use shapes::ApiError;

use crate::code::Source;
use crate::configuration::Changes;
use crate::function::{Function, LATEST, Logging, Target, Version};
use crate::{Lambda, errors, tables, variables};

impl Handle<CreateFunction> for Lambda {
    fn guard(&self, ctx: &Ctx, input: &CreateFunctionInput) -> Result<Guard, ApiError> {
        Ok(Guard::resource(Target::parse(ctx, &input.function_name, None)?.arn()))
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: CreateFunctionInput,
    ) -> Result<CreateFunctionOutput, ApiError> {
        let target = Target::parse(ctx, &input.function_name, None)?;
        if target.account != ctx.account() || target.qualifier.is_some() {
            return Err(errors::invalid(format!("Invalid function name: {}", input.function_name)));
        }
        let mut changes = Changes::of_create(&input)?;
        changes.layers = self.layers(ctx, changes.layer_arns.as_deref()).await?;
        changes.protect(ctx, &target.arn(), None).await?;
        let tags = input.tags.unwrap_or_default();
        super::tags::check(&tags)?;
        let source = Source {
            zip: input.code.zip_file,
            bucket: input.code.s3_bucket,
            key: input.code.s3_key,
            version: input.code.s3_object_version,
        };
        // Told early, before the work on the package.
        let exists = tables::FUNCTIONS.contains(&mut ctx.read()?, &target.name)?;
        if exists {
            return Err(errors::function_exists(&target.name));
        }
        let code = self.package(ctx, source, "CreateFunction").await?;
        let mut latest = Version {
            name: target.name.clone(),
            version: LATEST.to_owned(),
            description: String::new(),
            runtime: String::new(),
            handler: String::new(),
            role: String::new(),
            memory_mb: 128,
            timeout_seconds: 3,
            storage_mb: 512,
            environment: BTreeMap::new(),
            architecture: super::update_function::architecture(input.architectures.as_deref())?,
            code,
            dead_letter_target: None,
            tracing_mode: "PassThrough".to_owned(),
            logging: Logging::default(),
            layers: Vec::new(),
            modified: ctx.now(),
            revision: ctx.ids().uuid(),
            kms_key_arn: None,
            sealed_environment: None,
        };
        changes.apply(&mut latest)?;
        self.check_role(ctx, &target.arn(), &latest.role)?;
        let publish = input.publish.unwrap_or(false);
        let function =
            Function { latest, last_version: u64::from(publish), reserved_concurrency: None, tags };
        let arn = target.arn();
        let created = ctx
            .write(move |tx| {
                if tables::FUNCTIONS.contains(tx, &target.name)? {
                    return Err(errors::function_exists(&target.name));
                }
                tables::FUNCTIONS.put(tx, &target.name, &function);
                if publish {
                    let version = Version { version: "1".to_owned(), ..function.latest.clone() };
                    tables::VERSIONS.put(tx, &(target.name.clone(), 1), &version);
                    return Ok(version);
                }
                Ok(function.latest.clone())
            })
            .await?;
        let told = if publish { format!("{arn}:1") } else { arn.clone() };
        Ok(variables::shown(ctx, &arn, &created, created.to_api(told)).await)
    }
}
