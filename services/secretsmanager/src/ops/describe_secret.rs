//! DescribeSecret and ListSecretVersionIds.

use std::sync::Arc;

use cloud::{Ctx, Guard, Handle};
use secretsmanager_api::op::{DescribeSecret, ListSecretVersionIds};
use secretsmanager_api::{
    DescribeSecretInput, DescribeSecretOutput, ListSecretVersionIdsInput, ListSecretVersionIdsOutput,
    SecretVersionsListEntry,
};
use shapes::ApiError;

use crate::SecretsManager;
use crate::secret_id::SecretId;

impl Handle<DescribeSecret> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &DescribeSecretInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DescribeSecretInput,
    ) -> Result<DescribeSecretOutput, ApiError> {
        let secret = self.secret(&SecretId::parse(ctx, &input.secret_id)?)?;
        let entry = secret.entry();
        Ok(DescribeSecretOutput {
            arn: entry.arn,
            name: entry.name,
            description: entry.description,
            kms_key_id: entry.kms_key_id,
            rotation_enabled: entry.rotation_enabled,
            rotation_lambda_arn: entry.rotation_lambda_arn,
            rotation_rules: entry.rotation_rules,
            last_rotated_date: entry.last_rotated_date,
            last_changed_date: entry.last_changed_date,
            last_accessed_date: entry.last_accessed_date,
            deleted_date: entry.deleted_date,
            next_rotation_date: entry.next_rotation_date,
            tags: entry.tags,
            version_ids_to_stages: entry.secret_versions_to_stages,
            created_date: entry.created_date,
            ..DescribeSecretOutput::default()
        })
    }
}

impl Handle<ListSecretVersionIds> for SecretsManager {
    fn guard(&self, ctx: &Ctx, input: &ListSecretVersionIdsInput) -> Result<Guard, ApiError> {
        self.guard_of(ctx, &input.secret_id)
    }

    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: ListSecretVersionIdsInput,
    ) -> Result<ListSecretVersionIdsOutput, ApiError> {
        let secret = self.secret(&SecretId::parse(ctx, &input.secret_id)?)?;
        let with_deprecated = input.include_deprecated == Some(true);
        let limit =
            input.max_results.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(100).clamp(1, 100);
        let after = input.next_token;
        let listed = secret.versions.iter().filter(|(id, version)| {
            (with_deprecated || !version.stages.is_empty()) && after.as_ref().is_none_or(|last| *id > last)
        });
        let mut versions: Vec<SecretVersionsListEntry> = listed
            .take(limit + 1)
            .map(|(id, version)| SecretVersionsListEntry {
                version_id: Some(id.clone()),
                version_stages: Some(version.stages.clone()),
                last_accessed_date: None,
                created_date: Some(version.created),
                kms_key_ids: version.key_arn.clone().map(|key| vec![key]),
            })
            .collect();
        let has_more = versions.len() > limit;
        versions.truncate(limit);
        let next_token = versions.last().filter(|_| has_more).and_then(|version| version.version_id.clone());
        Ok(ListSecretVersionIdsOutput {
            versions: Some(versions),
            next_token,
            arn: Some(secret.arn),
            name: Some(secret.name),
        })
    }
}
