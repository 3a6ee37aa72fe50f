//! ListOriginationNumbers. Numbers are bought elsewhere, of which there is nothing here: no account has any.

use std::sync::Arc;

use cloud::{Ctx, Handle};
use shapes::ApiError;
use sns_api::op::ListOriginationNumbers;
use sns_api::{ListOriginationNumbersInput, ListOriginationNumbersOutput};

use crate::{Sns, errors};

impl Handle<ListOriginationNumbers> for Sns {
    async fn handle(
        self: &Arc<Self>,
        _: &Ctx,
        input: ListOriginationNumbersInput,
    ) -> Result<ListOriginationNumbersOutput, ApiError> {
        match input.next_token {
            // Nobody was ever given a token.
            Some(_) => Err(errors::invalid("NextToken")),
            None => Ok(ListOriginationNumbersOutput { phone_numbers: Some(Vec::new()), next_token: None }),
        }
    }
}
