//! GetAccount and UpdateAccount.

use apigateway_api as api;
use serde_json::json;
use shapes::ApiError;

use super::{change, tell};
use crate::rows::Account;
use crate::tables::ACCOUNTS;
use crate::{document, errors, patch};

tell!(GetAccount, |ctx, _| described(&ACCOUNTS.find(&mut ctx.read()?, &())?.unwrap_or_default()));

change!(UpdateAccount, |_, tx, input| {
    let known = ACCOUNTS.find(tx, &())?.unwrap_or_default();
    let operations = input.patch_operations.as_deref();
    let mut account: Account = patch::patched(&known, operations, patch::fields::ACCOUNT)?;
    account.cloudwatch_role_arn = account.cloudwatch_role_arn.filter(|arn| !arn.is_empty());
    if account.cloudwatch_role_arn.as_deref().is_some_and(|arn| !arn.starts_with("arn:")) {
        return Err(errors::bad_request("The role ARN does not have required permissions configured."));
    }
    ACCOUNTS.put(tx, &(), &account);
    described(&account)
});

fn described(account: &Account) -> Result<api::Account, ApiError> {
    let mut document = json!({
        "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    });
    if let Some(arn) = &account.cloudwatch_role_arn {
        document["cloudwatchRoleArn"] = arn.as_str().into();
    }
    Ok(document::answer(&document))
}
