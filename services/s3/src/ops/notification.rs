//! Who is told of a bucket's events.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use s3_api::op::{GetBucketNotificationConfiguration, PutBucketNotificationConfiguration};
use s3_api::{
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    NotificationConfiguration, PutBucketNotificationConfigurationInput,
    PutBucketNotificationConfigurationOutput,
};
use shapes::ApiError;

use crate::tables::Config;
use crate::{S3, events};

const KIND: &str = "notification";

impl Handle<GetBucketNotificationConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &GetBucketNotificationConfigurationInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:GetBucketNotification")
    }

    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: GetBucketNotificationConfigurationInput,
    ) -> Result<GetBucketNotificationConfigurationOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let config = self.find_config(&loaded, KIND, "")?;
        Ok(config.map(|config| config.read()).unwrap_or_default())
    }
}

impl Handle<PutBucketNotificationConfiguration> for S3 {
    fn guard(&self, ctx: &Ctx, input: &PutBucketNotificationConfigurationInput) -> Result<Guard, ApiError> {
        self.bucket_guard(ctx, &input.bucket, "s3:PutBucketNotification")
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: PutBucketNotificationConfigurationInput,
    ) -> Result<PutBucketNotificationConfigurationOutput, ApiError> {
        let loaded = self.bucket_of(&input.bucket, input.expected_bucket_owner.as_deref())?;
        let configuration = with_ids(ctx, input.notification_configuration);
        let skips = input.skip_destination_validation == Some(true);
        events::validate(ctx, &loaded, &configuration, skips).await?;
        // An empty configuration tells nobody, which is how notifications are switched off.
        if configuration == NotificationConfiguration::default() {
            self.delete_config(&loaded, KIND, "").await?;
        } else {
            self.put_config(&loaded, KIND, "", Config::of(&configuration, ctx.now())).await?;
        }
        Ok(PutBucketNotificationConfigurationOutput::default())
    }
}

/// Configurations without an id get one.
fn with_ids(ctx: &Ctx, mut configuration: NotificationConfiguration) -> NotificationConfiguration {
    let fresh = |id: &mut Option<String>| {
        id.get_or_insert_with(|| ctx.ids().uuid());
    };
    configuration.queue_configurations.iter_mut().flatten().for_each(|queue| fresh(&mut queue.id));
    configuration.topic_configurations.iter_mut().flatten().for_each(|topic| fresh(&mut topic.id));
    configuration
        .lambda_function_configurations
        .iter_mut()
        .flatten()
        .for_each(|function| fresh(&mut function.id));
    configuration
}
