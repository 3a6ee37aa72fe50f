//! Key policies: the default one, and what is checked of a new one.

use cloud::{Ctx, Guard};
use identity::AccountId;
use serde_json::json;
use shapes::ApiError;

use crate::{Kms, errors, key};

/// The one policy a key has.
pub(crate) const NAME: &str = "default";
/// Developer Guide, "Resource quotas": characters of a key policy.
const LONGEST: usize = 32_768;

/// The policy of a key that was made without one, in AWS's own layout (Developer Guide, "Default key policy").
pub(crate) fn default(account: AccountId) -> String {
    let policy = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": account.root_arn() },
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    format!("{policy:#}")
}

impl Kms {
    /// Checks a policy for a key, and unless told otherwise that its author can still change it.
    pub(crate) fn check_policy(
        &self,
        ctx: &Ctx,
        (account, id): (AccountId, &str),
        text: &str,
        bypass: bool,
    ) -> Result<(), ApiError> {
        if text.len() > LONGEST {
            return Err(errors::limit_exceeded(format!(
                "The key policy is longer than the maximum of {LONGEST} bytes."
            )));
        }
        let parsed = identity::policy::Policy::parse(text, identity::policy::PolicyKind::Resource);
        parsed.map_err(|wrong| errors::malformed_policy(wrong.to_string()))?;
        if bypass {
            return Ok(());
        }
        let policy = self.policies.resource_policy(text)?;
        let mut guard = Guard::resource(key::arn(account, ctx.region(), id))
            .action("kms:PutKeyPolicy")
            .policy(Some(policy))
            .with("kms:calleraccount", vec![account.to_string()]);
        guard.resource_must_allow = true;
        ctx.authorize(&kms_api::SERVICE, &guard).map_err(|_| errors::locked_out())
    }
}
