//! RemovePermission: takes a labelled statement out of the queue's policy.

use cloud::{Ctx, Guard, Transact};
use serde_json::Value;
use shapes::ApiError;
use sqs_api::op::RemovePermission;
use sqs_api::{RemovePermissionInput, RemovePermissionOutput};
use store::Tx;

use super::Target;
use super::add_permission::{has_label, statements};
use crate::{Sqs, errors};

impl Transact<RemovePermission> for Sqs {
    type Draft = (Target, String);

    fn guard(&self, ctx: &Ctx, input: &RemovePermissionInput) -> Result<Guard, ApiError> {
        self.queue_guard(ctx, &input.queue_url)
    }

    fn prepare(&self, ctx: &Ctx, input: RemovePermissionInput) -> Result<Self::Draft, ApiError> {
        if input.label.is_empty() {
            return Err(errors::missing_parameter("Label"));
        }
        Ok((Target::parse(ctx, &input.queue_url)?, input.label))
    }

    fn apply(
        &self,
        ctx: &Ctx,
        tx: &mut Tx<'_>,
        (target, label): &Self::Draft,
    ) -> Result<RemovePermissionOutput, ApiError> {
        tx.with_scope(&target.scope, |tx| {
            let mut queue = target.find(tx)?;
            let no_such_label = || errors::invalid_label(label, "can't find label on existing policy.");
            let text = queue.attributes.policy.as_ref().ok_or_else(no_such_label)?;
            let mut policy: Value = serde_json::from_str(text).map_err(ApiError::internal)?;
            let statements = statements(&mut policy);
            let before = statements.len();
            statements.retain(|statement| !has_label(statement, label));
            if statements.len() == before {
                return Err(no_such_label());
            }
            // A policy without a statement would be none.
            queue.attributes.policy = (!statements.is_empty()).then(|| policy.to_string());
            queue.modified = ctx.now();
            self.put_queue(tx, &queue);
            Ok(RemovePermissionOutput {})
        })
    }
}
