//! GetAccessKeyInfo: the account of an access key.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use identity::credentials::developer_principal;
use shapes::ApiError;
use sts_api::op::GetAccessKeyInfo;
use sts_api::{GetAccessKeyInfoInput, GetAccessKeyInfoOutput};

use crate::{Iam, errors};

impl Handle<GetAccessKeyInfo> for Iam {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: GetAccessKeyInfoInput,
    ) -> Result<GetAccessKeyInfoOutput, ApiError> {
        let known = ctx.cloud().directory()?.credential(&input.access_key_id)?;
        let account = match known {
            Some(credential) => credential.actor.principal.account(),
            None if ctx.cloud().settings().is_strict => None,
            None => developer_principal(&input.access_key_id).account(),
        };
        let not_found = || errors::invalid(format!("The access key {} is not known.", input.access_key_id));
        Ok(GetAccessKeyInfoOutput { account: Some(account.ok_or_else(not_found)?.to_string()) })
    }
}
