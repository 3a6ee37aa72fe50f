//! DecodeAuthorizationMessage: why a call was denied, from the message that the denial carries.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use shapes::ApiError;
use sts_api::op::DecodeAuthorizationMessage;
use sts_api::{DecodeAuthorizationMessageInput, DecodeAuthorizationMessageOutput};

use crate::{Iam, authorization_message};

impl Handle<DecodeAuthorizationMessage> for Iam {
    async fn handle(
        self: &Arc<Self>,
        ctx: &Ctx,
        input: DecodeAuthorizationMessageInput,
    ) -> Result<DecodeAuthorizationMessageOutput, ApiError> {
        let decoded = authorization_message::open(&self.cloud, ctx.account(), &input.encoded_message)?;
        let invalid = || ApiError::sender("InvalidAuthorizationMessageException", "Message is not valid");
        Ok(DecodeAuthorizationMessageOutput { decoded_message: Some(decoded.ok_or_else(invalid)?) })
    }
}
